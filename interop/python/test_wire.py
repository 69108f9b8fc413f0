"""Raw HTTP: the bytes and status codes that the official SDKs need but do not show."""

import json
import re
import socket

import pytest
import requests

import harness
from configs import (
    CHATFLOW,
    DEMO_BOT,
    GRADE,
    GREET,
    SCRIPTED_BOT,
    SEPARATORS,
    TOKEN,
    TRIP,
    UNKNOWN_ID,
)

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
CHAT_FRAME = re.compile(rb"event:([a-z_.]+)\ndata:([^\n]+)\n\n")
FLOW_FRAME = re.compile(rb"event: ([a-z_.]+)\ndata: ([^\n]+)\n\n")
RUN_FRAME = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: ([^\n]+)\n\n")


@pytest.fixture
def http(server):
    def call(method, path, **options):
        options.setdefault("headers", HEADERS)
        return requests.request(method, server.base_url + path, timeout=15, **options)

    return call


def question(text="slow please", **fields):
    message = {"role": "user", "type": "question", "content": text, "content_type": "text"}
    return {"bot_id": SCRIPTED_BOT, "user_id": "u", "additional_messages": [message], **fields}


def logid(response, body=None):
    """The log id of an answer, the same in the header and, for envelopes, in the body."""
    found = response.headers["x-tt-logid"]
    assert found
    if body is not None:
        assert body["detail"]["logid"] == found
    return found


def success(response):
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    body = response.json()
    assert body.get("code", 0) == 0, body
    assert isinstance(body["msg"], str)
    logid(response, body)
    return body


def failure(response, code=None, status=None):
    assert response.headers["content-type"].startswith("application/json")
    body = response.json()
    assert isinstance(body["code"], int) and body["code"] > 0, body
    assert body["msg"] and isinstance(body["msg"], str)
    assert code is None or body["code"] == code, body
    assert status is None or response.status_code == status, (response.status_code, body)
    logid(response, body)
    return body


def frames(response, pattern):
    """The frames of a stream; there must be nothing but frames."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    logid(response)
    content = response.content  # reads to the end: the server has to close the stream by itself
    found = pattern.findall(content)
    assert b"".join(m.group(0) for m in pattern.finditer(content)) == content, content[:2000]
    return found


# -- streams -----------------------------------------------------------------------------------------


def test_bytes_of_a_chat_stream(http):
    response = http("POST", "/v3/chat", json=question("think about it", stream=True))
    found = frames(response, CHAT_FRAME)
    names = [name.decode() for name, _ in found]
    assert names[:2] == ["conversation.chat.created", "conversation.chat.in_progress"]
    assert names[-2:] == ["conversation.chat.completed", "done"]
    assert found[-1][1] == b'"[DONE]"', "with quotes"
    for name, data in found[:-1]:
        body = json.loads(data)
        assert isinstance(body["id"], str) and re.fullmatch(r"[1-9]\d{18}", body["id"]), "19-digit ids, as strings"
        assert body["conversation_id"] and body["bot_id"] == SCRIPTED_BOT
        assert isinstance(body.get("created_at", 0), int)
        if b".chat." in name:
            assert body["last_error"] is None or isinstance(body["last_error"]["code"], int)
            assert body.get("usage") is None or isinstance(body["usage"]["token_count"], int)
        else:
            assert {"role", "type", "content", "content_type", "chat_id"} <= set(body)
            assert isinstance(body["content"], str)


def test_line_separators_are_escaped(http):
    content = http("POST", "/v3/chat", json=question("separators", stream=True)).content
    for separator in "\u2028\u2029\u0085":
        assert separator.encode() not in content
    answers = [json.loads(data) for name, data in CHAT_FRAME.findall(content) if b"message.completed" in name]
    assert [a["content"] for a in answers if a["type"] == "answer"] == [SEPARATORS]


def test_bytes_of_a_failing_stream(http):
    found = frames(http("POST", "/v3/chat", json=question("fail", stream=True)), CHAT_FRAME)
    assert [name for name, _ in found][-2:] == [b"conversation.chat.failed", b"done"]
    chat = json.loads(found[-2][1])
    assert chat["status"] == "failed"
    assert chat["last_error"] == {"code": 5000, "msg": "scripted failure"}


def test_bytes_of_a_workflow_stream(http):
    body = {"workflow_id": GREET, "parameters": {"name": "Ada"}}
    found = frames(http("POST", "/v1/workflow/stream_run", json=body), RUN_FRAME)
    assert [int(number) for number, _, _ in found] == list(range(len(found)))
    assert [name for _, name, _ in found] == [b"Message", b"Done"]
    message = json.loads(found[0][2])
    assert {"content", "node_title", "node_seq_id", "node_is_finish"} <= set(message)
    assert isinstance(json.loads(found[1][2]), dict)


def test_bytes_of_a_failing_workflow_stream(http):
    body = {"workflow_id": GRADE, "parameters": {"score": 1}}
    found = frames(http("POST", "/v1/workflow/stream_run", json=body), RUN_FRAME)
    assert found[-1][1] == b"Error"
    error = json.loads(found[-1][2])
    assert isinstance(error["error_code"], int) and error["error_code"] > 0
    assert "Mystery plugin" in error["error_message"]


def test_bytes_of_a_chatflow_stream(http):
    body = question("slow please", workflow_id=CHATFLOW)
    body["bot_id"] = DEMO_BOT
    del body["user_id"]
    found = frames(http("POST", "/v1/workflows/chat", json=body), FLOW_FRAME)
    names = [name.decode() for name, _ in found]
    assert names[:2] == ["conversation.chat.created", "conversation.chat.in_progress"]
    assert names[-2:] == ["conversation.chat.completed", "done"]
    assert "bot_id" not in json.loads(found[0][1])
    assert json.loads(found[0][1])["section_id"]
    assert json.loads(found[-1][1])["debug_url"]


def test_a_refused_stream_is_plain_json(http):
    failure(http("POST", "/v3/chat", json=question(stream=True, bot_id=UNKNOWN_ID)), 4200)
    failure(http("POST", "/v1/workflow/stream_run", json={"workflow_id": UNKNOWN_ID}), 4200)
    failure(http("POST", "/v1/workflows/chat", json=question(workflow_id=UNKNOWN_ID)))


# -- envelopes ---------------------------------------------------------------------------------------


def test_every_answer_has_its_own_log_id(http):
    ids = {logid(http("GET", "/v1/users/me")) for _ in range(3)}
    assert len(ids) == 3


def test_chat_envelope(http):
    body = success(http("POST", "/v3/chat", json=question(stream=False)))
    assert body["data"]["status"] == "in_progress"
    params = {"conversation_id": body["data"]["conversation_id"], "chat_id": body["data"]["id"]}

    def ended():
        data = success(http("GET", "/v3/chat/retrieve", params=params))["data"]
        return data if data["status"] != "in_progress" else None

    by_get = harness.wait_for(ended)
    by_post = success(http("POST", "/v3/chat/retrieve", params=params))["data"]
    assert by_get == by_post
    assert by_get["status"] == "completed"
    listed = success(http("GET", "/v3/chat/message/list", params=params))["data"]
    assert isinstance(listed, list) and "first_id" not in listed
    assert [m["content"] for m in listed if m["type"] == "answer"] == ["one two three"]
    cursors = success(
        http(
            "POST",
            "/v1/conversation/message/list",
            params={"conversation_id": params["conversation_id"]},
            json={"order": "asc", "include_middle_message": True},
        )
    )
    assert [m["type"] for m in cursors["data"]] == ["question", "answer", "verbose"]
    assert cursors["first_id"] == cursors["data"][0]["id"]
    assert cursors["last_id"] == cursors["data"][-1]["id"]
    assert cursors["has_more"] is False


def test_stream_is_off_unless_asked_for(http):
    assert success(http("POST", "/v3/chat", json=question()))["data"]["status"] == "in_progress"


def test_nulls_and_empty_strings_are_like_absent(http):
    """coze-py sends explicit nulls, coze-go empty strings and zeros."""
    body = question("hello", stream=True, connector_id="", meta_data=None, custom_variables=None, parameters=None)
    body["additional_messages"][0].update(
        id=None, conversation_id="", section_id=None, bot_id="", chat_id=None, created_at=0, updated_at=None,
        reasoning_content=None, meta_data=None, type="",
    )
    found = frames(http("POST", "/v3/chat", params={"conversation_id": ""}, json=body), CHAT_FRAME)
    assert found[-2][0] == b"conversation.chat.completed"


def test_message_modify_answers_under_message(http):
    conversation = success(http("POST", "/v1/conversation/create"))["data"]["id"]
    params = {"conversation_id": conversation}
    body = {"role": "user", "content": "a", "content_type": "text"}
    made = success(http("POST", "/v1/conversation/message/create", params=params, json=body))["data"]
    params["message_id"] = made["id"]
    body = {"content": "b", "content_type": "text"}
    changed = success(http("POST", "/v1/conversation/message/modify", params=params, json=body))
    assert changed["message"]["content"] == "b"
    assert "data" not in changed


def test_a_question_pauses_a_run_without_stream(http):
    """What the official SDK cannot show: it has no type for interrupt_data."""
    run = success(http("POST", "/v1/workflow/run", json={"workflow_id": TRIP, "parameters": {"name": "Ada"}}))
    assert not run.get("data")
    assert run["execute_id"] and run["debug_url"]
    interrupt = run["interrupt_data"]
    assert interrupt["type"] == 2
    assert isinstance(interrupt["event_id"], str) and "/" in interrupt["event_id"]
    body = {"workflow_id": TRIP, "event_id": interrupt["event_id"], "interrupt_type": 2, "resume_data": "Rome"}
    done = success(http("POST", "/v1/workflows/resume", json=body))
    assert json.loads(done["data"]) == {"output": "Ada goes to Rome"}
    failure(http("POST", "/v1/workflows/resume", json=body))


def test_parameters_may_be_json_text(http):
    body = {"workflow_id": GREET, "parameters": '{"name": "Ada"}'}
    run = success(http("POST", "/v1/workflow/run", json=body))
    assert json.loads(run["data"]) == {"output": "Hello Ada!"}


# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
def test_authentication(http, header):
    headers = {} if header is None else {"Authorization": header}
    failure(http("GET", "/v1/users/me", headers=headers), 4100, 401)
    failure(http("POST", "/v3/chat", json=question(stream=True), headers=headers), 4100, 401)


@pytest.mark.parametrize(
    "field, wrong",
    [
        ("bot_id", None),
        ("user_id", None),
        ("bot_id", {"a": 1}),
        ("additional_messages", "hi"),
        ("additional_messages", [{"role": "system", "content": "x", "content_type": "text"}]),
        ("additional_messages", [{"role": "user", "content": "x", "content_type": "card"}]),
        ("custom_variables", ["x"]),
        ("meta_data", {"k": 1}),
        ("stream", "maybe"),
        ("parameters", "text"),
    ],
)
def test_a_wrong_field_is_named(http, field, wrong):
    body = question()
    if wrong is None:
        del body[field]
    else:
        body[field] = wrong
    message = failure(http("POST", "/v3/chat", json=body), 4000)["msg"]
    inner = {"system": "role", "card": "content_type"}
    named = field
    if field == "additional_messages" and isinstance(wrong, list):
        named = next(name for value, name in inner.items() if value in wrong[0].values())
    assert named in message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b'{"bot_id": "\xff"}', b"{" * 100_000])
def test_malformed_bodies(http, body):
    headers = {**HEADERS, "Content-Type": "application/json"}
    failure(http("POST", "/v3/chat", data=body, headers=headers), 4000)


def test_missing_query_parameters_are_named(http):
    assert "chat_id" in failure(http("GET", "/v3/chat/retrieve", params={"conversation_id": "1"}), 4000)["msg"]
    assert "conversation_id" in failure(http("GET", "/v1/conversation/retrieve"), 4000)["msg"]
    assert "message_id" in failure(
        http("GET", "/v1/conversation/message/retrieve", params={"conversation_id": "1"}), 4000
    )["msg"]


def test_unknown_routes_and_methods(http):
    failure(http("GET", "/v1/nothing/here"), status=404)
    failure(http("DELETE", "/v3/chat"))


def test_upload_takes_exactly_one_file(http):
    path = "/v1/files/upload"
    two = [("file", ("a.csv", b"1")), ("file", ("b.csv", b"2"))]
    failure(http("POST", path, files=two), 4301)
    failure(http("POST", path, files={"file": ("a.csv", b"")}), 4300)
    failure(http("POST", path, json={"file": "x"}))
    data = success(http("POST", path, files={"file": ('we"ird 名.csv', b"1,2")}))["data"]
    assert (data["bytes"], data["file_name"]) == (3, 'we"ird 名.csv')


def test_one_object_string_rules(http):
    def send(*items):
        body = question(stream=True)
        body["additional_messages"][0].update(content=json.dumps(items), content_type="object_string")
        return http("POST", "/v3/chat", json=body)

    text, image = {"type": "text", "text": "hello"}, {"type": "image", "file_url": "https://images.example/a.png"}
    assert send(text, image).headers["content-type"].startswith("text/event-stream")
    failure(send(image), 4000)  # needs a plain text message beside it
    failure(send(text, text, image), 4000)  # at most one text
    failure(send(text, {"type": "image"}), 4000)  # neither id nor URL
    failure(send(text, {"type": "hologram", "file_url": "https://x.example"}), 4000)


def test_the_server_outlives_rude_callers(http, server):
    host, port = server.base_url.split("//")[1].split(":")
    for request in (b"\x16\x03\x01garbage\r\n\r\n", b"POST /v3/chat HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(request)
    stream = http("POST", "/v3/chat", json=question("crawl", stream=True), stream=True)
    next(stream.iter_content(64))
    stream.close()
    assert server.running
    assert success(http("GET", "/v1/users/me"))["data"]["user_id"]
