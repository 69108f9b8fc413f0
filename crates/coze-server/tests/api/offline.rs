//! The built-in model, as an agent answers with it.

use serde_json::{Value, json};

use crate::harness::{Api, text};
use crate::space::{DEMO_BOT, PERSONA_BOT, SHOP_BOT, chat_with};

/// The answer of an agent, and everything else that the chat produced.
async fn ask(api: &Api, body: Value, conversation: &str) -> (String, Vec<Value>) {
    let reply = api
        .post(&format!("/v3/chat?conversation_id={conversation}"), body)
        .await;
    let chat = reply.data();
    let chat = api
        .ended(&text(&chat["conversation_id"]), &text(&chat["id"]))
        .await;
    assert_eq!(chat["status"], "completed", "{chat}");
    let messages = api.messages(&chat).await.as_array().unwrap().clone();
    let answer = messages.iter().find(|it| it["type"] == "answer").unwrap();
    (text(&answer["content"]), messages)
}

async fn say(api: &Api, message: &str) -> String {
    ask(api, chat_with(DEMO_BOT, message), "").await.0
}

#[tokio::test]
async fn it_answers_in_the_language_it_was_asked_in() {
    let api = Api::start().await;
    for (message, expected) in [
        (
            "你好，请介绍一下自己",
            "我是 coze-rs 内置的离线模型，不是大语言模型",
        ),
        ("Who are you?", "not a large language model"),
        ("あなたは誰ですか", "大規模言語モデルではありません"),
        ("당신은 누구입니까?", "대규모 언어 모델이 아닙니다"),
        ("кто ты?", "а не большая языковая модель"),
        ("Bonjour, qui es-tu ?", "pas un grand modèle de langage"),
        ("Hallo, wer bist du?", "kein großes Sprachmodell"),
        ("hola, ¿quién eres?", "no un gran modelo de lenguaje"),
        ("今天天气不错", "我收到了你的消息：“今天天气不错”"),
        ("nice weather", "I received your message: \"nice weather\""),
    ] {
        let answer = say(&api, message).await;
        assert!(answer.contains(expected), "{message}: {answer}");
        assert_eq!(say(&api, message).await, answer);
    }
}

#[tokio::test]
async fn sums_go_through_a_tool() {
    let api = Api::start().await;
    let (answer, messages) = ask(&api, chat_with(DEMO_BOT, "12*34 等于多少？"), "").await;
    assert_eq!(answer, "计算结果是 408。");
    let kinds: Vec<_> = messages.iter().map(|it| text(&it["type"])).collect();
    assert_eq!(
        kinds,
        ["function_call", "tool_response", "answer", "verbose"]
    );
    let content = |index: usize| -> Value {
        serde_json::from_str(messages[index]["content"].as_str().unwrap()).unwrap()
    };
    let id = DEMO_BOT.parse::<i64>().unwrap();
    assert_eq!(
        content(0),
        json!({"name": "calculator", "arguments": {"expression": "12*34"}, "plugin_id": id, "api_id": id, "plugin_type": 1})
    );
    assert_eq!(
        content(1),
        json!({"content_type": 1, "response_for_model": "408", "type_for_model": 2})
    );
    for (message, expected) in [
        ("What is (2+3)*4?", "The result is 20."),
        ("3加4乘2", "计算结果是 11。"),
        ("7 divided by 2", "The result is 3.5."),
        ("2^10", "The result is 1024."),
        // No sums.
        ("On 2024-10-01 it rained", "I received your message"),
        ("-3", "I received your message"),
        ("1/0", "I received your message"),
    ] {
        let answer = say(&api, message).await;
        assert!(answer.starts_with(expected), "{message}: {answer}");
    }
}

#[tokio::test]
async fn it_knows_the_time() {
    let api = Api::start().await;
    let (answer, messages) = ask(&api, chat_with(DEMO_BOT, "What time is it?"), "").await;
    let time = answer
        .strip_prefix("The time is ")
        .unwrap()
        .strip_suffix('.')
        .unwrap();
    let time = httpdate::parse_http_date(time).unwrap();
    assert!(time.elapsed().unwrap().as_secs() < 60);
    assert!(
        messages[0]["content"]
            .as_str()
            .unwrap()
            .contains("\"current_time\""),
        "{messages:?}"
    );
    assert!(say(&api, "现在几点了").await.starts_with("现在的时间是 "));
}

#[tokio::test]
async fn variables_fill_the_prompt() {
    let api = Api::start().await;
    for (variables, expected) in [
        (
            json!({"name": "Ada", "place": "London"}),
            "You are Ada of London.",
        ),
        (
            json!({"name": "Ada", "place": "London", "mood": "happy"}),
            "You are Ada of London. Smile.",
        ),
        // What nobody gave is empty; what is given is text, never a template.
        (json!({"name": "{{ place }}"}), "You are {{ place }} of ."),
        (json!({}), "You are  of ."),
        (
            json!({"name": "A\"b\u{2028}\\n<b>", "unused": "x"}),
            "You are A\"b\u{2028}\\n<b> of .",
        ),
    ] {
        let mut body = chat_with(PERSONA_BOT, "your prompt?");
        body["custom_variables"] = variables;
        let (answer, _) = ask(&api, body, "").await;
        assert_eq!(answer, format!("My prompt is: {expected}"));
    }
    let mut body = chat_with(DEMO_BOT, "你的提示词是什么？");
    body["custom_variables"] = json!({"user_name": "小明"});
    let (answer, _) = ask(&api, body, "").await;
    assert!(answer.ends_with("You talk to 小明."), "{answer}");
}

#[tokio::test]
async fn it_remembers_the_turns_of_its_conversation() {
    let api = Api::start().await;
    let (mine, other) = (api.conversation().await, api.conversation().await);
    for (conversation, message, expected) in [
        (
            &mine,
            "What did I say?",
            "You have not said anything before this.",
        ),
        (&mine, "my name is Ada", "I received"),
        (&other, "my name is Bob", "I received"),
        (
            &mine,
            "What did I say?",
            "You said before: \"my name is Ada\".",
        ),
        (&other, "我刚才说了什么", "你刚才说的是：“my name is Bob”。"),
    ] {
        let (answer, _) = ask(&api, chat_with(DEMO_BOT, message), conversation).await;
        assert!(answer.starts_with(expected), "{message}: {answer}");
    }
    // What comes with the call counts as said before, too.
    let mut body = chat_with(DEMO_BOT, "first");
    body["additional_messages"] = json!([
        {"role": "user", "content": "I like tea", "content_type": "text"},
        {"role": "assistant", "content": "Good.", "content_type": "text"},
        {"role": "user", "content": "What did I say?", "content_type": "text"},
    ]);
    assert_eq!(
        ask(&api, body, "").await.0,
        "You said before: \"I like tea\"."
    );
}

#[tokio::test]
async fn agents_use_workflows_as_tools() {
    let api = Api::start().await;
    for (message, expected) in [
        ("greet Ada", "greet said {\"output\":\"Hello Ada!\"}"),
        ("greet nobody", "greet said error: "),
        (
            "use trip",
            "trip said error: the workflow asks a question, which a tool cannot",
        ),
        (
            "use nothing",
            "it said error: there is no tool named no_such_tool",
        ),
    ] {
        let (answer, messages) = ask(&api, chat_with(SHOP_BOT, message), "").await;
        assert!(answer.starts_with(expected), "{message}: {answer}");
        assert_eq!(messages[0]["type"], "function_call");
        assert_eq!(messages[1]["type"], "tool_response");
    }
    let (answer, _) = ask(&api, chat_with(SHOP_BOT, "use broken"), "").await;
    assert!(
        answer.starts_with("broken said error: ") && answer.contains("Mystery"),
        "{answer}"
    );
    let (answer, _) = ask(&api, chat_with(SHOP_BOT, "greet nobody"), "").await;
    assert!(answer.contains("name"), "{answer}");
}
