"""One rate budget and one token for processes of many machines, in Redis or Valkey (extra `redis`).

url = "redis://…"
async with Session("yourdomain", auth, limiter=RedisLimiter(url), token_store=RedisTokenStore(url)) as session: ...
"""

import inspect
from typing import Any
from urllib.parse import urlsplit

from ._auth.kept_tokens import Encryption
from ._auth.shared_store import Entry, SharedTokenStore
from ._auth.token_redis import TokenRedis
from ._limits.windows import RateLimits
from ._markers import override, public
from ._shared.limiter import SharedLimiter
from ._shared.redis_client import require_redis
from ._shared.redis_store import RedisStore
from ._shared.store import Store
from .errors import ConfigurationError

__all__ = ["RedisLimiter", "RedisTokenStore"]

_SCHEMES = ("redis", "rediss", "unix")


@public("commercelayer_async.redis")
class RedisLimiter(SharedLimiter):
    """A rate budget that all processes share which name the same Redis database: of one machine or of many.

    It is given to sessions as `limiter=`, one object for any number of them. Sessions of one organization and mode
    count together; others count apart. The API counts by IP address: machines that reach it from several name theirs
    by `address`.

    While Redis cannot be reached each process goes on with its share of the limits, by the last known number of
    members; `Session.rate_limits.store_lost` says so, and it comes back by itself. A process that never reached it
    raises `SharedBudgetError`, and so does every one with `on_unreachable="raise"`. No password is in any error.

    Args:
        url_or_client: `redis://`, `rediss://` or `unix://` with everything in it; or a client of `redis.asyncio`, also
            of a cluster or of Sentinel's, which is used as it is and never closed. A client should have timeouts of
            about half a second and no retries.
        limits: How many requests may be made at most, by those who use this object; None for as many as the service's
            headers say.
        on_unreachable: `"share"` or `"raise"`.
        address: A label for the IP address that requests leave by, any text: those with the same one count together,
            others apart. None, like every label, is a budget of its own.

    Raises:
        ConfigurationError: redis-py is not installed, or an argument does not make sense.
    """

    def __init__(
        self,
        url_or_client: Any,
        *,
        limits: RateLimits | None = None,
        on_unreachable: str = "share",
        address: str | None = None,
    ) -> None:
        super().__init__(limits, on_unreachable=on_unreachable, address=address)
        _require_server("RedisLimiter", url_or_client)
        self._url_or_client = url_or_client

    def __repr__(self) -> str:
        return f"RedisLimiter({_shown(self._url_or_client)})"

    @override
    def _open(self) -> Store:
        return RedisStore(self._url_or_client)


@public("commercelayer_async.redis")
class RedisTokenStore(SharedTokenStore):
    """Tokens that all processes share which name the same Redis database: of one machine or of many.

    It is given to sessions as `token_store=`, one object for any number of them. Sessions with the same credentials
    make one token request, at the start and at each renewal: one asks, and the others wait for what it saves, or for
    three seconds if it is killed. Whoever presents other credentials finds nothing; keys are hashes, and expire after
    30 days.

    While Redis cannot be reached each session asks for a token of its own, and the log says so; no password is in it.

    Args:
        url_or_client: As for `RedisLimiter`.
        encrypt: What encrypts tokens, such as `cryptography`'s `Fernet(key)`; None for plain text, which whoever can
            read the database can use.

    Raises:
        ConfigurationError: redis-py is not installed, or an argument does not make sense.
    """

    def __init__(self, url_or_client: Any, *, encrypt: Encryption | None = None) -> None:
        super().__init__(encrypt)
        _require_server("RedisTokenStore", url_or_client)
        self._url_or_client = url_or_client
        self._redis = TokenRedis(url_or_client)

    def __repr__(self) -> str:
        return f"RedisTokenStore({_shown(self._url_or_client)})"

    @override
    async def _read(self, name: str) -> Entry:
        return await self._redis.read(name)

    @override
    async def _write(self, name: str, data: bytes | None, turn: int) -> None:
        await self._redis.write(name, data, turn)

    @override
    async def _lock(self, name: str, holder: str, seconds: float) -> int:
        return await self._redis.lock(name, holder, seconds)

    @override
    async def _unlock(self, name: str, holder: str) -> None:
        await self._redis.unlock(name, holder)


def _require_server(what: str, url_or_client: Any) -> None:
    """Refuse what cannot reach Redis, without showing it: a URL may hold a password."""
    require_redis()
    if not isinstance(url_or_client, str):
        if not inspect.iscoroutinefunction(getattr(url_or_client, "execute_command", None)):
            raise ConfigurationError(f"{what} takes a URL (redis://…) or a client of redis.asyncio")
        return
    try:
        parts = urlsplit(url_or_client)
        is_one = parts.scheme in _SCHEMES and (parts.port is None or parts.port > 0)
    except ValueError:
        is_one = False
    if not is_one:
        raise ConfigurationError(f"{what} takes a URL that begins with {', '.join(f'{s}://' for s in _SCHEMES)}")


def _shown(url_or_client: Any) -> str:
    if not isinstance(url_or_client, str):
        return f"{type(url_or_client).__name__}(…)"
    parts = urlsplit(url_or_client)
    return f"'{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}…'"
