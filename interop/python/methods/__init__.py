"""Every method of the SDK: its cases, the list of methods as it is in the package, and what came of each.

A case is a method, the rows of our API that it needs (the one that it is about first), and a function that uses the
method for real. The function runs twice, on the client that blocks and on the asynchronous one (see `aio`). Where one of
the rows stands in not_served.txt, the call has to be refused with the error that says so.
"""

import inspect
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set

import cozepy
from harness import REPO

from .common import is_not_served

WEBSOCKET = "WebSocket"  # what a call over a WebSocket needs: there is no row for it, and no server of ours


class BrokenInTheSdk(Exception):
    """Raised by a case that has shown that the method cannot read the documented reply."""


@dataclass
class Case:
    name: str
    rows: List[str]
    run: Callable[[Any], None]


CASES: Dict[str, Case] = {}


def method(name: str, rows: str):
    """Adds the case of a method."""

    def add(run):
        assert name not in CASES, f"{name} has a case already"
        CASES[name] = Case(name, rows.split(), run)
        return run

    return add


def not_served() -> Dict[str, str]:
    """The rows that are not served, each with its reason."""
    rows = {WEBSOCKET: "this server speaks no WebSocket"}
    reason = ""
    for line in (REPO / "crates/coze-server/not_served.txt").read_text("utf-8").splitlines():
        if line.endswith(":"):
            reason = line[:-1]
        elif not line.startswith("#"):
            rows.update({row: reason for row in line.split()})
    return rows


def methods_of(client: Any, prefix: str = "") -> Iterator[str]:
    """The public methods of the client's resources."""
    for name in dir(type(client)):
        attribute = getattr(type(client), name)
        if name.startswith("_"):
            continue
        if isinstance(attribute, property):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = getattr(client, name)
            if type(child).__module__.startswith("cozepy"):
                yield from methods_of(child, f"{prefix}{name}.")
        elif callable(attribute):
            yield prefix + name


def login_methods(asynchronous: bool) -> Iterator[str]:
    """The public methods of the applications for logging in, without the `Async` of their names."""
    for name, value in vars(cozepy).items():
        if inspect.isclass(value) and issubclass(value, cozepy.OAuthApp) and value is not cozepy.OAuthApp:
            if name.startswith("Async") == asynchronous:
                plain = name.removeprefix("Async")
                yield from (f"{plain}.{it}" for it in dir(value) if not it.startswith("_"))


def all_methods(asynchronous: bool) -> Set[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        make = cozepy.AsyncCoze if asynchronous else cozepy.Coze
        client = make(auth=cozepy.TokenAuth("none"))
    return {*methods_of(client), *login_methods(asynchronous)}


def run(case: Case, context: Any) -> str:
    """`passes`, `not served` or `broken in the SDK`; everything else is an error."""
    missing = [row for row in case.rows if row in context.not_served]
    if not missing:
        try:
            case.run(context)
        except BrokenInTheSdk:
            return "broken in the SDK"
        return "passes"
    try:
        case.run(context)
    except cozepy.CozeAPIError as error:
        if is_not_served(error):
            return "not served"
        raise
    except Exception:
        if WEBSOCKET in missing:
            return "not served"
        raise
    raise AssertionError(f"{case.name} works: take {missing} off not_served.txt, or mend the case")


def write_results(outcomes: Dict[str, Set[str]]) -> None:
    """Writes what came of the cases for the table of docs/compatibility.md."""
    folder = Path(os.environ.get("COZE_RESULTS") or REPO / "target/compatibility")
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"cozepy {cozepy.VERSION}"]
    for case in CASES.values():
        outcome = outcomes.get(case.name, set())
        result = outcome.pop() if len(outcome) == 1 else "fails"
        lines.append(f"{case.name}\t{result}\t{' '.join(case.rows)}")
    (folder / "python.txt").write_text("\n".join(lines) + "\n", "utf-8")
