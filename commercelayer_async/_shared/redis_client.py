"""A client of redis-py that waits for nothing long, and that leaves no connection behind.

redis-py bounds each step of a command, and not the command; it may lose a cancellation, and then opens a connection
after its pool was closed. So each command here is a task: it is given up after a while, and closing ends all of them
before the connections. These are cut off: what a server has not read, which may stand still for ever, is not sent.

The client of a caller's is used as it is, and never closed; what is under way there is ended all the same.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, TypeVar

from .._tasks import consume_exception
from ..errors import ConfigurationError

_PATIENCE: Final = 0.5
"""Seconds for connecting, and for an answer."""
_LONGEST: Final = 1.0
"""Seconds for a command, and for closing, whatever the client does."""
_CONNECTIONS: Final = 8
_EXTRA: Final = (
    "commercelayer_async.redis needs redis-py, which is not installed; run: pip install 'commercelayer-async[redis]'"
)
_REASONS: Final = {
    "AuthenticationError": "the password or the user name is wrong",
    "NoPermissionError": "the user has no right to run scripts on its keys",
    "BusyLoadingError": "the server is loading its data",
    "ReadOnlyError": "the server is a read-only replica",
    "OutOfMemoryError": "the server is out of memory",
    "MasterDownError": "the replica has lost its master",
    "MaxConnectionsError": "all connections of the client are in use",
    "InvalidResponse": "what answers is not Redis",
    "ConnectionError": "no connection",
    "TimeoutError": "no answer in time",
    "ClusterDownError": "the cluster is down",
}
"""By the class of redis-py, or the nearest above it. Texts of the server or of the client are not shown."""

_WITHIN_SCRIPTS: Final = {"-READONLY ": "ReadOnlyError", "-OOM ": "OutOfMemoryError"}
"""Redis before 7 puts the error of a command into the text of one of the script."""

_T = TypeVar("_T")

_ending: Final[set[asyncio.Task[None]]] = set()
"""What nobody else may refer to any more."""


class RedisClient:
    """What reaches a server, by a URL or by a client of the caller's; connections are made when they are needed."""

    def __init__(self, url_or_client: Any) -> None:
        self._given = url_or_client
        self._client: Any = None
        self._process = os.getpid()
        self._commands: set[asyncio.Task[Any]] = set()

    async def run(self, command: Callable[[Any], Coroutine[Any, Any, _T]]) -> _T:
        """What a command gives, which is called with the client of redis-py.

        Raises:
            TimeoutError: it takes too long. It is cancelled, and nobody waits until it heeds that.
            Exception: whatever redis-py, or a client of the caller's, raises.
        """
        task = asyncio.ensure_future(command(self._connected()))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)
        task.add_done_callback(consume_exception)
        try:
            await asyncio.wait([task], timeout=_LONGEST)
        finally:
            task.cancel()
        if not task.done():
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """End what is under way, and all connections; twice is fine, and the client may be used again.

        It takes a turn or two of the loop, or a second where the client of a caller's is deaf. Being cancelled does not
        keep it from ending them.
        """
        client, self._client = self._client, None
        if self._process != os.getpid():
            return
        ending = asyncio.ensure_future(_end(tuple(self._commands), client))
        _ending.add(ending)
        ending.add_done_callback(_ending.discard)
        await asyncio.wait([ending], timeout=_LONGEST)

    def _connected(self) -> Any:
        if not isinstance(self._given, str):
            return self._given
        if self._client is None or self._process != os.getpid():
            self._process = os.getpid()
            self._commands = set()
            self._client = _connect(self._given)
        return self._client


async def _end(commands: tuple[asyncio.Task[Any], ...], client: Any) -> None:
    for command in commands:
        command.cancel()
    pending = {command for command in commands if not command.done()}
    if pending:
        _, pending = await asyncio.wait(pending, timeout=_LONGEST)
    if client is None:
        return
    await _disconnect(client)
    if pending:
        # It may have connected again.
        await asyncio.wait(pending)
        await _disconnect(client)


async def _disconnect(client: Any) -> None:
    with suppress(Exception):  # the server may have gone, and nothing of it is needed any more
        await client.aclose()


def _cut_off(connection: Any) -> Any:
    """A class of connections that end at once: they do not wait until the server has read what was sent."""

    class CutOff(connection):  # type: ignore[misc]  # which one depends on the URL
        async def disconnect(self, *arguments: Any, **options: Any) -> None:
            writer = getattr(self, "_writer", None)
            if writer is not None:
                writer.transport.abort()
            await super().disconnect(*arguments, **options)  # pyright: ignore[reportUnknownMemberType] - the same

    return CutOff


def require_redis() -> Any:
    """redis-py's module for asyncio.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module("redis.asyncio")
    except ImportError as error:
        raise ConfigurationError(_EXTRA) from error


def _connect(url: str) -> Any:
    """A client with short timeouts and no retries of its own."""
    module = require_redis()
    retry = import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 0)
    pool = module.BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_PATIENCE,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        retry=retry,
        decode_responses=False,
    )
    pool.connection_class = _cut_off(pool.connection_class)
    return module.Redis.from_pool(pool)


def reason_of(error: Exception) -> str:
    """Why, without a word that the server or the client wrote: it may hold a URL with a password."""
    if type(error).__name__ == "ResponseError" and "COMMERCELAYER version" in str(error):
        return "another release of this package keeps the budget in its own way"
    if type(error).__name__ == "ResponseError":
        for code, name in _WITHIN_SCRIPTS.items():
            if code in str(error):
                return _REASONS[name]
    names = [cls.__name__ for one in (error.__cause__, error.__context__, error) if one for cls in type(one).__mro__]
    # The most particular one, whichever way the client wrapped it.
    return next((reason for name, reason in _REASONS.items() if name in names), type(error).__name__)
