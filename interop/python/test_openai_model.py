"""Bots whose model is an OpenAI-compatible endpoint: our server between the official Coze SDK and openai_peer.py."""

import base64
import json
import re

import openai
import pytest
import requests
from cozepy import (
    ChatEventType,
    ChatStatus,
    Coze,
    CozeAPIError,
    Message,
    MessageObjectString,
    MessageType,
    TokenAuth,
    ToolOutput,
)
from cozepy.request import SyncHTTPClient

import harness
from configs import GPT_BOT, PROVIDER_KEY, TOKEN
from openai_peer import PLAIN

# the smallest PNG there is: one transparent pixel
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def coze(gpt_server):
    client = SyncHTTPClient(timeout=20)
    yield Coze(auth=TokenAuth(TOKEN), base_url=gpt_server.base_url, http_client=client)
    client.close()


@pytest.fixture(autouse=True)
def provider(peer):
    """What the peer has received; no request may have violated the protocol."""
    requests.post(f"{peer.base_url}/_reset", timeout=5).raise_for_status()

    def log():
        return requests.get(f"{peer.base_url}/_log", timeout=5).json()

    yield log
    assert log()["invalid"] == []


def ask(coze, text, **options):
    message = options.pop("message", None) or Message.build_user_question_text(text)
    return list(coze.chat.stream(bot_id=GPT_BOT, user_id="u", additional_messages=[message], **options))


def deltas(events):
    return [e.message for e in events if e.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]


def answer(events):
    done = [
        e.message
        for e in events
        if e.event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED and e.message.type == MessageType.ANSWER
    ]
    assert len(done) == 1
    return done[0]


def last_chat(events, event):
    assert events[-1].event == event, events[-1]
    return events[-1].chat


def failure(events):
    """The error of a failed chat; it must help, and must not give the key away."""
    chat = last_chat(events, ChatEventType.CONVERSATION_CHAT_FAILED)
    assert chat.status == ChatStatus.FAILED
    assert chat.last_error is not None and chat.last_error.code > 0
    assert len(chat.last_error.msg) > 10
    for event in events:
        assert PROVIDER_KEY not in event.model_dump_json()
    return chat.last_error.msg


# -- the peer itself -------------------------------------------------------------------------------


def test_the_official_client_accepts_the_peer(peer, provider):
    """Guards the tests below: if our peer spoke nonsense, so could our server."""
    client = openai.OpenAI(api_key=PROVIDER_KEY, base_url=f"{peer.base_url}/v1", max_retries=0, timeout=10)

    def call(text, **options):
        return client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}], **options
        )

    assert call("scenario plain").choices[0].message.content == "".join(PLAIN)
    chunks = list(call("scenario plain", stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "".join(PLAIN)
    assert chunks[-1].usage.total_tokens == 18
    chunks = list(call("scenario reasoning", stream=True))
    assert "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks) == "Let me think. "
    with pytest.raises(openai.AuthenticationError):
        call("scenario unauthorized")
    with pytest.raises(openai.InternalServerError):
        call("scenario flaky")


# -- text ------------------------------------------------------------------------------------------


def test_text_arrives_piece_by_piece_with_the_providers_usage(coze, provider):
    events = ask(coze, "scenario plain")
    assert "".join(m.content for m in deltas(events)) == "".join(PLAIN)
    assert len([m for m in deltas(events) if m.content]) >= 2
    assert answer(events).content == "".join(PLAIN)
    usage = last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED).usage
    assert (usage.input_count, usage.output_count, usage.token_count) == (11, 7, 18)
    (request,) = provider()["requests"]
    assert request["model"] == "gpt-test"


def test_polling_gives_the_same_text_and_usage(coze):
    poll = coze.chat.create_and_poll(
        bot_id=GPT_BOT,
        user_id="u",
        additional_messages=[Message.build_user_question_text("scenario plain")],
        poll_timeout=15,
    )
    assert poll.chat.status == ChatStatus.COMPLETED
    assert [m.content for m in poll.messages if m.type == MessageType.ANSWER] == ["".join(PLAIN)]
    assert poll.chat.usage.token_count == 18


@pytest.mark.parametrize("scenario", ["comments", "crumbs"])
def test_framing_of_other_providers(coze, scenario):
    events = ask(coze, f"scenario {scenario}")
    assert answer(events).content == "".join(PLAIN)
    last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED)


def test_prompt_variables_and_history_reach_the_provider(coze, provider):
    first = ask(coze, "scenario plain", custom_variables={"role": "oracle"})
    conversation = first[0].chat.conversation_id
    second = ask(coze, "scenario echo", conversation_id=conversation, custom_variables={"role": "oracle"})
    received = provider()["requests"][-1]["messages"]
    assert json.loads(answer(second).content) == received
    assert [m["role"] for m in received] == ["system", "user", "assistant", "user"]
    texts = [m["content"] if isinstance(m["content"], str) else m["content"][0]["text"] for m in received]
    assert "You are the remote oracle." in texts[0]
    assert texts[1:] == ["scenario plain", "".join(PLAIN), "scenario echo"]


def test_reasoning_arrives_before_the_answer(coze):
    events = ask(coze, "scenario reasoning")
    pieces = deltas(events)
    assert "".join(m.reasoning_content or "" for m in pieces) == "Let me think. "
    assert "".join(m.content for m in pieces) == "forty-two"
    thinking = [i for i, m in enumerate(pieces) if m.reasoning_content]
    speaking = [i for i, m in enumerate(pieces) if m.content]
    assert max(thinking) < min(speaking)
    assert answer(events).content == "forty-two"


# -- tools -----------------------------------------------------------------------------------------


def test_tool_calls_go_to_the_caller_and_their_outputs_to_the_provider(coze, provider):
    events = ask(coze, "scenario tool")
    chat = last_chat(events, ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION)
    assert chat.status == ChatStatus.REQUIRES_ACTION
    calls = {c.function.name: c for c in chat.required_action.submit_tool_outputs.tool_calls}
    assert {name: json.loads(c.function.arguments) for name, c in calls.items()} == {
        "get_weather": {"city": "南京"},
        "get_time": {"city": "Oslo", "short": True},
    }
    events = list(
        coze.chat.submit_tool_outputs(
            conversation_id=chat.conversation_id,
            chat_id=chat.id,
            stream=True,
            # in the other order than they were asked for
            tool_outputs=[
                ToolOutput(tool_call_id=calls["get_time"].id, output="12:30"),
                ToolOutput(tool_call_id=calls["get_weather"].id, output='{"sky": "rain"}'),
            ],
        )
    )
    assert answer(events).content == 'weather {"sky": "rain"}, time 12:30'
    last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED)
    first, second = provider()["requests"]
    asked = [m for m in second["messages"] if m["role"] == "assistant" and m.get("tool_calls")]
    assert len(asked) == 1
    assert {c["id"]: json.loads(c["function"]["arguments"]) for c in asked[0]["tool_calls"]} == {
        "call_w": {"city": "南京"},
        "call_t": {"city": "Oslo", "short": True},
    }
    offered = {t["function"]["name"]: t["function"] for t in first["tools"]}
    assert offered["get_weather"]["description"] == "weather of a city"
    assert offered["get_weather"]["parameters"]["properties"]["city"] == {"type": "string"}


def test_the_turn_after_a_tool_call_keeps_it_in_the_history(coze, provider):
    """The peer refuses a history with unanswered calls or with outputs that nobody asked for."""
    chat = ask(coze, "scenario tool")[-1].chat
    calls = chat.required_action.submit_tool_outputs.tool_calls
    outputs = [ToolOutput(tool_call_id=c.id, output=f"<{c.function.name}>") for c in calls]
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
    list(coze.chat.submit_tool_outputs(**ids, tool_outputs=outputs, stream=True))
    events = ask(coze, "scenario echo", conversation_id=chat.conversation_id)
    last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED)
    assert "weather <get_weather>, time <get_time>" in answer(events).content


# -- images ----------------------------------------------------------------------------------------


def image_bytes(url, server):
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        assert head == "data:image/png;base64"
        return base64.b64decode(data)
    assert url.startswith(server.base_url), url
    return requests.get(url, timeout=5).content


def image_urls(request):
    content = request["messages"][-1]["content"]
    assert isinstance(content, list), content
    assert [p["text"] for p in content if p["type"] == "text"] == ["scenario image"]
    return [p["image_url"]["url"] for p in content if p["type"] == "image_url"]


def test_an_uploaded_image_reaches_the_provider(coze, gpt_server, provider):
    file = coze.files.upload(file=("pixel.png", PNG))
    message = Message.build_user_question_objects(
        [MessageObjectString.build_text("scenario image"), MessageObjectString.build_image(file_id=file.id)]
    )
    events = ask(coze, "", message=message)
    assert answer(events).content == "I see it"
    (url,) = image_urls(provider()["requests"][-1])
    assert image_bytes(url, gpt_server) == PNG


def test_an_image_url_reaches_the_provider(coze, provider):
    link = "https://images.example/cat.png?size=1&x=%20"
    message = Message.build_user_question_objects(
        [MessageObjectString.build_text("scenario image"), MessageObjectString.build_image(file_url=link)]
    )
    assert answer(ask(coze, "", message=message)).content == "I see it"
    assert image_urls(provider()["requests"][-1]) == [link]


# -- when the provider misbehaves --------------------------------------------------------------------


def test_provider_refuses_the_key(coze, provider):
    msg = failure(ask(coze, "scenario unauthorized"))
    assert re.search(r"401|key|unauthori[sz]ed|authenti", msg, re.IGNORECASE), msg
    assert len(provider()["requests"]) == 1, "a refused key must not be retried"


def test_refused_key_stays_out_of_polling_answers_too(coze):
    poll = coze.chat.create_and_poll(
        bot_id=GPT_BOT,
        user_id="u",
        additional_messages=[Message.build_user_question_text("scenario unauthorized")],
        poll_timeout=15,
    )
    assert poll.chat.status == ChatStatus.FAILED
    assert poll.chat.last_error.code > 0
    assert PROVIDER_KEY not in poll.chat.model_dump_json()
    assert all(PROVIDER_KEY not in m.model_dump_json() for m in poll.messages)


def test_provider_fails_once(coze, provider):
    """Either it was retried, and nobody notices; or the chat says what happened, and the next one works."""
    events = ask(coze, "scenario flaky")
    if events[-1].event == ChatEventType.CONVERSATION_CHAT_FAILED:
        assert "500" in failure(events)
        assert len(provider()["requests"]) == 1
        events = ask(coze, "scenario flaky")
    assert answer(events).content == "second time"
    last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED)
    assert len(provider()["requests"]) == 2


def test_provider_answers_with_a_web_page(coze):
    msg = failure(ask(coze, "scenario html"))
    assert "<html" not in msg, "a page is no error message"


def test_provider_reports_an_error_in_the_stream(coze):
    events = ask(coze, "scenario overloaded")
    assert "overloaded" in failure(events)
    assert "".join(m.content for m in deltas(events)) == "half "


@pytest.mark.parametrize("scenario", ["cut", "unfinished"])
def test_a_stream_that_ends_early_is_no_answer(coze, scenario):
    events = ask(coze, f"scenario {scenario}")
    failure(events)
    assert "".join(m.content for m in deltas(events)) == "half "
    chat = events[-1].chat
    again = coze.chat.retrieve(conversation_id=chat.conversation_id, chat_id=chat.id)
    assert again.status == ChatStatus.FAILED
    assert again.last_error.msg == chat.last_error.msg


def test_cancel_hangs_up_on_a_stalled_provider(coze, provider):
    chat = coze.chat.create(
        bot_id=GPT_BOT, user_id="u", additional_messages=[Message.build_user_question_text("scenario stall")]
    )
    harness.wait_for(lambda: provider()["requests"], what="the provider is asked")
    canceled = coze.chat.cancel(conversation_id=chat.conversation_id, chat_id=chat.id)
    assert canceled.status == ChatStatus.CANCELED
    harness.wait_for(lambda: provider()["disconnects"] == 1, timeout=8, what="the connection to the provider is closed")


def test_a_caller_who_leaves_a_stalled_stream_can_go_on(coze, provider):
    """Reads one delta, hangs up, cancels; the conversation is free again."""
    stream = coze.chat.stream(
        bot_id=GPT_BOT, user_id="u", additional_messages=[Message.build_user_question_text("scenario stall")]
    )
    for event in stream:
        if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA and event.message.content:
            break
    ids = {"conversation_id": event.message.conversation_id, "chat_id": event.message.chat_id}
    stream._raw_response.close()
    try:
        coze.chat.cancel(**ids)
    except CozeAPIError:  # already canceled because the caller is gone: fine as well
        pass
    harness.wait_for(lambda: coze.chat.retrieve(**ids).status == ChatStatus.CANCELED, what="the chat is canceled")
    events = ask(coze, "scenario plain", conversation_id=ids["conversation_id"])
    last_chat(events, ChatEventType.CONVERSATION_CHAT_COMPLETED)
