//! Finds the passages for a question.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::embed::{Embedder, cosine};
use super::{KnowledgeConfig, Strategy, words};
use crate::app::App;
use crate::fail::Fail;
use crate::store::{FoundChunk, Unit, number};

/// Candidates of each way of looking, before they are ranked together.
const CANDIDATES: usize = 50;
/// Ranks count less the further down they are (reciprocal rank fusion; the usual constant).
const FUSION: f64 = 60.0;
/// Words in common that are not worth telling.
const LEAST_WORDS: f64 = 0.1;

/// A passage that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Passage {
    pub(crate) document: i64,
    /// The name of the document.
    pub(crate) name: String,
    pub(crate) text: String,
    /// How well it fits, from 0 to 1.
    pub(crate) score: f64,
}

/// The passages for a question, best first; only from datasets of that space.
pub(crate) async fn recall(
    app: &App,
    space: i64,
    config: &KnowledgeConfig,
    question: &str,
) -> Result<Vec<Passage>, Fail> {
    let datasets: Vec<i64> = config.datasets.iter().map(|id| number(id)).collect();
    if datasets.is_empty() || question.trim().is_empty() {
        return Ok(Vec::new());
    }
    let vector = match config.strategy {
        Strategy::FullText => None,
        Strategy::Semantic | Strategy::Hybrid => meaning(app, question).await,
    };
    let search = Search {
        space,
        datasets,
        words: words::question(question),
        by_words: config.strategy != Strategy::Semantic || vector.is_none(),
        vector,
        limit: config.top_k,
        min_score: config.min_score,
    };
    app.db.read(move |unit| search.run(unit)).await
}

/// Counts a hit for each document that something was found in.
pub(crate) async fn count_hits(app: &App, passages: &[Passage]) -> Result<(), Fail> {
    let documents: BTreeSet<i64> = passages.iter().map(|it| it.document).collect();
    if documents.is_empty() {
        return Ok(());
    }
    let documents: Vec<i64> = documents.into_iter().collect();
    app.db
        .write(move |unit| Ok::<_, Fail>(unit.count_hits(&documents)?))
        .await
}

/// The passages as the service words them in a message.
pub(crate) fn slices(passages: &[Passage]) -> String {
    let slices = passages.iter().enumerate();
    let slices = slices.map(|(at, it)| format!("---\nrecall slice {}:{}\n", at + 1, it.text));
    slices.collect()
}

/// The vector of a question, if there is a model for it and it answers.
async fn meaning(app: &App, question: &str) -> Option<(String, Vec<f32>)> {
    let embedder: Arc<Embedder> = app.configured().embedder.clone()?;
    match embedder.embed(&[question.to_owned()]).await {
        Ok(mut vectors) => Some((embedder.name().to_owned(), vectors.pop()?)),
        Err(why) => {
            tracing::warn!(why, "the question is looked up by its words alone");
            None
        }
    }
}

struct Search {
    space: i64,
    datasets: Vec<i64>,
    words: Vec<words::Word>,
    by_words: bool,
    /// What made the vector, and the vector.
    vector: Option<(String, Vec<f32>)>,
    limit: usize,
    min_score: Option<f64>,
}

/// A chunk, its rank among all ways of looking, and how well it fits.
struct Candidate {
    chunk: FoundChunk,
    rank: f64,
    score: f64,
}

impl Search {
    fn run(mut self, unit: &dyn Unit) -> Result<Vec<Passage>, Fail> {
        let mut datasets = Vec::new();
        for id in self.datasets {
            let found = unit.dataset(id)?;
            if found.is_some_and(|it| it.space == self.space) {
                datasets.push(id);
            }
        }
        self.datasets = datasets;
        let mut candidates = HashMap::<i64, Candidate>::new();
        let mut enter = |chunk: FoundChunk, at: usize, score: f64| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let rank = 1.0 / (FUSION + at as f64);
            let entry = candidates.entry(chunk.id).or_insert(Candidate {
                chunk,
                rank: 0.0,
                score: 0.0,
            });
            entry.rank += rank;
            entry.score = entry.score.max(score);
        };
        if self.by_words {
            let wanted = words::wanted(&self.words);
            let found = unit.chunks_by_words(&self.datasets, &wanted, CANDIDATES)?;
            for (at, chunk) in found.into_iter().enumerate() {
                let score = words::coverage(&self.words, &chunk.text);
                if score >= self.min_score.unwrap_or(LEAST_WORDS) {
                    enter(chunk, at, score);
                }
            }
        }
        for (at, (chunk, score)) in self.nearest(unit)?.into_iter().enumerate() {
            if score >= self.min_score.unwrap_or(0.0) {
                enter(chunk, at, score);
            }
        }
        let mut found: Vec<_> = candidates.into_values().collect();
        found.sort_by(|one, other| {
            let rank = other.rank.partial_cmp(&one.rank);
            let rank = rank.unwrap_or(Ordering::Equal);
            rank.then(one.chunk.id.cmp(&other.chunk.id))
        });
        found.truncate(self.limit);
        let mut passages = Vec::new();
        for it in found {
            let document = unit.document(it.chunk.document)?;
            passages.push(Passage {
                document: it.chunk.document,
                name: document.map(|it| it.name).unwrap_or_default(),
                text: it.chunk.text,
                score: it.score,
            });
        }
        Ok(passages)
    }

    /// The chunks whose vectors are nearest, exactly: every vector is looked at.
    fn nearest(&self, unit: &dyn Unit) -> Result<Vec<(FoundChunk, f64)>, Fail> {
        let Some((model, vector)) = &self.vector else {
            return Ok(Vec::new());
        };
        let mut nearest: Vec<(f32, i64)> = Vec::new();
        unit.each_vector(&self.datasets, model, &mut |id, stored| {
            if let Some(score) = cosine(vector, stored) {
                nearest.push((score, id));
            }
        })?;
        nearest.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        nearest.truncate(CANDIDATES);
        let ids: Vec<i64> = nearest.iter().map(|(_, id)| *id).collect();
        let chunks = unit.chunks_by_id(&ids)?;
        let scores: HashMap<i64, f32> = nearest.into_iter().map(|(it, id)| (id, it)).collect();
        let scored = chunks.into_iter().map(|chunk| {
            let score = scores.get(&chunk.id).copied().unwrap_or_default();
            (chunk, f64::from(score).clamp(0.0, 1.0))
        });
        Ok(scored.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_worded_as_the_service_does() {
        let passage = |text: &str| Passage {
            text: text.to_owned(),
            ..Passage::default()
        };
        assert_eq!(slices(&[]), "");
        assert_eq!(
            slices(&[passage("one"), passage("two\nlines")]),
            "---\nrecall slice 1:one\n---\nrecall slice 2:two\nlines\n"
        );
    }
}
