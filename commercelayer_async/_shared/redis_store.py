"""A store in Redis: one script a step, which keeps a budget in one key.

The script goes by the server's clock. It packs the state as the file does, in one value: so a budget lies in one slot
of a cluster, and what cannot be read is replaced as a whole. Keys expire when all in them has faded.

A step that may have been made is asked again with its number, and then answered again. Nobody else may ask twice: the
client's own retries are off, and its timeouts are short.
"""

import asyncio
import hashlib
import logging
import os
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from importlib.resources import files
from typing import Any, Final, TypeVar, cast

import msgspec

from .._markers import override
from .._tasks import consume_exception
from ..errors import ConfigurationError
from .state import Answer, Request
from .store import Store, StoreLost

_log: Final = logging.getLogger("commercelayer_async")

_PATIENCE: Final = 0.5
"""Seconds for connecting, and for an answer."""
_LONGEST_STEP: Final = 1.0
"""Seconds for one try of a step, whatever the client does."""
_TRIES: Final = 2
"""A connection may have been closed while nobody used it."""
_CONNECTIONS: Final = 8
_MEMBERS: Final = len(Answer._fields)
_SCRIPT: Final = files("commercelayer_async._shared").joinpath("step.lua").read_text(encoding="utf-8")
_SHA: Final = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
"""The name that Redis has for it."""
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

_T = TypeVar("_T")

_encode: Final = msgspec.msgpack.Encoder().encode


def require_redis() -> Any:
    """redis-py's module for asyncio.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module("redis.asyncio")
    except ImportError as error:
        raise ConfigurationError(_EXTRA) from error


class RedisStore(Store):
    """A server, reached by a URL or by a client of the caller's, which is never closed."""

    name = "redis"

    def __init__(self, url_or_client: Any) -> None:
        self._given = url_or_client
        self._client: Any = None
        self._process = os.getpid()

    @override
    async def step(self, key: str, request: Request) -> Answer:
        key, packed = f"commercelayer_async:{{{key}}}", _encode(request)
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._read(await _within(_LONGEST_STEP, self._run(key, packed)))
            except StoreLost:
                raise
            except Exception as error:  # noqa: BLE001 - a client of the caller's may raise anything
                if not tries_left or not _is_of_the_way(error):
                    raise StoreLost(reason_of(error)) from None
        raise AssertionError("the last try returns or raises")

    @override
    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and client is not self._given and self._process == os.getpid():
            with suppress(Exception):  # the server may have gone, and nothing of it is needed any more
                await _within(_LONGEST_STEP, client.aclose())

    async def _run(self, key: str, packed: bytes) -> object:
        client = self._connected()
        try:
            return cast("object", await client.evalsha(_SHA, 1, key, "", packed))
        except Exception as error:
            if type(error).__name__ != "NoScriptError":
                raise
        # A server that was started anew, or was flushed.
        return cast("object", await client.eval(_SCRIPT, 1, key, "", packed))

    def _connected(self) -> Any:
        if not isinstance(self._given, str):
            return self._given
        if self._client is None or self._process != os.getpid():
            self._process = os.getpid()
            self._client = connect(self._given)
        return self._client

    def _read(self, reply: object) -> Answer:
        """The answer of a reply, which a proxy or another script may have made up."""
        values = cast("list[object]", reply)
        if (
            not isinstance(reply, list)
            or len(values) != _MEMBERS + 1
            or not all(type(value) is int and value >= 0 for value in values)
        ):
            raise StoreLost("the answer is not one of the script")
        *answer, replaced = cast("list[int]", values)
        if replaced:
            _log.warning("the shared rate budget (redis) is replaced: what was there could not be read")
        return Answer(*answer)


async def _within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T:
    """What work of the client gives, or `TimeoutError`: nobody waits for a client that is deaf to being cancelled.

    It may be for a moment: `asyncio.wait_for` of Python 3.11, which redis-py uses, loses a cancellation that comes in
    the turn of the loop in which what it waits for is done.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(consume_exception)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        task.cancel()
    if not task.done():
        raise TimeoutError
    return task.result()


def connect(url: str) -> Any:
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
    return module.Redis.from_pool(pool)


def _is_of_the_way(error: Exception) -> bool:
    """True if the step may have been made, or another connection may do: not for what the server refused."""
    names = {cls.__name__ for cls in type(error).__mro__}
    refused = {"AuthenticationError", "BusyLoadingError", "MaxConnectionsError", "MasterNotFoundError"}
    return bool(names & {"ConnectionError", "TimeoutError"}) and not names & refused


def reason_of(error: Exception) -> str:
    """Why, without a word that the server or the client wrote: it may hold a URL with a password."""
    if type(error).__name__ == "ResponseError" and "COMMERCELAYER version" in str(error):
        return "another release of this package keeps the budget in its own way"
    names = [cls.__name__ for one in (error.__cause__, error.__context__, error) if one for cls in type(one).__mro__]
    # The most particular one, whichever way the client wrapped it.
    return next((reason for name, reason in _REASONS.items() if name in names), type(error).__name__)
