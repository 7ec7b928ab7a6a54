"""Tokens in Redis: a hash for each, and one script, which does an operation in one step by the server's clock.

A connection is made for each operation, as there are a few at the start and at each renewal: so nothing has to be
closed, in whichever event loop or process. A client of the caller's is used as it is.
"""

import base64
import binascii
from importlib.resources import files
from typing import Any, Final, cast

from .._shared.redis_client import RedisClient, reason_of
from ..errors import TokenStoreError
from .shared_store import Entry

_SCRIPT: Final = files("commercelayer_async._auth").joinpath("token.lua").read_text(encoding="utf-8")
_ENTRY: Final = 2


class TokenRedis:
    """The tokens of a server, which a URL or a client of the caller's reaches."""

    def __init__(self, url_or_client: Any) -> None:
        self._given = url_or_client

    async def read(self, name: str) -> Entry:
        """What is kept under a name."""
        reply = await self._run(name, "read")
        values = cast("list[object]", reply)
        if not isinstance(reply, list) or len(values) != _ENTRY or not isinstance(values[1], int):
            raise _lost("the answer is not one of the script")
        data = values[0]
        if not isinstance(data, str | bytes):
            raise _lost("the answer is not one of the script")
        try:
            # As text, for clients that decode what they receive.
            return Entry(base64.b64decode(data, validate=True) or None, values[1])
        except (binascii.Error, ValueError):
            # Damaged: whoever reads it finds no token.
            return Entry(b"", values[1])

    async def write(self, name: str, data: bytes | None, turn: int) -> None:
        """Keep something, unless what is kept has a higher number."""
        await self._run(name, "write", base64.b64encode(data or b""), turn)

    async def lock(self, name: str, holder: str, seconds: float) -> int:
        """The number of the turn, or 0."""
        turn = await self._run(name, "lock", holder, round(seconds * 1000))
        if not isinstance(turn, int):
            raise _lost("the answer is not one of the script")
        return turn

    async def unlock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        await self._run(name, "unlock", holder)

    async def _run(self, name: str, *arguments: Any) -> object:
        key = f"commercelayer_async:{{{name}}}:token"
        client = RedisClient(self._given)
        try:
            return cast("object", await client.run(lambda redis: redis.eval(_SCRIPT, 1, key, *arguments)))
        except Exception as error:  # noqa: BLE001 - a client of the caller's may raise anything
            raise _lost(reason_of(error)) from None
        finally:
            await client.close()


def _lost(reason: str) -> TokenStoreError:
    return TokenStoreError(f"the tokens in Redis cannot be reached: {reason}", store="redis")
