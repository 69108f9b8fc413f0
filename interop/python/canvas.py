"""Builds workflow definitions as canvas JSON: the form the workflow editor stores.

A canvas is `{nodes, edges, versions}`. Data flows through references, edges only order and branch. Node types are
numbers in strings; the start node is always "100001", the end node always "900001".
"""

import json
from typing import Any, Dict, List, Optional, Tuple

START_ID = "100001"
END_ID = "900001"

# Editor view types (`rawMeta.type`); a runner may ignore them.
_RAW = {"string": 1, "integer": 2, "boolean": 3, "float": 4, "object": 6, "list": 99}


def literal(value: Any, type_: str = "string") -> Dict[str, Any]:
    return {"type": type_, "value": {"type": "literal", "content": value, "rawMeta": {"type": _RAW[type_]}}}


def ref(node_id: str, name: str, type_: str = "string") -> Dict[str, Any]:
    return {
        "type": type_,
        "value": {
            "type": "ref",
            "content": {"source": "block-output", "blockID": node_id, "name": name},
            "rawMeta": {"type": _RAW[type_]},
        },
    }


def _params(inputs: Dict[str, Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [{"name": name, "input": value} for name, value in inputs.items()]


class Canvas:
    def __init__(self) -> None:
        self._nodes: List[Dict[str, Any]] = []
        self._edges: List[Dict[str, str]] = []
        self._next = 110001

    # -- graph -----------------------------------------------------------------------------------

    def _add(self, type_: str, title: str, data: Dict[str, Any], id_: Optional[str] = None) -> str:
        if id_ is None:
            id_ = str(self._next)
            self._next += 1
        self._nodes.append(
            {
                "id": id_,
                "type": type_,
                "blocks": [],
                "edges": None,
                "meta": {"position": {"x": 400.0 * len(self._nodes), "y": 0.5}},
                "data": {"nodeMeta": {"title": title, "description": "", "icon": "", "subTitle": title}, **data},
            }
        )
        return id_

    def edge(self, source: str, target: str, port: str = "") -> "Canvas":
        self._edges.append({"sourceNodeID": source, "targetNodeID": target, "sourcePortID": port})
        return self

    def chain(self, *nodes: str) -> "Canvas":
        for source, target in zip(nodes, nodes[1:]):
            self.edge(source, target)
        return self

    def dumps(self) -> str:
        canvas = {"nodes": self._nodes, "edges": self._edges, "versions": {"loop": "v2"}}
        return json.dumps(canvas, ensure_ascii=False, indent=1)

    # -- nodes -----------------------------------------------------------------------------------

    def start(self, *outputs: Tuple[str, str, bool], defaults: Optional[Dict[str, str]] = None) -> str:
        """Each output is (name, type, required)."""
        declared = []
        for name, type_, required in outputs:
            variable: Dict[str, Any] = {"name": name, "type": type_, "required": required}
            if defaults and name in defaults:
                variable["defaultValue"] = defaults[name]
            declared.append(variable)
        return self._add("1", "Start", {"outputs": declared, "trigger_parameters": declared}, START_ID)

    def chatflow_start(self) -> str:
        return self.start(
            ("USER_INPUT", "string", False),
            ("CONVERSATION_NAME", "string", False),
            defaults={"CONVERSATION_NAME": "Default"},
        )

    def end_variables(self, **outputs: Dict[str, Any]) -> str:
        inputs = {"terminatePlan": "returnVariables", "inputParameters": _params(outputs)}
        return self._add("2", "End", {"inputs": inputs}, END_ID)

    def end_answer(self, template: str, streaming: bool, **inputs: Dict[str, Any]) -> str:
        body = {
            "terminatePlan": "useAnswerContent",
            "streamingOutput": streaming,
            "content": literal(template),
            "inputParameters": _params(inputs),
        }
        return self._add("2", "End", {"inputs": body}, END_ID)

    def text(self, title: str, template: str, **inputs: Dict[str, Any]) -> str:
        body = {
            "method": "concat",
            "inputParameters": _params(inputs),
            "concatParams": _params(
                {"concatResult": literal(template), "arrayItemConcatChar": literal("，")}
            ),
        }
        outputs = [{"name": "output", "type": "string", "required": True}]
        return self._add("15", title, {"inputs": body, "outputs": outputs})

    def output(self, title: str, template: str, streaming: bool = False, **inputs: Dict[str, Any]) -> str:
        body = {
            "content": literal(template),
            "streamingOutput": streaming,
            "inputParameters": _params(inputs),
            "callTransferVoice": True,
            "chatHistoryWriting": "historyWrite",
        }
        return self._add("13", title, {"inputs": body})

    def llm(self, title: str, model: str, prompt: str, system: str = "", **inputs: Dict[str, Any]) -> str:
        body = {
            "inputParameters": _params(inputs),
            "llmParam": _params(
                {
                    "temperature": literal("0.8", "float"),
                    "maxTokens": literal("4096", "integer"),
                    "responseFormat": literal("0", "integer"),
                    # sic: that is how the editor spells the key in this format
                    "modleName": literal(model),
                    "modelType": literal("1737521813", "integer"),
                    "generationDiversity": literal("balance"),
                    "prompt": literal(prompt),
                    "systemPrompt": literal(system),
                    "enableChatHistory": literal(False, "boolean"),
                    "chatHistoryRound": literal("3", "integer"),
                }
            ),
            "settingOnError": {"switch": False, "processType": 1, "timeoutMs": 180000, "retryTimes": 0},
        }
        outputs = [{"name": "output", "type": "string", "required": False}]
        return self._add("3", title, {"inputs": body, "outputs": outputs, "version": "3"})

    def condition(self, title: str, left: Dict[str, Any], operator: int, right: Dict[str, Any]) -> str:
        """One branch (port "true") and the default (port "false"). Operator 14 is >=, 1 is equal."""
        comparison = {"left": {"input": left}, "operator": operator, "right": {"input": right}}
        body = {"branches": [{"condition": {"logic": 2, "conditions": [comparison]}}]}
        return self._add("8", title, {"inputs": body})

    def question(self, title: str, question: str, **inputs: Dict[str, Any]) -> str:
        """Asks for a free text; the answer is the output USER_RESPONSE."""
        body = {
            "question": question,
            "answer_type": "text",
            "option_type": "static",
            "options": [{"name": ""}],
            "extra_output": False,
            "limit": 3,
            "llmParam": {"modelName": "", "modelType": 0, "temperature": 1, "maxTokens": 1024, "responseFormat": 2},
            "inputParameters": _params(inputs),
        }
        outputs = [{"name": "USER_RESPONSE", "type": "string", "required": True}]
        return self._add("18", title, {"inputs": body, "outputs": outputs})

    def plugin(self, title: str, **inputs: Dict[str, Any]) -> str:
        """A tool that no local runner can know: it must fail when (and only when) it is reached."""
        body = {
            "apiParam": _params(
                {
                    "apiID": literal("7400000000000000002"),
                    "apiName": literal("nothing"),
                    "pluginID": literal("7400000000000000001"),
                    "pluginName": literal("absent"),
                    "pluginVersion": literal(""),
                }
            ),
            "inputParameters": _params(inputs),
        }
        outputs = [{"name": "output", "type": "string", "required": False}]
        return self._add("4", title, {"inputs": body, "outputs": outputs})


# -- the workflows of the suite ----------------------------------------------------------------


def greet() -> str:
    c = Canvas()
    start = c.start(("name", "string", True))
    hello = c.text("Greeting", "Hello {{String1}}!", String1=ref(start, "name"))
    end = c.end_variables(output=ref(hello, "output"))
    return c.chain(start, hello, end).dumps()


def ask_model(model: str) -> str:
    c = Canvas()
    start = c.start(("input", "string", True))
    llm = c.llm("Model", model, "{{input}}", input=ref(start, "input"))
    end = c.end_answer("Answer: {{output}}", True, output=ref(llm, "output"))
    return c.chain(start, llm, end).dumps()


def grade() -> str:
    """The passing branch is plain text; the failing branch runs into an unknown plugin."""
    c = Canvas()
    start = c.start(("score", "integer", True))
    choice = c.condition("Good enough?", ref(start, "score", "integer"), 14, literal("60", "integer"))
    passed = c.text("Praise", "passed with {{String1}}", String1=ref(start, "score", "integer"))
    broken = c.plugin("Mystery plugin", score=ref(start, "score", "integer"))
    end = c.end_variables(passed=ref(passed, "output"), other=ref(broken, "output"))
    c.edge(start, choice).edge(choice, passed, "true").edge(choice, broken, "false")
    return c.edge(passed, end).edge(broken, end).dumps()


def branches() -> str:
    c = Canvas()
    start = c.start(("city", "string", True))
    choice = c.condition("At home?", ref(start, "city"), 1, literal("Nanjing"))
    home = c.text("Home", "at home in {{String1}}", String1=ref(start, "city"))
    away = c.text("Away", "away in {{String1}}", String1=ref(start, "city"))
    end = c.end_variables(home=ref(home, "output"), away=ref(away, "output"))
    c.edge(start, choice).edge(choice, home, "true").edge(choice, away, "false")
    return c.edge(home, end).edge(away, end).dumps()


def report() -> str:
    """An output node on the way: its message comes before the end's, and history has it by title."""
    c = Canvas()
    start = c.start(("topic", "string", True))
    note = c.output("Progress note", "Working on {{topic}}", topic=ref(start, "topic"))
    text = c.text("Report", "Report about {{String1}}", String1=ref(start, "topic"))
    end = c.end_variables(output=ref(text, "output"))
    return c.chain(start, note, text, end).dumps()


def trip() -> str:
    c = Canvas()
    start = c.start(("name", "string", True))
    ask = c.question("Ask the city", "Which city, {{name}}?", name=ref(start, "name"))
    text = c.text("Ticket", "{{String1}} goes to {{String2}}",
                  String1=ref(start, "name"), String2=ref(ask, "USER_RESPONSE"))
    end = c.end_variables(output=ref(text, "output"))
    return c.chain(start, ask, text, end).dumps()


def chatflow(model: str) -> str:
    c = Canvas()
    start = c.chatflow_start()
    llm = c.llm("Model", model, "{{input}}", input=ref(start, "USER_INPUT"))
    end = c.end_answer("{{output}}", True, output=ref(llm, "output"))
    return c.chain(start, llm, end).dumps()


def chatflow_question() -> str:
    c = Canvas()
    start = c.chatflow_start()
    ask = c.question("Ask the city", "Which city after {{said}}?", said=ref(start, "USER_INPUT"))
    end = c.end_answer("Going to {{city}}", False, city=ref(ask, "USER_RESPONSE"))
    return c.chain(start, ask, end).dumps()
