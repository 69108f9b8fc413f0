//! Vectors of texts, from an OpenAI-compatible endpoint.

use std::time::Duration;

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::EmbeddingsConfig;

/// Texts of one request.
pub(crate) const BATCH: usize = 32;
/// Tries of one request, and the pause in front of the second one, doubled for the next.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);
const TIME: Duration = Duration::from_secs(60);
/// Products that are summed beside each other.
const LANES: usize = 16;

/// A model for embeddings.
#[derive(Debug)]
pub(crate) struct Embedder {
    client: Client,
    url: String,
    config: EmbeddingsConfig,
    /// Names the model and the length of its vectors.
    name: String,
}

impl Embedder {
    /// # Errors
    /// The address is none.
    pub(crate) fn new(config: &EmbeddingsConfig) -> Result<Self, String> {
        let url = format!("{}/embeddings", config.base_url.trim_end_matches('/'));
        reqwest::Url::parse(&url)
            .map_err(|error| format!("embeddings: base_url {:?}: {error}", config.base_url))?;
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect could carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME)
            .build()
            .map_err(|error| error.to_string())?;
        let length = config.dimensions.map(|it| format!("/{it}"));
        Ok(Self {
            client,
            url,
            name: format!("{}{}", config.model, length.unwrap_or_default()),
            config: config.clone(),
        })
    }

    /// What made a vector; others do not compare with it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A vector of length 1 for each text.
    ///
    /// # Errors
    /// Why there are none, in words for whoever set the endpoint up.
    pub(crate) async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, String> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.try_embed(texts).await {
                Ok(vectors) => return Ok(vectors),
                Err(Failure { why, again }) if !again || attempt >= TRIES => {
                    return Err(format!("embeddings of {}: {why}", self.config.model));
                }
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        Ok(Vec::new())
    }

    async fn try_embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Failure> {
        let mut body = json!({
            "model": self.config.model, "input": texts, "encoding_format": "float",
        });
        if let (Some(length), Value::Object(body)) = (self.config.dimensions, &mut body) {
            body.insert("dimensions".to_owned(), length.into());
        }
        let mut request = self.client.post(&self.url).json(&body);
        if let Some(name) = &self.config.api_key_env {
            let key = std::env::var(name).map_err(|_| {
                Failure::last(format!("the environment variable {name} is not set"))
            })?;
            request = request.bearer_auth(key);
        }
        let response = request
            .send()
            .await
            .map_err(|error| Failure::again(cause(&error)))?;
        let status = response.status();
        if !status.is_success() {
            let why = format!("the endpoint answered with HTTP status {status}");
            let again = status.is_server_error() || status.as_u16() == 429;
            return Err(Failure { why, again });
        }
        let reply: Reply = response
            .json()
            .await
            .map_err(|error| Failure::last(format!("the answer is not understood: {error}")))?;
        vectors(reply, texts.len()).map_err(Failure::last)
    }
}

struct Failure {
    why: String,
    again: bool,
}

impl Failure {
    fn last(why: String) -> Self {
        Self { why, again: false }
    }
    fn again(why: String) -> Self {
        Self { why, again: true }
    }
}

/// The innermost reason, which is the one that tells.
fn cause(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    index: Option<usize>,
    embedding: Vec<f32>,
}

fn vectors(reply: Reply, count: usize) -> Result<Vec<Vec<f32>>, String> {
    let given = reply.data.len();
    let mut vectors = vec![Vec::new(); count];
    for (at, entry) in reply.data.into_iter().enumerate() {
        if let Some(vector) = vectors.get_mut(entry.index.unwrap_or(at)) {
            *vector = unit(entry.embedding).ok_or("a vector has no direction")?;
        }
    }
    let length = vectors.first().map_or(0, Vec::len);
    if given != count || vectors.iter().any(|it| it.is_empty() || it.len() != length) {
        return Err(format!(
            "the answer has {given} vectors for {count} texts, or they differ in length"
        ));
    }
    Ok(vectors)
}

/// The vector of length 1 in the same direction.
fn unit(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    if !length.is_finite() || length <= 0.0 {
        return None;
    }
    vector.iter_mut().for_each(|it| *it /= length);
    Some(vector)
}

/// How alike two directions are, from -1 to 1: `stored` is as the store has it.
pub(super) fn cosine(vector: &[f32], stored: &[u8]) -> Option<f32> {
    if stored.len() != vector.len() * 4 {
        return None;
    }
    // In lanes, so that the machine takes several numbers at a time.
    let mut sums = [0.0; LANES];
    let lanes = vector.chunks(LANES).zip(stored.chunks(LANES * 4));
    for (numbers, bytes) in lanes {
        let pairs = numbers.iter().zip(bytes.as_chunks::<4>().0);
        for (sum, (one, other)) in sums.iter_mut().zip(pairs) {
            *sum += one * f32::from_le_bytes(*other);
        }
    }
    Some(sums.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts_and_with_length_1() {
        let reply = |text: &str| serde_json::from_str::<Reply>(text).unwrap();
        let two = r#"{"data":[{"index":1,"embedding":[0,2]},{"index":0,"embedding":[3,4]}]}"#;
        assert_eq!(vectors(reply(two), 2).unwrap(), [[0.6, 0.8], [0.0, 1.0]]);
        for (text, count) in [
            (two, 1),
            (two, 3),
            (r#"{"data":[{"embedding":[0,0]}]}"#, 1),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1,2]}]}"#, 2),
            (r#"{"data":[]}"#, 1),
        ] {
            assert!(vectors(reply(text), count).is_err(), "{text} {count}");
        }
    }

    #[test]
    fn a_cosine_needs_vectors_of_one_length() {
        let stored: Vec<u8> = [0.6f32, 0.8]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        assert!((cosine(&[0.6, 0.8], &stored).unwrap() - 1.0).abs() < 1e-6);
        assert!((cosine(&[1.0, 0.0], &stored).unwrap() - 0.6).abs() < 1e-6);
        assert_eq!(cosine(&[1.0], &stored), None);
    }
}
