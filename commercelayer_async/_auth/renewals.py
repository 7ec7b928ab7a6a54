"""Renewals of a token that sessions of one event loop share through a store: one of them asks, the others take it.

Between processes there is no such agreement, unless the store locks (see `store.py`). There, each looks into the store
before it asks.
"""

import asyncio
import copy
from typing import Final, Protocol
from weakref import WeakKeyDictionary

import attrs

from ..errors import AuthError, CommerceLayerError
from .credentials import StoredToken


@attrs.frozen
class Pause:
    """A wait between two token requests, and what it is for."""

    failure: CommerceLayerError
    began: float
    until: float

    def error(self, now: float) -> CommerceLayerError:
        """The failure, for one who does not wait; what the server asks to wait is counted from now."""
        error = copy_error(self.failure)
        if isinstance(error, AuthError) and error.retry_after is not None:
            error.retry_after = max(0.0, error.retry_after - (now - self.began))
        return error


def copy_error(error: CommerceLayerError) -> CommerceLayerError:
    """An error for another task to raise: one that many raise collects the frames of all of them."""
    copied = copy.copy(error)
    copied.__cause__ = error.__cause__
    return copied


class Member(Protocol):
    """A session that takes part."""

    async def fetch(self) -> StoredToken:
        """Load a newer token, or ask for one."""
        ...

    def accepts(self, token: StoredToken) -> bool:
        """True if a token that another session got is good for this one too."""
        ...

    def on_pause(self, pause: Pause) -> None:
        """Whoever asks has to wait."""
        ...


class Renewal:
    """The renewals of one token, one at a time."""

    def __init__(self, store: object) -> None:
        self.members: list[Member] = []
        self._store = store  # held, so that its id is nobody else's
        self._running: asyncio.Future[StoredToken | CommerceLayerError | None] | None = None
        self._pause: Pause | None = None

    async def take_part(self, member: Member) -> StoredToken:
        """The token that whoever asks gets: `member`, or another who was first.

        Raises:
            AuthError, TransportError: none can be had; whoever waited gets the failure of whoever asked.
        """
        while True:
            if self._running is None:
                return await self._ask(member)
            if self._pause is not None:
                member.on_pause(self._pause)
            running = self._running
            await asyncio.wait([running])
            outcome = running.result()
            if isinstance(outcome, CommerceLayerError):
                try:
                    raise copy_error(outcome)
                finally:
                    del outcome
            # Otherwise whoever asked was closed, or got a token which was refused here.
            if outcome is not None and member.accepts(outcome):
                return outcome

    def pause(self, pause: Pause) -> None:
        """Announce a pause to all who take part."""
        self._pause = pause
        for member in tuple(self.members):
            member.on_pause(pause)

    async def _ask(self, member: Member) -> StoredToken:
        running = self._running = asyncio.get_running_loop().create_future()
        outcome: StoredToken | CommerceLayerError | None = None
        try:
            token = outcome = await member.fetch()
        except CommerceLayerError as error:
            outcome = copy_error(error)
            raise
        finally:
            self._running = self._pause = None
            running.set_result(outcome)
        return token


_renewals: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[int, str], Renewal]]] = WeakKeyDictionary()


async def renew_together(store: object, key: str, member: Member) -> StoredToken:
    """See `Renewal.take_part`; for all sessions of the running loop with this store and key."""
    of_loop = _renewals.setdefault(asyncio.get_running_loop(), {})
    renewal = of_loop.setdefault((id(store), key), Renewal(store))
    renewal.members.append(member)
    try:
        return await renewal.take_part(member)
    finally:
        renewal.members.remove(member)
        if not renewal.members:
            del of_loop[id(store), key]


def announce_together(store: object, key: str, pause: Pause) -> None:
    """See `Renewal.pause`; for the renewal under way."""
    _renewals[asyncio.get_running_loop()][id(store), key].pause(pause)
