"""Every method of `cozepy`, blocking and asynchronous, against `cozectl serve`.

The list of methods comes from the package, so a method without a case fails the suite.
"""

import warnings
from types import SimpleNamespace

import cozepy
import pytest
from cozepy import AsyncCoze, AsyncTokenAuth, Coze, TokenAuth

import methods
from methods import CASES, aio
from methods.local import TOKEN, serve
from methods import audio, bots, chats, conversations, datasets, login, management, workflows  # noqa: F401

ASYNC_ONLY = {"chat.submit_tool_outputs_stream"}
SYNC_ONLY = {"chat.create_and_poll"}


@pytest.fixture(scope="module")
def outcomes():
    found = {}
    yield found
    methods.write_results(found)


@pytest.fixture(scope="module")
def local(binary, tmp_path_factory):
    server = serve(tmp_path_factory.mktemp("methods"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def blocking(local):
    coze = Coze(auth=TokenAuth(TOKEN), base_url=local.base_url)
    return SimpleNamespace(
        coze=coze, app=lambda name, **options: getattr(cozepy, name)(base_url=local.base_url, **options)
    )


@pytest.fixture(scope="module")
def asynchronous(local):
    loop = aio.Loop()
    coze = AsyncCoze(auth=AsyncTokenAuth(TOKEN), base_url=local.base_url)

    def app(name, **options):
        return aio.Blocking(loop, getattr(cozepy, f"Async{name}")(base_url=local.base_url, **options))

    yield SimpleNamespace(coze=aio.Blocking(loop, coze), app=app)
    loop.close()


def test_every_method_has_a_case_and_every_case_a_method():
    sync, asynchronous = methods.all_methods(False), methods.all_methods(True)
    assert sync - asynchronous == SYNC_ONLY and asynchronous - sync == ASYNC_ONLY
    assert set(CASES) == sync | asynchronous


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("client", ["blocking", "asynchronous"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_method(name, client, local, outcomes, request):
    if name in (ASYNC_ONLY if client == "blocking" else SYNC_ONLY):
        return
    context = request.getfixturevalue(client)
    context.not_served, context.server = methods.not_served(), local
    context.is_async = client == "asynchronous"
    outcomes.setdefault(name, set()).add("fails")
    outcome = methods.run(CASES[name], context)
    outcomes[name] -= {"fails"}
    outcomes[name].add(outcome)
