//! Runs a workflow and prints what it says while it runs.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_WORKFLOW_ID` a workflow with the inputs `name` and `score`;
//! `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::{Coze, Error, WorkflowEventData};

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let id = std::env::var("COZE_WORKFLOW_ID")
        .map_err(|_| Error::Invalid("set COZE_WORKFLOW_ID to the id of a workflow".into()))?;
    let run = coze
        .workflow(id)
        .parameter("name", "小明")
        .parameter("score", 88);
    let mut events = run.stream().await?;
    while let Some(event) = events.next().await {
        // A run that fails is an error here, never an event that could be overlooked.
        match event?.data {
            WorkflowEventData::Message(said) => println!("[{}] {}", said.node_title, said.content),
            WorkflowEventData::Interrupt(asked) => println!("{} asks", asked.node_title),
            WorkflowEventData::Done(_) => println!("done"),
            // Signs of life, and what a newer server may send.
            _ => {}
        }
    }
    println!("run {}", events.execute_id().unwrap_or_default());
    Ok(())
}
