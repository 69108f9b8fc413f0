//! Starts a workflow in the background, and waits for it, or looks at it, later. At the hosted
//! service this needs a paid plan.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_WORKFLOW_ID` a workflow with the inputs `name` and `score`;
//! `COZE_API_BASE` for another server than api.coze.cn.

use std::time::Duration;

use coze_api::{Coze, Error, PollOptions};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let id = std::env::var("COZE_WORKFLOW_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKFLOW_ID to the id of a workflow".into()))?;
    let flow = coze
        .workflow(&id)
        .parameter("name", "小明")
        .parameter("score", 88);
    let run = flow.clone().start().await?;
    println!("run {run} has begun");

    let options = PollOptions::deadline(Duration::from_secs(3600));
    match flow.wait(&run, options).await {
        Ok(outcome) => println!("result: {}", outcome.text()),
        // It goes on at the server: wait again, some other time.
        Err(Error::Timeout(_)) => println!("it takes longer"),
        Err(error) => return Err(error),
    }
    let history = coze.run_history(&id, &run).await?;
    println!("history: {}", history.execute_status.as_str());
    Ok(())
}
