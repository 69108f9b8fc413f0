//! Passages for a question, from a dataset of 10,000 chunks: by words, by meaning, both.
//!
//! What is timed is the run of a workflow with one search node, from the request to the answer, so that
//! the HTTP call and what a run writes down are in it. Beside it stands the least that can be done with
//! the same data: the same words in the same index, by SQLite's own ranking; every vector read
//! and compared; both one after the other.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::block_on;
use super::served::{Served, remove};
use crate::figures::{Figure, Target};
use crate::process::Server;
use crate::scenarios::{Plan, float, millis};
use crate::vectors;
use crate::wire::Wire;

const TIME: Target = Target::AtMost(50.0);
const DATASET: &str = "7500000000000000401";
/// A workflow that does nothing.
const NOTHING: &str = "7500000000000000500";
/// The ways of looking: name, workflow, the number of the strategy.
const WAYS: [(&str, &str, i64); 3] = [
    ("by words", "7500000000000000501", 20),
    ("by meaning", "7500000000000000502", 0),
    ("both", "7500000000000000503", 1),
];
const NAME: &str = "knowledge";
/// Documents that the chunks come in.
const DOCUMENTS: usize = 10;
/// Words of a chunk and of a question, and different ones in all.
const WORDS: usize = 60;
const ASKED: usize = 6;
const VOCABULARY: u64 = 5_000;
const QUESTIONS: usize = 50;
/// The longest that the chunks may take to be indexed.
const PATIENCE: Duration = Duration::from_secs(600);

/// Measures.
pub(crate) fn run(plan: &Plan, peer: &Server) -> Result<Vec<Figure>> {
    let home = Served::home(plan, NAME)?;
    write_documents(&home, plan.chunks)?;
    for (_, workflow, strategy) in WAYS {
        fs::write(
            home.join(format!("{workflow}.json")),
            search(strategy).to_string(),
        )?;
    }
    fs::write(home.join(format!("{NOTHING}.json")), nothing().to_string())?;
    let begun = Instant::now();
    let served = Served::with(plan, NAME, &config(&peer.embeddings()))?;
    block_on(indexed(&served.base))?;
    let rate = float(u64::try_from(plan.chunks)?) / begun.elapsed().as_secs_f64();
    let raw = Raw::open(&served.database(), plan.chunks)?;
    let mut random = Random(7);
    let questions: Vec<String> = (0..QUESTIONS).map(|_| random.text(ASKED)).collect();

    let mut times = vec![(Vec::new(), Vec::new()); WAYS.len()];
    let mut empty = Vec::new();
    for _ in 0..plan.load_rounds.max(3) {
        for ((_, workflow, strategy), (times, raws)) in WAYS.iter().zip(&mut times) {
            times.push(block_on(ask(&served.base, workflow, &questions))?);
            raws.push(raw.ask(*strategy, &questions)?);
        }
        empty.push(block_on(ask(&served.base, NOTHING, &questions))?);
    }
    let mut figures = Vec::new();
    for ((way, ..), (times, raws)) in WAYS.iter().zip(times) {
        let name = format!("knowledge: passages {way}, 10,000 chunks");
        figures.push(Figure::beside(name, "ms", times, raws, Some(TIME)));
    }
    let name = "knowledge: a run that looks nothing up";
    figures.push(Figure::alone(name, "ms", empty, None));
    let name = "knowledge: indexing, with vectors";
    figures.push(Figure::alone(name, "chunks/s", vec![rate], None));
    let data = served.data.clone();
    drop(served);
    remove(&data);
    Ok(figures)
}

/// Numbers that are the same in each run (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A word; as in a language, a few of them are most of a text.
    fn word(&mut self) -> String {
        let (one, other) = (self.next() % VOCABULARY, self.next() % VOCABULARY);
        let mut number = one * other / VOCABULARY + 7;
        let mut word = String::new();
        while number > 0 {
            for (letters, count) in [("bdgklmnprtvz", 12), ("aiou", 4)] {
                let at = usize::try_from(number % count).unwrap_or(0);
                word.extend(letters.chars().nth(at));
                number /= count;
            }
        }
        // No ending that an index would take off.
        word.push('n');
        word
    }

    fn text(&mut self, words: usize) -> String {
        let words: Vec<String> = (0..words).map(|_| self.word()).collect();
        words.join(" ")
    }
}

fn write_documents(home: &Path, chunks: usize) -> Result<()> {
    let folder = home.join("documents");
    fs::create_dir_all(&folder)?;
    let mut random = Random(42);
    for document in 0..DOCUMENTS {
        let chunks: Vec<String> = (0..chunks / DOCUMENTS)
            .map(|_| random.text(WORDS))
            .collect();
        fs::write(folder.join(format!("{document}.txt")), chunks.join("\n\n"))?;
    }
    Ok(())
}

fn config(embeddings: &str) -> String {
    let workflows = WAYS.iter().map(|it| it.1).chain([NOTHING]);
    let workflows: Vec<Value> = workflows
        .map(|id| json!({"id": id, "name": format!("w{id}"), "file": format!("{id}.json")}))
        .collect();
    // JSON is YAML.
    json!({
        "embeddings": {"base_url": embeddings, "model": "bench"},
        "datasets": [{
            "id": DATASET, "name": "Bench", "folder": "documents",
            "chunk": {"separator": "\n\n", "max_tokens": 500},
        }],
        "workflows": workflows,
    })
    .to_string()
}

fn node(id: &str, kind: &str, data: &Value) -> Value {
    json!({"id": id, "type": kind, "meta": {"position": {"x": 0, "y": 0}}, "data": data})
}

fn reference(node: &str, name: &str) -> Value {
    let content = json!({"source": "block-output", "blockID": node, "name": name});
    json!({"type": "string", "value": {"type": "ref", "content": content}})
}

fn literal(kind: &str, content: &Value) -> Value {
    json!({"type": kind, "value": {"type": "literal", "content": content}})
}

fn start() -> Value {
    let outputs = json!([{"name": "question", "type": "string", "required": true}]);
    node(
        "100001",
        "1",
        &json!({"nodeMeta": {"title": "Start"}, "outputs": outputs}),
    )
}

fn end(output: &Value) -> Value {
    let inputs = json!({
        "terminatePlan": "returnVariables", "inputParameters": [{"name": "first", "input": output}],
    });
    node(
        "900001",
        "2",
        &json!({"nodeMeta": {"title": "End"}, "inputs": inputs}),
    )
}

/// A workflow with one search.
fn search(strategy: i64) -> Value {
    let list = json!({"type": "list", "schema": {"type": "string"},
        "value": {"type": "literal", "content": [DATASET]}});
    let inputs = json!({
        "inputParameters": [{"name": "Query", "input": reference("100001", "question")}],
        "datasetParam": [
            {"name": "datasetList", "input": list},
            {"name": "topK", "input": literal("integer", &json!(5))},
            {"name": "minScore", "input": literal("float", &json!(0))},
            {"name": "strategy", "input": literal("integer", &json!(strategy))},
        ],
    });
    let fields =
        json!([{"type": "string", "name": "documentId"}, {"type": "string", "name": "output"}]);
    let outputs = json!([{"type": "list", "name": "outputList",
        "schema": {"type": "object", "schema": fields}}]);
    let data = json!({"nodeMeta": {"title": "Search"}, "inputs": inputs, "outputs": outputs});
    json!({
        "nodes": [start(), node("110001", "6", &data), end(&reference("110001", "outputList.output"))],
        "edges": [
            {"sourceNodeID": "100001", "targetNodeID": "110001"},
            {"sourceNodeID": "110001", "targetNodeID": "900001"},
        ],
    })
}

fn nothing() -> Value {
    json!({
        "nodes": [start(), end(&reference("100001", "question"))],
        "edges": [{"sourceNodeID": "100001", "targetNodeID": "900001"}],
    })
}

/// Waits until all documents are done.
async fn indexed(base: &str) -> Result<()> {
    let mut wire = Wire::connect(base).await?;
    let begun = Instant::now();
    let path = format!("/open_api/knowledge/document/list?dataset_id={DATASET}&size=100");
    loop {
        let page: Value = serde_json::from_slice(&wire.call("GET", &path, "").await?)?;
        let documents = page["document_infos"].as_array().context("documents")?;
        let failed = documents.iter().find(|it| it["status"] == 9);
        ensure!(failed.is_none(), "a document failed: {failed:?}");
        if documents.len() == DOCUMENTS && documents.iter().all(|it| it["status"] == 1) {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "indexing does not end: {page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The median time of a run, in milliseconds.
async fn ask(base: &str, workflow: &str, questions: &[String]) -> Result<f64> {
    let mut wire = Wire::connect(base).await?;
    let mut times = Vec::new();
    for question in questions {
        let body = json!({"workflow_id": workflow, "parameters": {"question": question}});
        let body = body.to_string();
        let begun = Instant::now();
        let reply = wire.call("POST", "/v1/workflow/run", &body).await?;
        times.push(millis(begun.elapsed()));
        let reply: Value = serde_json::from_slice(&reply)?;
        let data: Value = serde_json::from_str(reply["data"].as_str().unwrap_or_default())?;
        let first = data["first"].as_str().unwrap_or_default();
        ensure!(first.len() >= ASKED, "nothing was found: {reply}");
    }
    median(times)
}

fn median(mut times: Vec<f64>) -> Result<f64> {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("no question")
}

/// The same data, without a server.
struct Raw {
    database: Connection,
}

impl Raw {
    fn open(path: &Path, chunks: usize) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = Connection::open_with_flags(path, flags)?;
        let count = "SELECT count(*) FROM chunk_vector";
        let vectors: i64 = database.query_row(count, [], |row| row.get(0))?;
        ensure!(
            vectors == i64::try_from(chunks)?,
            "{vectors} vectors for {chunks} chunks"
        );
        Ok(Self { database })
    }

    /// The median time of a question, in milliseconds.
    fn ask(&self, strategy: i64, questions: &[String]) -> Result<f64> {
        let mut times = Vec::new();
        for question in questions {
            let vector = vectors::vector(question);
            let begun = Instant::now();
            let mut found = 0;
            if strategy != 0 {
                found += self.by_words(question)?;
            }
            if strategy != 20 {
                found += self.by_meaning(&vector)?;
            }
            times.push(millis(begun.elapsed()));
            ensure!(found > 0, "nothing was found for {question}");
        }
        median(times)
    }

    fn by_words(&self, question: &str) -> Result<usize> {
        let words: Vec<String> = question.split(' ').map(|it| format!("\"{it}\"")).collect();
        let wanted = format!("words : ({})", words.join(" OR "));
        let mut select = self.database.prepare_cached(
            "SELECT rowid FROM chunk_words WHERE chunk_words MATCH ?1 ORDER BY rank LIMIT 5",
        )?;
        let rows = select.query_map([wanted], |row| row.get::<_, i64>(0))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.len())
    }

    fn by_meaning(&self, vector: &[i16]) -> Result<usize> {
        let vector: Vec<f32> = vector.iter().map(|it| f32::from(*it)).collect();
        let mut select = self
            .database
            .prepare_cached("SELECT chunk_id, vector FROM chunk_vector")?;
        let mut rows = select.query([])?;
        let mut best = Vec::new();
        while let Some(row) = rows.next()? {
            let stored = row.get_ref(1)?.as_blob()?;
            best.push((dot(&vector, stored), row.get::<_, i64>(0)?));
        }
        best.sort_by(|one, other| other.0.total_cmp(&one.0));
        best.truncate(5);
        Ok(best.len())
    }
}

/// In lanes, so that the machine takes several numbers at a time.
fn dot(vector: &[f32], stored: &[u8]) -> f32 {
    let mut sums = [0.0; 16];
    let numbers = vector.chunks(16).zip(stored.chunks(64));
    for (numbers, bytes) in numbers {
        let pairs = numbers.iter().zip(bytes.as_chunks::<4>().0);
        for (sum, (one, other)) in sums.iter_mut().zip(pairs) {
            *sum += one * f32::from_le_bytes(*other);
        }
    }
    sums.iter().sum()
}
