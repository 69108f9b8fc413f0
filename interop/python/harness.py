"""Starts and stops the processes under test. Only processes started here are ever signalled."""

import os
import queue
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, TypeVar

T = TypeVar("T")

REPO = Path(__file__).resolve().parents[2]
READY = re.compile(r"^listening on (http://127\.0\.0\.1:\d+)$")


def find_binary() -> Path:
    named = os.environ.get("COZECTL")
    if named:
        path = Path(named)
        if not path.is_file():
            raise FileNotFoundError(f"COZECTL={named} is not a file")
        return path.resolve()
    for profile in ("release", "debug"):
        path = REPO / "target" / profile / "cozectl"
        if path.is_file():
            return path
    raise FileNotFoundError("no cozectl in target/release or target/debug; build it, or set COZECTL")


def clean_env(extra: Optional[Dict[str, str]] = None) -> Dict[str, str]:
    """The environment for a child: no proxies, no settings of an account."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith(("COZE_", "OPENAI_"))
    }
    env.update(extra or {})
    return env


def run_binary(*arguments: str) -> str:
    """What a command prints."""
    done = subprocess.run([find_binary(), *arguments], env=clean_env(), capture_output=True, timeout=20, check=True)
    return done.stdout.decode()


class Process:
    """A child that says `listening on URL` on stdout as soon as it can be talked to."""

    def __init__(self, argv: List[str], log: Path, env: Optional[Dict[str, str]] = None) -> None:
        self.argv = [str(part) for part in argv]
        self.log = log
        self.env = clean_env(env)
        self.stdout: List[str] = []
        self.base_url = ""
        self._child: Optional[subprocess.Popen] = None
        self._lines: "queue.Queue[Optional[str]]" = queue.Queue()
        self._reader: Optional[threading.Thread] = None

    def start(self, timeout: float = 20.0) -> "Process":
        with open(self.log, "ab") as log:
            self._child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self.env
            )
        self._reader = threading.Thread(target=self._read, args=(self._child,), daemon=True)
        self._reader.start()
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            self.kill()
            raise AssertionError(f"not ready within {timeout} s: {self.argv}\n{self.log_tail()}") from None
        match = READY.match(line or "")
        if not match:
            self.kill()
            raise AssertionError(f"first line on stdout is {line!r}, not the ready line\n{self.log_tail()}")
        self.base_url = match.group(1)
        return self

    def _read(self, child: subprocess.Popen) -> None:
        for raw in child.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            self.stdout.append(line)
            self._lines.put(line)
        self._lines.put(None)

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def kill(self) -> None:
        """SIGKILL: no chance to say goodbye."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(timeout=10)

    def stop(self, timeout: float = 10.0) -> None:
        if self._child is None:
            return
        crashed = self._child.poll()
        if crashed is not None:
            raise AssertionError(f"died on its own with {crashed}: {self.argv}\n{self.log_tail()}")
        self._child.terminate()
        try:
            self._child.wait(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop within {timeout} s of SIGTERM\n{self.log_tail()}") from None
        self._reader.join(timeout=5)

    def log_tail(self, size: int = 4000) -> str:
        if not self.log.exists():
            return ""
        return "--- stderr ---\n" + self.log.read_text("utf-8", "replace")[-size:]


def serve(root: Path, config: Path, token: str, dialect: str = "coze", env: Optional[Dict[str, str]] = None) -> Process:
    """A server on a free port with its data in root/data."""
    data = root / "data"
    data.mkdir(parents=True, exist_ok=True)
    argv = [find_binary(), "serve", "--port", "0", "--data", data, "--config", config, "--dialect", dialect]
    argv += ["--token", token]
    return Process(argv, root / "server.log", env).start()


def wait_for(probe: Callable[[], Optional[T]], timeout: float = 10.0, pause: float = 0.05, what: str = "") -> T:
    """Calls probe until it returns something true."""
    deadline = time.monotonic() + timeout
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or probe}")
        time.sleep(pause)
