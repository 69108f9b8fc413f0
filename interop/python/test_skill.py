"""A client written from what the coze-api skill says of the protocol, against `--dialect skill`.

That description differs from the documented API: every event is one `data:` line that holds both `event` and `data`,
conversation_id travels in the body, workflows run at /v3/workflows/run and answer with objects, `msg` is "success",
and errors use HTTP statuses.
"""

import json
import time

import pytest
import requests

from configs import (
    BRANCHES,
    DEMO_BOT,
    GRADE,
    GREET,
    MEDIUM_DELTAS,
    PERSONA_BOT,
    SCRIPTED_BOT,
    TOKEN,
    UNICODE,
    UNKNOWN_ID,
)

POLLS = 100
PAUSE = 0.1


class ApiError(Exception):
    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status, self.code, self.msg = status, body["code"], body["msg"]


class SkillClient:
    """Plain HTTP calls; knows nothing beyond the description."""

    def __init__(self, base_url, token):
        self.base_url = base_url
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method, path, **options):
        response = requests.request(method, self.base_url + path, headers=self.headers, timeout=15, **options)
        return self.unwrap(response)

    @staticmethod
    def unwrap(response):
        body = response.json()
        if response.status_code != 200 or body["code"] != 0:
            raise ApiError(response.status_code, body)
        assert body["msg"] == "success"
        return body["data"]

    @staticmethod
    def chat_body(bot_id, text, stream, conversation_id=None, variables=None):
        body = {
            "bot_id": bot_id,
            "user_id": "skill-user",
            "stream": stream,
            "auto_save_history": not stream,
            "additional_messages": [{"role": "user", "content": text, "content_type": "text"}],
        }
        if conversation_id:
            body["conversation_id"] = conversation_id
        if variables:
            body["custom_variables"] = variables
        return body

    def chat(self, bot_id, text, **options):
        """Starts a chat, polls until it is over, picks the answer. Gives (answer, chat)."""
        chat = self.call("POST", "/v3/chat", json=self.chat_body(bot_id, text, False, **options))
        ids = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
        for _ in range(POLLS):
            chat = self.call("GET", "/v3/chat/retrieve", params=ids)
            if chat["status"] == "completed":
                break
            if chat["status"] == "failed":
                raise RuntimeError(chat["last_error"]["msg"])
            time.sleep(PAUSE)
        else:
            raise TimeoutError("the chat does not end")
        for message in self.call("GET", "/v3/chat/message/list", params=ids):
            if message["role"] == "assistant" and message["type"] == "answer":
                return message["content"], chat
        raise RuntimeError("no answer among the messages")

    def stream(self, bot_id, text, **options):
        """Yields the pieces of the answer until the message is complete."""
        with requests.post(
            self.base_url + "/v3/chat",
            headers=self.headers,
            json=self.chat_body(bot_id, text, True, **options),
            stream=True,
            timeout=15,
        ) as response:
            if not response.headers["Content-Type"].startswith("text/event-stream"):
                self.unwrap(response)
            for raw in response.iter_lines():
                line = raw.decode("utf-8")
                if not line.startswith("data:"):
                    continue
                event = json.loads(line[len("data:") :])
                if event["event"] == "conversation.message.delta":
                    yield event["data"]["content"]
                elif event["event"] == "conversation.message.completed":
                    return

    def run_workflow(self, workflow_id, parameters):
        return self.call(
            "POST", "/v3/workflows/run", json={"workflow_id": workflow_id, "parameters": parameters}
        )


@pytest.fixture
def client(skill_server):
    return SkillClient(skill_server.base_url, TOKEN)


@pytest.fixture
def post(skill_server):
    """A raw POST; the answer must be JSON with code and msg, whatever happens."""

    def send(path, token=TOKEN, **options):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        response = requests.post(skill_server.base_url + path, headers=headers, timeout=15, **options)
        body = response.json()
        assert isinstance(body["code"], int) and isinstance(body["msg"], str) and body["msg"]
        return response.status_code, body

    return send


def refused(call, status):
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == status
    assert caught.value.code > 0 and caught.value.msg
    return caught.value


# -- chat --------------------------------------------------------------------------------------------


def test_chat_with_polling(client):
    answer, chat = client.chat(SCRIPTED_BOT, "slow please")
    assert answer == "one two three"
    assert chat["usage"]["token_count"] > 0


def test_demo_bot(client):
    assert "408" in client.chat(DEMO_BOT, "12*34等于多少？")[0]


def test_streaming(client):
    begin = time.monotonic()
    pieces = []
    for piece in client.stream(SCRIPTED_BOT, "medium please"):
        pieces.append((piece, time.monotonic() - begin))
    assert [piece for piece, _ in pieces] == MEDIUM_DELTAS
    assert pieces[-1][1] - pieces[0][1] > 0.8, "150 ms apart; here they came in one lump"
    assert list(client.stream(SCRIPTED_BOT, "unicode")) == UNICODE


def test_streaming_with_reasoning(client):
    assert "".join(client.stream(SCRIPTED_BOT, "think about it")) == "answer", "the first completed message is the answer"


def test_every_line_of_a_stream(client, skill_server):
    body = client.chat_body(SCRIPTED_BOT, "think about it", True)
    response = requests.post(skill_server.base_url + "/v3/chat", headers=client.headers, json=body, timeout=15)
    lines = [line for line in response.content.decode("utf-8").split("\n") if line]
    assert all(line.startswith("data:") for line in lines)
    events = [json.loads(line[5:]) for line in lines]
    assert all(set(event) == {"event", "data"} for event in events)
    names = [event["event"] for event in events]
    assert names[:2] == ["conversation.chat.created", "conversation.chat.in_progress"]
    assert names[-2:] == ["conversation.chat.completed", "done"]
    completed = [e["data"] for e in events if e["event"] == "conversation.message.completed"]
    assert (completed[0]["role"], completed[0]["type"], completed[0]["content"]) == ("assistant", "answer", "answer")
    assert events[0]["data"]["status"] == "created"


def test_several_turns(client):
    _, chat = client.chat(DEMO_BOT, "My name is Ada Lovelace.")
    question = "what did I say first?"
    answer, second = client.chat(DEMO_BOT, question, conversation_id=chat["conversation_id"])
    assert "My name is Ada Lovelace" in answer
    assert second["conversation_id"] == chat["conversation_id"]
    streamed = "".join(client.stream(DEMO_BOT, question, conversation_id=chat["conversation_id"]))
    assert streamed and "Ada Lovelace" not in client.chat(DEMO_BOT, question)[0]


def test_the_query_wins_over_the_body(client):
    one = client.chat(SCRIPTED_BOT, "hi")[1]["conversation_id"]
    two = client.chat(SCRIPTED_BOT, "hi")[1]["conversation_id"]
    body = client.chat_body(SCRIPTED_BOT, "hi", False, conversation_id=two)
    assert client.call("POST", "/v3/chat", params={"conversation_id": one}, json=body)["conversation_id"] == one


def test_custom_variables(client):
    variables = {"name": "Nemo", "place": "Nautilus"}
    answer, _ = client.chat(PERSONA_BOT, "what is your prompt?", variables=variables)
    assert "You are Nemo of Nautilus." in answer
    streamed = "".join(client.stream(PERSONA_BOT, "你的提示词是什么？", variables=variables))
    assert "You are Nemo of Nautilus." in streamed


def test_failing_chat(client):
    with pytest.raises(RuntimeError, match="scripted failure"):
        client.chat(SCRIPTED_BOT, "please fail")


# -- workflows ---------------------------------------------------------------------------------------


def test_workflow_run(client):
    done = client.run_workflow(GREET, {"name": "Ada"})
    assert set(done) >= {"execute_id", "workflow_id", "data"}
    assert done["workflow_id"] == GREET
    assert isinstance(done["execute_id"], str) and done["execute_id"]
    assert done["data"] == {"output": "Hello Ada!"}
    assert client.run_workflow(BRANCHES, {"city": "Oslo"})["data"]["away"] == "away in Oslo"


def test_failing_workflow(client):
    with pytest.raises(ApiError) as caught:
        client.run_workflow(GRADE, {"score": 1})
    assert "Mystery plugin" in caught.value.msg
    error = refused(lambda: client.run_workflow(GREET, {}), 400)
    assert error.code == 4000 and "name" in error.msg


# -- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream, history", [(True, True), (False, False)])
def test_stream_and_history_exclude_each_other(client, post, stream, history):
    body = client.chat_body(SCRIPTED_BOT, "hi", stream)
    body["auto_save_history"] = history
    status, answer = post("/v3/chat", json=body)
    assert (status, answer["code"]) == (400, 4000)
    assert "auto_save_history" in answer["msg"]


def test_bad_token(skill_server, post):
    stranger = SkillClient(skill_server.base_url, "not-the-token")
    assert refused(lambda: stranger.chat(SCRIPTED_BOT, "hi"), 401).code == 4100
    assert refused(lambda: list(stranger.stream(SCRIPTED_BOT, "hi")), 401).code == 4100
    assert refused(lambda: stranger.run_workflow(GREET, {"name": "x"}), 401).code == 4100


def test_unknown_bot_workflow_and_route(client, post):
    refused(lambda: client.chat(UNKNOWN_ID, "hi"), 404)
    refused(lambda: list(client.stream(UNKNOWN_ID, "hi")), 404)
    refused(lambda: client.run_workflow(UNKNOWN_ID, {}), 404)
    assert post("/v3/nothing", json={})[0] == 404


@pytest.mark.parametrize("path", ["/v3/chat", "/v3/workflows/run"])
@pytest.mark.parametrize("body", [b"{", b"", b"[1]", b'{"stream": tru'])
def test_malformed_json(post, path, body):
    status, answer = post(path, data=body)
    assert (status, answer["code"]) == (400, 4000)


def test_missing_fields(post):
    status, answer = post("/v3/chat", json={"user_id": "u", "stream": False, "auto_save_history": True})
    assert (status, answer["code"]) == (400, 4000) and "bot_id" in answer["msg"]
    status, answer = post("/v3/workflows/run", json={"parameters": {}})
    assert (status, answer["code"]) == (400, 4000) and "workflow_id" in answer["msg"]
