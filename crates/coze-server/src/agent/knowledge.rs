//! What an agent looks up: before it answers, or when the model asks for it.

use coze_types::messages::{Message, MessageType};
use serde_json::{Value, json};

use super::{End, Run, context};
use crate::configured::Agent;
use crate::knowledge::{Passage, count_hits, recall, slices};
use crate::models::ToolSpec;

/// The tool of an agent that looks things up on demand.
const TOOL: &str = "recallKnowledge";

/// The tool, if the agent has something to look up and does not do so by itself.
pub(super) fn tool(agent: &Agent) -> Option<ToolSpec> {
    if !agent.config.knowledge.is_tool() {
        return None;
    }
    Some(ToolSpec {
        name: TOOL.to_owned(),
        description: "Looks passages up in the knowledge base of this agent.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "what to look for"},
            },
            "required": ["query"],
        }),
    })
}

pub(super) fn is_tool(agent: &Agent, name: &str) -> bool {
    name == TOOL && tool(agent).is_some()
}

impl Run {
    /// Looks passages up for the question, and says which, before anything else is said.
    pub(super) async fn recall(&mut self) -> Result<(), End> {
        let knowledge = &self.agent.config.knowledge;
        if !knowledge.auto || knowledge.datasets.is_empty() {
            return Ok(());
        }
        let question = context::question(&self.record);
        let (app, agent) = (&self.app, &self.agent);
        self.passages = recall(app, agent.space, knowledge, &question).await?;
        // A chat that goes on after a pause has said it before.
        if self.passages.is_empty() || !self.record.turns.is_empty() {
            return Ok(());
        }
        let message = self.found(&self.passages);
        count_hits(&self.app, &self.passages).await?;
        self.store(vec![message.clone()]).await?;
        self.say(&[message]).await;
        Ok(())
    }

    /// The output of the tool; failures are told to the model.
    pub(super) async fn look_up(&self, arguments: &str, messages: &mut Vec<Message>) -> String {
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        let given = arguments["query"].as_str().filter(|it| !it.is_empty());
        let question = given.map_or_else(|| context::question(&self.record), str::to_owned);
        let (app, agent) = (&self.app, &self.agent);
        let found = recall(app, agent.space, &agent.config.knowledge, &question).await;
        let passages = match found {
            Ok(passages) if passages.is_empty() => {
                return "nothing was found in the knowledge base".to_owned();
            }
            Ok(passages) => passages,
            Err(fail) => return format!("error: {}", fail.msg),
        };
        if let Err(fail) = count_hits(app, &passages).await {
            return format!("error: {}", fail.msg);
        }
        messages.push(self.found(&passages));
        slices(&passages)
    }

    fn found(&self, passages: &[Passage]) -> Message {
        self.message(MessageType::Knowledge, slices(passages))
    }
}
