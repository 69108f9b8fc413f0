//! What the user might ask next: asked of the model, behind the answer.

use std::time::Duration;

use coze_types::bots::SuggestReplyMode;
use futures_util::StreamExt;

use super::{End, Run, context};
use crate::models::{ModelEvent, ModelMessage, ModelRequest, Part, suggestion_prompt};

/// How long suggestions may take; a chat does not end without them or their absence.
const LIMIT: Duration = Duration::from_secs(20);
/// As many as are documented.
const MOST: usize = 3;
/// Characters of a suggestion; what is longer is no question for a button.
const LENGTH: usize = 200;
/// Characters of the question and of the answer that the model gets to read.
const TALK: usize = 4000;

impl Run {
    /// The agent suggests, and its model can be asked for it.
    pub(super) fn is_to_suggest(&self) -> bool {
        let mode = self.agent.definition.suggest_reply.reply_mode.as_ref();
        let wanted = matches!(
            mode,
            Some(SuggestReplyMode::Enable | SuggestReplyMode::Customized)
        );
        wanted && self.agent.model.can_suggest()
    }

    /// The agent never suggests, whatever its model brings.
    pub(super) fn is_not_to_suggest(&self) -> bool {
        let mode = self.agent.definition.suggest_reply.reply_mode.as_ref();
        mode == Some(&SuggestReplyMode::Disable)
    }

    /// Up to three questions. Whatever goes wrong, there are none then: the chat has its answer.
    pub(super) async fn suggest(&mut self, answer: &str) -> Result<Vec<String>, End> {
        let question = context::question(&self.record);
        let talk = format!("User: {}\n\nAssistant: {}", head(&question), head(answer));
        let mut system = suggestion_prompt(&format!("{question}\n{answer}")).to_owned();
        if let Some(own) = &self.agent.definition.suggest_reply.customized_prompt {
            system = format!("{own}\n\n{system}");
        }
        let request = ModelRequest {
            user: self.record.user_id.clone(),
            system,
            messages: vec![ModelMessage::User(vec![Part::Text(talk)])],
            ..ModelRequest::default()
        };
        let token = self.running.token.clone();
        let asked = tokio::time::timeout(LIMIT, self.ask(request));
        match token.run_until_cancelled(asked).await {
            None => Err(End::Canceled),
            Some(Ok(text)) => Ok(questions(&text)),
            Some(Err(_)) => {
                tracing::info!(chat = self.record.id(), "suggestions took too long");
                Ok(Vec::new())
            }
        }
    }

    /// What the model says; nothing when it fails.
    async fn ask(&mut self, request: ModelRequest) -> String {
        let mut events = self.agent.model.respond(request);
        let mut text = String::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(ModelEvent::Text(piece)) => text.push_str(&piece),
                Ok(ModelEvent::Usage { input, output }) => self.count(input, output),
                Ok(_) => {}
                Err(error) => {
                    let chat = self.record.id();
                    tracing::info!(chat, code = error.code, "suggestions could not be made");
                    tracing::debug!(chat, error = error.msg);
                    return String::new();
                }
            }
        }
        text
    }
}

fn head(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(TALK)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}

/// The questions of a text: one a line, or a JSON list.
fn questions(text: &str) -> Vec<String> {
    let text = text.trim();
    let lines: Vec<String> = match serde_json::from_str(text) {
        Ok(list) => list,
        Err(_) => text.lines().map(plain).map(str::to_owned).collect(),
    };
    let mut questions: Vec<String> = Vec::new();
    for line in lines {
        let fits = !line.is_empty() && line.chars().count() <= LENGTH;
        if fits && !questions.contains(&line) {
            questions.push(line);
        }
    }
    questions.truncate(MOST);
    questions
}

/// A line without the number, the point or the quotes that models like to add.
fn plain(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with("```") {
        return "";
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let behind = line.get(digits..).unwrap_or_default();
    let numbered = behind
        .strip_prefix(['.', ')', '、', '．', ':', '：'])
        .filter(|rest| digits > 0 && !rest.starts_with(|it: char| it.is_ascii_digit()));
    let line = numbered
        .or_else(|| line.strip_prefix("- "))
        .or_else(|| line.strip_prefix("* "))
        .or_else(|| line.strip_prefix('•'))
        .unwrap_or(line);
    line.trim().trim_matches(['"', '“', '”', '「', '」'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_found_however_they_are_listed() {
        fn check(text: &str, expected: &[&str]) {
            assert_eq!(questions(text), expected, "{text}");
        }
        check("Why?\nWhen?\nHow?\nWho?", &["Why?", "When?", "How?"]);
        check(
            "1. 为什么？\n2、什么时候？\n\n3) \"怎么做？\"",
            &["为什么？", "什么时候？", "怎么做？"],
        );
        check("- Why?\n* When?\n• How?", &["Why?", "When?", "How?"]);
        check(
            "12*34 等于多少？\n3.5 是多少？",
            &["12*34 等于多少？", "3.5 是多少？"],
        );
        check(r#"["Why?", "Why?", ""]"#, &["Why?"]);
        check("```\nWhy?\n```", &["Why?"]);
        check("", &[]);
        check(&"long ".repeat(100), &[]);
    }
}
