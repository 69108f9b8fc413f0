"""The official Python SDK, unchanged, against our server."""

import asyncio
import importlib
import inspect
import io
import json
import time
from contextlib import asynccontextmanager

import pytest
from cozepy import (
    AsyncCoze,
    AsyncTokenAuth,
    ChatEventType,
    ChatStatus,
    Coze,
    CozeAPIError,
    Message,
    MessageContentType,
    MessageObjectString,
    MessageRole,
    MessageType,
    TokenAuth,
    ToolOutput,
    WorkflowEventType,
    WorkflowExecuteStatus,
    WorkflowRunMode,
)
from cozepy.bots import BotMode
from cozepy.conversations.message.feedback import FeedbackType
from cozepy.request import AsyncHTTPClient, SyncHTTPClient

import harness
from configs import (
    ASK_MODEL,
    BRANCHES,
    CHATFLOW,
    CHATFLOW_QUESTION,
    DEMO_BOT,
    GRADE,
    GREET,
    MEDIUM_DELTAS,
    PERSONA_BOT,
    REPORT,
    SCRIPTED_BOT,
    SECOND_TOKEN,
    SEPARATORS,
    SHOP_BOT,
    TOKEN,
    TRIP,
    UNICODE,
    UNKNOWN_ID,
)
from support import ChatRun, answers, check_finished_marker, check_usage, only, user

SPACE = "7500000000000000003"  # the workspace that a local server has from the start
NO_SUCH_CHAT = {4001, 4002}
NO_SUCH_MESSAGE = {4005, 4006}


def connect(server, token=TOKEN):
    return Coze(auth=TokenAuth(token), base_url=server.base_url, http_client=SyncHTTPClient(timeout=15))


@pytest.fixture(scope="module")
def coze(server):
    return connect(server)


@asynccontextmanager
async def connect_async(server):
    async with AsyncHTTPClient(timeout=15) as client:
        yield AsyncCoze(auth=AsyncTokenAuth(TOKEN), base_url=server.base_url, http_client=client)


def chat(coze, text, bot_id=SCRIPTED_BOT, user_id="u", **options):
    stream = coze.chat.stream(bot_id=bot_id, user_id=user_id, additional_messages=user(text), **options)
    return ChatRun(stream)


def poll(coze, text, bot_id=SCRIPTED_BOT, **options):
    options.setdefault("poll_timeout", 20)
    return coze.chat.create_and_poll(bot_id=bot_id, user_id="u", additional_messages=user(text), **options)


def finish(coze, conversation_id, chat_id, timeout=10.0):
    """Retrieves until the chat has come to an end."""

    def probe():
        found = coze.chat.retrieve(conversation_id=conversation_id, chat_id=chat_id)
        return None if found.status in (ChatStatus.CREATED, ChatStatus.IN_PROGRESS) else found

    return harness.wait_for(probe, timeout, what="end of the chat")


def refused(call, *codes):
    """The call must fail with one of the codes (any, if none is given); gives the error."""
    with pytest.raises(CozeAPIError) as caught:
        call()
    error = caught.value
    assert error.code and error.code > 0
    assert not codes or error.code in codes, error
    assert error.msg
    assert error.logid, "every answer carries x-tt-logid"
    return error


# -- does this suite still cover the SDK? ------------------------------------------------------------


def methods(client):
    """Public names of an SDK client class."""
    return {name for name, _ in inspect.getmembers(client) if not name.startswith("_")}


@pytest.mark.parametrize(
    "path, known",
    [
        ("chat.ChatClient", "create stream create_and_poll retrieve submit_tool_outputs cancel messages"),
        (
            "chat.AsyncChatClient",
            "create stream retrieve submit_tool_outputs submit_tool_outputs_stream cancel messages",
        ),
        ("chat.message.ChatMessagesClient", "list"),
        ("conversations.ConversationsClient", "create list retrieve clear update delete messages"),
        ("conversations.message.MessagesClient", "create list retrieve update delete feedback"),
        ("conversations.message.feedback.ConversationsMessagesFeedbackClient", "create delete"),
        ("workflows.runs.WorkflowsRunsClient", "create stream resume run_histories"),
        ("workflows.runs.run_histories.WorkflowsRunsRunHistoriesClient", "retrieve execute_nodes"),
        ("workflows.runs.run_histories.execute_nodes.WorkflowsRunsRunHistoriesExecuteNodesClient", "retrieve"),
        ("workflows.chat.WorkflowsChatClient", "stream"),
        ("files.FilesClient", "upload retrieve"),
        ("users.UsersClient", "me"),
    ],
)
def test_the_sdk_has_no_method_that_this_suite_has_never_heard_of(path, known):
    module, _, name = path.rpartition(".")
    client = getattr(importlib.import_module(f"cozepy.{module}"), name)
    assert methods(client) == set(known.split())


# -- streaming chat ----------------------------------------------------------------------------------


def test_streaming_chat_event_by_event(coze):
    stream = coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("slow please"))
    assert stream.response.logid
    arrived = []
    events = []
    for event in stream:
        events.append(event)
        arrived.append(time.monotonic())
    run = ChatRun(events)
    assert [d.content for d in run.deltas] == ["one ", "two ", "three"]
    for delta in run.deltas:
        assert delta.type == MessageType.ANSWER
        assert delta.content_type == MessageContentType.TEXT
    answer = run.answer()
    assert answer.content == "one two three"
    assert answer.bot_id == run.chat.bot_id == SCRIPTED_BOT
    check_finished_marker(run.completed)
    check_usage(run.chat)
    assert run.events[0].chat.usage is None or run.events[0].chat.usage.token_count == 0
    assert run.chat.last_error is None or run.chat.last_error.code == 0
    assert abs(run.chat.created_at - time.time()) < 60
    assert run.chat.completed_at >= run.chat.created_at
    at = [t for t, e in zip(arrived, events) if e.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
    assert at[-1] - at[0] > 0.4, "the deltas are 300 ms apart; here they came in one lump"


def test_streaming_and_polling_tell_the_same_story(coze):
    run = chat(coze, "think about it", meta_data={"order": "42"})
    found = coze.chat.retrieve(**run.ids)
    assert found.status == ChatStatus.COMPLETED
    assert found.usage == run.chat.usage
    assert found.meta_data == {"order": "42"}
    listed = coze.chat.messages.list(**run.ids)
    assert listed.response.logid
    assert [(m.id, m.type, m.content) for m in listed] == [(m.id, m.type, m.content) for m in run.completed]
    assert all(m.role == MessageRole.ASSISTANT for m in listed), "the question is not part of the list"


def test_reasoning_and_suggestions(coze):
    run = chat(coze, "think about it")
    thoughts = [d for d in run.deltas if d.reasoning_content]
    words = [d for d in run.deltas if d.content]
    assert [d.reasoning_content for d in thoughts] == ["first ", "then "]
    assert [d.content for d in words] == ["answer"]
    assert run.deltas.index(words[0]) > run.deltas.index(thoughts[-1])
    assert run.answer().content == "answer"
    assert run.answer().reasoning_content == "first then "
    assert [m.content for m in run.of(MessageType.FOLLOW_UP)] == ["and then?"]
    order = [m.type for m in run.completed]
    assert order == [MessageType.ANSWER, MessageType.VERBOSE, MessageType.FOLLOW_UP]


def test_text_with_line_separators_survives(coze):
    """The SDK's HTTP library takes U+2028, U+2029 and U+0085 for line ends: they have to be escaped in the JSON."""
    assert chat(coze, "separators").answer().content == SEPARATORS


def test_text_in_many_scripts_survives(coze):
    run = chat(coze, "unicode")
    assert [d.content for d in run.deltas] == UNICODE
    assert coze.chat.messages.list(**run.ids)[0].content == "".join(UNICODE)


def test_without_history_nothing_is_kept(coze):
    conversation = coze.conversations.create()
    run = chat(coze, "slow please", conversation_id=conversation.id, auto_save_history=False)
    assert run.answer().content == "one two three"
    assert coze.conversations.messages.list(conversation_id=conversation.id).items == []


def test_polling_needs_history(coze):
    error = refused(
        lambda: coze.chat.create(
            bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("hi"), auto_save_history=False
        ),
        4000,
    )
    assert "auto_save_history" in error.msg


# -- chat with polling -------------------------------------------------------------------------------


def test_create_then_poll_by_hand(coze):
    created = coze.chat.create(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("slow please"))
    assert created.status == ChatStatus.IN_PROGRESS, "create_and_poll of the SDK gives up on any other status"
    assert created.response.logid
    ids = {"conversation_id": created.conversation_id, "chat_id": created.id}
    assert coze.chat.retrieve(**ids).status == ChatStatus.IN_PROGRESS
    done = finish(coze, **ids)
    assert done.status == ChatStatus.COMPLETED
    assert done.completed_at >= done.created_at
    assert answers(coze.chat.messages.list(**ids)) == ["one two three"]


@pytest.mark.parametrize("question", ["what is 12*34?", "12*34等于多少？"])
def test_the_demo_bot_can_do_sums_in_the_language_it_is_asked_in(coze, question):
    done = poll(coze, question, bot_id=DEMO_BOT)
    assert done.chat.status == ChatStatus.COMPLETED
    check_usage(done.chat)
    (text,) = answers(done.messages)
    assert "408" in text
    chinese = any("\u4e00" <= c <= "\u9fff" for c in text)
    assert chinese == ("等于" in question), text


def test_poll_timeout_cancels(coze):
    """The SDK's own way out of a long chat; it calls cancel."""
    late = poll(coze, "crawl", poll_timeout=0)
    assert late.messages is None
    found = coze.chat.retrieve(conversation_id=late.chat.conversation_id, chat_id=late.chat.id)
    assert found.status == ChatStatus.CANCELED


# -- several turns -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first, question",
    [("My name is Ada Lovelace.", "what did I say first?"), ("我叫林黛玉。", "我刚才说了什么？")],
)
def test_a_conversation_remembers_and_forgets(coze, first, question):
    run = chat(coze, first, bot_id=DEMO_BOT)
    same = {"bot_id": DEMO_BOT, "conversation_id": run.chat.conversation_id}
    assert first.rstrip("。.") in chat(coze, question, **same).answer().content
    assert first.rstrip("。.") not in chat(coze, question, bot_id=DEMO_BOT).answer().content, "a new conversation"
    coze.conversations.clear(conversation_id=run.chat.conversation_id)
    assert first.rstrip("。.") not in chat(coze, question, **same).answer().content, "a cleared conversation"


def test_messages_put_into_a_conversation_are_its_memory(coze):
    conversation = coze.conversations.create(messages=user("I live in Oslo."))
    run = chat(coze, "what did I say first?", bot_id=DEMO_BOT, conversation_id=conversation.id)
    assert "I live in Oslo" in run.answer().content


def test_earlier_messages_in_the_request_are_context(coze):
    messages = user("I collect stamps.") + [Message.build_assistant_answer("Nice.")] + user("what did I say first?")
    run = ChatRun(coze.chat.stream(bot_id=DEMO_BOT, user_id="u", additional_messages=messages))
    assert "I collect stamps" in run.answer().content


def test_one_chat_at_a_time(coze):
    created = coze.chat.create(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("crawl"))
    again = {"bot_id": SCRIPTED_BOT, "user_id": "u", "additional_messages": user("hi")}
    again["conversation_id"] = created.conversation_id
    refused(lambda: coze.chat.create(**again), 4016)
    refused(lambda: coze.chat.stream(**again), 4016)
    coze.chat.cancel(conversation_id=created.conversation_id, chat_id=created.id)
    assert ChatRun(coze.chat.stream(**again)).answer().content == "nothing special"


# -- cancel ------------------------------------------------------------------------------------------


def test_cancel_a_running_chat(coze):
    conversation = coze.conversations.create()
    created = coze.chat.create(
        bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("crawl"), conversation_id=conversation.id
    )
    ids = {"conversation_id": created.conversation_id, "chat_id": created.id}
    time.sleep(0.4)
    canceled = coze.chat.cancel(**ids)
    assert (canceled.id, canceled.status) == (created.id, ChatStatus.CANCELED)
    for _ in range(3):
        time.sleep(0.2)
        assert coze.chat.retrieve(**ids).status == ChatStatus.CANCELED
    run = chat(coze, "what did I say first?", bot_id=DEMO_BOT, conversation_id=created.conversation_id)
    assert "crawl" not in run.answer().content, "a canceled turn is no context"


def test_cancel_while_streaming(coze, server):
    stream = coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("medium please"))
    seen = ""
    for event in stream:
        if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA:
            ids = {"conversation_id": event.message.conversation_id, "chat_id": event.message.chat_id}
            seen += event.message.content
            if seen == MEDIUM_DELTAS[0]:
                assert connect(server).chat.cancel(**ids).status == ChatStatus.CANCELED
    assert "".join(MEDIUM_DELTAS).startswith(seen)
    assert coze.chat.retrieve(**ids).status == ChatStatus.CANCELED


def test_what_is_over_cannot_be_canceled(coze):
    for text in ("nothing", "fail", "weather"):  # completed, failed, requires_action
        run = chat(coze, text)
        refused(lambda: coze.chat.cancel(**run.ids), 4104)
        assert coze.chat.retrieve(**run.ids).status == run.chat.status


# -- tools -------------------------------------------------------------------------------------------


def wanted(chat):
    action = chat.required_action
    assert action.type == "submit_tool_outputs"
    calls = action.submit_tool_outputs.tool_calls
    assert all(c.type == "function" and c.id for c in calls)
    assert len({c.id for c in calls}) == len(calls)
    return [(c.function.name, json.loads(c.function.arguments)) for c in calls], calls


def test_tool_outputs_with_polling(coze):
    paused = poll(coze, "what is the weather?")
    assert paused.chat.status == ChatStatus.REQUIRES_ACTION
    asked, (call,) = wanted(paused.chat)
    assert asked == [("get_weather", {"city": "Nanjing"})]
    assert answers(paused.messages) == []
    ids = {"conversation_id": paused.chat.conversation_id, "chat_id": paused.chat.id}
    going_on = coze.chat.submit_tool_outputs(
        **ids, tool_outputs=[ToolOutput(tool_call_id=call.id, output="rain, 18 °C")], stream=False
    )
    assert going_on.id == paused.chat.id
    assert going_on.status in (ChatStatus.IN_PROGRESS, ChatStatus.COMPLETED)
    done = finish(coze, **ids)
    assert done.status == ChatStatus.COMPLETED
    assert not (done.required_action and done.required_action.type)
    listed = list(coze.chat.messages.list(**ids))
    assert answers(listed) == ["The tool said: rain, 18 °C"]
    made = json.loads(only(listed, type=MessageType.FUNCTION_CALL).content)
    assert (made["name"], made["arguments"]) == ("get_weather", {"city": "Nanjing"})
    assert "rain, 18 °C" in json.dumps(
        json.loads(only(listed, type=MessageType.TOOL_RESPONSE).content), ensure_ascii=False
    )
    kinds = [m.type for m in listed]
    assert kinds.index(MessageType.FUNCTION_CALL) < kinds.index(MessageType.TOOL_RESPONSE)
    assert kinds.index(MessageType.TOOL_RESPONSE) < kinds.index(MessageType.ANSWER)


def test_tool_outputs_with_streams(coze):
    run = chat(coze, "weather")
    assert run.terminal == ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION
    assert run.of(MessageType.ANSWER) == [] and run.of(MessageType.VERBOSE) == []
    assert len(run.of(MessageType.FUNCTION_CALL)) == 1
    asked, (call,) = wanted(run.chat)
    assert asked == [("get_weather", {"city": "Nanjing"})]
    stored, _ = wanted(coze.chat.retrieve(**run.ids))
    assert stored == asked
    outputs = [ToolOutput(tool_call_id=call.id, output="sun")]
    more = ChatRun(coze.chat.submit_tool_outputs(**run.ids, tool_outputs=outputs, stream=True), resumed=True)
    assert more.ids == run.ids
    assert more.answer().content == "The tool said: sun"
    assert more.of(MessageType.FUNCTION_CALL) == []
    check_finished_marker(more.completed)
    refused(lambda: coze.chat.submit_tool_outputs(**run.ids, tool_outputs=outputs, stream=False))


def test_two_calls_need_two_outputs(coze):
    run = chat(coze, "both tools")
    asked, (weather, clock) = wanted(run.chat)
    assert asked == [("get_weather", {"city": "Nanjing"}), ("get_time", {"city": "Oslo"})]

    def submit(*outputs, stream=False):
        made = [ToolOutput(tool_call_id=id_, output=text) for id_, text in outputs]
        return coze.chat.submit_tool_outputs(**run.ids, tool_outputs=made, stream=stream)

    refused(lambda: submit((weather.id, "rain")), 4000)
    refused(lambda: submit((weather.id, "rain"), ("no-such-call", "x")), 4000)
    assert coze.chat.retrieve(**run.ids).status == ChatStatus.REQUIRES_ACTION, "a refused call changes nothing"
    more = ChatRun(submit((clock.id, "noon"), (weather.id, "rain"), stream=True), resumed=True)
    assert more.answer().content == "Weather rain, time noon"


def test_tool_outputs_need_history(coze):
    run = chat(coze, "weather", auto_save_history=False)
    _, (call,) = wanted(run.chat)
    outputs = [ToolOutput(tool_call_id=call.id, output="sun")]
    refused(lambda: coze.chat.submit_tool_outputs(**run.ids, tool_outputs=outputs, stream=False), 5000)


# -- what goes wrong ---------------------------------------------------------------------------------


def test_a_failing_chat_says_why(coze):
    run = chat(coze, "please fail")
    assert run.failed
    assert (run.chat.last_error.code, run.chat.last_error.msg) == (5000, "scripted failure")
    assert run.of(MessageType.ANSWER) == []
    done = poll(coze, "please fail")
    assert done.chat.status == ChatStatus.FAILED
    assert (done.chat.last_error.code, done.chat.last_error.msg) == (5000, "scripted failure")
    assert abs(done.chat.failed_at - time.time()) < 60
    again = chat(coze, "hello", conversation_id=done.chat.conversation_id)
    assert again.answer().content == "nothing special", "the conversation is not blocked"


def test_unknown_bot(coze):
    call = {"bot_id": UNKNOWN_ID, "user_id": "u", "additional_messages": user("hi")}
    assert UNKNOWN_ID in refused(lambda: coze.chat.create(**call), 4200).msg
    refused(lambda: coze.chat.stream(**call), 4200)


def test_unknown_conversation_and_chat(coze):
    nowhere = {"bot_id": SCRIPTED_BOT, "user_id": "u", "additional_messages": user("hi"), "conversation_id": UNKNOWN_ID}
    refused(lambda: coze.chat.create(**nowhere), *NO_SUCH_CHAT)
    run = chat(coze, "hi")
    for ids in (
        {"conversation_id": UNKNOWN_ID, "chat_id": run.chat.id},
        {"conversation_id": run.chat.conversation_id, "chat_id": UNKNOWN_ID},
    ):
        refused(lambda: coze.chat.retrieve(**ids), *NO_SUCH_CHAT)
        refused(lambda: coze.chat.cancel(**ids), *NO_SUCH_CHAT)
        refused(lambda: coze.chat.messages.list(**ids), *NO_SUCH_CHAT)
        outputs = [ToolOutput(tool_call_id="x", output="y")]
        refused(lambda: coze.chat.submit_tool_outputs(**ids, tool_outputs=outputs, stream=True), *NO_SUCH_CHAT)


def test_a_chat_belongs_to_its_conversation(coze):
    one, two = chat(coze, "hi"), chat(coze, "hi")
    refused(
        lambda: coze.chat.retrieve(conversation_id=one.chat.conversation_id, chat_id=two.chat.id), *NO_SUCH_CHAT
    )


def test_nothing_to_answer(coze):
    refused(lambda: coze.chat.create(bot_id=SCRIPTED_BOT, user_id="u"), 4000)


def test_limits(coze):
    def create(**options):
        body = {"bot_id": SCRIPTED_BOT, "user_id": "u", "additional_messages": user("hi"), **options}
        return lambda: coze.chat.create(**body)

    refused(create(additional_messages=user("hi") * 101), 4004)
    refused(create(meta_data={f"k{n}": "v" for n in range(17)}), 4003)
    refused(create(meta_data={"k": "v" * 513}), 4003)
    refused(create(meta_data={"k" * 65: "v"}), 4003)
    assert ChatRun(
        coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("hi") * 100)
    ).answer().content == "nothing special"


def test_bad_token(server):
    for token in ("not-the-token", TOKEN + "x", TOKEN[:-1]):
        stranger = connect(server, token)
        refused(stranger.users.me, 4100)
        refused(
            lambda: stranger.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("hi")), 4100
        )


def test_tokens_come_from_the_command_line_and_from_the_file(server):
    assert connect(server, SECOND_TOKEN).users.me().user_id


# -- prompt variables --------------------------------------------------------------------------------


def test_custom_variables_fill_the_prompt(coze):
    def prompt(**variables):
        return chat(coze, "what is your prompt?", bot_id=PERSONA_BOT, custom_variables=variables).answer().content

    assert "You are Nemo of Nautilus. Smile." in prompt(name="Nemo", place="Nautilus", mood="happy")
    plain = prompt(name="Ned", place="the sea")
    assert "You are Ned of the sea." in plain and "Smile" not in plain
    assert "{{" not in prompt()


def test_values_of_variables_are_text_not_templates(coze):
    done = poll(coze, "你的提示词是什么？", bot_id=PERSONA_BOT, custom_variables={"name": "{{ place }}", "place": "X"})
    assert "You are {{ place }} of X." in answers(done.messages)[0]


# -- workflows ---------------------------------------------------------------------------------------


def run_events(stream):
    events = list(stream)
    assert [e.id for e in events] == list(range(len(events))), "ids count from 0"
    assert all(e.event != WorkflowEventType.UNKNOWN for e in events)
    return events


def run_texts(events):
    """Texts by node title; each node numbers its own messages and closes the last."""
    parts = {}
    for event in events:
        if event.event == WorkflowEventType.MESSAGE:
            parts.setdefault(event.message.node_title, []).append(event.message)
    for messages in parts.values():
        assert [m.node_seq_id for m in messages] == [str(n) for n in range(len(messages))]
        assert [m.node_is_finish for m in messages] == [False] * (len(messages) - 1) + [True]
    return {title: "".join(m.content for m in messages) for title, messages in parts.items()}


def test_workflow_run(coze):
    result = coze.workflows.runs.create(workflow_id=GREET, parameters={"name": "Ada"})
    assert json.loads(result.data) == {"output": "Hello Ada!"}
    assert result.debug_url
    assert result.response.logid


def test_workflow_stream(coze):
    stream = coze.workflows.runs.stream(workflow_id=GREET, parameters={"name": "你好 🌍 \u2028"})
    assert stream.response.logid
    (event,) = run_events(stream)
    assert event.event == WorkflowEventType.MESSAGE
    assert json.loads(event.message.content) == {"output": "Hello 你好 🌍 \u2028!"}
    assert event.message.node_is_finish and event.message.node_seq_id == "0"


def test_workflow_branches(coze):
    def run(city):
        data = json.loads(coze.workflows.runs.create(workflow_id=BRANCHES, parameters={"city": city}).data)
        assert set(data) <= {"home", "away"}
        return data.get("home") or None, data.get("away") or None

    assert run("Nanjing") == ("at home in Nanjing", None)
    assert run("Oslo") == (None, "away in Oslo")


def test_workflow_with_a_model_streams_its_words(coze):
    arrived = []
    events = []
    for event in coze.workflows.runs.stream(workflow_id=ASK_MODEL, parameters={"input": "slow please"}):
        events.append(event)
        arrived.append(time.monotonic())
    run_events(events)
    (text,) = run_texts(events).values()
    assert text == "Answer: one two three"
    assert len(events) >= 3 and arrived[-1] - arrived[0] > 0.4, "streamed, not sent in one lump"
    result = coze.workflows.runs.create(workflow_id=ASK_MODEL, parameters={"input": "slow please"})
    assert "Answer: one two three" in result.data
    assert result.usage is None or result.usage.token_count == result.usage.input_count + result.usage.output_count


def test_workflow_output_node_speaks_before_the_end(coze):
    events = run_events(coze.workflows.runs.stream(workflow_id=REPORT, parameters={"topic": "rust"}))
    texts = run_texts(events)
    assert list(texts)[0] == "Progress note"
    assert texts.pop("Progress note") == "Working on rust"
    assert [json.loads(t) for t in texts.values()] == [{"output": "Report about rust"}]


def test_workflow_asks_and_goes_on(coze):
    events = run_events(coze.workflows.runs.stream(workflow_id=TRIP, parameters={"name": "Ada"}))
    interrupt = events[-1]
    assert interrupt.event == WorkflowEventType.INTERRUPT
    assert interrupt.interrupt.node_title == "Ask the city"
    assert interrupt.interrupt.interrupt_data.type == 2
    said = "".join(e.message.content for e in events if e.event == WorkflowEventType.MESSAGE)
    assert "Which city, Ada?" in said
    resume = {
        "workflow_id": TRIP,
        "event_id": interrupt.interrupt.interrupt_data.event_id,
        "interrupt_type": interrupt.interrupt.interrupt_data.type,
    }
    refused(lambda: coze.workflows.runs.resume(**{**resume, "event_id": "1/2"}, resume_data="Paris"))
    events = run_events(coze.workflows.runs.resume(**resume, resume_data="Paris"))
    assert [e.event for e in events] == [WorkflowEventType.MESSAGE]
    assert json.loads(events[0].message.content) == {"output": "Ada goes to Paris"}
    refused(lambda: coze.workflows.runs.resume(**resume, resume_data="Rome"))


def test_workflow_that_runs_into_an_unknown_tool(coze):
    good = coze.workflows.runs.create(workflow_id=GRADE, parameters={"score": 75})
    assert json.loads(good.data)["passed"] == "passed with 75"
    error = refused(lambda: coze.workflows.runs.create(workflow_id=GRADE, parameters={"score": 10}))
    assert "Mystery plugin" in error.msg
    assert error.debug_url, "on failures too"
    events = run_events(coze.workflows.runs.stream(workflow_id=GRADE, parameters={"score": 10}))
    assert [e.event for e in events] == [WorkflowEventType.ERROR]
    assert events[0].error.error_code > 0
    assert "Mystery plugin" in events[0].error.error_message


def test_workflow_parameters_are_checked(coze):
    assert "name" in refused(lambda: coze.workflows.runs.create(workflow_id=GREET, parameters={}), 4000).msg
    assert "score" in refused(
        lambda: coze.workflows.runs.create(workflow_id=GRADE, parameters={"score": "many"}), 4000
    ).msg
    converted = coze.workflows.runs.create(workflow_id=GRADE, parameters={"score": "80"})
    assert json.loads(converted.data)["passed"] == "passed with 80"


def test_unknown_workflow(coze):
    refused(lambda: coze.workflows.runs.create(workflow_id=UNKNOWN_ID), 4200)
    refused(lambda: coze.workflows.runs.stream(workflow_id=UNKNOWN_ID), 4200)
    refused(lambda: coze.workflows.chat.stream(workflow_id=UNKNOWN_ID, bot_id=DEMO_BOT, additional_messages=user("x")))


def history(coze, workflow_id, execute_id, timeout=10.0):
    def probe():
        found = coze.workflows.runs.run_histories.retrieve(workflow_id=workflow_id, execute_id=execute_id)
        return None if found.execute_status == WorkflowExecuteStatus.RUNNING else found

    return harness.wait_for(probe, timeout, what="end of the run")


def start_async(coze, workflow_id, parameters, **options):
    started = coze.workflows.runs.create(workflow_id=workflow_id, parameters=parameters, is_async=True, **options)
    assert started.execute_id and started.debug_url
    assert not started.data
    return started.execute_id


def test_async_run_and_its_history(coze):
    execute_id = start_async(coze, ASK_MODEL, {"input": "slow please"}, ext={"user_id": "ada"})
    first = coze.workflows.runs.run_histories.retrieve(workflow_id=ASK_MODEL, execute_id=execute_id)
    assert first.execute_status == WorkflowExecuteStatus.RUNNING, "it takes 0.9 s"
    done = history(coze, ASK_MODEL, execute_id)
    assert done.execute_status == WorkflowExecuteStatus.SUCCESS
    assert done.execute_id == execute_id
    assert "Answer: one two three" in json.loads(done.output)["Output"]
    assert done.run_mode == WorkflowRunMode.ASYNCHRONOUS
    assert (done.bot_id, done.connector_id, done.connector_uid) == ("0", "1024", "ada")
    assert done.error_code == 0 and not done.error_message
    assert done.logid and done.debug_url
    assert done.create_time <= done.update_time
    assert done.is_output_trimmed is False


def test_async_run_that_fails(coze):
    done = history(coze, GRADE, start_async(coze, GRADE, {"score": 10}))
    assert done.execute_status == WorkflowExecuteStatus.FAIL
    assert done.error_code > 0
    assert "Mystery plugin" in done.error_message


def test_history_of_output_nodes(coze):
    execute_id = start_async(coze, REPORT, {"topic": "rust"})
    done = history(coze, REPORT, execute_id)
    output = json.loads(done.output)
    assert json.loads(output["Output"]) == {"output": "Report about rust"}
    assert "Working on rust" in output["Progress note"]
    status = done.node_execute_status["Progress note"]
    assert status.is_finish and status.node_execute_uuid and status.node_id
    node = coze.workflows.runs.run_histories.execute_nodes.retrieve(
        workflow_id=REPORT, execute_id=execute_id, node_execute_uuid=status.node_execute_uuid
    )
    assert node.is_finish
    assert "Working on rust" in node.node_output


def test_unknown_run(coze):
    histories = coze.workflows.runs.run_histories
    refused(lambda: histories.retrieve(workflow_id=GREET, execute_id=UNKNOWN_ID))
    execute_id = start_async(coze, GREET, {"name": "Ada"})
    refused(lambda: histories.retrieve(workflow_id=REPORT, execute_id=execute_id))
    refused(
        lambda: histories.execute_nodes.retrieve(
            workflow_id=GREET, execute_id=execute_id, node_execute_uuid=UNKNOWN_ID
        )
    )


def flow(coze, workflow_id, text, **options):
    stream = coze.workflows.chat.stream(
        workflow_id=workflow_id, bot_id=DEMO_BOT, additional_messages=user(text), **options
    )
    return stream


def test_chatflow(coze):
    run = ChatRun(flow(coze, CHATFLOW, "slow please"))
    assert run.text == run.answer().content == "one two three"
    assert len(run.deltas) >= 2
    check_usage(run.chat)
    second = ChatRun(flow(coze, CHATFLOW, "hello", conversation_id=run.chat.conversation_id))
    assert second.chat.conversation_id == run.chat.conversation_id
    assert second.chat.id != run.chat.id
    assert second.answer().content == "nothing special"
    listed = list(coze.conversations.messages.list(conversation_id=run.chat.conversation_id, order="asc"))
    assert [m.content for m in listed] == ["slow please", "one two three", "hello", "nothing special"]


def test_chatflow_asks_and_takes_the_next_message_as_the_answer(coze):
    events = list(flow(coze, CHATFLOW_QUESTION, "lunch"))
    said = "".join(
        e.message.content for e in events if e.message is not None and e.message.type == MessageType.ANSWER
    )
    assert "Which city after lunch?" in said
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION
    conversation_id = events[-1].chat.conversation_id
    run = ChatRun(flow(coze, CHATFLOW_QUESTION, "Oslo", conversation_id=conversation_id))
    assert run.answer().content == "Going to Oslo"


# -- files -------------------------------------------------------------------------------------------


def test_files(coze, tmp_path):
    path = tmp_path / "报告 1.pdf"
    path.write_bytes(b"%PDF-1.4 \x00\xff" * 100)
    uploads = [
        (coze.files.upload(file=path), path.name, 1100),
        (coze.files.upload(file=str(path)), path.name, 1100),
        (coze.files.upload(file=("notes.csv", b"hello")), "notes.csv", 5),
        (coze.files.upload(file=("big.zip", io.BytesIO(b"x" * 3_000_000))), "big.zip", 3_000_000),
    ]
    assert len({file.id for file, _, _ in uploads}) == len(uploads)
    for file, name, size in uploads:
        found = coze.files.retrieve(file_id=file.id)
        for one in (file, found):
            assert (one.id, one.file_name, one.bytes) == (file.id, name, size)
            assert abs(one.created_at - time.time()) < 60
    refused(lambda: coze.files.retrieve(file_id=UNKNOWN_ID))
    refused(lambda: coze.files.upload(file=("empty.csv", b"")), 4300)


def test_files_in_messages(coze):
    file = coze.files.upload(file=("notes.csv", b"hello"))
    parts = [
        MessageObjectString.build_text("slow please"),
        MessageObjectString.build_file(file_id=file.id),
        MessageObjectString.build_image(file_url="https://images.example/cat.png"),
    ]
    question = Message.build_user_question_objects(parts)
    run = ChatRun(coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=[question]))
    assert run.answer().content == "one two three", "the script matches the text part"
    listed = list(coze.conversations.messages.list(conversation_id=run.chat.conversation_id, order="asc"))
    assert listed[0].content_type == MessageContentType.OBJECT_STRING
    stored = [{k: v for k, v in part.items() if v} for part in json.loads(listed[0].content)]
    assert [(p["type"], p.get("text"), p.get("file_id"), p.get("file_url")) for p in stored] == [
        ("text", "slow please", None, None),
        ("file", None, file.id, None),
        ("image", None, None, "https://images.example/cat.png"),
    ]


def test_a_file_that_does_not_exist(coze):
    parts = [MessageObjectString.build_text("look"), MessageObjectString.build_image(file_id=UNKNOWN_ID)]
    question = Message.build_user_question_objects(parts)
    error = refused(
        lambda: coze.chat.create(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=[question])
    )
    assert UNKNOWN_ID in error.msg


# -- conversations -----------------------------------------------------------------------------------


def test_conversation_create_and_retrieve(coze):
    made = coze.conversations.create(
        bot_id=SHOP_BOT,
        name="orders",
        meta_data={"customer": "7"},
        messages=user("one") + [Message.build_assistant_answer("two", meta_data={"k": "v"})],
    )
    found = coze.conversations.retrieve(conversation_id=made.id)
    for one in (made, found):
        assert one.id == made.id
        assert one.name == "orders"
        assert one.meta_data == {"customer": "7"}
        assert one.last_section_id
        assert abs(one.created_at - time.time()) < 60
    first, second = coze.conversations.messages.list(conversation_id=made.id, order="asc").items
    assert (first.role, first.content) == (MessageRole.USER, "one")
    assert (second.role, second.content, second.meta_data) == (MessageRole.ASSISTANT, "two", {"k": "v"})
    bare = coze.conversations.create()
    assert bare.id != made.id and bare.meta_data == {}
    refused(lambda: coze.conversations.retrieve(conversation_id=UNKNOWN_ID), *NO_SUCH_CHAT)


def test_conversation_list_pages(coze):
    made = [coze.conversations.create(bot_id=SHOP_BOT, name=f"c{n}").id for n in range(5)]
    page = coze.conversations.list(bot_id=SHOP_BOT, page_size=2)
    assert [c.id for c in page.items] == made[:-3:-1], "newest first"
    assert page.has_more
    listed = [c.id for c in coze.conversations.list(bot_id=SHOP_BOT, page_size=2)]
    assert listed[:5] == made[::-1]
    assert len(listed) == len(set(listed))
    assert not set(made) & {c.id for c in coze.conversations.list(bot_id=PERSONA_BOT)}


def test_conversation_of_a_chat_is_listed_for_its_bot(coze):
    run = chat(coze, "what is your prompt?", bot_id=PERSONA_BOT)
    listed = [c.id for c in coze.conversations.list(bot_id=PERSONA_BOT).items]
    assert run.chat.conversation_id in listed


def test_conversation_update_clear_delete(coze):
    made = coze.conversations.create(bot_id=SHOP_BOT, name="before", messages=user("keep me"))
    assert coze.conversations.update(conversation_id=made.id, name="之后").name == "之后"
    assert coze.conversations.retrieve(conversation_id=made.id).name == "之后"
    section = coze.conversations.clear(conversation_id=made.id)
    assert section.conversation_id == made.id
    assert section.id != made.last_section_id
    assert coze.conversations.retrieve(conversation_id=made.id).last_section_id == section.id
    later = coze.conversations.messages.create(
        conversation_id=made.id, role=MessageRole.USER, content="new", content_type=MessageContentType.TEXT
    )
    assert later.section_id == section.id
    listed = coze.conversations.messages.list(conversation_id=made.id, order="asc").items
    assert [m.content for m in listed] == ["keep me", "new"], "cleared messages stay readable"
    assert listed[0].section_id == made.last_section_id
    coze.conversations.delete(conversation_id=made.id)
    refused(lambda: coze.conversations.retrieve(conversation_id=made.id), *NO_SUCH_CHAT)
    refused(lambda: coze.conversations.messages.list(conversation_id=made.id), *NO_SUCH_CHAT)
    refused(lambda: coze.conversations.delete(conversation_id=made.id), *NO_SUCH_CHAT)
    refused(lambda: coze.conversations.update(conversation_id=UNKNOWN_ID, name="x"), *NO_SUCH_CHAT)
    refused(lambda: coze.conversations.clear(conversation_id=UNKNOWN_ID), *NO_SUCH_CHAT)


# -- messages of a conversation ----------------------------------------------------------------------


def put(coze, conversation_id, content, **options):
    return coze.conversations.messages.create(
        conversation_id=conversation_id,
        role=options.pop("role", MessageRole.USER),
        content=content,
        content_type=options.pop("content_type", MessageContentType.TEXT),
        **options,
    )


def test_message_create_retrieve_update_delete(coze):
    conversation = coze.conversations.create().id
    made = put(coze, conversation, "first 你好", meta_data={"k": "v"})
    ids = {"conversation_id": conversation, "message_id": made.id}
    found = coze.conversations.messages.retrieve(**ids)
    for one in (made, found):
        assert (one.id, one.content, one.role) == (made.id, "first 你好", MessageRole.USER)
        assert (one.conversation_id, one.meta_data) == (conversation, {"k": "v"})
        assert one.chat_id is None and one.bot_id is None
    changed = coze.conversations.messages.update(**ids, content="second", content_type=MessageContentType.TEXT)
    assert (changed.id, changed.content, changed.meta_data) == (made.id, "second", {"k": "v"})
    changed = coze.conversations.messages.update(**ids, meta_data={"n": "1"})
    assert (changed.content, changed.meta_data) == ("second", {"n": "1"})
    again = coze.conversations.messages.retrieve(**ids)
    assert (again.content, again.meta_data) == ("second", {"n": "1"})
    refused(lambda: coze.conversations.messages.update(**ids), 4000)
    gone = coze.conversations.messages.delete(**ids)
    assert (gone.id, gone.content) == (made.id, "second")
    refused(lambda: coze.conversations.messages.retrieve(**ids), *NO_SUCH_MESSAGE)
    refused(lambda: coze.conversations.messages.delete(**ids), *NO_SUCH_MESSAGE)
    refused(lambda: coze.conversations.messages.update(**ids, meta_data={"a": "b"}), *NO_SUCH_MESSAGE)
    refused(lambda: put(coze, UNKNOWN_ID, "x"), *NO_SUCH_CHAT)


def test_message_list_pages_both_ways(coze):
    conversation = coze.conversations.create().id
    made = [put(coze, conversation, f"m{n}").id for n in range(7)]
    other = coze.conversations.create(messages=user("elsewhere")).id

    def listed(**options):
        return coze.conversations.messages.list(conversation_id=conversation, **options)

    for order, expected in (("asc", made), ("desc", made[::-1])):
        page = listed(order=order, limit=3)
        assert [m.id for m in page.items] == expected[:3]
        assert (page.first_id, page.last_id, page.has_more) == (expected[0], expected[2], True)
        assert [m.id for m in listed(order=order, limit=3)] == expected, "all pages, nothing twice"
        assert not listed(order=order, limit=7).has_more
        assert [m.id for m in listed(order=order, after_id=expected[2], limit=2).items] == expected[3:5]
        assert [m.id for m in listed(order=order, before_id=expected[2], limit=50).items] == expected[:2]
    assert [m.id for m in listed().items] == made[::-1], "newest first unless told otherwise"
    assert made[0] not in [m.id for m in coze.conversations.messages.list(conversation_id=other)]
    empty = coze.conversations.messages.list(conversation_id=coze.conversations.create().id)
    assert empty.items == [] and empty.has_more is False


def test_message_list_of_chats(coze):
    one = chat(coze, "think about it")
    two = chat(coze, "hello", conversation_id=one.chat.conversation_id)
    everything = list(coze.conversations.messages.list(conversation_id=one.chat.conversation_id, order="asc"))
    assert [(m.type, m.content, m.chat_id) for m in everything] == [
        (MessageType.QUESTION, "think about it", one.chat.id),
        (MessageType.ANSWER, "answer", one.chat.id),
        (MessageType.QUESTION, "hello", two.chat.id),
        (MessageType.ANSWER, "nothing special", two.chat.id),
    ]
    second = coze.conversations.messages.list(
        conversation_id=one.chat.conversation_id, order="asc", chat_id=two.chat.id
    )
    assert [m.content for m in second] == ["hello", "nothing special"]
    coze.conversations.messages.delete(
        conversation_id=one.chat.conversation_id, message_id=one.of(MessageType.ANSWER)[0].id
    )
    left = {m.type for m in coze.chat.messages.list(**one.ids)}
    assert not left & {MessageType.ANSWER, MessageType.VERBOSE}, "middle messages go with their answer"


def test_objects_as_messages(coze):
    conversation = coze.conversations.create().id
    file = coze.files.upload(file=("cat.png", b"\x89PNG"))
    content = json.dumps([{"type": "text", "text": "look"}, {"type": "image", "file_id": file.id}])
    made = put(coze, conversation, content, content_type=MessageContentType.OBJECT_STRING)
    found = coze.conversations.messages.retrieve(conversation_id=conversation, message_id=made.id)
    assert found.content_type == MessageContentType.OBJECT_STRING
    assert [(p["type"], p.get("file_id")) for p in json.loads(found.content)] == [("text", None), ("image", file.id)]
    refused(lambda: put(coze, conversation, "not json", content_type=MessageContentType.OBJECT_STRING), 4000)


def test_feedback(coze):
    run = chat(coze, "hello")
    feedback = coze.conversations.messages.feedback
    ids = {"conversation_id": run.chat.conversation_id, "message_id": run.answer().id}
    assert feedback.create(**ids, feedback_type=FeedbackType.LIKE).response.logid
    feedback.create(**ids, feedback_type=FeedbackType.UNLIKE, reason_types=["wrong", "rude"], comment="不好")
    feedback.delete(**ids)
    refused(lambda: feedback.create(**ids, feedback_type="maybe"), 4000)
    refused(lambda: feedback.create(**ids, feedback_type=FeedbackType.LIKE, comment="x" * 251), 4000)
    refused(lambda: feedback.create(**ids, feedback_type=FeedbackType.LIKE, reason_types=["r"] * 11), 4000)
    missing = {**ids, "message_id": UNKNOWN_ID}
    refused(lambda: feedback.create(**missing, feedback_type=FeedbackType.LIKE), *NO_SUCH_MESSAGE)


# -- bots and users ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_bots(coze, version):
    listed = list(coze.bots.list(space_id=SPACE, page_size=2, use_api_version=version))
    names = {b.id: b.name for b in listed}
    assert len(listed) == len(names), "no bot twice"
    assert {SCRIPTED_BOT: "Scripted", PERSONA_BOT: "Persona", SHOP_BOT: "Shop"}.items() <= names.items()
    assert names[DEMO_BOT]
    assert coze.bots.list(space_id=SPACE, page_size=2, use_api_version=version).total == len(listed)
    shop = only(listed, id=SHOP_BOT)
    assert (shop.description, shop.is_published) == ("sells things", True)
    bot = coze.bots.retrieve(bot_id=SHOP_BOT, use_api_version=version)
    assert (bot.bot_id, bot.name, bot.description) == (SHOP_BOT, "Shop", "sells things")
    assert bot.prompt_info.prompt == "You sell things."
    assert bot.onboarding_info.prologue == "Welcome to the shop"
    assert bot.onboarding_info.suggested_questions == ["What do you sell?", "When are you open?"]
    assert bot.bot_mode == BotMode.SINGLE_AGENT
    assert [(w.id, w.name) for w in bot.workflow_info_list] == [(GREET, "greet")]
    assert bot.version and bot.create_time and bot.update_time
    refused(lambda: coze.bots.retrieve(bot_id=UNKNOWN_ID, use_api_version=version), 4200)


def test_users_me(coze):
    me = coze.users.me()
    assert me.user_id and me.user_name
    assert coze.users.me().user_id == me.user_id


# -- the async client --------------------------------------------------------------------------------


def run_async(server, body):
    async def main():
        async with connect_async(server) as coze:
            return await asyncio.wait_for(body(coze), 30)

    return asyncio.run(main())


def test_async_streams_side_by_side(server):
    async def body(coze):
        async def one(text):
            stream = coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user(text))
            return ChatRun([event async for event in stream])

        begin = time.monotonic()
        runs = await asyncio.gather(*(one(t) for t in ["slow", "think", "unicode", "separators"] + ["slow"] * 16))
        return runs, time.monotonic() - begin

    runs, took = run_async(server, body)
    texts = [run.answer().content for run in runs]
    assert texts == ["one two three", "answer", "".join(UNICODE), SEPARATORS] + ["one two three"] * 16
    assert len({run.chat.id for run in runs}) == len(runs)
    assert took < 5, "one after another they would take 15 s"


def test_async_polling_cancel_and_tools(server):
    async def body(coze):
        async def until_done(chat):
            while chat.status == ChatStatus.IN_PROGRESS:
                await asyncio.sleep(0.1)
                chat = await coze.chat.retrieve(conversation_id=chat.conversation_id, chat_id=chat.id)
            return chat

        async def create(text, **options):
            return await coze.chat.create(
                bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user(text), **options
            )

        done = await until_done(await create("slow please"))
        ids = {"conversation_id": done.conversation_id, "chat_id": done.id}
        assert done.status == ChatStatus.COMPLETED
        assert answers(await coze.chat.messages.list(**ids)) == ["one two three"]

        running = await create("crawl", conversation_id=done.conversation_id)
        ids["chat_id"] = running.id
        assert (await coze.chat.cancel(**ids)).status == ChatStatus.CANCELED

        for streaming in (True, False):
            paused = await until_done(await create("weather", conversation_id=done.conversation_id))
            assert paused.status == ChatStatus.REQUIRES_ACTION
            _, (call,) = wanted(paused)
            ids["chat_id"] = paused.id
            outputs = [ToolOutput(tool_call_id=call.id, output="fog")]
            if streaming:
                events = [e async for e in coze.chat.submit_tool_outputs_stream(**ids, tool_outputs=outputs)]
                assert ChatRun(events, resumed=True).answer().content == "The tool said: fog"
            else:
                await until_done(await coze.chat.submit_tool_outputs(**ids, tool_outputs=outputs))
                assert answers(await coze.chat.messages.list(**ids)) == ["The tool said: fog"]

    run_async(server, body)


def test_async_conversations_files_bots(server):
    async def body(coze):
        made = await coze.conversations.create(bot_id=SHOP_BOT, name="a", messages=user("m0"))
        assert (await coze.conversations.update(conversation_id=made.id, name="b")).name == "b"
        assert (await coze.conversations.retrieve(conversation_id=made.id)).name == "b"
        assert made.id in [c.id async for c in await coze.conversations.list(bot_id=SHOP_BOT, page_size=1)]
        ids = {"conversation_id": made.id}
        text = {"role": MessageRole.USER, "content_type": MessageContentType.TEXT}
        m1 = await coze.conversations.messages.create(**ids, content="m1", **text)
        m2 = await coze.conversations.messages.create(**ids, content="m2", **text)
        pages = await coze.conversations.messages.list(**ids, order="asc", limit=1)
        assert [m.content async for m in pages] == ["m0", "m1", "m2"]
        await coze.conversations.messages.update(
            **ids, message_id=m1.id, content="M1", content_type=MessageContentType.TEXT
        )
        assert (await coze.conversations.messages.retrieve(**ids, message_id=m1.id)).content == "M1"
        assert (await coze.conversations.messages.delete(**ids, message_id=m2.id)).id == m2.id
        events = coze.chat.stream(bot_id=SCRIPTED_BOT, user_id="u", additional_messages=user("hi"), **ids)
        answer = ChatRun([e async for e in events]).answer()
        feedback = coze.conversations.messages.feedback
        await feedback.create(**ids, message_id=answer.id, feedback_type=FeedbackType.LIKE)
        await feedback.delete(**ids, message_id=answer.id)
        section = await coze.conversations.clear(**ids)
        assert section.id != made.last_section_id
        await coze.conversations.delete(**ids)
        with pytest.raises(CozeAPIError) as caught:
            await coze.conversations.retrieve(**ids)
        assert caught.value.code in NO_SUCH_CHAT

        file = await coze.files.upload(file=("notes.csv", b"hello"))
        assert (await coze.files.retrieve(file_id=file.id)).bytes == 5
        bots = [b.id async for b in await coze.bots.list(space_id=SPACE, page_size=1, use_api_version=2)]
        assert {DEMO_BOT, SHOP_BOT} <= set(bots)
        assert (await coze.bots.retrieve(bot_id=SHOP_BOT, use_api_version=2)).name == "Shop"
        assert (await coze.users.me()).user_id

    run_async(server, body)


def test_async_workflows(server):
    async def body(coze):
        runs = coze.workflows.runs
        result = await runs.create(workflow_id=GREET, parameters={"name": "Ada"})
        assert json.loads(result.data) == {"output": "Hello Ada!"}
        events = run_events([e async for e in runs.stream(workflow_id=TRIP, parameters={"name": "Ada"})])
        data = events[-1].interrupt.interrupt_data
        stream = runs.resume(
            workflow_id=TRIP, event_id=data.event_id, interrupt_type=data.type, resume_data="Bergen"
        )
        (event,) = run_events([e async for e in stream])
        assert json.loads(event.message.content) == {"output": "Ada goes to Bergen"}
        started = await runs.create(workflow_id=REPORT, parameters={"topic": "go"}, is_async=True)
        while True:
            done = await runs.run_histories.retrieve(workflow_id=REPORT, execute_id=started.execute_id)
            if done.execute_status != WorkflowExecuteStatus.RUNNING:
                break
            await asyncio.sleep(0.05)
        assert done.execute_status == WorkflowExecuteStatus.SUCCESS
        node = await runs.run_histories.execute_nodes.retrieve(
            workflow_id=REPORT,
            execute_id=started.execute_id,
            node_execute_uuid=done.node_execute_status["Progress note"].node_execute_uuid,
        )
        assert "Working on go" in node.node_output
        stream = coze.workflows.chat.stream(
            workflow_id=CHATFLOW, bot_id=DEMO_BOT, additional_messages=user("slow please")
        )
        assert ChatRun([e async for e in stream]).answer().content == "one two three"

    run_async(server, body)
