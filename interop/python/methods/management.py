import http.server
import json
import threading

import pytest
import requests
from cozepy import AppType, CozeAPIError, FolderType, VariableValue
from cozepy.enterprises.members import EnterpriseMember, EnterpriseMemberRole
from cozepy.workspaces.members import WorkspaceMember, WorkspaceRoleType
from pydantic import ValidationError

from . import BrokenInTheSdk, method
from .common import NOWHERE, SCRIPTED, SPACE, fresh, refused
from .local import TOKEN

TEAM = "7500000000000000401"
ADA = "7500000000000000301"
ENTERPRISE = "volcano_2100000001"


@method("users.me", "RetrieveMe")
def _(context):
    me = context.coze.users.me()
    assert me.user_id and me.user_name


@method("workspaces.list", "ListWorkspaces")
def _(context):
    page = context.coze.workspaces.list(page_size=10)
    mine = next(space for space in page if space.id == SPACE)
    assert (mine.role_type.value, mine.workspace_type.value) == ("owner", "personal")
    assert page.total >= 1


def members(context):
    """The SDK cannot read them, see below."""
    url = f"{context.server.base_url}/v1/workspaces/{TEAM}/members"
    answer = requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).json()
    if answer["code"]:
        raise CozeAPIError(answer["code"], answer["msg"], None)
    return {it["user_id"]: it["role_type"] for it in answer["data"]["items"]}


def join(context):
    ada = WorkspaceMember(user_id=ADA, role_type=WorkspaceRoleType.MEMBER)
    return context.coze.workspaces.members.create(workspace_id=TEAM, users=[ada])


def leave(context):
    return context.coze.workspaces.members.delete(workspace_id=TEAM, user_ids=[ADA])


@method("workspaces.members.list", "ListWorkspaceMembers RetrieveMe")
def _(context):
    assert members(context)[context.coze.users.me().user_id] == "owner"
    # It takes the page for a member (reference, core 9, row 44), so no reply as documented can be read.
    with pytest.raises(ValidationError, match="WorkspaceMember"):
        context.coze.workspaces.members.list(workspace_id=TEAM)
    raise BrokenInTheSdk


@method("workspaces.members.create", "AddWorkspaceMembers ListWorkspaceMembers RemoveWorkspaceMembers")
def _(context):
    answer = join(context)
    assert ADA in answer.added_success_user_ids + answer.invited_success_user_ids
    assert members(context)[ADA] == "member"
    assert join(context).already_joined_user_ids == [ADA]
    leave(context)


@method("workspaces.members.delete", "RemoveWorkspaceMembers AddWorkspaceMembers ListWorkspaceMembers")
def _(context):
    join(context)
    assert leave(context).removed_success_user_ids == [ADA]
    assert ADA not in members(context)
    assert leave(context).not_in_workspace_user_ids == [ADA]


def enterprise(context):
    return context.coze.enterprises.members


def enroll(context):
    member = EnterpriseMember(user_id=ADA, role=EnterpriseMemberRole.ENTERPRISE_MEMBER)
    enterprise(context).create(enterprise_id=ENTERPRISE, users=[member])


def dismiss(context):
    me = context.coze.users.me().user_id
    enterprise(context).delete(enterprise_id=ENTERPRISE, user_id=ADA, receiver_user_id=me)


@method("enterprises.members.create", "AddEnterpriseMembers RemoveEnterpriseMember RetrieveMe")
def _(context):
    enroll(context)
    dismiss(context)


@method("enterprises.members.update", "UpdateEnterpriseMember AddEnterpriseMembers RemoveEnterpriseMember RetrieveMe")
def _(context):
    enroll(context)
    role = EnterpriseMemberRole.ENTERPRISE_ADMIN
    enterprise(context).update(enterprise_id=ENTERPRISE, user_id=ADA, role=role)
    dismiss(context)


@method("enterprises.members.delete", "RemoveEnterpriseMember AddEnterpriseMembers RetrieveMe")
def _(context):
    enroll(context)
    dismiss(context)
    refused(lambda: dismiss(context), 4000, 4200)


@method("folders.list", "ListFolders")
def _(context):
    page = context.coze.folders.list(workspace_id=SPACE, folder_type=FolderType.DEVELOPMENT)
    assert page.total == len(list(page))


@method("folders.retrieve", "RetrieveFolder")
def _(context):
    refused(lambda: context.coze.folders.retrieve(folder_id=NOWHERE), 4200)


def write(context, uid, **values):
    data = [VariableValue(keyword=keyword, value=value) for keyword, value in values.items()]
    context.coze.variables.update(bot_id=SCRIPTED, connector_uid=uid, data=data)


def read(context, uid, *keywords):
    found = context.coze.variables.retrieve(bot_id=SCRIPTED, connector_uid=uid, keywords=list(keywords))
    return {v.keyword: v.value for v in found}


@method("variables.update", "UpdateVariables RetrieveVariables")
def _(context):
    uid = fresh("user").replace(" ", "-")
    write(context, uid, color="red")
    write(context, uid, color="blue")
    assert read(context, uid, "color") == {"color": "blue"}


@method("variables.retrieve", "RetrieveVariables UpdateVariables")
def _(context):
    uid = fresh("user").replace(" ", "-")
    write(context, uid, size="小", color="red")
    assert read(context, uid, "size", "color") == {"size": "小", "color": "red"}


class Challenged(http.server.ThreadingHTTPServer):
    """An address that sends back the challenge of a server that asks whose it is."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps({"challenge": body["event"]["challenge"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server_port}/hook"

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def hook(context):
    return context.coze.api_apps.create(app_type=AppType.NORMAL, name=fresh("hook"))


@method("api_apps.create", "CreateApiApp")
def _(context):
    app = hook(context)
    assert app.id and app.verify_token and app.app_type == AppType.NORMAL


@method("api_apps.list", "ListApiApps CreateApiApp")
def _(context):
    made = {hook(context).id for _ in range(3)}
    page = context.coze.api_apps.list(app_type=AppType.NORMAL, page_size=2)
    assert len(page.items) == 2 and page.has_more
    assert made <= {app.id for app in page}


@method("api_apps.update", "UpdateApiApp ListApiApps CreateApiApp")
def _(context):
    app = hook(context)
    with Challenged() as url:
        context.coze.api_apps.update(app_id=app.id, name="renamed", callback_url=url)
    found = next(it for it in context.coze.api_apps.list() if it.id == app.id)
    assert (found.name, found.callback_url) == ("renamed", url)


@method("api_apps.delete", "DeleteApiApp ListApiApps CreateApiApp")
def _(context):
    app = hook(context)
    context.coze.api_apps.delete(app_id=app.id)
    assert app.id not in [it.id for it in context.coze.api_apps.list()]


def kinds(context, app):
    return {event.event_type for event in context.coze.api_apps.events.list(api_app_id=app.id)}


@method("api_apps.events.create", "SubscribeApiAppEvents ListApiAppEvents CreateApiApp")
def _(context):
    app = hook(context)
    context.coze.api_apps.events.create(api_app_id=app.id, event_types=["bot.published"])
    assert kinds(context, app) == {"bot.published"}


@method("api_apps.events.list", "ListApiAppEvents SubscribeApiAppEvents CreateApiApp")
def _(context):
    app = hook(context)
    assert kinds(context, app) == set()
    context.coze.api_apps.events.create(api_app_id=app.id, event_types=["bot.published", "bot.deleted"])
    assert kinds(context, app) == {"bot.published", "bot.deleted"}


@method("api_apps.events.delete", "UnsubscribeApiAppEvents SubscribeApiAppEvents ListApiAppEvents CreateApiApp")
def _(context):
    app = hook(context)
    context.coze.api_apps.events.create(api_app_id=app.id, event_types=["bot.published", "bot.deleted"])
    context.coze.api_apps.events.delete(api_app_id=app.id, event_types=["bot.deleted"])
    assert kinds(context, app) == {"bot.published"}
