//! Suggestions of what to ask next: when they are asked of the model, and what becomes of them.

use serde_json::{Value, json};

use crate::harness::{Api, Setup, frames, text};
use crate::peer::{Peer, Step};
use crate::space::streamed;

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn said(text: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}

async fn api(peer: &Peer, suggest: &str) -> Api {
    let yaml = format!(
        "bots: [ {{ id: 7500000000000000101, name: Remote, model: gpt{suggest} }} ]\n\
         models: {{ gpt: {{ provider: openai, base_url: \"{}/v1\", model: m, retry: false }} }}\n",
        peer.url
    );
    Setup::with(&yaml).start().await
}

/// The whole messages of a chat: type and content.
async fn whole(api: &Api, message: &str) -> Vec<(String, String)> {
    let stream = api.stream("/v3/chat", streamed(message)).await;
    let frames = frames(&stream);
    let last: Vec<&str> = frames
        .iter()
        .rev()
        .take(2)
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(last, ["done", "conversation.chat.completed"], "{stream}");
    let whole = frames
        .into_iter()
        .filter(|it| it.0 == "conversation.message.completed");
    let parts = |it: Value| (text(&it["type"]), text(&it["content"]));
    whole.map(|it| parts(it.1)).collect()
}

fn follow_ups(messages: &[(String, String)]) -> Vec<&str> {
    let found = messages.iter().filter(|it| it.0 == "follow_up");
    found.map(|it| it.1.as_str()).collect()
}

#[tokio::test]
async fn questions_of_the_model_follow_the_answer() {
    let peer = Peer::start().await;
    let api = api(&peer, ", suggest_reply: { reply_mode: enable }").await;
    peer.chunks(&[&said("晴天。"), STOP, "[DONE]"]);
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#;
    peer.chunks(&[
        &said("1. 明天呢？\n2. 要带"),
        &said("伞吗？\n3. 冷吗？\n4. 热吗？"),
        STOP,
        usage,
        "[DONE]",
    ]);
    let messages = whole(&api, "今天天气怎么样").await;
    let kinds: Vec<&str> = messages.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(
        kinds,
        ["answer", "verbose", "follow_up", "follow_up", "follow_up"]
    );
    assert_eq!(follow_ups(&messages), ["明天呢？", "要带伞吗？", "冷吗？"]);
    // The second call has the talk, in its language, and no tools.
    let (_, asked) = peer.calls().remove(1);
    let system = text(&asked["messages"][0]["content"]);
    assert!(system.contains("三个问题"), "{system}");
    let talk = text(&asked["messages"][1]["content"]);
    assert!(
        talk.contains("今天天气怎么样") && talk.contains("晴天。"),
        "{talk}"
    );
    assert_eq!(asked["messages"].as_array().unwrap().len(), 2);
    assert!(asked.get("tools").is_none());
}

#[tokio::test]
async fn a_prompt_of_ones_own_and_none_at_all() {
    let peer = Peer::start().await;
    let custom = ", suggest_reply: { reply_mode: customized, customized_prompt: Only about snow. }";
    let custom = api(&peer, custom).await;
    peer.chunks(&[&said("It snows."), STOP, "[DONE]"]);
    peer.chunks(&[&said("How deep is it?"), STOP, "[DONE]"]);
    let messages = whole(&custom, "How is the weather?").await;
    assert_eq!(follow_ups(&messages), ["How deep is it?"]);
    let system = text(&peer.calls()[1].1["messages"][0]["content"]);
    assert!(system.starts_with("Only about snow.\n\n"), "{system}");
    assert!(system.contains("three questions"), "{system}");
    let shown = custom.get("/v1/bots/7500000000000000101").await;
    let shown = &shown.data()["suggest_reply_info"];
    let expected = json!({"reply_mode": "customized", "customized_prompt": "Only about snow."});
    assert_eq!(*shown, expected);

    for off in ["", ", suggest_reply: { reply_mode: disable }"] {
        let silent = api(&peer, off).await;
        let before = peer.calls().len();
        peer.chunks(&[&said("It snows."), STOP, "[DONE]"]);
        let messages = whole(&silent, "How is the weather?").await;
        assert_eq!(follow_ups(&messages), [""; 0]);
        assert_eq!(peer.calls().len() - before, 1);
    }
}

#[tokio::test]
async fn suggestions_that_fail_do_not_fail_the_chat() {
    let peer = Peer::start().await;
    let api = api(&peer, ", suggest_reply: { reply_mode: enable }").await;
    for broken in [
        "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        "no HTTP\r\n\r\n",
    ] {
        peer.chunks(&[&said("It snows."), STOP, "[DONE]"]);
        peer.answer(vec![Step::Send(broken.into())]);
        let messages = whole(&api, "How is the weather?").await;
        let kinds: Vec<&str> = messages.iter().map(|it| it.0.as_str()).collect();
        assert_eq!(kinds, ["answer", "verbose"]);
    }
}

#[tokio::test]
async fn a_chat_can_be_cancelled_while_suggestions_are_made() {
    let peer = Peer::start().await;
    let api = api(&peer, ", suggest_reply: { reply_mode: enable }").await;
    peer.chunks(&[&said("It snows."), STOP, "[DONE]"]);
    let (gone, hung_up) = tokio::sync::oneshot::channel();
    peer.answer(vec![Step::HangUp(gone)]);
    let conversation = api.conversation().await;
    let path = format!("/v3/chat?conversation_id={conversation}");
    let mut stream = api.open(&path, streamed("How is the weather?")).await;
    let (_, chat) = stream.ids().await;
    stream.until("generate_answer_finish").await;
    crate::harness::within(async {
        while peer.calls().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    api.cancel(&conversation, &chat).await.data();
    crate::harness::within(hung_up).await.unwrap();
    assert!(stream.rest().await.contains("conversation.chat.canceled"));
    // The answer was there before, and stays.
    assert_eq!(
        api.contents(&conversation).await,
        ["How is the weather?", "It snows."]
    );
}

#[tokio::test]
async fn a_model_with_a_script_suggests_what_it_says_unless_it_is_not_to() {
    let script = "\nmodels: { s: { provider: offline, script: [ { match: hello, deltas: [Hi], \
                  follow_ups: [\"And now?\"] } ] } }\n";
    for (suggest, expected) in [
        ("", &["And now?"][..]),
        (", suggest_reply: { reply_mode: enable }", &["And now?"][..]),
        (", suggest_reply: { reply_mode: disable }", &[][..]),
    ] {
        let yaml =
            format!("bots: [ {{ id: 7500000000000000101, name: S, model: s{suggest} }} ]{script}");
        let api = Setup::with(&yaml).start().await;
        assert_eq!(
            follow_ups(&whole(&api, "hello").await),
            expected,
            "{suggest}"
        );
    }
}
