//! The built-in model: fixed rules, no network, the same answer to the same question.

use futures_util::{StreamExt, stream};
use serde_json::json;

use super::language::{Language, detect, is_cjk};
use super::script::{Script, ScriptRule};
use super::{
    Model, ModelCall, ModelError, ModelEvent, ModelMessage, ModelRequest, ModelStream, Part,
    count_tokens,
};
use crate::config::Misfit;
use crate::tools::calculator;

/// The built-in model, with the rules of its script in front of its own.
pub(crate) struct Offline {
    script: Script,
}

impl Offline {
    pub(crate) fn new(rules: &[ScriptRule]) -> Result<Self, Misfit> {
        Ok(Self {
            script: Script::new(rules)?,
        })
    }
}

impl Model for Offline {
    fn name(&self) -> &'static str {
        "offline"
    }

    fn can_suggest(&self) -> bool {
        false
    }

    fn respond(&self, request: ModelRequest) -> ModelStream {
        if let Some(stream) = self.script.respond(&request) {
            return stream;
        }
        let mut events: Vec<Result<ModelEvent, ModelError>> = Vec::new();
        let usage = usage_of(&request);
        let output = match decide(&request) {
            Decision::Call(call) => {
                let output = count_tokens(&call.arguments);
                events.push(Ok(ModelEvent::Call(call)));
                output
            }
            Decision::Say(text) => {
                events.extend(
                    words(&text)
                        .into_iter()
                        .map(|word| Ok(ModelEvent::Text(word))),
                );
                count_tokens(&text)
            }
        };
        events.push(Ok(ModelEvent::Usage {
            input: usage,
            output,
        }));
        stream::iter(events).boxed()
    }
}

pub(super) fn usage_of(request: &ModelRequest) -> i64 {
    let messages = request.messages.iter().map(|message| match message {
        ModelMessage::User(parts) => count_tokens(&super::text_of(parts)),
        ModelMessage::Assistant { text, .. } => count_tokens(text),
        ModelMessage::Tool { output, .. } => count_tokens(output),
    });
    count_tokens(&request.instructions()) + messages.sum::<i64>()
}

enum Decision {
    Say(String),
    Call(ModelCall),
}

fn decide(request: &ModelRequest) -> Decision {
    let question = request.question();
    let language = detect(&question);
    let phrases = language.phrases();
    let fill = |phrase: &str, text: &str| Decision::Say(phrase.replacen("{}", text, 1));

    let outputs = request.tool_outputs();
    if !outputs.is_empty() {
        let joined = outputs.join("; ");
        return match last_tool(request) {
            Some("calculator") => fill(phrases.result, &joined),
            Some("current_time") => fill(phrases.time, &joined),
            _ => fill(phrases.tool, &joined),
        };
    }
    if let Some(call) = asked_tool(request, &question) {
        return Decision::Call(call);
    }
    if let Some(passage) = request.knowledge.first() {
        return fill(phrases.knowledge, passage.trim());
    }
    if let Some(expression) = calculator::find(&question) {
        let arguments = json!({ "expression": expression }).to_string();
        return Decision::Call(ModelCall {
            name: "calculator".into(),
            arguments,
            ..ModelCall::default()
        });
    }
    let lower = question.to_lowercase();
    let asks = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if asks(&[
        "几点",
        "什么时间",
        "现在时间",
        "what time",
        "time is it",
        "何時",
        "몇 시",
        "который час",
        "quelle heure",
        "wie spät",
        "qué hora",
    ]) {
        let arguments = "{}".to_owned();
        return Decision::Call(ModelCall {
            name: "current_time".into(),
            arguments,
            ..ModelCall::default()
        });
    }
    if asks(&[
        "我刚才说",
        "我之前说",
        "我说了什么",
        "did i say",
        "did i just say",
        "what i said",
    ]) {
        let mut earlier: Vec<String> = request.questions().collect();
        earlier.pop();
        return match earlier.pop() {
            Some(text) => fill(phrases.said, &text),
            None => Decision::Say(phrases.nothing_said.to_owned()),
        };
    }
    if asks(&["你的提示词", "your prompt", "your system prompt"]) {
        return match request.system.as_str() {
            "" => Decision::Say(phrases.no_prompt.to_owned()),
            prompt => fill(phrases.prompt, prompt),
        };
    }
    if asks(&[
        "介绍",
        "你是谁",
        "你是什么",
        "who are you",
        "what are you",
        "introduce yourself",
        "自己紹介",
        "あなたは誰",
        "누구",
        "소개",
        "кто ты",
        "кто вы",
        "qui es-tu",
        "qui êtes",
        "wer bist",
        "quién eres",
    ]) {
        return Decision::Say(phrases.introduction.to_owned());
    }
    let mut answer = phrases.echo.replacen("{}", question.trim(), 1);
    let images = images_of(request);
    if images > 0 {
        let space = if matches!(language, Language::Chinese | Language::Japanese) {
            ""
        } else {
            " "
        };
        answer = answer + space + &phrases.images.replacen("{}", &images.to_string(), 1);
    }
    Decision::Say(answer)
}

fn images_of(request: &ModelRequest) -> usize {
    let last = request
        .messages
        .iter()
        .rev()
        .find_map(|message| match message {
            ModelMessage::User(parts) => Some(parts),
            _ => None,
        });
    last.map_or(0, |parts| {
        parts
            .iter()
            .filter(|part| matches!(part, Part::Image(_)))
            .count()
    })
}

/// The name of the tool that was called last.
fn last_tool(request: &ModelRequest) -> Option<&str> {
    request
        .messages
        .iter()
        .rev()
        .find_map(|message| match message {
            ModelMessage::Assistant { calls, .. } => calls.last().map(|call| call.name.as_str()),
            _ => None,
        })
}

/// A tool of the agent that the message names: `get_weather city=南京`.
fn asked_tool(request: &ModelRequest, question: &str) -> Option<ModelCall> {
    let tool = request
        .tools
        .iter()
        .find(|tool| question.contains(tool.name.as_str()))?;
    let mut arguments = serde_json::Map::new();
    for word in question.split_whitespace() {
        if let Some((key, value)) = word.split_once('=') {
            arguments.insert(key.to_owned(), value.into());
        }
    }
    let arguments = serde_json::Value::Object(arguments).to_string();
    Some(ModelCall {
        name: tool.name.clone(),
        arguments,
        ..ModelCall::default()
    })
}

/// The words of a text, each with the space behind it; a wide character is a word.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for character in text.chars() {
        let wide = is_cjk(character);
        match words.last_mut() {
            Some(word) if open && !wide => word.push(character),
            _ => words.push(character.into()),
        }
        // Punctuation stays with the word before it.
        open = !character.is_whitespace();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(questions: &[&str]) -> ModelRequest {
        ModelRequest {
            system: "You are kind.".into(),
            messages: questions
                .iter()
                .map(|text| ModelMessage::User(vec![Part::Text((*text).into())]))
                .collect(),
            ..ModelRequest::default()
        }
    }

    async fn ask(request: ModelRequest) -> (String, Option<ModelCall>) {
        let model = Offline::new(&[]).unwrap();
        let mut text = String::new();
        let mut call = None;
        let mut stream = model.respond(request);
        while let Some(event) = stream.next().await {
            match event.unwrap() {
                ModelEvent::Text(piece) => text += &piece,
                ModelEvent::Call(it) => call = Some(it),
                _ => {}
            }
        }
        (text, call)
    }

    #[tokio::test]
    async fn it_says_honestly_what_it_is_in_the_language_it_was_asked_in() {
        for (question, expected) in [
            ("你好，请介绍一下自己", "不是大语言模型"),
            ("Who are you?", "not a large language model"),
            ("あなたは誰ですか", "オフラインモデル"),
            ("Hallo, wer bist du?", "Offline-Modell"),
            ("Bonjour, qui es-tu ?", "hors ligne"),
        ] {
            let (text, _) = ask(request(&[question])).await;
            assert!(text.contains(expected), "{question}: {text}");
        }
    }

    #[tokio::test]
    async fn it_remembers_and_knows_its_prompt() {
        let (text, _) = ask(request(&["my name is Ada", "What did I say?"])).await;
        assert_eq!(text, "You said before: \"my name is Ada\".");
        let (text, _) = ask(request(&["你的提示词是什么"])).await;
        assert_eq!(text, "我的提示词是：You are kind.");
    }

    #[tokio::test]
    async fn it_calls_tools_for_sums_and_for_the_time() {
        let (_, call) = ask(request(&["12*34 等于多少？"])).await;
        let call = call.unwrap();
        assert_eq!(
            (call.name.as_str(), call.arguments.as_str()),
            ("calculator", r#"{"expression":"12*34"}"#)
        );
        let (_, call) = ask(request(&["What time is it?"])).await;
        assert_eq!(call.unwrap().name, "current_time");
    }

    #[test]
    fn words_put_together_are_the_text() {
        for text in ["Hello, world!  Bye", "你好，world。再见", " a\n b", ""] {
            assert_eq!(words(text).concat(), text);
        }
        assert_eq!(words("你好 a b"), ["你", "好 ", "a ", "b"]);
    }
}
