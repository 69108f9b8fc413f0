//! The exact bytes of chats: replies and streams, in both dialects (reference, sections 3 and 4).

use insta::assert_snapshot;
use serde_json::json;

use crate::harness::{Api, Setup, normal, place, text};
use crate::space::{self, streamed};

#[tokio::test]
async fn a_create_without_a_stream() {
    let api = Api::start().await;
    let mut body = space::chat("hang");
    body["meta_data"] = json!({"order": "12"});
    let reply = api.post("/v3/chat", body).await;
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"meta_data":{"order":"12"},"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}"#);
}

#[tokio::test]
async fn each_state_of_a_chat_and_what_it_produced() {
    let api = Api::start().await;
    let mut seen = String::new();
    for message in ["hang", "hello", "half then fail", "weather", "think"] {
        let reply = api.post("/v3/chat", space::chat(message)).await;
        let chat = reply.data();
        let (conversation, id) = (text(&chat["conversation_id"]), text(&chat["id"]));
        if message != "hang" {
            api.ended(&conversation, &id).await;
        }
        let chat = api.retrieve(&conversation, &id).await.text;
        let messages = api
            .get(&place("/v3/chat/message/list", &conversation, &id))
            .await;
        seen += &normal(&format!("# {message}\n{chat}\n{}\n", messages.text));
        if message == "hang" {
            let canceled = api.cancel(&conversation, &id).await.text;
            let after = api.retrieve(&conversation, &id).await.text;
            seen += &normal(&format!("# hang, cancelled\n{canceled}\n{after}\n"));
        }
    }
    assert_snapshot!(seen, @r#"
    # hang
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[],"detail":{"logid":"<logid>"}}
    # hang, cancelled
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"canceled","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"canceled","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    # hello
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":9,"output_count":2,"input_count":7},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>},{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}],"detail":{"logid":"<logid>"}}
    # half then fail
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"failed_at":<time>,"last_error":{"code":4013,"msg":"no more today"},"status":"failed","usage":{"token_count":11,"output_count":2,"input_count":9},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[],"detail":{"logid":"<logid>"}}
    # weather
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_<id:3>","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}]}},"usage":{"token_count":7,"output_count":0,"input_count":7},"section_id":"<id:4>","inserted_additional_messages":[{"id":"<id:5>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"function_call","content":"{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Oslo\"},\"plugin_id\":7500000000000000101,\"api_id\":7500000000000000101,\"plugin_type\":1}","content_type":"text","chat_id":"<id:1>","section_id":"<id:4>","created_at":<time>,"updated_at":<time>}],"detail":{"logid":"<logid>"}}
    # think
    {"code":0,"msg":"","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":8,"output_count":1,"input_count":7},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}
    {"code":0,"msg":"","data":[{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"42","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","reasoning_content":"first then","created_at":<time>,"updated_at":<time>},{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>},{"id":"<id:7>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"follow_up","content":"Why 42?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>},{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"follow_up","content":"Sure?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}],"detail":{"logid":"<logid>"}}
    "#);
}

#[tokio::test]
async fn the_stream_of_an_answer() {
    let api = Api::start().await;
    assert_snapshot!(normal(&api.stream("/v3/chat", streamed("hello")).await), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":" there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.completed
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.chat.completed
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":9,"output_count":2,"input_count":7},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
}

#[tokio::test]
async fn the_stream_of_reasoning_and_follow_ups() {
    let api = Api::start().await;
    assert_snapshot!(normal(&api.stream("/v3/chat", streamed("think")).await), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","reasoning_content":"first "}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","reasoning_content":"then"}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"42","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.completed
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"42","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","reasoning_content":"first then","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:7>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"follow_up","content":"Why 42?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:8>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"follow_up","content":"Sure?","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.chat.completed
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":8,"output_count":1,"input_count":7},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
}

#[tokio::test]
async fn the_streams_of_a_tool_call() {
    let api = Api::start().await;
    let mut stream = api.open("/v3/chat", streamed("both tools")).await;
    let (conversation, chat) = stream.ids().await;
    let first = stream.rest().await;
    let state = api.retrieve(&conversation, &chat).await;
    let outputs: Vec<_> = state.data()["required_action"]["submit_tool_outputs"]["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["sunny", "noon"])
        .map(|(call, output)| json!({"tool_call_id": call["id"], "output": output}))
        .collect();
    let path = place("/v3/chat/submit_tool_outputs", &conversation, &chat);
    let second = api
        .stream(&path, json!({"tool_outputs": outputs, "stream": true}))
        .await;
    assert_snapshot!(normal(&format!("{first}=====\n{second}")), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.completed
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"function_call","content":"{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Oslo\"},\"plugin_id\":7500000000000000101,\"api_id\":7500000000000000101,\"plugin_type\":1}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:6>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"function_call","content":"{\"name\":\"get_time\",\"arguments\":{},\"plugin_id\":7500000000000000101,\"api_id\":7500000000000000101,\"plugin_type\":1}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.chat.requires_action
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_<id:7>","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"call_<id:8>","type":"function","function":{"name":"get_time","arguments":"{}"}}]}},"usage":{"token_count":8,"output_count":0,"input_count":8},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"

    =====
    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":8,"output_count":0,"input_count":8},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.completed
    data:{"id":"<id:9>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"tool_response","content":"{\"content_type\":1,\"response_for_model\":\"sunny\",\"type_for_model\":2}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:10>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"tool_response","content":"{\"content_type\":1,\"response_for_model\":\"noon\",\"type_for_model\":2}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.delta
    data:{"id":"<id:11>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"sunny ","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.delta
    data:{"id":"<id:11>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"at ","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.delta
    data:{"id":"<id:11>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"noon","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.message.completed
    data:{"id":"<id:11>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"sunny at noon","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.message.completed
    data:{"id":"<id:12>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}

    event:conversation.chat.completed
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":23,"output_count":4,"input_count":19},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
}

#[tokio::test]
async fn the_stream_of_a_failure() {
    let api = Api::start().await;
    assert_snapshot!(normal(&api.stream("/v3/chat", streamed("half then fail")).await), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.message.delta
    data:{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"half ","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}

    event:conversation.chat.failed
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"failed_at":<time>,"last_error":{"code":4013,"msg":"no more today"},"status":"failed","usage":{"token_count":11,"output_count":2,"input_count":9},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
}

#[tokio::test]
async fn the_stream_of_a_cancelled_chat() {
    let api = Api::start().await;
    let mut stream = api.open("/v3/chat", streamed("hang")).await;
    let (conversation, chat) = stream.ids().await;
    api.cancel(&conversation, &chat).await.data();
    assert_snapshot!(normal(&stream.rest().await), @r#"
    event:conversation.chat.created
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.in_progress
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:conversation.chat.canceled
    data:{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"canceled","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]}

    event:done
    data:"[DONE]"
    "#);
}

#[tokio::test]
async fn the_dialect_of_the_skill() {
    let api = Setup::new().skill().start().await;
    let stream = api.stream("/v3/chat", streamed("hello")).await;
    assert_snapshot!(normal(&stream), @r#"
    data:{"event":"conversation.chat.created","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"created","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}}

    data:{"event":"conversation.chat.in_progress","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>"}}

    data:{"event":"conversation.message.delta","data":{"id":"<id:4>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}}

    data:{"event":"conversation.message.delta","data":{"id":"<id:4>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":" there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>"}}

    data:{"event":"conversation.message.completed","data":{"id":"<id:4>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi there","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}}

    data:{"event":"conversation.message.completed","data":{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"verbose","content":"{\"msg_type\":\"generate_answer_finish\",\"data\":\"{\\\"finish_reason\\\":0,\\\"FinData\\\":\\\"\\\"}\",\"from_module\":null,\"from_unit\":null}","content_type":"text","chat_id":"<id:1>","section_id":"<id:3>","created_at":<time>,"updated_at":<time>}}

    data:{"event":"conversation.chat.completed","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"completed_at":<time>,"last_error":{"code":0,"msg":""},"status":"completed","usage":{"token_count":9,"output_count":2,"input_count":7},"section_id":"<id:3>"}}

    data:{"event":"done","data":"[DONE]"}
    "#);

    let reply = api.post("/v3/chat", space::chat("hang")).await;
    let (conversation, chat) = (
        text(&reply.data()["conversation_id"]),
        text(&reply.data()["id"]),
    );
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"success","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"in_progress","usage":{"token_count":0,"output_count":0,"input_count":0},"section_id":"<id:3>","inserted_additional_messages":[{"id":"<id:4>"}]},"detail":{"logid":"<logid>"}}"#);

    // There, a failure is a failure of HTTP too.
    let mut again = space::chat("hello");
    again["conversation_id"] = conversation.as_str().into();
    let occupied = api.post("/v3/chat", again).await;
    assert_snapshot!(normal(&format!("{}\n{}", occupied.http, occupied.text)), @r#"
    409
    {"code":4016,"msg":"conversation <id:1> is occupied by chat <id:2>: wait until it ends, or cancel it","detail":{"logid":"<logid>"}}
    "#);
    let unknown = api.retrieve(&conversation, "1").await;
    assert_snapshot!(unknown.refusal(), @"404 4002 the chat 1 does not exist");

    let mut both = streamed("hello");
    both["auto_save_history"] = true.into();
    assert_snapshot!(api.post("/v3/chat", both).await.refusal(), @"400 4000 Request parameter error: auto_save_history: it must be false when stream is true (in the dialect of the skill)");
    api.cancel(&conversation, &chat).await.data();
}

#[tokio::test]
async fn how_streams_end_in_the_dialect_of_the_skill() {
    let api = Setup::new().skill().start().await;
    // The first frames are those of an answer; the last two tell the end.
    let ends = |stream: &str| {
        let frames: Vec<&str> = stream.trim_end().split("\n\n").collect();
        normal(&frames[frames.len() - 2..].join("\n\n"))
    };
    assert_snapshot!(ends(&api.stream("/v3/chat", streamed("fail")).await), @r#"
    data:{"event":"conversation.chat.failed","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"failed_at":<time>,"last_error":{"code":5000,"msg":"scripted failure"},"status":"failed","usage":{"token_count":6,"output_count":0,"input_count":6},"section_id":"<id:3>"}}

    data:{"event":"done","data":"[DONE]"}
    "#);
    assert_snapshot!(ends(&api.stream("/v3/chat", streamed("weather")).await), @r#"
    data:{"event":"conversation.chat.requires_action","data":{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","created_at":<time>,"last_error":{"code":0,"msg":""},"status":"requires_action","required_action":{"type":"submit_tool_outputs","submit_tool_outputs":{"tool_calls":[{"id":"call_<id:3>","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}}]}},"usage":{"token_count":7,"output_count":0,"input_count":7},"section_id":"<id:4>"}}

    data:{"event":"done","data":"[DONE]"}
    "#);
}

#[tokio::test]
async fn the_messages_of_a_conversation() {
    let api = Api::start().await;
    let conversation = api.conversation().await;
    api.ask(&conversation, "hello").await;
    let path = format!("/v1/conversation/message/list?conversation_id={conversation}");
    let reply = api.post(&path, json!({})).await;
    assert_snapshot!(normal(&reply.text), @r#"{"code":0,"msg":"","data":[{"id":"<id:1>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"assistant","type":"answer","content":"Hi there","content_type":"text","chat_id":"<id:3>","section_id":"<id:4>","created_at":<time>,"updated_at":<time>},{"id":"<id:5>","conversation_id":"<id:2>","bot_id":"7500000000000000101","role":"user","type":"question","content":"hello","content_type":"text","chat_id":"<id:3>","section_id":"<id:4>","created_at":<time>,"updated_at":<time>}],"first_id":"<id:1>","last_id":"<id:5>","has_more":false,"detail":{"logid":"<logid>"}}"#);
    let empty = api.conversation().await;
    let path = format!("/v1/conversation/message/list?conversation_id={empty}");
    // "0" stands for no id, as at the service.
    assert_snapshot!(normal(&api.post(&path, json!({})).await.text), @r#"{"code":0,"msg":"","data":[],"first_id":"0","last_id":"0","has_more":false,"detail":{"logid":"<logid>"}}"#);
}
