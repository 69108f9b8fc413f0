//! What `coze.yaml` says about knowledge.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Misfit, Space};

/// What an agent looks up before it answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeConfig {
    /// Ids of datasets.
    #[serde(deserialize_with = "crate::config::ids")]
    #[schemars(schema_with = "crate::config::schema::ids")]
    pub datasets: Vec<String>,
    /// The most passages that are handed to the model; 3 by default.
    #[serde(default = "top_k")]
    pub top_k: usize,
    /// From 0 to 1: passages that fit less are left out.
    pub min_score: Option<f64>,
    /// How passages are looked for.
    #[serde(default)]
    pub strategy: Strategy,
    /// Before each answer; otherwise when the model asks for it.
    #[serde(default = "yes")]
    pub auto: bool,
}

impl Default for KnowledgeConfig {
    fn default() -> Self {
        Self {
            datasets: Vec::new(),
            top_k: top_k(),
            min_score: None,
            strategy: Strategy::default(),
            auto: true,
        }
    }
}

impl KnowledgeConfig {
    /// There is something to look up, and the model asks for it by a tool.
    pub(crate) fn is_tool(&self) -> bool {
        !self.auto && !self.datasets.is_empty()
    }

    /// What the API says; it knows no more than this.
    pub(crate) fn of_api(api: &coze_types::bots::KnowledgeConfig) -> Self {
        let datasets = api.dataset_ids.iter().flatten();
        let strategy = api.search_strategy.unwrap_or_default();
        Self {
            datasets: datasets.map(|id| id.as_str().to_owned()).collect(),
            strategy: Strategy::from_number(strategy.value()).unwrap_or_default(),
            auto: api.auto_call.unwrap_or(true),
            ..Self::default()
        }
    }

    pub(crate) fn to_api(&self) -> coze_types::bots::KnowledgeConfig {
        if self.datasets.is_empty() {
            return coze_types::bots::KnowledgeConfig::default();
        }
        let number = match self.strategy {
            Strategy::Semantic => 0,
            Strategy::Hybrid => 1,
            Strategy::FullText => 20,
        };
        coze_types::bots::KnowledgeConfig {
            dataset_ids: Some(self.datasets.iter().map(|it| it.as_str().into()).collect()),
            auto_call: Some(self.auto),
            search_strategy: Some(number.into()),
        }
    }
}

/// How passages are looked for. Without a model for embeddings every way is full text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// By meaning.
    Semantic,
    /// Both, ranked together.
    #[default]
    Hybrid,
    /// By words.
    FullText,
}

impl Strategy {
    /// The number of the API: 0 semantic, 1 hybrid, 20 full text.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Semantic),
            1 => Some(Self::Hybrid),
            20 => Some(Self::FullText),
            _ => None,
        }
    }
}

/// A folder of documents that becomes a dataset.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetConfig {
    /// Digits; quote it, YAML would read a number.
    #[serde(deserialize_with = "crate::config::id")]
    #[schemars(schema_with = "crate::config::schema::id")]
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The documents, with those of the folders in it; looked for beside `coze.yaml`.
    pub folder: PathBuf,
    /// Name or id of its workspace; the local one by default.
    pub space: Option<String>,
    /// How texts are split; by the rules of the server when left out.
    pub chunk: Option<ChunkConfig>,
}

/// How texts are split.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChunkConfig {
    /// Where to split.
    pub separator: String,
    /// The longest chunk, in tokens.
    pub max_tokens: i64,
    /// Runs of spaces, line ends and tabs become one space.
    #[serde(default)]
    pub remove_extra_spaces: bool,
    /// URLs and mail addresses are taken out.
    #[serde(default)]
    pub remove_urls_emails: bool,
}

/// An OpenAI-compatible endpoint that makes vectors of texts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsConfig {
    /// Up to and including `/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// The length of a vector, for models that can choose it.
    pub dimensions: Option<u32>,
}

fn top_k() -> usize {
    3
}

fn yes() -> bool {
    true
}

/// What does not fit together, and where.
pub(crate) fn check(space: &Space) -> Result<(), Misfit> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, dataset) in space.datasets.iter().enumerate() {
        let place = format!("datasets[{index}]");
        let misfit = |key: &str, why: String| {
            let why = format!("datasets: {}: {why}", dataset.name);
            Err(Misfit::new(format!("{place}.{key}"), why))
        };
        if !seen.insert(dataset.id.as_str()) {
            return misfit("id", format!("the id {} stands twice", dataset.id));
        }
        if let Err(why) = space.space_or_local(dataset.space.as_deref()) {
            return misfit("space", why);
        }
        if let Some(chunk) = &dataset.chunk {
            if chunk.separator.is_empty() {
                return misfit("chunk.separator", "separator is empty".to_owned());
            }
            if !(100..=2000).contains(&chunk.max_tokens) {
                let why = format!("max_tokens {} is not 100 to 2000", chunk.max_tokens);
                return misfit("chunk.max_tokens", why);
            }
        }
    }
    for (index, bot) in space.bots.iter().enumerate() {
        let misfit = |key: &str, why: String| {
            let why = format!("bots: {}: knowledge: {why}", bot.name);
            Err(Misfit::new(format!("bots[{index}].knowledge.{key}"), why))
        };
        let knowledge = &bot.knowledge;
        if !(1..=20).contains(&knowledge.top_k) {
            return misfit("top_k", format!("top_k {} is not 1 to 20", knowledge.top_k));
        }
        let score = knowledge.min_score.unwrap_or_default();
        if !(0.0..=1.0).contains(&score) {
            return misfit("min_score", format!("min_score {score} is not 0 to 1"));
        }
        for (at, id) in knowledge.datasets.iter().enumerate() {
            let declared = space.datasets.iter().find(|it| it.id == *id);
            if declared.is_some_and(|it| space.differ(it.space.as_deref(), bot.space.as_deref())) {
                let why = format!("the dataset {id} belongs to another workspace");
                return misfit(&format!("datasets[{at}]"), why);
            }
        }
    }
    Ok(())
}
