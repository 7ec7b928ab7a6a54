"""What an edge of this package may know of a session beyond its public names; nobody else looks inside one.

An export writes pages as they were received, and vouches for where they come from. So it has to know the API's
address, the classes, and whom the session's token speaks for; and no request of it may go out with a token that speaks
for somebody else, should the session get another one midway. Whoever shows a shared budget has to have a look at it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from ._auth.principal import Principal, principal_of
from ._calls.context import Closeable
from ._calls.deadline import CallScope, Deadline
from ._calls.options import WORKER
from ._calls.pipeline import Read, RequestPipeline, T
from ._http.message import PhaseObserver, Request, Response, Transport
from ._http.origin import Origin
from ._limits.binding import SharedBudgets
from ._limits.budget import Priority, RateState
from ._lists.arguments import scan_of
from ._lists.collection import ListOptions, Scan
from ._lists.list_reader import list_reader_for
from ._lists.ranges import Ranges
from ._lists.raw import RawItem, RawListReader
from ._markers import override
from ._session import Session
from .errors import SharedBudgetError, closed_error
from .jsonapi import Registry, Resource
from .service import Service

__all__ = ["BulkAccess", "RawItem", "look_at_budget"]

_SETTLED: Final = 0.05
"""Seconds after which a shared store has heard of what was given back."""


class BulkAccess(Closeable):
    """Reads through a session for a bulk worker, with the options of `presets.WORKER`; it ends with the session.

    No look at it sends anything.
    """

    def __init__(self, session: Session) -> None:
        context = session._context  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - this module is the door
        options = attrs.evolve(session._options, **WORKER)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        self._session = session
        self._context = context
        self._guard = _Guard(context.transport, context.service)
        self._pipeline = RequestPipeline(context, options, self._guard)
        self._closed = session._is_closed  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
        session._parts.register(self)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above

    @property
    def origin(self) -> Origin:
        """Where the API is."""
        return self._context.origin

    @property
    def registry(self) -> Registry:
        """The session's classes."""
        return self._context.registry

    @property
    def service(self) -> Service:
        """What the service does its own way."""
        return self._context.service

    @property
    def rate_limits(self) -> RateState:
        """What is known of the session's rate budget now; see `Session.rate_limits`."""
        return self._session.rate_limits

    async def principal(self) -> Principal:
        """Whom the session's token speaks for; asks for a token if there is none yet.

        Raises:
            AuthError, SessionError, TransportError: none can be had.
        """
        self._require_usable()
        with Deadline(self._pipeline.deadlines, self._context.origin.auth_url) as deadline:
            deadline.phase = "token"
            return principal_of(await self._context.tokens.token(deadline))

    def require(self, check: Callable[[Principal], None]) -> None:
        """Call `check` with whom a request would be sent for, before each that is; what it raises ends the call."""
        self._guard.check = check

    def scan(
        self,
        cls_or_type: type[Resource] | str,
        *,
        filter: Mapping[str, Any] | None,
        include: tuple[str, ...],
        after: str | None = None,
    ) -> Scan[Any]:
        """Make a scan as `Session.scan` does, whose pages hold a `RawItem` for each record.

        Raises:
            ConfigurationError: an argument will not do.
        """
        reader = list_reader_for(cls_or_type, context=self._context, send=self._send, follower=self._session)
        size = reader.paging.largest_of(reader.type)
        options = ListOptions.checked(size, None, 1, paging=reader.paging, type=reader.type)
        return scan_of(RawListReader.of(reader), filter=filter, include=include, after=after, options=options)

    def ranges(self, cls_or_type: type[Resource] | str, *, filter: Mapping[str, Any] | None) -> Ranges:
        """The ranges that a walk over a list can be cut into.

        Raises:
            ConfigurationError: an argument will not do.
        """
        reader = list_reader_for(cls_or_type, context=self._context, send=self._send, follower=self._session)
        return Ranges.of(RawListReader.of(reader), filter)

    async def _send(self, target: str, type: str, read: Read[T], scope: CallScope | None = None, /) -> T:
        self._require_usable()
        return await self._pipeline.send(target, type, read, scope)

    def _require_usable(self) -> None:
        if self._closed:
            raise closed_error()
        self._context.require_usable()

    @override
    def end(self) -> None:
        self._closed = True
        self._pipeline.deadlines.close()

    @override
    async def close(self) -> None:
        self.end()


async def look_at_budget(session: Session, seconds: float) -> tuple[RateState, int]:
    """The session's budget as it is now, also where a store keeps it, and how many calls of other processes wait.

    It asks for a token, but only if there is none.

    A place is taken behind all others, and given back: a store is heard in no other way. Where none is to be had in
    `seconds`, it is what was heard meanwhile. A store that is lost is said in the state.

    Raises:
        AuthError, SessionError, TransportError: the token decides which budget it is, and none can be had.
    """
    if session._context.tokens.renews:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - this module is the door
        await BulkAccess(session).principal()
    limiter = session._context.limiter()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above
    try:
        async with asyncio.timeout(seconds):
            lease = await limiter.acquire("organization", priority=Priority.BULK)
            lease.release()
            await asyncio.sleep(_SETTLED)
    except (TimeoutError, SharedBudgetError):
        # All places are in use, or the store is lost: the state says so.
        pass
    return limiter.state(), limiter.waiting_elsewhere() if isinstance(limiter, SharedBudgets) else 0


class _Guard(Transport):
    """The session's transport, with a look at each request's token before it is sent."""

    def __init__(self, transport: Transport, service: Service) -> None:
        self._scheme = service.auth
        self.check: Callable[[Principal], None] | None = None
        self._transport = transport
        self._checked: str | None = None
        """The token that was found right last."""

    @override
    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        value = request.authorization or ""
        if self.check is not None and value != self._checked:
            self.check(principal_of(self._scheme.secret_of(value)))
            self._checked = value
        return await self._transport.send(request, observer)

    @override
    def discard_connections(self) -> None:
        self._transport.discard_connections()

    @override
    async def close(self) -> None:
        """Leave it open: it is the session's."""

    @property
    @override
    def is_open(self) -> bool:
        return self._transport.is_open
