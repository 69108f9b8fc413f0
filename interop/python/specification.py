"""The vendor's description of the API, made ready for generated calls.

It lies beside the repository, at ../shared/coze-api/openapi.json, and is never copied into it.
"""

import copy
import json
from typing import Any, Dict, Iterator, Optional, Set, Tuple

from harness import REPO

FILE = REPO.parent / "shared/coze-api/openapi.json"
METHODS = ("get", "post", "put", "delete")

# Operations that are described with a JSON body and take a form, and the parts of it that the description has wrong
# (the reasons stand in crates/coze-types/tests/coverage/deliberate.rs, under "a form in every SDK").
FORMS = {
    ("post", "/v1/files/upload"),
    ("post", "/v1/audio/transcriptions"),
    ("post", "/v1/audio/voices/clone"),
    ("post", "/v1/audio/voiceprint_groups/{group_id}/features"),
    ("put", "/v1/audio/voiceprint_groups/{group_id}/features/{feature_id}"),
    ("post", "/v1/audio/voiceprint_groups/{group_id}/speaker_identify"),
}


MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": ["user", "assistant"]},
        "type": {"type": "string", "enum": ["question", "answer"]},
        "content": {"type": "string"},
        "content_type": {"type": "string", "enum": ["text", "object_string"]},
        "meta_data": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["role", "content", "content_type"],
}
MESSAGES = {"type": "array", "items": MESSAGE, "maxItems": 4}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
ID, FLAG, ANY = {"type": "string"}, {"type": "boolean"}, {"type": "object"}

# Operations whose body the description leaves out: what the reference says (core 3.1, 6.3, 6.9).
BODIES = {
    ("post", "/v3/chat"): (
        ["bot_id", "user_id"],
        {
            "bot_id": ID,
            "user_id": ID,
            "stream": FLAG,
            "auto_save_history": FLAG,
            "additional_messages": MESSAGES,
            "custom_variables": TEXTS,
            "meta_data": TEXTS,
            "parameters": ANY,
        },
    ),
    ("post", "/v1/workflow/stream_run"): (
        ["workflow_id"],
        {"workflow_id": ID, "parameters": ANY, "bot_id": ID, "app_id": ID, "ext": TEXTS},
    ),
    ("post", "/v1/workflows/chat"): (
        ["workflow_id", "additional_messages"],
        {
            "workflow_id": ID,
            "additional_messages": MESSAGES,
            "parameters": ANY,
            "bot_id": ID,
            "app_id": ID,
            "conversation_id": ID,
            "ext": TEXTS,
        },
    ),
}


def plain(path: str) -> str:
    """A path whose parameters have no names: the two sides name some of them differently."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def operations(description: Dict[str, Any]) -> Iterator[Tuple[str, str, Dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def served(description: Dict[str, Any], calls: Set[Tuple[str, str]], known: Dict[str, Any]) -> Dict[str, Any]:
    """The description of those operations that are served.

    Our token goes with every call, so the header is no parameter. Half of the values of a parameter or field in `known`
    are the known one, so that calls reach what is there.
    """
    result = copy.deepcopy(description)
    for method, path, operation in list(operations(result)):
        if (method, plain(path)) not in calls:
            del result["paths"][path][method]
            continue
        if "requestBody" not in operation and (method, path) in BODIES:
            required, properties = BODIES[method, path]
            body = {"type": "object", "required": required, "properties": properties}
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        operation["parameters"] = [it for it in operation.get("parameters", []) if it["in"] != "header"]
        for parameter in operation["parameters"]:
            parameter["schema"] = with_known(parameter["name"], parameter["schema"], known)
        if (method, path) in FORMS:
            as_form(operation)
    result["paths"] = {path: item for path, item in result["paths"].items() if any(m in item for m in METHODS)}
    for method, path, operation in operations(result):
        if "requestBody" in operation:
            operation["requestBody"] = fill(operation["requestBody"], known)
    result["components"]["schemas"] = {
        name: fill(schema, known) if name not in replies(result) else schema
        for name, schema in result["components"]["schemas"].items()
    }
    return result


def replies(description: Dict[str, Any]) -> Set[str]:
    """The schemas that replies name: they stay as they are."""
    found: Set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            name = node.get("$ref", "").rsplit("/", 1)[-1]
            if name and name not in found:
                found.add(name)
                walk(description["components"]["schemas"][name])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    for _, _, operation in operations(description):
        walk(operation["responses"])
    return found


def with_known(name: str, schema: Dict[str, Any], known: Dict[str, Any]) -> Dict[str, Any]:
    if name not in known:
        return schema
    return {"anyOf": [{"type": schema.get("type", "string"), "enum": [known[name]]}, schema]}


def fill(node: Any, known: Dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [fill(it, known) for it in node]
    if not isinstance(node, dict):
        return node
    result = {key: fill(value, known) for key, value in node.items()}
    if isinstance(node.get("properties"), dict):
        result["properties"] = {
            name: with_known(name, fill(schema, known), known) for name, schema in node["properties"].items()
        }
    return result


def as_form(operation: Dict[str, Any]) -> None:
    content = operation["requestBody"]["content"]
    schema = copy.deepcopy(next(iter(content.values()))["schema"])
    properties = schema.setdefault("properties", {})
    for wrong in ("Data", "body"):
        properties.pop(wrong, None)
    properties["file"] = {"type": "string", "format": "binary"}
    schema["required"] = sorted({*schema.get("required", []), "file"} & set(properties))
    operation["requestBody"]["content"] = {"multipart/form-data": {"schema": schema}}


def load() -> Optional[Dict[str, Any]]:
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else None
