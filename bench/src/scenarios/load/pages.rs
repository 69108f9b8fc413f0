//! A page of messages, with 1,000,000 of them stored and with 1,000.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rusqlite::Connection;
use serde_json::Value;

use super::block_on;
use super::served::{Served, remove};
use crate::figures::{Figure, Target};
use crate::scenarios::{Plan, millis};
use crate::wire::Wire;

const TIME: Target = Target::RatioAtMost(3.0);
const CREATE: &str = r#"{"role":"user","content":"hello","content_type":"text"}"#;

/// Measures.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Figure>> {
    // Two conversations with a message each; the rest is written where the server keeps it.
    let served = Served::start(plan, "pages")?;
    let places = block_on(async {
        let mut wire = Wire::connect(&served.base).await?;
        let mut places = Vec::new();
        for _ in 0..2 {
            let made = wire.call("POST", "/v1/conversation/create", "{}").await?;
            let made: Value = serde_json::from_slice(&made)?;
            let id = made["data"]["id"].as_str().context("an id")?.to_owned();
            let path = format!("/v1/conversation/message/create?conversation_id={id}");
            wire.call("POST", &path, CREATE).await?;
            places.push(id);
        }
        Ok(places)
    })?;
    let (database, data) = (served.database(), served.data.clone());
    drop(served);
    let [few, many] = places.as_slice() else {
        bail!("{} conversations instead of two", places.len());
    };
    fill(&database, few, 1_000)?;
    fill(&database, many, plan.stored_messages)?;
    let served = Served::start(plan, "pages")?;
    let mut figures = Vec::new();
    for (name, body) in [
        (
            "server: newest page of 1,000,000 messages, beside 1,000",
            r#"{"limit":50}"#,
        ),
        (
            "server: page in the middle of 1,000,000 messages, beside 1,000",
            r#"{"limit":50,"order":"asc","after_id":"MIDDLE"}"#,
        ),
    ] {
        let (mut slow, mut fast) = (Vec::new(), Vec::new());
        for _ in 0..plan.load_rounds.max(3) {
            slow.push(block_on(pages(&served.base, &database, many, body))?);
            fast.push(block_on(pages(&served.base, &database, few, body))?);
        }
        figures.push(Figure::beside(name, "ms", slow, fast, Some(TIME)));
    }
    drop(served);
    remove(&data);
    Ok(figures)
}

/// Copies the one message of a conversation until there are so many.
fn fill(database: &Path, conversation: &str, count: usize) -> Result<()> {
    let database = Connection::open(database)?;
    let mut columns = Vec::new();
    database.pragma(None, "table_info", "message", |row| {
        columns.push(row.get::<_, String>("name")?);
        Ok(())
    })?;
    let columns: Vec<_> = columns.into_iter().filter(|it| it != "id").collect();
    ensure!(!columns.is_empty(), "there is no table of messages");
    let columns = columns.join(", ");
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2), \
         first AS MATERIALIZED (SELECT * FROM message WHERE conversation_id = ?1) \
         INSERT INTO message (id, {columns}) SELECT first.id + n.i * 4, {columns} FROM n, first"
    );
    let conversation: i64 = conversation.parse()?;
    // One that is there counts.
    let further = i64::try_from(count)? - 1;
    let made = database.execute(&sql, (conversation, further))?;
    ensure!(made == count - 1, "{made} messages of {count}");
    database.pragma_update(None, "wal_checkpoint", "truncate")?;
    Ok(())
}

/// The median time of a page, in milliseconds.
async fn pages(base: &str, database: &Path, conversation: &str, body: &str) -> Result<f64> {
    let middle: i64 = Connection::open(database)?.query_row(
        "SELECT min(id) + (max(id) - min(id)) / 2 FROM message WHERE conversation_id = ?1",
        [conversation.parse::<i64>()?],
        |row| row.get(0),
    )?;
    let body = body.replace("MIDDLE", &middle.to_string());
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let mut wire = Wire::connect(base).await?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        let page = wire.call("POST", &path, &body).await?;
        times.push(millis(begun.elapsed()));
        let page: Value = serde_json::from_slice(&page)?;
        let length = page["data"].as_array().map_or(0, Vec::len);
        ensure!(length == 50, "a page of {length}");
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().context("no page")
}
