from cozepy import ChatEventType, ChatStatus, MessageType, ToolOutput

from . import WEBSOCKET, method
from .common import ANSWER, NO_CHAT, NOWHERE, SCRIPTED, ask, refused, until


def start(coze, text, **options):
    return coze.chat.create(bot_id=SCRIPTED, user_id="u", additional_messages=ask(text), **options)


def ended(coze, chat):
    def probe():
        now = coze.chat.retrieve(conversation_id=chat.conversation_id, chat_id=chat.id)
        return None if now.status in (ChatStatus.CREATED, ChatStatus.IN_PROGRESS) else now

    return until("the chat ends", probe)


def answer_of(events):
    found = [
        event.message.content
        for event in events
        if event.event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED and event.message.type == MessageType.ANSWER
    ]
    assert events[-1].event == ChatEventType.CONVERSATION_CHAT_COMPLETED
    return "".join(found)


@method("chat.create", "StartChat RetrieveChat")
def _(context):
    coze = context.coze
    chat = start(coze, "hello", meta_data={"k": "v"})
    assert (chat.bot_id, chat.status, chat.meta_data) == (SCRIPTED, ChatStatus.IN_PROGRESS, {"k": "v"})
    assert ended(coze, chat).status == ChatStatus.COMPLETED
    refused(lambda: coze.chat.create(bot_id=NOWHERE, user_id="u", additional_messages=ask("hello")), 4200)


@method("chat.create_and_poll", "StartChat RetrieveChat ListChatMessages")
def _(context):
    polled = context.coze.chat.create_and_poll(bot_id=SCRIPTED, user_id="u", additional_messages=ask("hello"))
    assert polled.chat.status == ChatStatus.COMPLETED and polled.chat.usage.token_count > 0
    assert [m.content for m in polled.messages if m.type == MessageType.ANSWER] == [ANSWER]


@method("chat.stream", "StartChat")
def _(context):
    events = list(context.coze.chat.stream(bot_id=SCRIPTED, user_id="u", additional_messages=ask("hello")))
    kinds = [event.event for event in events]
    assert kinds[:2] == [ChatEventType.CONVERSATION_CHAT_CREATED, ChatEventType.CONVERSATION_CHAT_IN_PROGRESS]
    deltas = [e.message.content for e in events if e.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
    assert "".join(deltas) == answer_of(events) == ANSWER


@method("chat.retrieve", "RetrieveChat StartChat")
def _(context):
    chat = start(context.coze, "hello")
    done = ended(context.coze, chat)
    assert done.id == chat.id and done.completed_at >= done.created_at
    assert done.usage.token_count == done.usage.input_count + done.usage.output_count
    ids = {"conversation_id": chat.conversation_id, "chat_id": NOWHERE}
    refused(lambda: context.coze.chat.retrieve(**ids), NO_CHAT)


@method("chat.cancel", "CancelChat StartChat")
def _(context):
    chat = start(context.coze, "crawl")
    ids = {"conversation_id": chat.conversation_id, "chat_id": chat.id}
    assert context.coze.chat.cancel(**ids).status == ChatStatus.CANCELED


@method("chat.messages.list", "ListChatMessages StartChat RetrieveChat")
def _(context):
    chat = start(context.coze, "hello")
    ended(context.coze, chat)
    messages = context.coze.chat.messages.list(conversation_id=chat.conversation_id, chat_id=chat.id)
    assert sorted(m.type.value for m in messages) == ["answer", "verbose"]


def paused(coze):
    chat = ended(coze, start(coze, "weather"))
    assert chat.status == ChatStatus.REQUIRES_ACTION
    (call,) = chat.required_action.submit_tool_outputs.tool_calls
    assert call.function.name == "get_weather"
    outputs = [ToolOutput(tool_call_id=call.id, output="fog")]
    return {"conversation_id": chat.conversation_id, "chat_id": chat.id, "tool_outputs": outputs}


@method("chat.submit_tool_outputs", "SubmitToolOutputs StartChat RetrieveChat")
def _(context):
    # The asynchronous client has a method of its own for the stream.
    if not context.is_async:
        events = list(context.coze.chat.submit_tool_outputs(**paused(context.coze), stream=True))
        assert answer_of(events) == "The tool said: fog"
    given = paused(context.coze)
    chat = context.coze.chat.submit_tool_outputs(**given, **({} if context.is_async else {"stream": False}))
    assert chat.id == given["chat_id"]
    assert ended(context.coze, chat).status == ChatStatus.COMPLETED


@method("chat.submit_tool_outputs_stream", "SubmitToolOutputs StartChat RetrieveChat")
def _(context):
    events = list(context.coze.chat.submit_tool_outputs_stream(**paused(context.coze)))
    assert answer_of(events) == "The tool said: fog"


@method("websockets.chat.create", WEBSOCKET)
def _(context):
    open_websocket(context, context.coze.websockets.chat.create(bot_id=SCRIPTED, on_event={}))


@method("websockets.audio.speech.create", WEBSOCKET)
def _(context):
    open_websocket(context, context.coze.websockets.audio.speech.create(on_event={}))


@method("websockets.audio.transcriptions.create", WEBSOCKET)
def _(context):
    open_websocket(context, context.coze.websockets.audio.transcriptions.create(on_event={}))


def open_websocket(context, client):
    # It wants an https base: it cannot reach a local server at all.
    if context.is_async:
        client.connect()
    else:
        with client():
            pass
