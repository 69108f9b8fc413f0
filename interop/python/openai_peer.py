"""A process that speaks the OpenAI chat-completions protocol, for bots whose model is `provider: openai`.

Replies are made of the official `openai` package's own types, and every request is validated against that package's
request types, so that neither side of the conversation is our reading of the protocol.

The text of the last user message picks the scenario: its first word, after "scenario ". Besides
/v1/chat/completions there are two routes for the tests: GET /_log (what was received) and POST /_reset.
"""

import argparse
import collections.abc
import json
import select
import socket
import threading
import time
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice as FullChoice
from openai.types.chat.chat_completion_chunk import (
    Choice,
    ChoiceDelta,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

ID = "chatcmpl-peer"
CREATED = 1_700_000_000
USAGE = CompletionUsage(prompt_tokens=11, completion_tokens=7, total_tokens=18)
PLAIN = ["Hel", "lo ", "from ", "the 同伴 ", "🌍"]
STALL_LIMIT = 20.0

_STREAMING = TypeAdapter(CompletionCreateParamsStreaming)
_WHOLE = TypeAdapter(CompletionCreateParamsNonStreaming)
_KNOWN = set(typing.get_type_hints(CompletionCreateParamsStreaming))


def _consume(value):
    """pydantic checks `Iterable` fields only while they are iterated."""
    if isinstance(value, dict):
        return {key: _consume(item) for key, item in value.items()}
    if isinstance(value, (str, bytes)) or not isinstance(value, collections.abc.Iterable):
        return value
    return [_consume(item) for item in value]


def validate(body):
    """What is wrong with a request body, as text; None when nothing is."""
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        return f"unrecognized request arguments: {unknown}"
    try:
        _consume((_STREAMING if body.get("stream") else _WHOLE).validate_python(body))
    except ValidationError as error:
        return str(error)
    pending = []
    for index, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in pending:
                return f"messages[{index}]: tool message answers no pending tool call"
            pending.remove(message["tool_call_id"])
            continue
        if pending:
            return f"messages[{index}]: tool calls {pending} have no answer"
        pending = [call["id"] for call in message.get("tool_calls") or []]
    if pending:
        return f"tool calls {pending} have no answer"
    return None


def text_of(message):
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(part.get("text", "") for part in content)


def chunk(choices, **extra):
    return ChatCompletionChunk(
        id=ID, created=CREATED, model="gpt-test", object="chat.completion.chunk", choices=choices, **extra
    )


def delta(finish=None, **fields):
    return chunk([Choice(index=0, delta=ChoiceDelta(**fields), finish_reason=finish)])


def tool_part(index, id=None, name=None, arguments=None):
    function = {key: value for key, value in {"name": name, "arguments": arguments}.items() if value is not None}
    head = {"id": id, "type": "function"} if id else {}
    return ChoiceDeltaToolCall(index=index, function=ChoiceDeltaToolCallFunction(**function), **head)


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        self.requests, self.invalid, self.disconnects, self.seen = [], [], 0, {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State
    key: str

    def log_message(self, format, *args):
        pass

    # -- plumbing --------------------------------------------------------------------------------

    def _json(self, status, body, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _error(self, status, message, code):
        self._json(status, {"error": {"message": message, "type": "error", "param": None, "code": code}})

    def _open_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _raw(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _send(self, *chunks):
        for item in chunks:
            self._raw(b"data: " + item.model_dump_json(exclude_unset=True).encode() + b"\n\n")

    def _close_stream(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _cut(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    # -- routes ----------------------------------------------------------------------------------

    def do_GET(self):
        if self.path != "/_log":
            return self._error(404, f"no route {self.path}", "not_found")
        with self.state.lock:
            keys = ("requests", "invalid", "disconnects")
            self._json(200, {key: getattr(self.state, key) for key in keys})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_reset":
            with self.state.lock:
                self.state.reset()
            return self._json(200, {})
        if self.path != "/v1/chat/completions":
            return self._error(404, f"no route {self.path}", "not_found")
        try:
            body = json.loads(raw)
        except ValueError:
            return self._refuse(f"not JSON: {raw[:200]!r}")
        with self.state.lock:
            self.state.requests.append(body)
        if not (self.headers.get("Content-Type") or "").startswith("application/json"):
            return self._refuse(f"Content-Type is {self.headers.get('Content-Type')}")
        if self.headers.get("Authorization") != f"Bearer {self.key}":
            return self._refuse("wrong Authorization header", 401)
        problem = validate(body)
        if problem:
            return self._refuse(problem)
        asked = [text_of(message) for message in body["messages"] if message["role"] == "user"]
        words = asked[-1].split() if asked else []
        name = words[1] if len(words) > 1 and words[0] == "scenario" else "plain"
        with self.state.lock:
            self.state.seen[name] = nth = self.state.seen.get(name, 0) + 1
        scenario = getattr(self, "say_" + name.replace("-", "_"), None)
        if scenario is None:
            return self._refuse(f"no scenario {name}")
        scenario(body, nth)

    def _refuse(self, problem, status=400):
        with self.state.lock:
            self.state.invalid.append(problem)
        self._error(status, problem, "invalid_request")

    # -- scenarios -------------------------------------------------------------------------------

    def _answer(self, body, parts, finish="stop", separator=b"", reasoning=()):
        if not body.get("stream"):
            message = ChatCompletionMessage(role="assistant", content="".join(parts))
            whole = ChatCompletion(
                id=ID, created=CREATED, model="gpt-test", object="chat.completion", usage=USAGE,
                choices=[FullChoice(index=0, message=message, finish_reason=finish, logprobs=None)],
            )
            return self._json(200, whole.model_dump_json(exclude_unset=True).encode())
        self._open_stream()
        if separator:
            self._raw(separator)
        self._send(delta(role="assistant", content=""))
        for part in reasoning:
            self._send(delta(reasoning_content=part))
        for part in parts:
            self._send(delta(content=part))
            if separator:
                self._raw(separator)
        self._finish(body, finish)

    def _finish(self, body, finish):
        self._send(delta(finish=finish))
        if (body.get("stream_options") or {}).get("include_usage"):
            self._send(chunk([], usage=USAGE))
        self._raw(b"data: [DONE]\n\n")
        self._close_stream()

    def say_plain(self, body, nth):
        self._answer(body, PLAIN)

    def say_comments(self, body, nth):
        """Keep-alive comments and CRLF, as some gateways send them."""
        self._answer(body, PLAIN, separator=b": still working\r\n\r\n")

    def say_crumbs(self, body, nth):
        """The bytes of the stream arrive a few at a time, cut anywhere."""
        frames = [delta(role="assistant", content="")] + [delta(content=part) for part in PLAIN]
        data = b"".join(b"data: " + item.model_dump_json(exclude_unset=True).encode() + b"\n\n" for item in frames)
        self._open_stream()
        for at in range(0, len(data), 7):
            self._raw(data[at : at + 7])
        self._finish(body, "stop")

    def say_reasoning(self, body, nth):
        self._answer(body, ["forty", "-two"], reasoning=["Let me ", "think. "])

    def say_echo(self, body, nth):
        text = json.dumps(body["messages"], ensure_ascii=False)
        self._answer(body, [text[at : at + 40] for at in range(0, len(text), 40)])

    def say_image(self, body, nth):
        self._answer(body, ["I see it"])

    def say_tool(self, body, nth):
        """Two tool calls, interleaved and in crumbs; when their outputs are there, an answer made of them."""
        last = body["messages"][-1]
        if last["role"] == "tool":
            outputs = {m["tool_call_id"]: m["content"] for m in body["messages"] if m["role"] == "tool"}
            return self._answer(body, [f"weather {outputs.get('call_w')}", f", time {outputs.get('call_t')}"])
        offered = sorted(tool["function"]["name"] for tool in body.get("tools") or [])
        if offered != ["get_time", "get_weather"]:
            return self._refuse(f"tools offered: {offered}")
        self._open_stream()
        self._send(delta(role="assistant", content=None))
        weather, clock = '{"city": "南京"}', '{"city": "Oslo", "short": true}'
        self._send(delta(tool_calls=[tool_part(0, "call_w", "get_weather", "")]))
        self._send(delta(tool_calls=[tool_part(0, arguments=weather[:3])]))
        self._send(delta(tool_calls=[tool_part(1, "call_t", "get_time", "")]))
        for at in range(max(len(weather), len(clock))):
            parts = []
            if 3 + at < len(weather):
                parts.append(tool_part(0, arguments=weather[3 + at]))
            if at < len(clock):
                parts.append(tool_part(1, arguments=clock[at]))
            if parts:
                self._send(delta(tool_calls=parts))
        self._finish(body, "tool_calls")

    def say_unauthorized(self, body, nth):
        self._error(401, f"Incorrect API key provided: {self.key}.", "invalid_api_key")

    def say_flaky(self, body, nth):
        if nth == 1:
            return self._error(500, "The server had an error while processing your request", None)
        self._answer(body, ["second ", "time"])

    def say_html(self, body, nth):
        self._json(200, b"<html><body>Sign in to the proxy</body></html>", "text/html")

    def say_overloaded(self, body, nth):
        """An error object in the middle of the stream."""
        self._open_stream()
        self._send(delta(role="assistant", content=""), delta(content="half "))
        self._raw(b'data: {"error": {"message": "peer is overloaded", "type": "server_error", "code": null}}\n\n')
        self._close_stream()

    def say_cut(self, body, nth):
        """The connection dies inside a frame, inside a character."""
        self._open_stream()
        self._send(delta(role="assistant", content=""), delta(content="half "))
        frame = b"data: " + delta(content="世").model_dump_json(exclude_unset=True).encode()
        self._raw(frame[: frame.index("世".encode()) + 1])
        self._cut()

    def say_unfinished(self, body, nth):
        """HTTP ends properly, but neither a finish_reason nor [DONE] has been sent."""
        self._open_stream()
        self._send(delta(role="assistant", content=""), delta(content="half "))
        self._close_stream()

    def say_stall(self, body, nth):
        """Two words, then silence until the caller goes away."""
        self._open_stream()
        self._send(delta(role="assistant", content=""), delta(content="one "), delta(content="two "))
        deadline = time.monotonic() + STALL_LIMIT
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            if readable:
                try:
                    gone = self.connection.recv(1, socket.MSG_PEEK) == b""
                except OSError:
                    gone = True
                if gone:
                    with self.state.lock:
                        self.state.disconnects += 1
                    break
        self.close_connection = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", required=True)
    options = parser.parse_args()
    handler = type("BoundHandler", (Handler,), {"state": State(), "key": options.key})
    server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    server.daemon_threads = True
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
