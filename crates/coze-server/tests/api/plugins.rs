//! Plugins from OpenAPI files: what is sent for a call, what comes back, what the store shows, and
//! how a chat uses them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::{Api, Setup, frames, load, normal, text};
use crate::peer::Peer;
use crate::space::streamed;

const PLUGIN: &str = "7500000000000000401";

const FILE: &str = r##"
openapi: 3.0.3
info: { title: Weather, description: Tells the weather }
servers: [ { url: "https://weather.invalid" } ]
paths:
  /cities/{city}/forecast:
    get:
      operationId: forecast
      summary: The forecast of a city
      parameters:
        - { name: city, in: path, required: true, schema: { type: string } }
        - { name: days, in: query, schema: { type: integer } }
        - { name: kinds, in: query, schema: { type: array, items: { type: string } } }
        - { name: X-Unit, in: header, schema: { type: string } }
      responses:
        "200": { content: { application/json: { schema: { $ref: "#/components/schemas/Forecast" } } } }
  /reports:
    post:
      operationId: report
      description: Tells what the weather was
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Report" } } }
      responses: {}
  /form:
    post:
      operationId: form
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: { type: object, properties: { a: { type: string } } }
      responses: {}
components:
  schemas:
    Forecast: { type: object, properties: { sky: { type: string } } }
    Report:
      type: object
      required: [text]
      properties: { text: { type: string }, stars: { type: integer } }
"##;

fn yaml(base_url: &str, more: &str) -> String {
    format!(
        r#"
bots:
  - {{ id: "7500000000000000101", name: Forecaster, model: scripted, plugins: ["{PLUGIN}"] }}
models:
  scripted:
    provider: offline
    script:
      - match: "rain"
        tool_calls: [ {{ name: weather-forecast, arguments: {{ city: "南京", days: 2 }} }} ]
        then: "It says {{{{ tool_outputs[0] }}}}"
      - match: "both"
        tool_calls:
          - {{ name: weather-forecast, arguments: {{ city: Oslo }} }}
          - {{ name: weather-report, arguments: {{ text: fine }} }}
        then: "{{{{ tool_outputs[0] }}}} and {{{{ tool_outputs[1] }}}}"
plugins:
  - id: "{PLUGIN}"
    name: weather
    openapi: weather.yaml
    base_url: "{base_url}/v1/"
    category: Nature
    auth: {{ env: CARGO_MANIFEST_DIR }}
    headers: {{ X-Fixed: "yes" }}
    timeout_s: 1
{more}"#
    )
}

async fn start(peer: &Peer) -> Api {
    start_with(&yaml(&peer.url, "allow_private_networks: true\n")).await
}

async fn start_with(yaml: &str) -> Api {
    let mut setup = Setup::new();
    setup.write("weather.yaml", FILE);
    setup.load(yaml);
    setup.start().await
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn sunny() -> String {
    answer("200 OK", "application/json", r#"{"sky":"sunny"}"#)
}

async fn call(api: &Api, tool: &str, arguments: Value) -> crate::harness::Reply {
    let path = format!("/v1/plugins/{PLUGIN}/tools/call");
    api.post(&path, json!({"tool_name": tool, "arguments": arguments}))
        .await
}

#[tokio::test]
async fn arguments_go_where_the_file_says() {
    let peer = Peer::start().await;
    let api = start(&peer).await;
    peer.bytes(sunny());
    let arguments =
        json!({"city": "a/b?c", "days": 3, "kinds": ["rain", "sun & wind"], "X-Unit": "c"});
    let reply = call(&api, "forecast", arguments).await;
    assert_eq!(*reply.data(), json!({"result": {"sky": "sunny"}}));
    peer.bytes(answer("200 OK", "text/plain", "thank you"));
    let reply = call(&api, "report", json!({"text": "你好", "stars": 5})).await;
    assert_eq!(*reply.data(), json!({"result": "thank you"}));
    peer.bytes(answer("200 OK", "application/json", "[1,2]"));
    let reply = call(&api, "form", json!({"a": "x & y"})).await;
    assert_eq!(*reply.data(), json!({"result": [1, 2]}));

    let calls = peer.calls();
    let key = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let (head, body) = &calls[0];
    let first =
        "GET /v1/cities/a%2Fb%3Fc/forecast?days=3&kinds=rain&kinds=sun+%26+wind HTTP/1.1\r\n";
    assert!(head.starts_with(first), "{head}");
    let head = head.to_lowercase();
    for line in [
        "x-unit: c",
        "x-fixed: yes",
        &format!("authorization: bearer {}", key.to_lowercase()),
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert_eq!(*body, json!(""));
    assert!(calls[1].0.starts_with("POST /v1/reports HTTP/1.1\r\n"));
    assert_eq!(calls[1].1, json!({"text": "你好", "stars": 5}));
    assert_eq!(calls[2].1, json!("a=x+%26+y"));
}

#[tokio::test]
async fn calls_that_cannot_be_made_or_fail_say_why() {
    let peer = Peer::start().await;
    let api = start(&peer).await;
    let mut seen = String::new();
    for (tool, arguments) in [
        ("", json!({})),
        ("nothing", json!({})),
        ("forecast", json!({})),
        ("forecast", json!({"city": ".."})),
        ("forecast", json!({"city": "a", "X-Unit": "line\nbreak"})),
        ("forecast", json!([])),
    ] {
        seen += &format!("{tool}: {}\n", call(&api, tool, arguments).await.refusal());
    }
    for bytes in [
        answer(
            "404 Not Found",
            "application/json",
            r#"{"error":"no such city"}"#,
        ),
        answer("302 Found\r\nlocation: /elsewhere", "text/plain", ""),
        answer("200 OK", "text/plain", &"x".repeat(1024 * 1024 + 1)),
        "no HTTP at all\r\n\r\n".to_owned(),
    ] {
        peer.bytes(bytes);
        peer.bytes(answer("500 Oops", "text/plain", ""));
        let reply = call(&api, "report", json!({"text": "a"})).await;
        seen += &format!("{}\n", reply.refusal());
        peer.forget();
    }
    peer.answer(vec![crate::peer::Step::Wait(
        std::time::Duration::from_secs(5),
    )]);
    seen += &format!(
        "{}\n",
        call(&api, "report", json!({"text": "a"})).await.refusal()
    );
    let reply = api
        .post(
            "/v1/plugins/12/tools/call",
            json!({"tool_name": "a", "arguments": {}}),
        )
        .await;
    seen += &format!("{}\n", reply.refusal());
    assert_snapshot!(seen, @r#"
    : 200 4000 Request parameter error: tool_name: it is required
    nothing: 200 4200 the plugin 7500000000000000401 has no tool "nothing" (it has: forecast, report, form)
    forecast: 200 4000 Request parameter error: arguments.city: it is required
    forecast: 200 4000 Request parameter error: arguments.city: ".." cannot stand in a path
    forecast: 200 4000 Request parameter error: arguments.X-Unit: it is no header that can be sent
    forecast: 200 4000 Request parameter error: arguments: invalid type: sequence, expected a map at line 1 column 36
    200 5000 the tool answered with HTTP status 404: {"error":"no such city"}
    200 5000 the tool answered with HTTP status 302: 
    200 5000 127.0.0.1 sent more than 1048576 bytes
    200 5000 127.0.0.1 cannot be reached: invalid HTTP version parsed
    200 5000 127.0.0.1 took longer than 1 s
    200 4200 the plugin 12 does not exist
    "#);
}

#[tokio::test]
async fn private_networks_are_refused_unless_they_are_allowed() {
    let peer = Peer::start().await;
    let api = start_with(&yaml(&peer.url, "")).await;
    let reply = call(&api, "forecast", json!({"city": "Oslo"})).await;
    assert_eq!(reply.code(), 5000);
    assert!(
        reply.msg().contains("allow_private_networks"),
        "{}",
        reply.msg()
    );
    // The model is told, and the chat goes on.
    let stream = api.stream("/v3/chat", streamed("rain")).await;
    assert!(
        stream.contains("It says error: 127.0.0.1 is the address 127.0.0.1 of a private network"),
        "{stream}"
    );
    assert!(peer.calls().is_empty());
}

#[tokio::test]
async fn a_chat_calls_a_tool_and_tells_so_in_order() {
    let peer = Peer::start().await;
    let api = start(&peer).await;
    peer.bytes(sunny());
    let stream = api.stream("/v3/chat", streamed("rain")).await;
    assert_snapshot!(normal(&stream), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.completed
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"function_call","content":"{\"name\":\"weather-forecast\",\"arguments\":{\"city\":\"南京\",\"days\":2},\"plugin_id\":7500000000000000401,\"api_id\":<id:6>,\"plugin_type\":1}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:7>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"tool_response","content":"{\"content_type\":1,\"response_for_model\":\"{\\\"sky\\\":\\\"sunny\\\"}\",\"type_for_model\":2}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.delta
    data:{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"It ","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.delta
    data:{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"says ","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.delta
    data:{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"{\"sky\":\"sunny\"}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.completed
    data:{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"It says {\"sky\":\"sunny\"}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:9>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.chat.completed
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":12,"output_count":6,"input_count":6},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
    // Two at once: the calls, then what came of them, each in the order of the model.
    peer.bytes(sunny());
    peer.bytes(sunny());
    let stream = api.stream("/v3/chat", streamed("both")).await;
    let kinds: Vec<_> = frames(&stream)
        .into_iter()
        .filter(|(name, _)| name == "conversation.message.completed")
        .map(|(_, data)| text(&data["type"]))
        .collect();
    assert_eq!(
        kinds,
        [
            "function_call",
            "function_call",
            "tool_response",
            "tool_response",
            "answer",
            "verbose"
        ]
    );
}

#[tokio::test]
async fn the_store_and_the_agent_show_the_plugin() {
    let peer = Peer::start().await;
    let api = start(&peer).await;
    let plugin = api.get(&format!("/v1/plugins/{PLUGIN}")).await;
    assert_snapshot!(normal(&plugin.text), @r#"{"code":0,"msg":"","data":{"plugin_id":"7500000000000000401","name":"weather","name_for_model":"weather","description":"Tells the weather","icon_url":"","is_call_available":true,"created_at":<time>,"updated_at":<time>,"category":"Nature","tools":[{"tool_id":"<id:1>","name":"forecast","description":"The forecast of a city","inputSchema":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"kinds":{"type":"array","items":{"type":"string"}},"X-Unit":{"type":"string"}},"required":["city"]},"outputSchema":{"type":"object","properties":{"sky":{"type":"string"}}}},{"tool_id":"<id:2>","name":"report","description":"Tells what the weather was","inputSchema":{"type":"object","properties":{"text":{"type":"string"},"stars":{"type":"integer"}},"required":["text"]}},{"tool_id":"<id:3>","name":"form","description":"","inputSchema":{"type":"object","properties":{"a":{"type":"string"}},"required":[]}}]},"detail":{"logid":"<logid>"}}"#);
    let many = api.get(&format!("/v1/plugins/mget?ids={PLUGIN}")).await;
    assert_eq!(many.data()["items"], json!([plugin.data()]));
    let bot = api.get("/v1/bots/7500000000000000101").await;
    let infos = bot.data()["plugin_info_list"].as_array().unwrap();
    assert_eq!(infos[0]["plugin_id"], PLUGIN);
    assert_eq!(infos[0]["api_info_list"][0]["name"], "forecast");
    assert_eq!(
        infos[0]["api_info_list"][0]["api_id"],
        plugin.data()["tools"][0]["tool_id"]
    );

    let store = api.get("/v1/stores/plugins").await;
    assert_snapshot!(normal(&store.text), @r#"{"code":0,"msg":"","data":{"items":[{"metainfo":{"entity_type":"plugin","entity_id":"7500000000000000401","product_id":"7500000000000000401","name":"weather","description":"Tells the weather","icon_url":"","is_official":false,"listed_at":<time>,"category":{"id":"<id:1>","name":"Nature"},"user_info":{"user_id":"7500000000000000002"}},"plugin_info":{"description":"Tells the weather","is_call_available":true,"total_tools_count":3}}],"has_more":false},"detail":{"logid":"<logid>"}}"#);
    let categories = api.get("/v1/stores/categories?entity_type=plugin").await;
    let category = text(&categories.data()["items"][0]["id"]);
    for (query, count) in [
        ("keyword=WEATH", 1),
        ("keyword=forecast", 1),
        ("keyword=nothing", 0),
        ("is_official=true", 0),
        ("is_official=false&sort_type=relative", 1),
        (&format!("category_ids={category}"), 1),
        ("category_ids=12", 0),
        ("page_num=2", 0),
    ] {
        let reply = api.get(&format!("/v1/stores/plugins?{query}")).await;
        assert_eq!(
            reply.data()["items"].as_array().unwrap().len(),
            count,
            "{query}"
        );
    }
    for path in [
        "/v1/stores/plugins?sort_type=best",
        "/v1/stores/plugins?page_num=0",
        "/v1/stores/categories",
        "/v1/stores/categories?entity_type=bot",
        "/v1/plugins/mget",
    ] {
        assert_eq!(api.get(path).await.code(), 4000, "{path}");
    }
    assert_eq!(api.get("/v1/plugins/12").await.code(), 4200);
    assert_eq!(api.get("/v1/plugins/mget?ids=12").await.code(), 4200);
}

#[tokio::test]
async fn a_configuration_that_does_not_fit_keeps_the_server_from_starting() {
    let good = yaml("http://127.0.0.1:1", "");
    for (from, to, expected) in [
        (
            "openapi: weather.yaml",
            "openapi: gone.yaml",
            "plugins: weather: ",
        ),
        (
            "base_url: \"http",
            "base_url: \"ftp",
            "is no http:// or https:// address",
        ),
        (
            "plugins: [\"7500000000000000401\"]",
            "plugins: [ { id: \"7500000000000000401\", tools: [x] } ]",
            "has no tool \"x\"",
        ),
        (
            "plugins: [\"7500000000000000401\"]",
            "plugins: [\"12\"]",
            "the plugin 12 is not under `plugins`",
        ),
        (
            "plugins: [\"7500000000000000401\"]",
            "plugins: [{}]",
            "expected the id of a plugin",
        ),
        ("timeout_s: 1", "timeout: 1", "unknown field"),
    ] {
        assert!(good.contains(from), "{from}");
        let yaml = good.replacen(from, to, 1);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("weather.yaml"), FILE).unwrap();
        let why = match load(folder.path(), &yaml) {
            Err(error) => error.to_string(),
            Ok(space) => {
                let mut setup = Setup::new();
                setup.config.space = space;
                setup.try_start().await.err().unwrap().to_string()
            }
        };
        assert!(why.contains(expected), "{expected}: {why}");
    }
}
