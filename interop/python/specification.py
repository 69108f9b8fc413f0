"""The vendor's description of the API, made ready for generated calls.

It lies beside the repository, at ../shared/coze-api/openapi.json, and is never copied into it.
"""

import copy
import json
import re
from typing import Any, Callable, Dict, Iterator, Optional, Set, Tuple

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


def served(description: Dict[str, Any], calls: Set[Tuple[str, str]], adapt: Callable[[str, Any], Any]) -> Dict[str, Any]:
    """The description of those operations that are served, each parameter and field of a request as `adapt` has it.

    Our token goes with every call, so the header is no parameter.
    """
    result = copy.deepcopy(description)
    for method, path, operation in list(operations(result)):
        if (method, plain(path)) not in calls:
            del result["paths"][path][method]
            continue
        if (method, path) in BODIES:
            required, properties = BODIES[method, path]
            body = {"type": "object", "required": required, "properties": properties}
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        parameters = [it for it in operation.get("parameters", []) if it["in"] != "header"]
        for it in parameters:
            adapted = adapt(it["name"], it["schema"])
            # What has to be there and is not known is any value.
            it["schema"] = it["schema"] if it.get("required") and adapted is None else adapted
        operation["parameters"] = [it for it in parameters if it["schema"] is not None]
        if (method, path) in FORMS:
            as_form(operation)
    result["paths"] = {path: item for path, item in result["paths"].items() if any(m in item for m in METHODS)}
    for method, path, operation in operations(result):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            content["schema"] = inlined(content["schema"], result["components"]["schemas"], adapt, ())
    return result


def inlined(schema: Any, components: Dict[str, Any], adapt: Callable[[str, Any], Any], above: Tuple[str, ...]) -> Any:
    """A schema of a request without references, its fields adapted. What holds itself ends there."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    if name:
        if name in above:
            return {"type": "object"}
        return inlined(components[name], components, adapt, (*above, name))
    result = dict(schema)
    if isinstance(schema.get("items"), dict):
        result["items"] = inlined(schema["items"], components, adapt, above)
    if isinstance(schema.get("properties"), dict):
        fields = {
            field: adapt(field, inlined(inner, components, adapt, above))
            for field, inner in schema["properties"].items()
        }
        required = schema.get("required", [])
        result["properties"] = {field: it for field, it in fields.items() if it is not None}
        result["required"] = [field for field in required if field in result["properties"]]
        if adapt is not as_it_is:
            # Nothing that nobody knows, and everything that is known.
            known = [field for field, it in result["properties"].items() if "enum" in it and len(it["enum"]) == 1]
            result["required"] = sorted({*result["required"], *known})
            result["additionalProperties"] = False
    return result


def as_it_is(_: str, schema: Any) -> Any:
    return schema


def likely(known: Dict[str, Any]) -> Callable[[str, Any], Any]:
    """Values that get far: ids of things that are there, small numbers, short texts. Other ids are left out."""

    def adapt(name: str, schema: Any) -> Any:
        kind = schema.get("type")
        if name in known:
            value = known[name]
            return {"enum": [int(value) if kind == "integer" else value]}
        if kind == "integer":
            return {"type": "integer", "minimum": 1, "maximum": 9}
        if kind == "string" and (name.endswith("_id") or name.endswith("_ids")):
            return None
        if kind == "object" and not schema.get("properties"):
            return None
        if kind == "string" and "enum" not in schema and schema.get("format") != "binary":
            return {"type": "string", "pattern": "^[a-z]{1,12}$"}
        return schema

    return adapt


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
    if not FILE.is_file():
        return None
    text = FILE.read_text("utf-8")
    description = json.loads(text)
    # Some types are named and not there, such as `Interger`: they say nothing.
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        description["components"]["schemas"].setdefault(name, {})
    return description
