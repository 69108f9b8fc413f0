"""What the tests of the official SDK share."""

import json
from typing import Iterable, List, Optional

from cozepy import Chat, ChatEvent, ChatEventType, ChatStatus, Message, MessageRole, MessageType

TERMINAL = {
    ChatEventType.CONVERSATION_CHAT_COMPLETED: ChatStatus.COMPLETED,
    ChatEventType.CONVERSATION_CHAT_FAILED: ChatStatus.FAILED,
    ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION: ChatStatus.REQUIRES_ACTION,
}


def user(text: str) -> List[Message]:
    return [Message.build_user_question_text(text)]


class ChatRun:
    """The events of one streaming chat, checked against the rules that hold for every chat.

    created and in_progress come first; there is exactly one terminal event and it comes last; all events belong to
    one chat; the deltas of an answer add up to the answer.
    """

    def __init__(self, events: Iterable[ChatEvent], resumed: bool = False) -> None:
        self.events = list(events)
        assert self.events, "no events at all"
        kinds = [e.event for e in self.events]
        assert ChatEventType.UNKNOWN not in kinds
        if not resumed:
            assert kinds[:2] == [
                ChatEventType.CONVERSATION_CHAT_CREATED,
                ChatEventType.CONVERSATION_CHAT_IN_PROGRESS,
            ]
            assert self.events[0].chat.status == ChatStatus.CREATED
            assert self.events[1].chat.status == ChatStatus.IN_PROGRESS
        assert [k for k in kinds if k in TERMINAL] == [kinds[-1]], kinds
        self.chat: Chat = self.events[-1].chat
        self.terminal = kinds[-1]
        assert self.chat.status == TERMINAL[self.terminal]
        self.ids = {"conversation_id": self.chat.conversation_id, "chat_id": self.chat.id}
        for event in self.events:
            if event.chat is not None:
                assert (event.chat.id, event.chat.conversation_id) == (self.chat.id, self.chat.conversation_id)
            else:
                message = event.message
                assert (message.chat_id, message.conversation_id) == (self.chat.id, self.chat.conversation_id)
                assert message.role == MessageRole.ASSISTANT
        self.deltas = [e.message for e in self.events if e.event == ChatEventType.CONVERSATION_MESSAGE_DELTA]
        self.completed = [e.message for e in self.events if e.event == ChatEventType.CONVERSATION_MESSAGE_COMPLETED]
        for message in self.of(MessageType.ANSWER):
            if not self.failed:
                parts = [d.content for d in self.deltas if d.id == message.id]
                assert parts and "".join(parts) == message.content
        if not self.failed:
            finished = {m.id for m in self.of(MessageType.ANSWER)}
            assert {d.id for d in self.deltas} <= finished, "deltas of an answer that never completes"

    @property
    def failed(self) -> bool:
        return self.terminal == ChatEventType.CONVERSATION_CHAT_FAILED

    @property
    def text(self) -> str:
        return "".join(d.content for d in self.deltas)

    def of(self, type_: MessageType) -> List[Message]:
        return [m for m in self.completed if m.type == type_]

    def answer(self) -> Message:
        assert self.terminal == ChatEventType.CONVERSATION_CHAT_COMPLETED, self.chat
        (message,) = self.of(MessageType.ANSWER)
        return message


def answers(messages: Iterable[Message]) -> List[str]:
    return [m.content for m in messages if m.type == MessageType.ANSWER]


def check_usage(chat: Chat) -> None:
    assert chat.usage is not None
    assert chat.usage.output_count > 0
    assert chat.usage.token_count == chat.usage.input_count + chat.usage.output_count


def check_finished_marker(messages: Iterable[Message]) -> None:
    """The `verbose` message that says that all answers have been given."""
    marks = [json.loads(m.content) for m in messages if m.type == MessageType.VERBOSE]
    assert [m["msg_type"] for m in marks] == ["generate_answer_finish"], marks


def only(items, **fields) -> Optional[object]:
    """The one item with these attributes."""
    found = [i for i in items if all(getattr(i, key) == value for key, value in fields.items())]
    assert len(found) == 1, (fields, items)
    return found[0]
