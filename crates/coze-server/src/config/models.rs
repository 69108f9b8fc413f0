//! The models of a `coze.yaml`: where answers come from, and how long they are waited for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{id, schema};
use crate::models::ScriptRule;

/// A model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "provider", rename_all = "lowercase")]
pub enum ModelConfig {
    /// The built-in deterministic model, with a script for tests.
    Offline(OfflineConfig),
    /// Any endpoint that speaks OpenAI's chat completions.
    OpenAi(OpenAiConfig),
    /// An agent of a Coze account.
    Coze(CozeConfig),
}

/// Settings of the built-in model.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflineConfig {
    /// Rules, of which the first that matches the last message is followed.
    #[serde(default)]
    pub script: Vec<ScriptRule>,
}

/// Settings of an OpenAI-compatible model.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// Up to and including `/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// Spread.
    pub temperature: Option<f64>,
    /// Longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Seconds to the first byte of an answer and between two of them; 120 by default. `timeouts`
    /// says it more exactly.
    pub timeout_s: Option<u64>,
    /// How long it is waited for.
    #[serde(default)]
    pub timeouts: TimeoutsConfig,
    /// Asks once more when a call breaks before anything of the answer was there; true by default.
    #[serde(default = "yes")]
    pub retry: bool,
}

/// Settings of a model that is an agent of a Coze account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CozeConfig {
    /// The agent there. Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "id")]
    #[schemars(schema_with = "schema::id")]
    pub bot_id: String,
    /// The environment variable that holds the access token.
    pub token_env: String,
    /// The address of the API; `https://api.coze.cn` by default.
    #[serde(default = "cn")]
    pub base_url: String,
    /// How long it is waited for.
    #[serde(default)]
    pub timeouts: TimeoutsConfig,
    /// Asks once more when a call breaks before anything of the answer was there; true by default.
    #[serde(default = "yes")]
    pub retry: bool,
}

/// How long a model is waited for, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeoutsConfig {
    /// For a connection; 10 by default.
    #[schemars(range(min = 1))]
    pub connect_s: Option<u64>,
    /// To the beginning of an answer; 120 by default.
    #[schemars(range(min = 1))]
    pub first_byte_s: Option<u64>,
    /// Between two pieces of an answer; 120 by default.
    #[schemars(range(min = 1))]
    pub silence_s: Option<u64>,
    /// For a whole answer, with all attempts; 600 by default.
    #[schemars(range(min = 1))]
    pub total_s: Option<u64>,
}

fn yes() -> bool {
    true
}

fn cn() -> String {
    "https://api.coze.cn".to_owned()
}

/// How long a model is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) silence: Duration,
    pub(crate) total: Duration,
}

impl TimeoutsConfig {
    /// With the defaults; `usual` takes the place of those for the first byte and for silence.
    pub(crate) fn waits(&self, usual: Option<u64>) -> Waits {
        let usual = usual.unwrap_or(120);
        let seconds = |given: Option<u64>, default| Duration::from_secs(given.unwrap_or(default));
        Waits {
            connect: seconds(self.connect_s, 10),
            first_byte: seconds(self.first_byte_s, usual),
            silence: seconds(self.silence_s, usual),
            total: seconds(self.total_s, 600),
        }
    }

    /// The key that cannot be, if there is one.
    pub(crate) fn zero(&self) -> Option<&'static str> {
        let all = [
            ("connect_s", self.connect_s),
            ("first_byte_s", self.first_byte_s),
            ("silence_s", self.silence_s),
            ("total_s", self.total_s),
        ];
        let zero = all.into_iter().find(|(_, given)| *given == Some(0));
        zero.map(|(key, _)| key)
    }
}
