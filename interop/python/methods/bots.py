import requests
from cozepy import BotOnboardingInfo, BotPromptInfo, PublishStatus
from cozepy.connectors.bots import AuditStatus

from . import method
from .common import API, NOWHERE, SCRIPTED, SPACE, ask, fresh, refused
from .local import TOKEN


TEMPLATE = "7500000000000000001"  # the built-in agent is one
CHANNEL = "1056000000000000001"  # of the local user


def make(coze, **options):
    return coze.bots.create(space_id=SPACE, name=fresh("agent"), **options).bot_id


def draft(coze, bot_id):
    return coze.bots.retrieve(bot_id=bot_id, is_published=False, use_api_version=2)


def talks(context, bot_id):
    stream = context.coze.chat.stream(bot_id=bot_id, user_id="u", additional_messages=ask("hello"))
    return [event.event.value for event in stream][-1] == "conversation.chat.completed"


@method("bots.create", "CreateBot RetrieveBot")
def _(context):
    made = context.coze.bots.create(
        space_id=SPACE,
        name="Made",
        description="made by a test",
        prompt_info=BotPromptInfo(prompt="You are brief."),
        onboarding_info=BotOnboardingInfo(prologue="Hi", suggested_questions=["Why?"]),
    )
    bot = draft(context.coze, made.bot_id)
    assert (bot.name, bot.description, bot.prompt_info.prompt) == ("Made", "made by a test", "You are brief.")
    assert (bot.onboarding_info.prologue, bot.onboarding_info.suggested_questions) == ("Hi", ["Why?"])
    refused(lambda: context.coze.bots.create(space_id=SPACE, name=""), 4000)


@method("bots.update", "UpdateBot CreateBot RetrieveBot")
def _(context):
    bot_id = make(context.coze, description="kept")
    context.coze.bots.update(bot_id=bot_id, name="Renamed", prompt_info=BotPromptInfo(prompt="New."))
    bot = draft(context.coze, bot_id)
    assert (bot.name, bot.description, bot.prompt_info.prompt) == ("Renamed", "kept", "New.")


@method("bots.publish", "PublishBot CreateBot StartChat")
def _(context):
    bot_id = make(context.coze)
    refused(lambda: talks(context, bot_id), 4015)
    context.coze.bots.publish(bot_id=bot_id, connector_ids=[API])
    assert talks(context, bot_id)


@method("bots.unpublish", "UnpublishBot PublishBot CreateBot StartChat")
def _(context):
    bot_id = make(context.coze)
    context.coze.bots.publish(bot_id=bot_id, connector_ids=[API])
    context.coze.bots.unpublish(bot_id=bot_id, connector_id=API, unpublish_reason="tested")
    refused(lambda: talks(context, bot_id), 4015)


@method("bots.list", "ListBots ListPublishedBots")
def _(context):
    for version in (1, 2):
        page = context.coze.bots.list(space_id=SPACE, page_size=1, use_api_version=version)
        assert len(page.items) == 1 and page.total >= 2
        names = {bot.id: bot.name for bot in page}
        assert names[SCRIPTED] == "Scripted"


@method("bots.retrieve", "RetrieveBot RetrieveOnlineBot")
def _(context):
    for version in (1, 2):
        bot = context.coze.bots.retrieve(bot_id=SCRIPTED, use_api_version=version)
        assert (bot.bot_id, bot.name, bot.onboarding_info.prologue) == (SCRIPTED, "Scripted", "Welcome")
        refused(lambda: context.coze.bots.retrieve(bot_id=NOWHERE, use_api_version=version), 4200)


@method("connectors.bots.update", "ReviewConnectorBot CreateBot PublishBot")
def _(context):
    bot_id = make(context.coze)
    # The SDK has no call that adds a channel to a workspace.
    added = requests.post(
        f"{context.server.base_url}/v1/connectors/{CHANNEL}/install",
        json={"workspace_id": SPACE},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    )
    assert added.json()["code"] == 0, added.text
    context.coze.bots.publish(bot_id=bot_id, connector_ids=[API, CHANNEL])
    update = context.coze.connectors.bots.update
    update(bot_id=bot_id, connector_id=CHANNEL, audit_status=AuditStatus.REJECTED, reason="tested")
    update(bot_id=bot_id, connector_id=CHANNEL, audit_status=AuditStatus.APPROVED)
    refused(lambda: update(bot_id=bot_id, connector_id=API, audit_status=AuditStatus.APPROVED), 4101)


@method("templates.duplicate", "DuplicateTemplate")
def _(context):
    made = context.coze.templates.duplicate(template_id=TEMPLATE, workspace_id=SPACE, name=fresh("copy"))
    assert made.entity_id and made.entity_type.value == "agent"


@method("apps.list", "ListApps")
def _(context):
    page = context.coze.apps.list(workspace_id=SPACE, publish_status=PublishStatus.ALL)
    assert page.total == len(list(page))
