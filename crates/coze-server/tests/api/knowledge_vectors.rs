//! Search by meaning, with an endpoint for embeddings that knows two meanings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::{Api, Setup, text, within};
use crate::knowledge::{SPACE, add, dataset, done, local};

/// An OpenAI-compatible endpoint: what has to do with money points one way, all else another.
struct Endpoint {
    url: String,
    asked: Arc<AtomicUsize>,
    broken: Arc<AtomicBool>,
}

async fn endpoint() -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        url: format!("http://{}/v1", listener.local_addr().unwrap()),
        asked: Arc::default(),
        broken: Arc::default(),
    };
    let (asked, broken) = (Arc::clone(&endpoint.asked), Arc::clone(&endpoint.broken));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let body = request(&mut connection).await;
            asked.fetch_add(1, Ordering::SeqCst);
            let texts = body["input"].as_array().unwrap().iter().enumerate();
            let vectors: Vec<Value> = texts
                .map(|(at, it)| vector(at, it.as_str().unwrap()))
                .collect();
            let (status, answer) = match broken.load(Ordering::SeqCst) {
                true => ("400 Bad Request", json!({})),
                false => ("200 OK", json!({"data": vectors})),
            };
            let answer = answer.to_string();
            let length = answer.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = connection
                .write_all(format!("{head}{answer}").as_bytes())
                .await;
        }
    });
    endpoint
}

fn vector(at: usize, text: &str) -> Value {
    let money = ["钱", "价格", "refund", "pay"]
        .iter()
        .any(|it| text.contains(it));
    let direction = if money { [3.0, 0.1] } else { [0.1, 2.0] };
    json!({"index": at, "embedding": direction})
}

async fn request(connection: &mut tokio::net::TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 65536];
        let length = connection.read(&mut piece).await.unwrap();
        bytes.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return body;
        }
        assert!(length > 0, "{text}");
    }
}

async fn start(endpoint: &Endpoint) -> Api {
    let yaml = format!(
        "embeddings: {{ base_url: \"{}\", model: tiny }}\n",
        endpoint.url
    );
    Setup::with(&yaml).start().await
}

/// The answer of an agent with that dataset and strategy.
async fn ask(api: &Api, dataset: &str, strategy: i64, question: &str) -> String {
    let reply = api
        .post(
            "/v1/bot/create",
            json!({"space_id": SPACE, "name": "Clerk"}),
        )
        .await;
    let bot = text(&reply.data()["bot_id"]);
    let knowledge = json!({"dataset_ids": [dataset], "search_strategy": strategy});
    let body = json!({"bot_id": bot, "knowledge": knowledge});
    api.post("/v1/bot/update", body).await.data();
    let publish = json!({"bot_id": bot, "connector_ids": ["1024"]});
    api.post("/v1/bot/publish", publish).await.data();
    let body = json!({
        "bot_id": bot, "user_id": "ada",
        "additional_messages": [{"role": "user", "content": question, "content_type": "text"}],
    });
    let reply = api.post("/v3/chat", body).await;
    let place = (
        text(&reply.data()["conversation_id"]),
        text(&reply.data()["id"]),
    );
    let chat = api.ended(&place.0, &place.1).await;
    assert_eq!(chat["status"], "completed", "{chat}");
    let messages = api.messages(&chat).await;
    let answer = messages
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["type"] == "answer");
    text(&answer.unwrap()["content"])
}

const REFUND: &str = "A refund is paid within a week.";
const HOURS: &str = "We are open from nine to five.";

#[tokio::test]
async fn meaning_words_and_both() {
    let endpoint = endpoint().await;
    let api = start(&endpoint).await;
    let dataset = dataset(&api, 0).await;
    for content in [REFUND, HOURS] {
        assert_eq!(
            add(&api, &dataset, local("a.txt", "txt", content)).await["status"],
            1
        );
    }
    // No word of the question stands in the passage.
    let question = "我的钱什么时候退回来？";
    assert!(ask(&api, &dataset, 0, question).await.ends_with(REFUND));
    assert!(ask(&api, &dataset, 1, question).await.ends_with(REFUND));
    assert!(!ask(&api, &dataset, 20, question).await.contains(REFUND));
    // Words and meaning point at different passages: each way by its own.
    let question = "When do you open to pay?";
    assert!(ask(&api, &dataset, 0, question).await.ends_with(REFUND));
    assert!(ask(&api, &dataset, 20, question).await.ends_with(HOURS));
}

#[tokio::test]
async fn what_was_indexed_without_vectors_gets_them() {
    let folder = {
        let api = Api::start().await;
        let dataset = dataset(&api, 0).await;
        add(&api, &dataset, local("a.txt", "txt", REFUND)).await;
        add(&api, &dataset, local("b.txt", "txt", HOURS)).await;
        api.stop().await
    };
    let endpoint = endpoint().await;
    let yaml = format!(
        "embeddings: {{ base_url: \"{}\", model: tiny }}\n",
        endpoint.url
    );
    let api = Setup::with(&yaml)
        .data(&folder.path().join("data"))
        .start()
        .await;
    within(async {
        while endpoint.asked.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
    let reply = api.get(&format!("/v1/datasets?space_id={SPACE}")).await;
    let dataset = text(&reply.data()["dataset_list"][0]["dataset_id"]);
    within(async {
        while !ask(&api, &dataset, 0, "钱").await.ends_with(REFUND) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_that_fails_is_told_with_documents_and_passed_over_in_questions() {
    let endpoint = endpoint().await;
    let api = start(&endpoint).await;
    let dataset = dataset(&api, 0).await;
    add(&api, &dataset, local("a.txt", "txt", REFUND)).await;
    endpoint.broken.store(true, Ordering::SeqCst);
    let progress = add(&api, &dataset, local("b.txt", "txt", HOURS)).await;
    assert_eq!(progress["status"], 9);
    let told = text(&progress["status_descript"]);
    assert_eq!(
        told,
        "embeddings of tiny: the endpoint answered with HTTP status 400 Bad Request"
    );
    // By its words the first one is still found.
    assert!(
        ask(&api, &dataset, 0, "Tell me about the refund")
            .await
            .ends_with(REFUND)
    );
    let id = text(&progress["document_id"]);
    assert_eq!(done(&api, &dataset, &id).await["progress"], 30);
}
