"""A caller's own parts: what a program hands to a session, and which may raise, hang and lie."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from random import Random
from typing import Any, Final, cast

import attrs

from commercelayer_async import Call, Hooks, Lease, Limiter, Priority, RateState, StoredToken, TokenStore
from commercelayer_async._markers import override

from .service import Login, Service
from .time import Time

HANG: Final = 50_000.0
"""Seconds for which a part that hangs does nothing: longer than every run."""
_LONG: Final = 1000.0
"""Seconds for which a source of ids gives nothing, and then goes on."""


class CallerError(Exception):
    """What a part of the caller's raises."""


@attrs.define(eq=False)
class Behaviour:
    """Whether the parts of a run misbehave; they stop when the run's second part begins."""

    random: Random
    raises: int = 0
    """Uses of a thousand that raise."""
    hangs: int = 0
    """Uses of a thousand that hang."""
    lies: int = 0
    """Uses of a thousand that return something else than they should."""

    def end_faults(self) -> None:
        """Behave from now on."""
        self.raises = self.hangs = self.lies = 0

    def draw(self) -> str:
        """`raise`, `hang`, `lie` or `behave`."""
        roll = self.random.randrange(1000)
        for share, what in ((self.raises, "raise"), (self.hangs, "hang"), (self.lies, "lie")):
            if roll < share:
                return what
            roll -= share
        return "behave"

    async def act(self) -> str:
        """The same, and raise or hang if that is what was drawn."""
        behaviour = self.draw()
        if behaviour == "raise":
            raise CallerError("a part of the caller's failed")
        if behaviour == "hang":
            await asyncio.sleep(HANG)
        return behaviour


class MemoryStore(TokenStore):
    """A token store in memory, which sessions of several processes share."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self.kept: dict[str, StoredToken] = {}

    @override
    async def load(self, key: str) -> StoredToken | None:
        behaviour = await self._behaviour.act()
        await asyncio.sleep(0.001)
        if behaviour == "lie":
            return cast("StoredToken", {"value": "a mapping instead of a token"})
        return self.kept.get(key)

    @override
    async def save(self, key: str, token: StoredToken) -> None:
        await self._behaviour.act()
        await asyncio.sleep(0.001)
        self.kept[key] = token

    async def delete(self, key: str) -> None:
        """Forget what is kept under a key."""
        await self._behaviour.act()
        await asyncio.sleep(0.001)
        self.kept.pop(key, None)


class OwnLease(Lease):
    """A lease of a caller's own limiter, which counts what comes back."""

    __slots__ = ("_limiter", "_open")

    def __init__(self, limiter: "OwnLimiter") -> None:
        self._limiter = limiter
        self._open = True
        limiter.open += 1

    @override
    def settle(self, status: int | None, headers: Mapping[str, str], *, retry_after: float | None = None) -> float:
        self.release()
        return 0.0

    @override
    def release(self) -> None:
        if self._open:
            self._open = False
            self._limiter.open -= 1


class OwnLimiter(Limiter):
    """A limiter of a caller's own that lets everything out, sooner or later: it has no pause after a refusal."""

    def __init__(self, behaviour: Behaviour, *, waits: bool) -> None:
        self._behaviour = behaviour
        self._waits = waits
        self.open = 0
        """Leases that were given and did not come back."""

    @override
    def try_acquire(self, type: str, *, priority: Priority) -> Lease | None:
        return None if self._waits else OwnLease(self)

    @override
    async def acquire(self, type: str, *, priority: Priority) -> Lease:
        await self._behaviour.act()
        await asyncio.sleep(0.01)
        return OwnLease(self)

    @override
    def state(self) -> RateState:
        return RateState(None, None, None, 0, 0.0)


def token_function(service: Service, login: Login, time: Time, behaviour: Behaviour) -> Callable[[], Any]:
    """An async function that gives the token of a login, as long as it behaves."""
    current: list[str] = []

    async def token() -> Any:
        what = await behaviour.act()
        await asyncio.sleep(0.01)
        if what == "lie":
            return None
        known = service.tokens.get(current[0]) if current else None
        if known is None or known.revoked_at is not None or time.moment >= known.expires - 1.0:
            current[:] = [service.issue(str(login.principal), login.mode, time.moment).value]
        return current[0]

    return token


def raising_hooks() -> Hooks:
    """Hooks all of which raise."""

    def hook(*_: Any) -> None:
        raise CallerError("a hook failed")

    return Hooks(**{one.name: hook for one in attrs.fields(Hooks)})


def counting_hooks(calls: list[Call]) -> Hooks:
    """Hooks that count calls which began and did not end."""
    return Hooks(started=calls.append, ended=lambda call, _: calls.remove(call))


SOURCES: Final = ("list", "generator", "async", "raises", "async-raises", "async-hangs", "async-cancelled")
"""What a caller may take ids from."""


class IdSource:
    """Ids as one of `SOURCES` gives them, and what became of it."""

    def __init__(self, what: str, ids: Iterable[Any], *, fails_after: int) -> None:
        self._what = what
        self._ids = list(ids)
        self._fails_after = fails_after
        self.given: list[Any] = []
        self.failed = False

    def make(self) -> Any:
        """What is handed to the session."""
        match self._what:
            case "list":
                self.given = list(self._ids)
                return list(self._ids)
            case "generator" | "raises":
                return self._generator()
            case _:
                return self._async_generator()

    def _generator(self) -> Iterator[Any]:
        for n, id in enumerate(self._ids):
            if self._what == "raises" and n == self._fails_after:
                self.failed = True
                raise CallerError("the source of ids failed")
            self.given.append(id)
            yield id

    async def _async_generator(self) -> AsyncIterator[Any]:
        for n, id in enumerate(self._ids):
            if n == self._fails_after:
                self.failed = self._what in ("async-raises", "async-cancelled")
                match self._what:
                    case "async-raises":
                        raise CallerError("the source of ids failed")
                    case "async-hangs":
                        await asyncio.sleep(_LONG)
                    case "async-cancelled":
                        raise asyncio.CancelledError
            if n % 10 == 0:
                await asyncio.sleep(0.01)
            self.given.append(id)
            yield id
