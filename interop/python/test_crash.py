"""`kill -9` in the middle of fifty chats. What was acknowledged is there afterwards, and nothing pretends to run."""

import json
import re
import shutil
import sqlite3
import threading
import time

import pytest
import requests

import harness
from configs import DEMO_BOT, SCRIPTED_BOT, TOKEN, write_config

POLLED, STREAMED, WRITERS = 40, 10, 6
TOLD_WHY = re.compile(r"restart|stopp|shut|interrupt|terminat|重启|中断|停止", re.IGNORECASE)


class Client:
    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def call(self, method, path, **options):
        body = self.session.request(method, self.base_url + path, timeout=15, **options).json()
        assert body["code"] == 0, (path, body)
        return body["data"]

    def create(self, text, conversation_id=None, bot_id=SCRIPTED_BOT):
        params = {"conversation_id": conversation_id} if conversation_id else {}
        return self.call("POST", "/v3/chat", params=params, json=question(text, False, bot_id))

    def retrieve(self, chat):
        params = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
        return self.call("GET", "/v3/chat/retrieve", params=params)

    def run_messages(self, chat):
        params = {"conversation_id": chat["conversation_id"], "chat_id": chat["id"]}
        return self.call("GET", "/v3/chat/message/list", params=params)

    def wait(self, chat):
        def probe():
            found = self.retrieve(chat)
            return found if found["status"] not in ("created", "in_progress") else None

        return harness.wait_for(probe, what="end of a chat")

    def conversation(self, **body):
        return self.call("POST", "/v1/conversation/create", json=body)

    def write(self, conversation_id, text):
        body = {"role": "user", "content": text, "content_type": "text"}
        params = {"conversation_id": conversation_id}
        return self.call("POST", "/v1/conversation/message/create", params=params, json=body)

    def messages(self, conversation_id):
        """All question and answer messages, oldest first."""
        found, after = [], None
        while True:
            body = {"order": "asc", "limit": 50, **({"after_id": after} if after else {})}
            page = self.session.post(
                self.base_url + "/v1/conversation/message/list",
                params={"conversation_id": conversation_id},
                json=body,
                timeout=15,
            ).json()
            assert page["code"] == 0, page
            found += page["data"]
            if not page["has_more"]:
                return found
            after = page["last_id"]


def question(text, stream, bot_id=SCRIPTED_BOT):
    message = {"role": "user", "type": "question", "content": text, "content_type": "text"}
    return {"bot_id": bot_id, "user_id": "u", "stream": stream, "additional_messages": [message]}


class Load:
    """Callers in threads of their own. Whatever they got an answer for is noted down before they go on."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.lock = threading.Lock()
        self.chats, self.written, self.heard, self.broken = [], [], {}, []
        jobs = [(self.poll, n) for n in range(POLLED)]
        jobs += [(self.stream, POLLED + n) for n in range(STREAMED)]
        jobs += [(self.write, n) for n in range(WRITERS)]
        self.threads = [threading.Thread(target=self.guard, args=job, daemon=True) for job in jobs]

    def start(self):
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join(timeout=10)
        assert not any(thread.is_alive() for thread in self.threads), "a caller hangs after the server is gone"

    def guard(self, job, n):
        try:
            job(Client(self.base_url), n)
        except (requests.RequestException, ValueError):
            pass  # the server was killed
        except Exception as error:
            with self.lock:
                self.broken.append(repr(error))

    def note(self, chat, text):
        with self.lock:
            self.chats.append((chat, text))

    def put(self, client, conversation, text):
        made = client.write(conversation["id"], text)
        with self.lock:
            self.written.append((conversation["id"], made["id"], text))

    def poll(self, client, n):
        conversation = client.conversation(name=f"c{n}")
        self.put(client, conversation, f"before {n}")
        text = f"crawl {n}"
        chat = client.create(text, conversation["id"])
        self.note(chat, text)
        while True:
            client.retrieve(chat)
            time.sleep(0.2)

    def stream(self, client, n):
        text = f"crawl {n}"
        with client.session.post(
            client.base_url + "/v3/chat", json=question(text, True), stream=True, timeout=15
        ) as response:
            for raw in response.iter_lines():
                if not raw.startswith(b"data:"):
                    continue
                data = json.loads(raw[5:])
                if data.get("status") == "in_progress":
                    self.note(data, text)
                elif data.get("type") == "answer":
                    with self.lock:
                        self.heard[data["chat_id"]] = self.heard.get(data["chat_id"], "") + data["content"]

    def write(self, client, n):
        conversation = client.conversation(name=f"w{n}")
        for count in range(1_000_000):
            self.put(client, conversation, f"message {n}.{count}")


def check_database(directory, copy_to=None):
    files = [p for pattern in ("*.db", "*.sqlite", "*.sqlite3") for p in directory.glob(pattern)]
    assert files, f"no database in {sorted(p.name for p in directory.iterdir())}"
    for path in files:
        if copy_to is not None:  # with the files beside it (-wal, -shm): as the crash left them
            copy_to.mkdir()
            for part in directory.glob(path.name + "*"):
                shutil.copy(part, copy_to)
            path = copy_to / path.name
        connection = sqlite3.connect(path, timeout=5)
        try:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        finally:
            connection.close()


@pytest.fixture(scope="module")
def crash(binary, tmp_path_factory):
    """Runs the load, kills the server, checks the files, starts it again on the same data."""
    root = tmp_path_factory.mktemp("crash")
    config = write_config(root / "config")
    server = harness.serve(root, config, TOKEN)
    try:
        client = Client(server.base_url)
        finished = client.create("slow please")
        client.wait(finished)
        paused = client.create("weather")
        assert client.wait(paused)["status"] == "requires_action"
        canceled = client.create("crawl")
        client.call(
            "POST",
            "/v3/chat/cancel",
            json={"conversation_id": canceled["conversation_id"], "chat_id": canceled["id"]},
        )
        load = Load(server.base_url)
        load.start()
        harness.wait_for(lambda: len(load.chats) == POLLED + STREAMED, timeout=15, what=f"50 chats {load.broken}")
        harness.wait_for(lambda: len(load.heard) == STREAMED, timeout=10, what="text on every stream")
        harness.wait_for(lambda: len(load.written) > 300, timeout=15, what="messages being written")
    except BaseException:
        print(server.log_tail())
        server.kill()
        raise
    server.kill()
    load.join()
    check_database(root / "data", copy_to=root / "copy")
    server = harness.serve(root, config, TOKEN)
    yield Client(server.base_url), load, {"finished": finished, "paused": paused, "canceled": canceled}
    server.stop()
    check_database(root / "data")


def test_the_load_was_real(crash):
    _, load, _ = crash
    assert load.broken == []
    assert len(load.chats) == POLLED + STREAMED
    assert len(load.written) > 300


def test_interrupted_chats_are_failed_and_say_why(crash):
    client, load, _ = crash
    for chat, _text in load.chats:
        found = client.retrieve(chat)
        assert found["status"] == "failed", found
        assert isinstance(found["last_error"]["code"], int) and found["last_error"]["code"] > 0
        assert TOLD_WHY.search(found["last_error"]["msg"]), found["last_error"]
        assert found["failed_at"] >= found["created_at"]


def test_acknowledged_conversations_and_messages_are_there(crash):
    client, load, _ = crash
    by_conversation = {}
    for conversation_id, message_id, text in load.written:
        by_conversation.setdefault(conversation_id, {})[message_id] = text
    for conversation_id, expected in by_conversation.items():
        assert client.call("GET", "/v1/conversation/retrieve", params={"conversation_id": conversation_id})
        found = {m["id"]: m["content"] for m in client.messages(conversation_id)}
        assert expected.items() <= found.items()
        # at most one more: written, but its answer never left
        extra = [text for id_, text in found.items() if id_ not in expected and text.startswith("message ")]
        assert len(extra) <= 1


def test_questions_of_interrupted_chats_are_there(crash):
    client, load, _ = crash
    for chat, text in load.chats:
        questions = [m["content"] for m in client.messages(chat["conversation_id"]) if m["role"] == "user"]
        assert text in questions


def test_chats_that_were_over_are_untouched(crash):
    client, _, before = crash
    assert client.retrieve(before["finished"])["status"] == "completed"
    answers = [m["content"] for m in client.run_messages(before["finished"]) if m["type"] == "answer"]
    assert answers == ["one two three"]
    assert client.retrieve(before["canceled"])["status"] == "canceled"


def test_a_chat_that_waited_for_its_caller_still_waits(crash):
    """It was not running: nothing was interrupted."""
    client, _, before = crash
    found = client.retrieve(before["paused"])
    assert found["status"] == "requires_action"
    (call,) = found["required_action"]["submit_tool_outputs"]["tool_calls"]
    client.call(
        "POST",
        "/v3/chat/submit_tool_outputs",
        params={"conversation_id": found["conversation_id"], "chat_id": found["id"]},
        json={"tool_outputs": [{"tool_call_id": call["id"], "output": "snow"}], "stream": False},
    )
    assert client.wait(found)["status"] == "completed"
    answers = [m["content"] for m in client.run_messages(found) if m["type"] == "answer"]
    assert answers == ["The tool said: snow"]


def test_interrupted_conversations_can_go_on(crash):
    client, load, _ = crash
    for chat, _text in load.chats[:3]:
        again = client.create("hello", chat["conversation_id"])
        assert client.wait(again)["status"] == "completed"


def test_memory_survives(crash):
    client, load, _ = crash
    conversation_id = [c for c, _, text in load.written if text.startswith("message ")][-1]
    last = [m["content"] for m in client.messages(conversation_id) if m["role"] == "user"][-1]
    chat = client.create("what did I say first?", conversation_id, bot_id=DEMO_BOT)
    assert client.wait(chat)["status"] == "completed"
    (answer,) = [m["content"] for m in client.run_messages(chat) if m["type"] == "answer"]
    assert last in answer


def test_new_ids_are_new(crash):
    client, load, _ = crash
    used = {chat["id"] for chat, _ in load.chats} | {m for _, m, _ in load.written} | {c for c, _, _ in load.written}
    fresh = [client.conversation()["id"] for _ in range(20)]
    assert len(set(fresh)) == 20 and not set(fresh) & used
