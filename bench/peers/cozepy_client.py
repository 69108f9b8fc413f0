"""The vendor's Python SDK as one of the programs that are measured; see ../README.md.

`cozepy_client.py stream|streams|create BASE COUNT` does one thing and prints one line of JSON, as
the clients in `src/clients.rs` do. Without arguments it prints the version of the SDK.
"""

import asyncio
import json
import resource
import sys
import time
import warnings

# A library under the SDK says that a part of it is old, whatever filters say.
warnings.showwarning = lambda *_: None

import cozepy
from cozepy import AsyncCoze, AsyncTokenAuth, ChatEventType, Coze, Message, TokenAuth

BOT = "7379462189365198898"
TOKEN = "pat_bench"
# Digits in front of the text of a delta that says when it was sent.
STAMP = 20


def question():
    return {
        "bot_id": BOT,
        "user_id": "bench",
        "additional_messages": [Message.build_user_question_text("hi")],
    }


class Meter:
    def __init__(self):
        self.events = 0
        self.bytes = 0
        self.lags = []
        self.cpu = time.process_time_ns()
        self.start = time.monotonic_ns()

    def event(self, event):
        self.events += 1
        if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA:
            self.bytes += len(event.message.content.encode())

    def delivered(self, event):
        self.event(event)
        if event.event == ChatEventType.CONVERSATION_MESSAGE_DELTA:
            self.lags.append(time.monotonic_ns() - int(event.message.content[:STAMP]))

    def stop(self):
        wall = time.monotonic_ns() - self.start
        cpu = time.process_time_ns() - self.cpu
        self.lags.sort()
        print(
            json.dumps(
                {
                    "wall": wall,
                    "cpu": cpu,
                    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                    "events": self.events,
                    "bytes": self.bytes,
                    "lag": self.lags[len(self.lags) * 99 // 100] if self.lags else None,
                }
            )
        )


def stream(base):
    coze = Coze(auth=TokenAuth(TOKEN), base_url=base)
    meter = Meter()
    for event in coze.chat.stream(**question()):
        meter.event(event)
    meter.stop()


async def streams(base, count):
    coze = AsyncCoze(auth=AsyncTokenAuth(TOKEN), base_url=base)
    meter = Meter()

    async def one():
        async for event in coze.chat.stream(**question()):
            meter.delivered(event)

    await asyncio.gather(*(one() for _ in range(count)))
    meter.stop()


def create(base, count):
    coze = Coze(auth=TokenAuth(TOKEN), base_url=base)
    meter = Meter()
    for _ in range(count):
        chat = coze.chat.create(**question())
        meter.events += 1
        meter.bytes += len(chat.id)
    meter.stop()


def main(arguments):
    match arguments:
        case []:
            print(cozepy.VERSION)
        case ["stream", base, _]:
            stream(base)
        case ["streams", base, count]:
            asyncio.run(streams(base, int(count)))
        case ["create", base, count]:
            create(base, int(count))
        case _:
            sys.exit("usage: cozepy_client.py stream|streams|create BASE COUNT")


main(sys.argv[1:])
