//! Runs a workflow and waits for its result.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_WORKFLOW_ID` a workflow with the inputs `name` and `score`;
//! `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::{Coze, Error, RunOutcome};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let id = std::env::var("COZE_WORKFLOW_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKFLOW_ID to the id of a workflow".into()))?;
    let run = coze
        .workflow(id)
        .parameter("name", "小明")
        .parameter("score", 88);
    // It streams underneath, so the 90 seconds of the plain call are no limit.
    match run.deadline(Duration::from_secs(300)).run().await? {
        RunOutcome::Done(result) => {
            println!("result: {}", result.text());
            if let Some(page) = &result.debug_url {
                println!("shown at {page}");
            }
        }
        RunOutcome::Interrupted(question) => println!("it asks: {}", question.question()),
    }
    Ok(())
}
