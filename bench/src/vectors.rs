//! Vectors of texts, as an endpoint for embeddings makes them: always the same one for the same text.

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The path of the endpoint.
pub(crate) const PATH: &str = "/v1/embeddings";
/// The length of a vector: that of many models.
pub(crate) const LENGTH: usize = 1024;

/// The answer to a request.
pub(crate) fn reply(body: &[u8]) -> Result<String> {
    let body: Value = serde_json::from_slice(body)?;
    let texts = body["input"].as_array().context("no texts")?;
    let data = texts.iter().enumerate().map(|(index, text)| {
        let text = text.as_str().unwrap_or_default();
        json!({"object": "embedding", "index": index, "embedding": vector(text)})
    });
    let data: Vec<Value> = data.collect();
    Ok(json!({"object": "list", "data": data, "model": "bench"}).to_string())
}

/// Its numbers are whole, which keeps the answer short; only their direction counts.
pub(crate) fn vector(text: &str) -> Vec<i16> {
    // FNV-1a, then xorshift.
    let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i16::try_from(state % 2_000).unwrap_or(0) - 1_000
    };
    (0..LENGTH).map(|_| next()).collect()
}
