"""The `coze.yaml` of the tests, and the ids in it."""

from pathlib import Path

import canvas

TOKEN = "test-token"
SECOND_TOKEN = "test-token-two"
PROVIDER_KEY = "test-provider-key"

DEMO_BOT = "7500000000000000001"  # built into the server
SCRIPTED_BOT = "7500000000000000101"
PERSONA_BOT = "7500000000000000102"
SHOP_BOT = "7500000000000000103"
GPT_BOT = "7500000000000000104"
UNKNOWN_ID = "7599999999999999999"

GREET = "7500000000000000201"
ASK_MODEL = "7500000000000000202"
GRADE = "7500000000000000203"
BRANCHES = "7500000000000000204"
REPORT = "7500000000000000205"
TRIP = "7500000000000000206"
CHATFLOW = "7500000000000000207"
CHATFLOW_QUESTION = "7500000000000000208"

# Characters that str.splitlines() takes for line ends. The HTTP library under the official SDK splits event streams
# with it, so a server that sends them unescaped inside a data line breaks that SDK.
SEPARATORS = "a\u2028b\u2029c\u0085d"
UNICODE = ["你好，", "世界🌍", "é", "👩\u200d👩\u200d👧"]

_YAML = r"""# written by the interop suite
token: ["@SECOND_TOKEN@"]
bots:
  - id: "7500000000000000101"
    name: Scripted
    description: answers from a script
    prompt: "You follow a script."
    model: scripted
    tools:
      - name: get_weather
        description: weather of a city
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
      - name: get_time
        description: local time of a city
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
  - id: "7500000000000000102"
    name: Persona
    description: a prompt with variables
    prompt: "You are {{ name }} of {{ place }}.{% if mood == 'happy' %} Smile.{% endif %}"
  - id: "7500000000000000103"
    name: Shop
    description: sells things
    prompt: "You sell things."
    model: scripted
    opening: "Welcome to the shop"
    suggestions: ["What do you sell?", "When are you open?"]
    workflows: ["7500000000000000201"]
  - id: "7500000000000000104"
    name: Remote
    description: asks another process
    prompt: "You are the remote {{ role }}."
    model: gpt
    tools:
      - name: get_weather
        description: weather of a city
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
      - name: get_time
        description: local time of a city
        parameters: { type: object, properties: { city: { type: string } }, required: [city] }
models:
  scripted:
    provider: offline
    script:
      - match: "both tools"
        tool_calls:
          - { name: get_weather, arguments: { city: "Nanjing" } }
          - { name: get_time, arguments: { city: "Oslo" } }
        then: "Weather {{ tool_outputs[0] }}, time {{ tool_outputs[1] }}"
      - match: "weather"
        tool_calls: [ { name: get_weather, arguments: { city: "Nanjing" } } ]
        then: "The tool said: {{ tool_outputs[0] }}"
      - match: "slow"
        deltas: ["one ", "two ", "three"]
        delay_ms: 300
      - match: "medium"
        deltas: [@MEDIUM@]
        delay_ms: 150
      - match: "crawl"
        deltas: [@CRAWL@]
        delay_ms: 250
      - match: "fail"
        error: { code: 5000, msg: "scripted failure" }
      - match: "think"
        reasoning: ["first ", "then "]
        deltas: ["answer"]
        follow_ups: ["and then?"]
      - match: "separators"
        deltas: ["a\u2028b", "\u2029c\u0085d"]
      - match: "unicode"
        deltas: [@UNICODE@]
      - match: "."
        deltas: ["nothing ", "special"]
  gpt:
    provider: openai
    base_url: @PEER@/v1
    model: gpt-test
    api_key_env: OPENAI_TEST_KEY
workflows:
  - { id: "7500000000000000201", name: greet, file: greet.json }
  - { id: "7500000000000000202", name: ask_model, file: workflows/ask_model.json }
  - { id: "7500000000000000203", name: grade, file: workflows/grade.json }
  - { id: "7500000000000000204", name: branches, file: workflows/branches.json }
  - { id: "7500000000000000205", name: report, file: workflows/report.json }
  - { id: "7500000000000000206", name: trip, file: workflows/trip.json }
  - { id: "7500000000000000207", name: chatflow, file: workflows/chatflow.json }
  - { id: "7500000000000000208", name: chatflow_question, file: workflows/chatflow_question.json }
"""

MEDIUM_DELTAS = [f"m{n} " for n in range(10)]
CRAWL_DELTAS = [f"c{n} " for n in range(160)]  # 40 seconds


def _flow(items):
    return ", ".join(f'"{item}"' for item in items)


def write_config(directory: Path, peer: str = "http://127.0.0.1:9") -> Path:
    """Writes coze.yaml and the workflow files it names; returns the path of coze.yaml."""
    workflows = directory / "workflows"
    workflows.mkdir(parents=True, exist_ok=True)
    (directory / "greet.json").write_text(canvas.greet(), encoding="utf-8")
    for name, content in {
        "ask_model": canvas.ask_model("scripted"),
        "grade": canvas.grade(),
        "branches": canvas.branches(),
        "report": canvas.report(),
        "trip": canvas.trip(),
        "chatflow": canvas.chatflow("scripted"),
        "chatflow_question": canvas.chatflow_question(),
    }.items():
        (workflows / f"{name}.json").write_text(content, encoding="utf-8")
    text = _YAML
    for key, value in {
        "@SECOND_TOKEN@": SECOND_TOKEN,
        "@MEDIUM@": _flow(MEDIUM_DELTAS),
        "@CRAWL@": _flow(CRAWL_DELTAS),
        "@UNICODE@": _flow(UNICODE),
        "@PEER@": peer,
    }.items():
        text = text.replace(key, value)
    path = directory / "coze.yaml"
    path.write_text(text, encoding="utf-8")
    return path
