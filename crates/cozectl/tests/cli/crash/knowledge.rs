//! Datasets and their documents under the load, and what has to be left of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coze_api::Coze;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::{Done, Load, SPACE, call, delete, text};
use crate::support::PATIENCE;

const CREATE: &str = "/open_api/knowledge/document/create";
const DELETE: &str = "/open_api/knowledge/document/delete";

/// A text of some hundred chunks, so that it is written in several steps.
fn content(name: &str) -> String {
    let line = |at: usize| {
        format!(
            "{name}: paragraph {at} says {}.\n\n",
            "something ".repeat(40)
        )
    };
    (0..150).map(line).collect()
}

async fn progress(coze: &Coze, dataset: &str, document: &str) -> Option<Value> {
    let path = format!("/v1/datasets/{dataset}/process");
    let reply = call(coze, &path, &[], json!({"document_ids": [document]})).await?;
    Some(reply["data"]["data"][0].clone())
}

impl Load {
    /// A dataset of three documents, of which one is removed; every other dataset is removed, too.
    pub(super) async fn knowledge(&self, index: usize, turn: usize) -> Option<()> {
        let name = format!("knowledge {} {index} {turn}", self.round);
        let body = json!({"name": name, "space_id": SPACE, "format_type": 0});
        let reply = call(&self.coze, "/v1/datasets", &[], body).await?;
        let dataset = text(&reply["data"]["dataset_id"]);
        self.note(Done::Dataset(dataset.clone(), name.clone()));
        let uploaded = self
            .coze
            .upload_bytes("up.txt", content(&format!("{name} up")).into_bytes())
            .await
            .ok()?;
        let sent = format!("{name} sent");
        let bytes = STANDARD.encode(content(&sent));
        let sources = [
            json!({"file_base64": bytes, "file_type": "txt"}),
            json!({"source_file_id": uploaded.id, "document_source": 5}),
            json!({"file_base64": bytes, "file_type": "txt"}),
        ];
        let mut documents = Vec::new();
        for source in sources {
            let own = source["file_base64"].is_string();
            let body = json!({
                "dataset_id": dataset,
                "chunk_strategy": {"chunk_type": 1, "separator": "\n\n", "max_tokens": 500},
                "document_bases": [{"name": sent, "source_info": source}],
            });
            let reply = call(&self.coze, CREATE, &[], body).await?;
            let id = text(&reply["document_infos"][0]["document_id"]);
            self.note(Done::Document(dataset.clone(), id.clone(), own));
            documents.push(id);
        }
        let removed = documents.remove(2);
        self.note(Done::Removing(removed.clone()));
        call(
            &self.coze,
            DELETE,
            &[],
            json!({"document_ids": [removed.clone()]}),
        )
        .await?;
        self.note(Done::Removed(removed));
        for id in &documents {
            while progress(&self.coze, &dataset, id).await?["status"] == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.note(Done::Indexed(dataset.clone(), id.clone()));
        }
        if turn % 2 == 1 {
            for id in documents.iter().chain([&dataset]) {
                self.note(Done::Removing(id.clone()));
            }
            delete(&self.coze, &format!("/v1/datasets/{dataset}")).await?;
            for id in documents.into_iter().chain([dataset]) {
                self.note(Done::Removed(id));
            }
        }
        Some(())
    }
}

/// What was acknowledged about datasets and documents, but for those whose removal was asked for and
/// not acknowledged: they may be there or not.
pub(super) async fn check(coze: &Coze, all: &[Done], data: &Path) {
    let removing = |it: &Done| match it {
        Done::Removing(id) => Some(id.clone()),
        _ => None,
    };
    let removing: BTreeSet<String> = all.iter().filter_map(removing).collect();
    let database = read_only(data);
    let count = |sql: &str, id: &str| {
        let id: i64 = id.parse().unwrap();
        database
            .query_row(sql, [id], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    for done in all {
        match done {
            Done::Dataset(id, name) if !removing.contains(id) => {
                let sql = "SELECT count(*) FROM dataset WHERE id = ?1";
                assert_eq!(count(sql, id), 1, "{name} is gone");
            }
            Done::Document(dataset, id, own) if !removing.contains(id) => {
                indexed(coze, dataset, id).await;
                let sql = "SELECT count(*) FROM chunk WHERE document_id = ?1";
                assert!(count(sql, id) > 100, "chunks are missing");
                if *own {
                    let bytes = fs::read_to_string(data.join("files").join(id)).unwrap();
                    let name = bytes.split(": ").next().unwrap();
                    assert_eq!(bytes, content(name), "half a document");
                }
            }
            Done::Indexed(dataset, id) if !removing.contains(id) => {
                let now = progress(coze, dataset, id).await.unwrap();
                assert_eq!(now["status"], 1, "what was done is done again: {now}");
            }
            Done::Removed(id) => {
                let sql = "SELECT (SELECT count(*) FROM document WHERE id = ?1) \
                           + (SELECT count(*) FROM dataset WHERE id = ?1) \
                           + (SELECT count(*) FROM chunk WHERE document_id = ?1)";
                assert_eq!(count(sql, id), 0, "{id} is back");
            }
            _ => {}
        }
    }
}

/// What was at work when the server died goes on.
async fn indexed(coze: &Coze, dataset: &str, id: &str) {
    let begun = Instant::now();
    loop {
        let now = progress(coze, dataset, id).await.expect(id);
        match now["status"].as_i64().unwrap() {
            0 => tokio::time::sleep(Duration::from_millis(10)).await,
            1 => return,
            other => panic!("a document is {other}: {now}"),
        }
        assert!(begun.elapsed() < PATIENCE, "it does not go on: {now}");
    }
}

/// Waits until no bytes lie there that nothing names: those of requests that were cut off.
pub(super) async fn check_leftovers(data: &Path) {
    let begun = Instant::now();
    loop {
        let named: BTreeSet<String> = {
            let database = read_only(data);
            let sql = "SELECT id FROM file UNION SELECT id FROM document";
            let mut ids = database.prepare(sql).unwrap();
            let ids = ids.query_map([], |row| row.get::<_, i64>(0)).unwrap();
            ids.map(|id| id.unwrap().to_string()).collect()
        };
        let files = fs::read_dir(data.join("files")).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|name| !named.contains(name)).collect();
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "left behind: {left:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The database as the crash left it: no document is half done.
pub(super) fn check_database(one: &dyn Fn(&str) -> rusqlite::Result<String>) {
    for halves in [
        // A document that is done has all of its chunks, each of them once.
        "SELECT count(*) || '' FROM document WHERE status = 1 AND slice_count <> \
         (SELECT count(*) FROM chunk WHERE document_id = document.id)",
        // A chunk is found by its words, and nothing is found that is no chunk.
        "SELECT count(*) || '' FROM chunk WHERE id NOT IN (SELECT rowid FROM chunk_words)",
        "SELECT count(*) || '' FROM chunk_words WHERE rowid NOT IN (SELECT id FROM chunk)",
    ] {
        assert_eq!(one(halves).unwrap(), "0", "{halves}");
    }
}

fn read_only(data: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Connection::open_with_flags(data.join("coze.db"), flags).unwrap()
}
