"""Callers: each does one thing with a session, and compares what it is given with what the model holds.

Whatever a caller awaits goes through `bounded`, which notes when it should have ended and how it did.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from commercelayer_async import (
    BulkError,
    CommerceLayerError,
    Failed,
    NotFound,
    Resource,
    Session,
)
from commercelayer_async import TimeoutError as OurTimeoutError
from commercelayer_async._tasks import consume_exception
from commercelayer_async.resources import Customer, CustomerPaymentSource

from .parts import CallerError, IdSource
from .plan import Action

if TYPE_CHECKING:
    from .world import Live, World

T = TypeVar("T")

_CLASSES: Final[dict[str, Any]] = {"customers": Customer, "customer_payment_sources": CustomerPaymentSource}
_LETTERS: Final = {"customers": "c", "customer_payment_sources": "w", "markets": "m"}
_SLACK: Final = 0.01
"""Seconds that anything may be late."""
_AFTER_CLOSE: Final = 0.1
"""Seconds after `close()` by which everything has ended."""
_PATIENCE: Final = 300.0
"""Seconds that one request of a worker may take."""
_TURNS: Final = 300
"""Waits that a caller gives up at most, before it waits for as long as it takes."""
_BAD_IDS: Final[tuple[Any, ...]] = (None, 7, "", "../x", "a/b", "a b")


def _name_of(id: Any) -> str:
    """An id, or one word for all that is none: the client names these by their class."""
    return id if isinstance(id, str) and ", not an id (" not in id else "not an id"


class Caller:
    """One action under way."""

    def __init__(self, world: "World", action: Action, number: int) -> None:
        self.world = world
        self.action = action
        self.number = number
        self.waiting_for: dict[int, str] = {}
        """What it awaits now, for the report of one that waits for ever."""
        self.cancelled_at: float | None = None
        self.live: Live = world.lives[action.session]
        self._awaits = 0

    def __str__(self) -> str:
        return f"{self.action.what} #{self.number}"

    async def run(self) -> None:
        """Do it; errors that a caller expects end it."""
        doing: Callable[[], Awaitable[None]] = getattr(self, f"_{self.action.what}")
        outcome = "ends"
        try:
            await doing()
        except asyncio.CancelledError:
            outcome = "is cancelled"
            self._require_cancelled("action")
        except (CommerceLayerError, CallerError, TimeoutError) as error:
            outcome = f"ends with {type(error).__name__}"
        if self.cancelled_at is not None and self.world.now > self.cancelled_at + 0.5:
            self.report("cancellation-ignored", self.action.what, f"{self.world.now - self.cancelled_at:.2f} s")
        self.world.trace(f"{self} {outcome}")

    def report(self, code: str, context: str, detail: str) -> None:
        """Note that an invariant was broken."""
        self.world.report(code, context, f"{self}: {detail}")

    async def bounded(self, awaitable: Awaitable[T], seconds: float | None, what: str) -> T:
        """Await something that has to end within some seconds."""
        world, began = self.world, self.world.now
        self._awaits += 1
        number = self._awaits
        self.waiting_for[number] = what
        try:
            return await awaitable
        except asyncio.CancelledError:
            self._require_cancelled(what)
            raise
        except (CommerceLayerError, CallerError, StopAsyncIteration):
            raise
        except Exception as error:
            self.report("untyped-error", what, f"{type(error).__name__}: {error}"[:200])
            raise CallerError from error
        finally:
            del self.waiting_for[number]
            ended = world.now
            if seconds is not None and ended > began + seconds + _SLACK:
                self.report("overrun", what, f"took {ended - began:.2f} s of {seconds:g}")
            closed = self.live.closed_at
            if closed is not None and what != "close" and began < closed and ended > closed + _AFTER_CLOSE:
                self.report("outlives-close", what, f"ended {ended - closed:.2f} s after the session was closed")

    def _require_cancelled(self, what: str) -> None:
        task = asyncio.current_task()
        source = getattr(self, "source", None)
        if task is not None and not task.cancelling() and not (source is not None and source.failed):
            self.report("cancelled-by-nobody", what, "ended with CancelledError, and nobody had cancelled it")

    # What is asked with.

    @property
    def session(self) -> Session:
        """The session, or a copy of it."""
        session = self.world.session(self.action.session)
        return session.with_options(timeout=self.action.timeout) if self.action.copy else session

    @property
    def timeout(self) -> float | None:
        """The time that a call has."""
        return self.action.timeout if self.action.copy else self.live.plan.timeout

    @property
    def type(self) -> str:
        """The type that is read; one that has a class."""
        return self.action.type if self.action.type in _CLASSES else "customers"

    @property
    def ids(self) -> list[Any]:
        """The ids that are asked for: some that there are, some that there are not, some that are none."""
        letter, action = _LETTERS[self.type], self.action
        records = self.world.service.config.records
        ids: list[Any] = [f"{letter}{(action.first + n) % records:04}" for n in range(action.count)]
        ids[action.absent : action.absent] = [f"{letter}9{n:03}" for n in range(action.absent)]
        if action.bad:
            ids[1:1] = [_BAD_IDS[self.number % len(_BAD_IDS)]]
        return ids

    def check(self, resource: Any, type: str, id: str | None) -> None:
        """Compare a resource with the record that it has to be."""
        if id is None:
            if resource is not None:
                self.report("wrong-value", self.action.what, f"{resource.type}/{resource.id} where there is nothing")
        elif not isinstance(resource, Resource) or (resource.type, resource.id) != (type, id):
            self.report("wrong-value", self.action.what, f"{resource!r} instead of {type}/{id}"[:200])
        elif getattr(resource, "reference", None) not in (f"of-{id}", None):
            self.report("wrong-value", self.action.what, f"the content of another record than {type}/{id}")

    def check_error(self, error: BaseException, type: str, id: Any) -> None:
        """Only what there is not is not found."""
        if isinstance(error, NotFound) and self.world.service.has(type, str(id)):
            self.report("false-not-found", self.action.what, f"{type}/{id} is there: {error}"[:200])

    # Single records.

    async def _get(self) -> None:
        id = f"{_LETTERS[self.action.type]}9000" if self.action.absent else None
        await self._read_one(self.session, self.action.type, id or self._id_of(self.action.type, self.action.first))

    def _id_of(self, type: str, number: int) -> str:
        return f"{_LETTERS[type]}{number % self.world.service.config.records:04}"

    async def _read_one(self, session: Session, type: str, id: str, *, what: str = "get") -> None:
        asked: Any = _CLASSES.get(type, type)
        try:
            found = await self.bounded(session.get(asked, id), self.timeout, what)
        except CommerceLayerError as error:
            self.check_error(error, type, id)
            raise
        self.check(found, type, id)

    async def _at_once(self) -> None:
        session, type = self.session, self.action.type
        await asyncio.gather(
            *(
                self._read_one(session, type, self._id_of(type, self.action.first + n))
                for n in range(self.action.count)
            ),
            return_exceptions=True,
        )

    async def _job(self) -> None:
        """A session for some calls, closed and forgotten."""
        peer, session = self.world.make_session(self.action.session, self.number)
        type = self.action.type
        async with session:
            await asyncio.gather(
                *(self._read_one(session, type, self._id_of(type, n)) for n in range(self.action.count)),
                return_exceptions=True,
            )
        peer.closed_at = self.world.now
        del session
        if self.world.plan.collects:
            gc.collect()

    async def _beside(self) -> None:
        try:
            await self._get()
        except OurTimeoutError as error:
            self.report("starved", "beside bulk", f"timed out in phase {error.phase!r}")
            raise

    # Lists.

    async def _list(self) -> None:
        asked: Any = _CLASSES.get(self.action.type, self.action.type)
        page = await self.bounded(self.session.list(asked), self.timeout, "list")
        for resource, id in zip(page, self.world.service.ids(self.action.type), strict=False):
            self.check(resource, self.action.type, id)

    async def _first(self) -> None:
        asked: Any = _CLASSES.get(self.action.type, self.action.type)
        found = await self.bounded(self.session.list(asked).first(), self.timeout, "first")
        self.check(found, self.action.type, self.world.service.ids(self.action.type)[0])

    async def _count(self) -> None:
        asked: Any = _CLASSES.get(self.action.type, self.action.type)
        found = await self.bounded(self.session.list(asked).count(), self.timeout, "count")
        if found != self.world.service.config.records:
            self.report("wrong-value", "count", f"{found} of {self.world.service.config.records}")

    async def _iterate(self) -> None:
        asked: Any = _CLASSES.get(self.action.type, self.action.type)
        await self._walk(aiter(self.session.list(asked)), self.world.service.ids(self.action.type), "iterate")

    async def _scan(self) -> None:
        scan = self.session.scan(_CLASSES[self.type], page_size=min(25, 5 + self.action.count))
        await self._walk(aiter(scan), self.world.service.ids(self.type), "scan")

    async def _walk(self, items: Any, ids: list[str], what: str) -> None:
        """Iterate; where that ended by itself, each record came once and in order."""
        got: list[str] = []
        ended = False
        failures = 0
        leaves = self.action.leave_after
        try:
            while not ended and failures < 3:
                if leaves is not None and len(got) >= leaves:
                    if not self.action.returns:
                        break
                    await asyncio.sleep(0.05)
                    leaves = None
                try:
                    got.append((await self._next(items, self.timeout, what)).id)
                except StopAsyncIteration:
                    ended = True
                except CommerceLayerError:
                    failures += 1
        finally:
            await self.bounded(items.aclose(), 5.0, "aclose")
        self._compare(got, ids if ended else got, what)
        if got != ids[: len(got)]:
            self.report("wrong-value", what, f"in another order: {got[:5]}")

    async def _next(self, items: Any, seconds: float | None, what: str) -> Any:
        """The next item, in as many waits as the caller needs."""
        step = self.action.step
        for _ in range(_TURNS):
            if step is None:
                break
            try:
                async with asyncio.timeout(step):
                    return await self.bounded(anext(items), seconds, what)
            except CommerceLayerError:
                raise
            except TimeoutError:
                continue
        return await self.bounded(anext(items), seconds, what)

    def _compare(self, got: Sequence[Any], wanted: Iterable[Any], what: str) -> None:
        """Each of what was wanted was given once."""
        given, asked = Counter(map(_name_of, got)), Counter(map(_name_of, wanted))
        lost, more = asked - given, given - asked
        if lost:
            self.report("lost", what, f"{lost.total()} of {asked.total()} were not given: {sorted(lost)[:3]}")
        if more:
            known = [id for id in sorted(more) if id in asked]
            self.report("twice" if known else "not-asked-for", what, f"{sorted(more)[:3]}")

    # Many by id.

    async def _get_many(self) -> None:
        ids = self.ids
        try:
            found = await self.bounded(self.session.get_many(_CLASSES[self.type], ids), self.timeout, "get_many")
        except BulkError as error:
            for id, failure in error.failed.items():
                self.check_error(failure, self.type, id)
            for id, resource in error.fetched.items():
                self.check(resource, self.type, id)
            self._compare([*error.failed, *error.fetched], dict.fromkeys(ids), "get_many")
            raise
        for id, resource in zip(ids, found, strict=False):
            self.check(resource, self.type, id)
        self._compare([resource.id for resource in found], ids, "get_many")

    async def _prefetch(self) -> None:
        session = self.session
        wallets = await self.bounded(session.list(CustomerPaymentSource), self.timeout, "list")
        failed: Iterable[str] = ()
        try:
            await self.bounded(session.prefetch(wallets, self.action.relationship), self.timeout, "prefetch")
        except BulkError as error:
            failed = tuple(error.failed)
            for id, failure in error.failed.items():
                self.check_error(failure, "customer_payment_sources", id)
        for wallet in wallets:
            relationship = wallet.relationships[self.action.relationship]
            if relationship.loaded:
                self._check_related(relationship.value, wallet.id)
            elif wallet.id not in failed:
                self.report("lost", "prefetch", f"{wallet.id}.{self.action.relationship} is not loaded")

    async def _relate(self) -> None:
        session = self.session
        wallets = await self.bounded(
            session.list(CustomerPaymentSource, page_size=min(25, self.action.count)), self.timeout, "list"
        )
        await asyncio.gather(*(self._follow(wallet, n) for n, wallet in enumerate(wallets)), return_exceptions=True)

    async def _follow(self, wallet: CustomerPaymentSource, number: int) -> None:
        relationship: Any = getattr(wallet, self.action.relationship)
        try:
            async with asyncio.timeout(self.action.step if number % 3 == 0 else None):
                found = await self.bounded(relationship, self.timeout, "relationship")
        except NotFound as error:
            # Every wallet there is has these relationships.
            self.report("false-not-found", "relationship", f"{wallet.id}.{self.action.relationship}: {error}"[:200])
            raise
        self._check_related(found, wallet.id)

    def _check_related(self, found: Any, wallet: str) -> None:
        if self.action.relationship == "customer":
            self.check(found, "customers", self.world.service.customer_of(wallet))
        else:
            self.check(found, "stripe_payments", self.world.service.payment_source_of(wallet))

    async def _stream(self) -> None:
        action = self.action
        source = self.source = IdSource(action.source, self.ids, fails_after=action.fails_after)
        stream = self.session.stream(
            _CLASSES[self.type],
            source.make(),
            concurrency=action.concurrency,
            ordered=action.ordered,
            per_id=action.per_id,
        )
        outcomes: list[Any] = []
        ended: list[bool] = []
        async with stream:
            takers = [asyncio.ensure_future(self._take(stream, outcomes, ended)) for _ in range(action.consumers)]
            try:
                results = await asyncio.gather(*takers, return_exceptions=True)
            finally:
                for taker in takers:
                    taker.cancel()
                await asyncio.wait(takers)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if len(ended) == action.consumers:
            if source.failed:
                self.report("swallowed", "stream", f"the source of ids failed ({action.source}), and the stream ended")
            self._compare([outcome.id for outcome in outcomes], source.given, "stream")

    async def _take(self, stream: Any, outcomes: list[Any], ended: list[bool]) -> None:
        """Take outcomes until there are no more."""
        leaves = self.action.leave_after
        items = aiter(stream)
        while True:
            if leaves is not None and len(outcomes) >= leaves:
                if not self.action.returns:
                    return
                await asyncio.sleep(0.05)
                items, leaves = aiter(stream), None
            try:
                outcome = await self._next(items, _PATIENCE * 60, "stream")
            except StopAsyncIteration:
                ended.append(True)
                return
            outcomes.append(outcome)
            if isinstance(outcome, Failed):
                self.check_error(outcome.error, self.type, outcome.id)
            else:
                self.check(outcome.resource, self.type, outcome.id)

    # Bulk reads that have the windows for themselves.

    async def _lone_stream(self) -> None:
        began, got = self.world.now, 0
        ids = self.world.service.ids("customer_payment_sources")[: self.action.count]
        async with self.session.stream(CustomerPaymentSource, ids, per_id=True) as outcomes:
            async for _ in outcomes:
                got += 1
        self._require_used(got, self.world.now - began, "stream")

    async def _lone_scan(self) -> None:
        began, got = self.world.now, 1  # the last page is empty
        ids = self.world.service.ids("customer_payment_sources")
        async for _ in self.session.scan(CustomerPaymentSource, page_size=1, after=ids[-self.action.count]):
            got += 1
        self._require_used(got, self.world.now - began, "scan")

    def _require_used(self, got: int, took: float, what: str) -> None:
        least = self.action.bound or 0.0
        slowest = self.world.plan.faults.slowest
        # Each burst costs the latency of a request, since the client cannot know when within it the service counted.
        bursts = self.action.count // (self.live.plan.limits or ((1, 1.0), (1, 1.0)))[1][0]
        if got != self.action.count:
            self.report("lost", what, f"{got} of {self.action.count} requests")
        if took > 1.02 * least + (bursts + 10) * slowest:
            self.report("unused-windows", f"lone {what}", f"took {took:.1f} s, where the windows allow {least:.1f}")

    # Ends.

    async def _revoke(self) -> None:
        await self.bounded(self.session.revoke(), 200.0, "revoke")

    async def _close(self) -> None:
        session = self.world.session(self.action.session)
        self.live.close_begun = True
        await self.bounded(session.close(), 5.0, "close")
        await self._closed(session)

    async def _close_cancelled(self) -> None:
        session = self.world.session(self.action.session)
        first = asyncio.ensure_future(session.close())
        self.live.close_begun = True
        await asyncio.sleep(0 if self.number % 2 else self.action.timeout or 0.0)
        first.cancel()
        await asyncio.wait((first,))
        await self.bounded(session.close(), 5.0, "close")
        await self._closed(session)

    async def _closed(self, session: Session) -> None:
        """Whatever was under way has ended, and nothing is open."""
        live = self.live
        if live.closed_at is None:
            live.closed_at = live.peer.closed_at = self.world.now
        await asyncio.sleep(0.001)
        if live.peer.in_flight:
            self.report("outlives-close", "request", f"{live.peer.in_flight} requests are in flight after close()")
        if any(transport.is_open for transport in live.peer.transports):
            self.report("open-after-close", "transport", "a connection pool is open after close()")

    async def _close_copy(self) -> None:
        copy = self.world.session(self.action.session).with_options(timeout=60.0)
        call = asyncio.ensure_future(copy.get(Customer, "c0000"))
        call.add_done_callback(consume_exception)  # whoever was to look at it may be cancelled
        try:
            await asyncio.sleep(self.action.timeout or 0.0)
        except asyncio.CancelledError:
            # Else it goes on for as long as its own time is, and what it used is counted for a window beyond that.
            call.cancel()
            raise
        await self.bounded(copy.close(), 5.0, "close")
        _, pending = await asyncio.wait((call,), timeout=_AFTER_CLOSE)
        if pending:
            self.report("outlives-close", "call of a copy", "goes on after the copy was closed")
            call.cancel()
            await asyncio.wait((call,))
        if not call.cancelled() and call.exception() is not None:
            self.world.trace(f"{self}: the call ended with {type(call.exception()).__name__}")
