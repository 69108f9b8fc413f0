//! Knowledge: what is in documents, cut into chunks, indexed, and found again.
//!
//! A document waits in the store until [`indexing`] comes to it: its bytes become text
//! ([`extract`]), the text becomes chunks ([`split`]), the chunks become words ([`words`]) and,
//! where a model for it is configured, vectors ([`embed`]). [`recall`] finds the passages for a
//! question.

mod config;
mod embed;
mod extract;
mod folder;
mod indexing;
mod recall;
mod split;
mod words;

pub(crate) use config::check;
pub use config::{ChunkConfig, DatasetConfig, EmbeddingsConfig, KnowledgeConfig, Strategy};
pub(crate) use embed::Embedder;
pub(crate) use extract::{Kind, kind_of};
pub(crate) use folder::{Declared, declared};
pub(crate) use indexing::{retell, start};
pub(crate) use recall::{Passage, count_hits, recall, slices};
