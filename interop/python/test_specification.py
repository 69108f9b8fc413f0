"""Generated calls from the vendor's description: no 5xx, no undocumented shape, for every operation that is served.

The values come from hypothesis, seeded: a run gives the same calls as the one before. Each operation is called with
values that get far, such as ids of things that are there, with values as described, and with wrong ones.
"""

import json
import os
import re
import time
from collections import Counter

import harness
import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from methods import not_served
from methods.local import TOKEN, serve
from methods.management import ADA, ENTERPRISE
from schemathesis import GenerationMode

import specification

EXAMPLES = int(os.environ.get("COZE_SPECIFICATION_EXAMPLES", "10"))
SEED = 20260101
TOTALS = Counter()
REACHED = {}
DESCRIPTION = specification.load()

if DESCRIPTION is None:
    pytest.skip(f"NOT CHECKED: there is no description at {specification.FILE}", allow_module_level=True)

# Where a reply is not what the description says, each with its reason: the operation and the place in the reply. Most
# of them stand in crates/coze-types/tests/coverage/deliberate.rs too. This list may only shrink.
DELIBERATE = {
    ("get", "/v1/datasets", "data.dataset_list[].all_file_size"): "text, read from numbers too (extended 6, row 5)",
    ("get", "/v1/stores/plugins", "data.items[].metainfo.user_info.user_id"): "text (extended 6, row 57)",
    ("get", "/v1/plugins/{plugin_id}", "data.created_at"): "whole seconds (extended 4.8)",
    ("get", "/v1/plugins/{plugin_id}", "data.updated_at"): "whole seconds (extended 4.8)",
    ("get", "/v1/bots/{bot_id}/versions", "data.items[].created_at"): "text, as coze-py reads it (extended 4.10)",
    ("get", "/v1/workflows", "data.items[].created_at"): "a time is written as a number (core 1.9)",
    ("get", "/v1/workflows", "data.items[].updated_at"): "a time is written as a number (core 1.9)",
    ("get", "/v1/workflows/{workflow_id}", "data.workflow_detail.created_at"): "a time is written as a number (core 1.9)",
    ("get", "/v1/workflows/{workflow_id}", "data.workflow_detail.updated_at"): "a time is written as a number (core 1.9)",
}

REFUSAL = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "msg": {"type": "string", "minLength": 1},
        "detail": {
            "type": "object",
            "properties": {"logid": {"type": "string", "minLength": 1}},
            "required": ["logid"],
        },
    },
    "required": ["code", "msg", "detail"],
}


def rows():
    """Every call that the server has: method and path."""
    listed = harness.run_binary("api", "--list")
    pattern = re.compile(r"^(GET|POST|PUT|DELETE) +(\S+)  (\w+):", re.M)
    missing = not_served()
    return {
        (method.lower(), specification.plain(path))
        for method, path, row in pattern.findall(listed)
        if row not in missing
    }


CALLS = rows()
OPERATIONS = [
    (method, path)
    for method, path, _ in specification.operations(DESCRIPTION)
    if (method, specification.plain(path)) in CALLS
    # These three are the WebSocket ones; the rows of the same paths are POST.
    and "x-coze-transport" not in DESCRIPTION["paths"][path][method]
]

# What takes something away comes last.
OPERATIONS.sort(key=lambda it: it[0] == "delete" or re.search("delete|unpublish|clear|cancel", it[1]) is not None)


@pytest.fixture(scope="module")
def local(binary, tmp_path_factory):
    server = serve(tmp_path_factory.mktemp("specification"))
    yield server
    server.stop()


class Client:
    def __init__(self, base):
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def data(self, method, path, **options):
        answer = self.session.request(method, self.base + path, timeout=10, **options).json()
        return answer.get("data") if answer.get("code") == 0 else None


@pytest.fixture(scope="module")
def known(local):
    """Ids of things that are there."""
    client = Client(local.base_url)
    post = lambda path, body: client.data("post", path, json=body)  # noqa: E731
    space = "7500000000000000003"
    bot = post("/v1/bot/create", {"space_id": space, "name": "generated"})["bot_id"]
    post("/v1/bot/publish", {"bot_id": bot, "connector_ids": ["1024"]})
    message = {"role": "user", "content": "hello", "content_type": "text"}
    conversation = post("/v1/conversation/create", {"bot_id": bot, "messages": [message]})["id"]
    chat = post(
        f"/v3/chat?conversation_id={conversation}",
        {"bot_id": bot, "user_id": "u", "stream": False, "additional_messages": [message]},
    )["id"]
    listed = post(f"/v1/conversation/message/list?conversation_id={conversation}", {})
    file = client.data("post", "/v1/files/upload", files={"file": ("a.txt", b"hello")})
    found = {
        "bot_id": bot,
        "workflow_id": "7500000000000000201",
        "space_id": space,
        "workspace_id": space,
        "connector_id": "1024",
        "conversation_id": conversation,
        "chat_id": chat,
        "message_id": listed[0]["id"],
        "file_id": file["id"],
        "source_file_id": file["id"],
        "connector_ids": ["1024"],
        "collaboration_mode": "single",
        # A message as anybody sends it, what the workflow takes, what audio is.
        **message,
        "parameters": {"name": "Ada"},
        "order": "asc",
        "feedback_type": "like",
        "format_type": 0,
        "audio_format": "wav",
        "response_format": "wav",
        "sample_rate": 24000,
        "speed": 1,
        "user_id": (client.data("get", "/v1/users/me") or {}).get("user_id", "1"),
        # Callback apps, quotas of devices and bills of a day that is over.
        "enterprise_id": ENTERPRISE,
        "app_type": "normal",
        "event_types": ["bot.published"],
        "entity_type": "single_device",
        "entity_id": "device",
        "benefit_type": "resource_point",
        "active_mode": "absolute_time",
        "trigger_unit": "day",
        "started_at": 1_750_000_000,
        "ended_at": 1_750_000_001,
    }
    hook = post("/v1/api_apps", {"app_type": "normal", "name": "generated"})
    if hook:
        found["api_app_id"] = hook["id"]
    names = ("benefit_type", "active_mode", "started_at", "ended_at")
    quota = {"entity_type": "single_device", "entity_id": "device"}
    quota["benefit_info"] = {**{name: found[name] for name in names}, "limit": 1}
    quota = post("/v1/commerce/benefit/limitations", quota)
    if quota:
        found["benefit_id"] = quota["benefit_info"]["benefit_id"]
    dataset = post("/v1/datasets", {"name": "d", "space_id": space, "format_type": 0})
    if dataset:
        found["dataset_id"] = dataset["dataset_id"]
    voices = client.data("get", "/v1/audio/voices")
    if voices:
        found["voice_id"] = voices["voice_list"][0]["voice_id"]
    group = post("/v1/audio/voiceprint_groups", {"name": "g"})
    if group:
        found["group_id"] = group["id"]
    # The first row that takes people reads the one kind of role, the second the other.
    somebody = {"user_id": ADA, "role_type": "member", "role": "enterprise_member"}
    found |= {
        "users": [somebody],
        "user_ids": [ADA],
        "collaborators": [{"user_id": ADA}],
        "receiver_user_id": found["user_id"],
        "super_admin_user_id": found["user_id"],
        "to_workspace_id": space,
        "folder_type": "development",
        "keyword": "color",
        "connector_uid": "u",
    }
    made = {
        "organization_id": (
            f"/v1/enterprises/{ENTERPRISE}/organizations",
            {"name": "g", "super_admin_user_id": found["user_id"]},
            "organization_id",
        ),
        "execute_id": ("/v1/workflow/run", {"workflow_id": found["workflow_id"], "is_async": True}, None),
    }
    for name, (path, body, field) in made.items():
        answer = client.session.post(local.base_url + path, json=body, timeout=10).json()
        assert answer["code"] == 0, f"{path}: {answer}"
        found[name] = answer["data"][field] if field else answer[name]
    return found


@pytest.fixture(scope="module")
def likely(known):
    """The operations with values that get far."""
    return schemathesis.openapi.from_dict(specification.served(DESCRIPTION, CALLS, specification.likely(known)))


@pytest.fixture(scope="module")
def described():
    """The operations as they are described."""
    return schemathesis.openapi.from_dict(specification.served(DESCRIPTION, CALLS, specification.as_it_is))


def places(validator, reply):
    """Where the reply is not what the schema says: place and what is wrong."""
    for error in validator.iter_errors(reply):
        place = "".join("[]" if isinstance(it, int) else f".{it}" for it in error.absolute_path).lstrip(".")
        yield place, error.message


def check(method, path, answer, validator):
    where = f"{method} {path} -> {answer.status_code} {answer.content[:400]!r}"
    assert answer.status_code < 500, where
    (kind,) = answer.headers.get("content-type", [""])
    if "event-stream" in kind:
        check_stream(answer.text)
        return "answered"
    if "json" in kind:
        reply = answer.json()
        # What OAuth refuses has a form of its own (core 2.5).
        if "error_code" in reply:
            assert reply["error_code"] and reply["error_message"], where
            return "refused"
        if reply.get("code", 0) != 0:
            jsonschema.validate(reply, REFUSAL)
            return "refused"
        for place, message in places(validator, reply):
            assert (method, path, place) in DELIBERATE, f"{place}: {message}\n{where}"
        return "answered"
    assert kind.startswith(("audio/", "text/html")) or not answer.content, f"{kind}: {where}"
    return "answered"


def check_stream(text):
    for frame in text.strip().split("\n\n"):
        fields = dict(line.split(":", 1) for line in frame.split("\n"))
        assert "event" in fields and "data" in fields, frame
        if fields["data"] != '"[DONE]"':
            json.loads(fields["data"])


def without_nullable(node):
    """OpenAPI's `nullable`, which JSON Schema does not have. A missing value may be null: SDKs read both alike."""
    if isinstance(node, list):
        return [without_nullable(it) for it in node]
    if not isinstance(node, dict):
        return node
    result = {key: without_nullable(value) for key, value in node.items()}
    if isinstance(node.get("type"), str) and node["type"] != "null":
        result["type"] = [node["type"], "null"]
    return result


def reply_validator(method, path):
    responses = DESCRIPTION["paths"][path][method]["responses"]
    content = responses.get("200", {}).get("content", {})
    reply = next(iter(content.values()), {}).get("schema", {})
    components = without_nullable(DESCRIPTION["components"])
    return jsonschema.Draft202012Validator({**without_nullable(reply), "components": components})


@pytest.mark.parametrize("method,path", OPERATIONS, ids=[f"{m} {p}" for m, p in OPERATIONS])
def test_operation(method, path, local, likely, described):
    validator = reply_validator(method, path)
    session = Client(local.base_url).session
    counted = Counter()

    def call(case):
        answer = case.call(base_url=local.base_url, session=session, timeout=20)
        counted[check(method, path, answer, validator)] += 1

    generate(call, likely[path][method.upper()].as_strategy(generation_mode=GenerationMode.POSITIVE))
    operation = described[path][method.upper()]
    generate(call, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    try:
        generate(call, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    except Unsatisfiable:
        # An operation that takes texts only cannot be called wrongly.
        pass
    REACHED[f"{method} {path}"] = counted["answered"]
    TOTALS.update(counted)


def generate(call, strategy):
    limits = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    seed(SEED)(limits(given(case=strategy)(call)))()


def test_the_server_is_well_after_all_this(local):
    begun = time.monotonic()
    assert Client(local.base_url).data("get", "/v1/users/me")
    assert time.monotonic() - begun < 1
    # Enough of the calls got past the first refusal to say something about replies.
    never = [name for name, times in REACHED.items() if times == 0]
    print(f"{TOTALS['answered']} calls answered, {TOTALS['refused']} refused; never answered: {', '.join(never)}")
    assert len(never) < len(OPERATIONS) / 2
