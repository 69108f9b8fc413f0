from cozepy import FeedbackType, MessageContentType, MessageRole

from . import method
from .chats import answer_of
from .common import NO_CONVERSATION, NO_MESSAGE, NOWHERE, SCRIPTED, ask, refused


def make(coze, **options):
    return coze.conversations.create(bot_id=SCRIPTED, **options)


def put(coze, conversation_id, content):
    return coze.conversations.messages.create(
        conversation_id=conversation_id,
        role=MessageRole.USER,
        content=content,
        content_type=MessageContentType.TEXT,
        meta_data={"k": "v"},
    )


@method("conversations.create", "CreateConversation ListMessages")
def _(context):
    made = make(context.coze, messages=ask("first"), meta_data={"k": "v"}, name="n")
    assert made.meta_data == {"k": "v"} and made.last_section_id
    listed = context.coze.conversations.messages.list(conversation_id=made.id)
    assert [m.content for m in listed] == ["first"]


@method("conversations.retrieve", "RetrieveConversation CreateConversation")
def _(context):
    made = make(context.coze)
    assert context.coze.conversations.retrieve(conversation_id=made.id).created_at == made.created_at
    refused(lambda: context.coze.conversations.retrieve(conversation_id=NOWHERE), NO_CONVERSATION)


@method("conversations.list", "ListConversations CreateConversation")
def _(context):
    made = [make(context.coze).id for _ in range(3)]
    page = context.coze.conversations.list(bot_id=SCRIPTED, page_size=2)
    assert [c.id for c in page.items] == made[:0:-1] and page.has_more
    everything = [c.id for c in page]
    assert len(set(everything)) == len(everything) and set(made) <= set(everything)


@method("conversations.update", "UpdateConversation CreateConversation")
def _(context):
    made = make(context.coze, name="old")
    assert context.coze.conversations.update(conversation_id=made.id, name="new").name == "new"


@method("conversations.delete", "DeleteConversation CreateConversation")
def _(context):
    made = make(context.coze)
    context.coze.conversations.delete(conversation_id=made.id)
    refused(lambda: context.coze.conversations.retrieve(conversation_id=made.id), NO_CONVERSATION)


@method("conversations.clear", "ClearConversation CreateConversation")
def _(context):
    made = make(context.coze)
    section = context.coze.conversations.clear(conversation_id=made.id)
    assert section.conversation_id == made.id and section.id != made.last_section_id


@method("conversations.messages.create", "CreateMessage CreateConversation")
def _(context):
    conversation = make(context.coze).id
    made = put(context.coze, conversation, "first 你好")
    assert (made.conversation_id, made.role, made.content) == (conversation, MessageRole.USER, "first 你好")
    refused(lambda: put(context.coze, NOWHERE, "x"), NO_CONVERSATION)


@method("conversations.messages.update", "ModifyMessage RetrieveMessage CreateMessage CreateConversation")
def _(context):
    conversation = make(context.coze).id
    ids = {"conversation_id": conversation, "message_id": put(context.coze, conversation, "first").id}
    changed = context.coze.conversations.messages.update(
        **ids, content="second", content_type=MessageContentType.TEXT
    )
    found = context.coze.conversations.messages.retrieve(**ids)
    assert (changed.content, found.content, found.meta_data) == ("second", "second", {"k": "v"})


@method("conversations.messages.retrieve", "RetrieveMessage CreateMessage CreateConversation")
def _(context):
    conversation = make(context.coze).id
    made = put(context.coze, conversation, "first")
    retrieve = context.coze.conversations.messages.retrieve
    assert retrieve(conversation_id=conversation, message_id=made.id).content == "first"
    refused(lambda: retrieve(conversation_id=conversation, message_id=NOWHERE), NO_MESSAGE)


@method("conversations.messages.list", "ListMessages CreateMessage CreateConversation")
def _(context):
    conversation = make(context.coze).id
    made = [put(context.coze, conversation, text).id for text in "abc"]
    page = context.coze.conversations.messages.list(conversation_id=conversation, order="asc", limit=2)
    assert [m.id for m in page.items] == made[:2] and page.has_more
    assert [m.id for m in page] == made, "all pages, nothing twice"


@method("conversations.messages.delete", "DeleteMessage RetrieveMessage CreateMessage CreateConversation")
def _(context):
    conversation = make(context.coze).id
    ids = {"conversation_id": conversation, "message_id": put(context.coze, conversation, "first").id}
    assert context.coze.conversations.messages.delete(**ids).id == ids["message_id"]
    refused(lambda: context.coze.conversations.messages.retrieve(**ids), NO_MESSAGE)


def answered(coze):
    events = list(coze.chat.stream(bot_id=SCRIPTED, user_id="u", additional_messages=ask("hello")))
    assert answer_of(events)
    message = next(e.message for e in events if e.message and e.message.type.value == "answer")
    return {"conversation_id": message.conversation_id, "message_id": message.id}


@method("conversations.messages.feedback.create", "CreateFeedback StartChat")
def _(context):
    feedback = context.coze.conversations.messages.feedback
    ids = answered(context.coze)
    feedback.create(**ids, feedback_type=FeedbackType.UNLIKE, reason_types=["wrong"], comment="不好")
    missing = {**ids, "message_id": NOWHERE}
    refused(lambda: feedback.create(**missing, feedback_type=FeedbackType.LIKE), NO_MESSAGE, 4006)


@method("conversations.messages.feedback.delete", "DeleteFeedback CreateFeedback StartChat")
def _(context):
    feedback = context.coze.conversations.messages.feedback
    ids = answered(context.coze)
    feedback.create(**ids, feedback_type=FeedbackType.LIKE)
    feedback.delete(**ids)


@method("files.upload", "UploadFile")
def _(context):
    made = context.coze.files.upload(file=("笔记.txt", b"hello"))
    assert (made.bytes, made.file_name) == (5, "笔记.txt")


@method("files.retrieve", "RetrieveFile UploadFile")
def _(context):
    made = context.coze.files.upload(file=("notes.txt", b"hello"))
    found = context.coze.files.retrieve(file_id=made.id)
    assert (found.id, found.bytes, found.file_name) == (made.id, 5, "notes.txt")
    refused(lambda: context.coze.files.retrieve(file_id=NOWHERE), 4200)
