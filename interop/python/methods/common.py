"""What the cases share: the ids of interop/server/coze.yaml, and small things to make."""

import io
import itertools
import time
import wave

import pytest
from cozepy import CozeAPIError, Message

SCRIPTED = "7500000000000000101"
GREET = "7500000000000000201"
REPORT = "7500000000000000202"
TRIP = "7500000000000000203"
TALK = "7500000000000000204"
SPACE = "7500000000000000003"  # the one that a server has from the start
API = "1024"  # the channel of those who call the API
NOWHERE = "7599999999999999999"
ANSWER = "Hello, 你好 🌍"

# The codes of what is not there.
NO_CONVERSATION, NO_CHAT, NO_MESSAGE = 4001, 4002, 4005

_count = itertools.count(1)


def fresh(what):
    """A name that nothing else has."""
    return f"{what} {next(_count)}"


def ask(text):
    return [Message.build_user_question_text(text)]


def is_not_served(error):
    """Whether it is the documented answer to what is not served."""
    return error.code == 4200 and error.msg.startswith("this server does not answer ")


def refused(call, *codes):
    with pytest.raises(CozeAPIError) as caught:
        call()
    if is_not_served(caught.value):
        raise caught.value
    assert caught.value.code in codes, caught.value
    assert caught.value.logid, "a refusal tells its log id"
    return caught.value


def until(what, probe, timeout=10.0):
    """Calls until it gives something."""
    deadline = time.monotonic() + timeout
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.05)


def wav(seconds=1):
    """A file of silence, as the SDK uploads it."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(bytes(32000 * seconds))
    return ("silence.wav", buffer.getvalue())
