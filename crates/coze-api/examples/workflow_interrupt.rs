//! Answers the question of a workflow.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_WORKFLOW_ID` a workflow with an input `name` and a question;
//! `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::{Coze, Error};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let id = std::env::var("COZE_WORKFLOW_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKFLOW_ID to the id of a workflow".into()))?;
    let mut outcome = coze.workflow(id).parameter("name", "小明").run().await?;
    while let Some(question) = outcome.interrupt() {
        println!("it asks: {}", question.question());
        // To answer from another program, keep `event_id` and `kind` of `question.interrupt`, and
        // use `WorkflowRequest::resume`.
        outcome = question.resume(&coze, "杭州").run().await?;
    }
    println!("result: {}", outcome.text());
    Ok(())
}
