"""The asynchronous client as if it blocked, so that one case serves both clients."""

import asyncio
import inspect
from typing import Any


class Loop:
    """An event loop that runs while somebody waits for something."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def wait(self, awaitable: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, 30))

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Blocking:
    """A client, a page or a stream: its coroutines are waited for, its asynchronous iteration is a plain one."""

    def __init__(self, loop: Loop, target: Any) -> None:
        self._loop = loop
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return self._plain(getattr(self._target, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self._target(*args, **kwargs)
        return self._plain(self._loop.wait(result) if inspect.isawaitable(result) else result)

    def __iter__(self) -> Any:
        iterator = self._target.__aiter__()
        while True:
            try:
                yield self._loop.wait(iterator.__anext__())
            except StopAsyncIteration:
                return

    def _plain(self, value: Any) -> Any:
        """What has to be waited for: methods, clients, pages, streams. Everything else stays as it is."""
        is_client = type(value).__module__.startswith("cozepy") and hasattr(value, "_requester")
        if inspect.ismethod(value) or is_client or hasattr(value, "__aiter__"):
            return Blocking(self._loop, value)
        return value
