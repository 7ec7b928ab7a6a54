"""A token store under guard: it is the caller's, so it may raise, hang, or give anything.

What it does is bounded in time, one operation at a time and in order; what fails is logged and done without. Nobody
waits for a token to be saved or removed but whoever loads next.

A store that locks says whose turn it is to ask. The lock is a short one, which is extended while its holder asks: so
the death of a holder costs the others a moment, and a token endpoint that is slow costs nobody the lock.
"""

import asyncio
import builtins
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from .._clock import Clock, Timer
from .._tasks import consume_exception
from ..errors import TokenStoreError
from .credentials import LockingTokenStore, StoredToken, TokenStore, ended, readable

T = TypeVar("T")

_log: Final = logging.getLogger("commercelayer_async")

_LOAD_SECONDS: Final = 0.5
"""Seconds that a call may have to wait for a store."""
_CHANGE_SECONDS: Final = 5.0
"""Seconds that saving or removing may take in the background."""
_LAST_SECONDS: Final = 0.25
"""Seconds that a change under way when the session is closed has left: a refresh token that was not saved is lost."""
_LOCK_SECONDS: Final = 3.0
"""Seconds after which the lock of a holder that was killed is free."""
_EXTENDED_EVERY: Final = _LOCK_SECONDS / 4


class GuardedStore:
    """A caller's store, for the one token that it keeps under `key`."""

    def __init__(self, store: TokenStore, key: str, clock: Clock) -> None:
        self.store: Final = store
        self.key: Final = key
        self._clock = clock
        self._tasks: set[asyncio.Task[Any]] = set()
        self._change: asyncio.Task[None] | None = None
        """The last change under way, which waits for those before it."""
        self._locking: LockingTokenStore | None = store if isinstance(store, LockingTokenStore) else None
        self._holder: Final = secrets.token_hex(8)
        self._timer: Timer | None = None
        """For the next extension of the lock, while this session has it."""
        self._extension: asyncio.Task[None] | None = None

    async def load(self) -> StoredToken | None:
        """What is kept; None if that is nothing, or cannot be had soon."""

        async def load() -> object:
            await self._settled(self._change)
            return await self.store.load(self.key)

        kept = await self._guarded("load", load, _LOAD_SECONDS)
        token = readable(kept)
        if token is None and kept is not None:
            _log.warning("the token store gave a %s that is not a token as it was saved", type(kept).__name__)
        return token

    def save(self, token: StoredToken) -> None:
        """Keep a token, in the background."""
        self._change = self._begin(
            lambda: self._guarded("save", lambda: self.store.save(self.key, token), _CHANGE_SECONDS)
        )

    def remove(self, value: str, *, for_good: bool) -> None:
        """Keep a token no more, in the background, unless another is there by now: some process may have renewed it.

        Its refresh token stays, for the next renewal of whoever shares it, unless the token goes `for_good`.
        """
        self._change = self._begin(lambda: self._remove(value, for_good=for_good))

    async def remove_now(self, value: str) -> None:
        """Remove a token for good, and wait until that is done, for as long as for loading."""
        self._change = self._begin(lambda: self._remove(value, for_good=True))
        await self._done_within(_LOAD_SECONDS, self._change)

    @property
    def locks(self) -> bool:
        """True if the store says whose turn it is to ask for a token."""
        return self._locking is not None

    async def lock(self) -> bool:
        """Take the turn to ask for a token, until `unlock`; False while somebody else has it.

        True as well where the store cannot say, so that nobody waits for it.
        """
        locking = self._locking
        if locking is None:
            return True
        await self._settled(self._change)
        taken = await self._guarded("lock", lambda: self._take(locking), _LOAD_SECONDS)
        if taken:
            self._extend_soon()
        return taken is None or taken

    def unlock(self) -> None:
        """Give the turn back, in the background, after what was saved before."""
        locking = self._locking
        if locking is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        extension = self._extension

        async def unlock() -> None:
            # Not cancelled: the store may have heard of it, and would lock what nobody gives back.
            await self._settled(extension)
            await self._guarded("unlock", lambda: locking.unlock(self.key, self._holder), _CHANGE_SECONDS)

        self._change = self._begin(unlock)

    async def close(self) -> None:
        """End what is under way; a change gets a moment to finish."""
        try:
            if self._change is not None:
                await self._done_within(_LAST_SECONDS, self._change)
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            # A store that does not let itself be cancelled is left behind.
            until = self._clock.now() + _LAST_SECONDS
            for task in tasks:
                await self._done_within(until - self._clock.now(), task)

    async def _take(self, locking: LockingTokenStore) -> bool:
        return bool(await locking.lock(self.key, self._holder, seconds=_LOCK_SECONDS))

    def _extend_soon(self) -> None:
        self._timer = self._clock.at(self._clock.now() + _EXTENDED_EVERY, self._begin_extension)

    def _begin_extension(self) -> None:
        self._extension = asyncio.ensure_future(self._extend())
        self._keep(self._extension)

    async def _extend(self) -> None:
        locking, timer = self._locking, self._timer
        taken = locking is not None and await self._guarded("lock", lambda: self._take(locking), _LOAD_SECONDS)
        # Not one that somebody else has by now, nor where it was given back meanwhile.
        if taken is not False and self._timer is timer is not None:
            self._extend_soon()

    async def _remove(self, value: str, *, for_good: bool) -> None:
        kept = readable(await self._guarded("load", lambda: self.store.load(self.key), _CHANGE_SECONDS))
        if kept is None or kept.value != value:
            return
        delete = getattr(self.store, "delete", None)
        if kept.refresh_token is not None and not for_good:
            await self._guarded("save", lambda: self.store.save(self.key, ended(kept)), _CHANGE_SECONDS)
        elif callable(delete):
            await self._guarded("delete", lambda: self.store.delete(self.key), _CHANGE_SECONDS)
        else:
            nothing = StoredToken(value="", received_at=kept.received_at, life=0.0)
            await self._guarded("save", lambda: self.store.save(self.key, nothing), _CHANGE_SECONDS)

    def _begin(self, change: Callable[[], Coroutine[Any, Any, object]]) -> "asyncio.Task[None]":
        previous = self._change

        async def begin() -> None:
            await self._settled(previous)
            await change()

        task = asyncio.ensure_future(begin())
        self._keep(task)
        return task

    async def _settled(self, change: "asyncio.Task[None] | None") -> None:
        if change is not None and not change.done():
            await asyncio.wait([change])

    async def _guarded(self, what: str, call: Callable[[], Awaitable[T]], seconds: float) -> T | None:
        """What an operation gives; None if it fails or takes too long."""

        async def run() -> T:
            return await call()

        task = asyncio.ensure_future(run())
        self._keep(task)
        try:
            if not await self._done_within(seconds, task):
                raise builtins.TimeoutError  # noqa: TRY301 - one way out for all that can go wrong
            if task.cancelled():
                raise RuntimeError  # noqa: TRY301 - the store's own doing
            return task.result()
        except Exception as error:  # noqa: BLE001 - a store is the caller's, and may raise anything
            # The text of this package's own holds no secrets; that of any other exception may.
            why = str(error) if isinstance(error, TokenStoreError) else type(error).__name__
            _log.warning("the token store failed to %s: %s", what, why)
            return None
        finally:
            task.cancel()

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(consume_exception)

    async def _done_within(self, seconds: float, task: "asyncio.Task[Any]") -> bool:
        """Wait for a task; False if it is not done in time, however it ends."""
        if task.done():
            return True
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: object = None) -> None:
            if not woken.done():
                woken.set_result(None)

        timer = self._clock.at(self._clock.now() + seconds, wake)
        task.add_done_callback(wake)
        try:
            await woken
        finally:
            timer.cancel()
            task.remove_done_callback(wake)
        return task.done()
