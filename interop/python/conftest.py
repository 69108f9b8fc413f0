import os
import signal
import sys
from pathlib import Path

import pytest

os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

import harness  # noqa: E402
from configs import PROVIDER_KEY, TOKEN, write_config  # noqa: E402

HARD_LIMIT = 45  # seconds for one test, fixtures included; nothing here may hang

_SERVERS = []


@pytest.fixture(autouse=True)
def hard_limit():
    def expired(_signal, _frame):
        raise TimeoutError(f"test still running after {HARD_LIMIT} s")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, HARD_LIMIT)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for name, process in _SERVERS:
            tail = process.log_tail(2000)
            if tail.strip():
                report.sections.append((f"{name} {process.base_url}", tail))


@pytest.fixture(scope="session")
def binary():
    try:
        return harness.find_binary()
    except FileNotFoundError as error:
        pytest.exit(str(error), returncode=4)


def _serve(name, root: Path, dialect="coze", peer=None):
    config = write_config(root / "config", **({"peer": peer} if peer else {}))
    server = harness.serve(root, config, TOKEN, dialect, env={"OPENAI_TEST_KEY": PROVIDER_KEY})
    _SERVERS.append((name, server))
    return server


def _finish(server):
    server.stop()
    assert len(server.stdout) == 1, f"stdout must hold the ready line only, got {server.stdout}"


@pytest.fixture(scope="session")
def server(binary, tmp_path_factory):
    """The default dialect: what the official SDKs speak."""
    server = _serve("server", tmp_path_factory.mktemp("coze"))
    yield server
    _finish(server)


@pytest.fixture(scope="session")
def skill_server(binary, tmp_path_factory):
    server = _serve("skill server", tmp_path_factory.mktemp("skill"), "skill")
    yield server
    _finish(server)


@pytest.fixture(scope="module")
def peer(tmp_path_factory):
    """The OpenAI-compatible process."""
    script = Path(__file__).with_name("openai_peer.py")
    log = tmp_path_factory.mktemp("peer") / "peer.log"
    process = harness.Process([sys.executable, "-u", script, "--port", "0", "--key", PROVIDER_KEY], log).start()
    _SERVERS.append(("peer", process))
    yield process
    process.stop()


@pytest.fixture(scope="module")
def gpt_server(binary, tmp_path_factory, peer):
    server = _serve("gpt server", tmp_path_factory.mktemp("gpt"), peer=peer.base_url)
    yield server
    _finish(server)
