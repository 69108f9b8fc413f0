//! The tables of chunks: their texts, their words for full text, their vectors.

use rusqlite::params;

use super::Result;
use super::datasets::row_count;
use super::sqlite::Sqlite;

/// A chunk that is to be kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NewChunk {
    pub(crate) text: String,
    /// Its words with spaces between them, as a search will look for them.
    pub(crate) words: String,
    /// Of length 1; none when there is no model for it.
    pub(crate) vector: Option<Vec<f32>>,
}

/// A chunk that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FoundChunk {
    pub(crate) id: i64,
    pub(crate) document: i64,
    pub(crate) text: String,
}

/// The tables of chunks. Only chunks of documents that are done are found.
pub(crate) trait Chunks {
    /// Adds chunks to a document; `model` made their vectors.
    fn add_chunks(
        &self,
        dataset: i64,
        document: i64,
        model: &str,
        chunks: &[NewChunk],
    ) -> Result<()>;
    fn delete_chunks(&self, document: i64) -> Result<()>;
    /// The texts of a document, in their order.
    fn chunk_texts(&self, document: i64) -> Result<Vec<(i64, String)>>;
    /// The chunks that have one of the words, the best ones first.
    fn chunks_by_words(
        &self,
        datasets: &[i64],
        words: &[String],
        limit: usize,
    ) -> Result<Vec<FoundChunk>>;
    /// Hands every vector of the datasets that this model made to `look`, in no order.
    fn each_vector(
        &self,
        datasets: &[i64],
        model: &str,
        look: &mut dyn FnMut(i64, &[u8]),
    ) -> Result<()>;
    fn chunks_by_id(&self, ids: &[i64]) -> Result<Vec<FoundChunk>>;
    /// A document that is done and has chunks without a vector of this model.
    fn document_without_vectors(&self, model: &str) -> Result<Option<i64>>;
    /// Keeps vectors of chunks that are there.
    fn put_vectors(&self, model: &str, vectors: &[(i64, Vec<f32>)]) -> Result<()>;
}

impl Chunks for Sqlite<'_> {
    fn add_chunks(
        &self,
        dataset: i64,
        document: i64,
        model: &str,
        chunks: &[NewChunk],
    ) -> Result<()> {
        let mut insert = self
            .0
            .prepare_cached("INSERT INTO chunk (document_id, text) VALUES (?1, ?2)")?;
        let mut index = self.0.prepare_cached(
            "INSERT INTO chunk_words (rowid, dataset, words) VALUES (?1, ?2, ?3)",
        )?;
        for chunk in chunks {
            let id = insert.insert(params![document, chunk.text])?;
            index.execute(params![id, dataset.to_string(), chunk.words])?;
            if let Some(vector) = &chunk.vector {
                self.put_vector(id, model, vector)?;
            }
        }
        Ok(())
    }

    fn delete_chunks(&self, document: i64) -> Result<()> {
        self.0
            .execute("DELETE FROM chunk WHERE document_id = ?1", [document])?;
        Ok(())
    }

    fn chunk_texts(&self, document: i64) -> Result<Vec<(i64, String)>> {
        let mut select = self
            .0
            .prepare_cached("SELECT id, text FROM chunk WHERE document_id = ?1 ORDER BY id")?;
        let rows = select.query_map([document], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn chunks_by_words(
        &self,
        datasets: &[i64],
        words: &[String],
        limit: usize,
    ) -> Result<Vec<FoundChunk>> {
        if datasets.is_empty() || words.is_empty() {
            return Ok(Vec::new());
        }
        // In quotes a word is a word, whatever stands in it; quotes themselves are no part of any.
        let any = |words: &mut dyn Iterator<Item = String>| {
            let quoted = words.map(|word| format!("\"{}\"", word.replace('"', "")));
            quoted.collect::<Vec<_>>().join(" OR ")
        };
        let wanted = format!(
            "dataset : ({}) AND words : ({})",
            any(&mut datasets.iter().map(i64::to_string)),
            any(&mut words.iter().cloned()),
        );
        // The texts are read of the best ones only: a question may match most chunks.
        let mut select = self.0.prepare_cached(
            "SELECT chunk.id, chunk.document_id, chunk.text FROM ( \
                 SELECT chunk_words.rowid AS id, bm25(chunk_words, 0.0, 1.0) AS fit \
                 FROM chunk_words JOIN chunk ON chunk.id = chunk_words.rowid \
                 JOIN document ON document.id = chunk.document_id \
                 WHERE chunk_words MATCH ?1 AND document.status = 1 \
                 ORDER BY fit, chunk.id LIMIT ?2 \
             ) AS best JOIN chunk ON chunk.id = best.id ORDER BY best.fit, best.id",
        )?;
        let rows = select.query_map(params![wanted, row_count(limit)], found)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn each_vector(
        &self,
        datasets: &[i64],
        model: &str,
        look: &mut dyn FnMut(i64, &[u8]),
    ) -> Result<()> {
        let mut select = self.0.prepare_cached(
            "SELECT chunk.id, chunk_vector.vector FROM document \
             JOIN chunk ON chunk.document_id = document.id \
             JOIN chunk_vector ON chunk_vector.chunk_id = chunk.id \
             WHERE document.dataset_id = ?1 AND document.status = 1 AND chunk_vector.model = ?2",
        )?;
        for dataset in datasets {
            let mut rows = select.query(params![dataset, model])?;
            while let Some(row) = rows.next()? {
                let vector = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                look(row.get(0)?, vector);
            }
        }
        Ok(())
    }

    fn chunks_by_id(&self, ids: &[i64]) -> Result<Vec<FoundChunk>> {
        let mut select = self
            .0
            .prepare_cached("SELECT id, document_id, text FROM chunk WHERE id = ?1")?;
        let mut chunks = Vec::new();
        for id in ids {
            let rows = select.query_map([id], found)?;
            for chunk in rows {
                chunks.push(chunk?);
            }
        }
        Ok(chunks)
    }

    fn document_without_vectors(&self, model: &str) -> Result<Option<i64>> {
        let mut select = self.0.prepare_cached(
            "SELECT min(document.id) FROM document JOIN chunk ON chunk.document_id = document.id \
             LEFT JOIN chunk_vector ON chunk_vector.chunk_id = chunk.id \
             AND chunk_vector.model = ?1 \
             WHERE document.status = 1 AND chunk_vector.chunk_id IS NULL",
        )?;
        Ok(select.query_row([model], |row| row.get(0))?)
    }

    fn put_vectors(&self, model: &str, vectors: &[(i64, Vec<f32>)]) -> Result<()> {
        for (id, vector) in vectors {
            self.put_vector(*id, model, vector)?;
        }
        Ok(())
    }
}

impl Sqlite<'_> {
    fn put_vector(&self, chunk: i64, model: &str, vector: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = vector.iter().flat_map(|it| it.to_le_bytes()).collect();
        // The chunk may have been removed while its vector was made.
        let mut insert = self.0.prepare_cached(
            "INSERT OR REPLACE INTO chunk_vector (chunk_id, model, vector) \
             SELECT id, ?2, ?3 FROM chunk WHERE id = ?1",
        )?;
        insert.execute(params![chunk, model, bytes])?;
        Ok(())
    }
}

fn found(row: &rusqlite::Row<'_>) -> rusqlite::Result<FoundChunk> {
    Ok(FoundChunk {
        id: row.get(0)?,
        document: row.get(1)?,
        text: row.get(2)?,
    })
}
