"""A store in Redis: one script a step, which keeps a budget in one key.

The script goes by the server's clock. It packs the state as the file does, in one value: so a budget lies in one slot
of a cluster, and what cannot be read is replaced as a whole. Keys expire when all in them has faded.

A step that may have been made is asked again with its number, and then answered again. Nobody else may ask twice: the
client's own retries are off.
"""

import hashlib
import logging
from importlib.resources import files
from typing import Any, Final, cast

import msgspec

from .._markers import override
from .redis_client import RedisClient, reason_of
from .state import Answer, Request
from .store import Store, StoreLost

_log: Final = logging.getLogger("commercelayer_async")

_TRIES: Final = 2
"""A connection may have been closed while nobody used it."""
_MEMBERS: Final = len(Answer._fields)
_SCRIPT: Final = files("commercelayer_async._shared").joinpath("step.lua").read_text(encoding="utf-8")
_SHA: Final = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()
"""The name that Redis has for it."""
_encode: Final = msgspec.msgpack.Encoder().encode


class RedisStore(Store):
    """A server, reached by a URL or by a client of the caller's, which is never closed."""

    name = "redis"

    def __init__(self, url_or_client: Any) -> None:
        self._client = RedisClient(url_or_client)

    @override
    async def step(self, key: str, request: Request) -> Answer:
        key, packed = f"commercelayer_async:{{{key}}}", _encode(request)
        for tries_left in reversed(range(_TRIES)):
            try:
                return self._read(await self._client.run(lambda client: _run(client, key, packed)))
            except StoreLost:
                raise
            except Exception as error:  # noqa: BLE001 - a client of the caller's may raise anything
                if not tries_left or not _is_of_the_way(error):
                    raise StoreLost(reason_of(error)) from None
        raise AssertionError("the last try returns or raises")

    @override
    async def close(self) -> None:
        await self._client.close()

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


async def _run(client: Any, key: str, packed: bytes) -> object:
    try:
        return cast("object", await client.evalsha(_SHA, 1, key, "", packed))
    except Exception as error:
        if type(error).__name__ != "NoScriptError":
            raise
    # A server that was started anew, or was flushed.
    return cast("object", await client.eval(_SCRIPT, 1, key, "", packed))


def _is_of_the_way(error: Exception) -> bool:
    """True if the step may have been made, or another connection may do: not for what the server refused."""
    names = {cls.__name__ for cls in type(error).__mro__}
    refused = {"AuthenticationError", "BusyLoadingError", "MaxConnectionsError", "MasterNotFoundError"}
    return bool(names & {"ConnectionError", "TimeoutError"}) and not names & refused
