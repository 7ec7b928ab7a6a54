"""The run of one plan: what was planned goes wrong first, then nothing does, and at the end nothing may be left."""

import asyncio
import gc
import hashlib
import logging
from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any, Final

import attrs

from commercelayer_async import (
    AccessToken,
    AuthError,
    AuthorizationCode,
    Call,
    ClientCredentials,
    CommerceLayerError,
    Hooks,
    JwtBearer,
    NotFound,
    Password,
    RateLimits,
    RefreshToken,
    Retry,
    Session,
    SessionError,
    Unauthorized,
)
from commercelayer_async._tasks import consume_exception
from commercelayer_async.resources import Customer

from .callers import Caller
from .network import Network, Peer
from .parts import Behaviour, CallerError, MemoryStore, OwnLimiter, counting_hooks, raising_hooks, token_function
from .plan import Plan, SessionPlan
from .service import CLIENT_ID, CLIENT_SECRET, Login, Service, assertion_of, password_of
from .stores import ModelLimiter, Shelf
from .time import ProcessLoop, SimulatedClock, Stuck, Time, run_until
from .violations import Violation, Violations

_HORIZON: Final = 45_000.0
"""Seconds of virtual time after which whoever still waits waits for ever."""
_FADED: Final = 75.0
"""Seconds after which every window has forgotten all requests."""
_TOLD: Final = 100.0
"""Seconds after which the members of a shared budget have told what they had, and that has faded: those killed too."""
_AT_ONCE: Final = 3.0
"""Seconds in which as many calls are answered as a burst lets through, when nothing goes wrong any more."""
_ON_THE_WAY: Final = 10.0
"""Seconds that anything takes at most which was sent whole."""
_SETTLED: Final = 200.0
"""Seconds after close, in which nothing is sent and after which no timer is left."""
_PROBE: Final = 130.0
"""Seconds that a call may take when nothing goes wrong any more: two windows, and what they leave."""


@attrs.define(eq=False)
class Live:
    """One session of the plan, as it is now."""

    plan: SessionPlan
    peer: Peer
    session: Session | None = None
    limiter: OwnLimiter | None = None
    calls: list[Call] = attrs.field(factory=list)
    """Calls that hooks saw begin and not end."""
    closed_at: float | None = None
    close_begun: bool = False
    """True once somebody called close(), even if whoever called was cancelled: it ends the session all the same."""


@attrs.frozen
class Outcome:
    """What became of a plan."""

    plan: Plan
    violations: tuple[Violation, ...]
    trace: tuple[str, ...]

    @property
    def digest(self) -> str:
        """A short text that differs where anything went another way; what happens in one moment has no order."""
        return hashlib.sha256("\n".join(sorted(self.trace)).encode()).hexdigest()[:16]


class World:
    """One run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.time = Time()
        self._violations = Violations()
        self._trace: list[str] = []
        self._judges = True
        """Whether what is seen is reported."""
        self.loops = [ProcessLoop(self.time) for _ in range(plan.processes)]
        self.service = Service(plan.service, self.report)
        self.network = Network(
            plan.seed,
            self.service,
            self.time,
            self.report,
            self.trace,
            faults=plan.faults,
            token_faults=plan.token_faults,
        )
        self.behaviour = Behaviour(Random(plan.seed + 5), plan.raises, plan.hangs, plan.lies)
        self.store = MemoryStore(self.behaviour)
        self.shelf: Shelf | None = None
        self.limiters: list[ModelLimiter] = []
        if plan.store is not None:
            shelf = self.shelf = Shelf(plan.store, self.time, Random(plan.seed + 7), self.trace)
            self.limiters = [ModelLimiter(shelf, n) for n in range(plan.processes)]
            self.service.budget = "shared "
            self.service.spare_windows = lambda: shelf.spare_windows
            if plan.service.opaque_tokens and plan.store.limits is None:
                shelf.spare_windows += 1  # nobody knows the limits before a header reports them
        self.lives = [Live(one, self._peer(n, one)) for n, one in enumerate(plan.sessions)]
        self.callers = [Caller(self, action, n) for n, action in enumerate(plan.actions)]
        self._running: dict[Caller, asyncio.Task[None]] = {}
        self._made = len(self.lives)

    @property
    def now(self) -> float:
        """The moment."""
        return self.time.moment

    def report(self, code: str, context: str, detail: str) -> None:
        """Note that an invariant was broken."""
        if not self._judges:
            return
        self._violations.add(code, context, detail, self.now)
        self.trace(f"!!! {code} {context}: {detail}")

    def trace(self, text: str) -> None:
        """Note what happened."""
        self._trace.append(f"{self.time.moment - 1000.0:10.3f}  {text}")

    # Sessions.

    def session(self, number: int) -> Session:
        """The session of that number in the plan, made at its first use."""
        live = self.lives[number]
        if live.session is None:
            live.session = self._session(live.plan, live.peer, live)
        return live.session

    def make_session(self, number: int, job: int) -> tuple[Peer, Session]:
        """A new session like one of the plan, which its caller closes."""
        plan = self.lives[number].plan
        self._made += 1
        peer = self._peer(self._made + job, plan)
        return peer, self._session(plan, peer, None)

    def _peer(self, number: int, plan: SessionPlan) -> Peer:
        address = "10.0.0.1" if self.plan.one_address else f"10.0.0.{plan.process + 1}"
        return Peer(f"s{number}", number, plan.login, address, uses_own_limiter=plan.limiter is not None)

    def _session(self, plan: SessionPlan, peer: Peer, live: Live | None) -> Session:
        peer.made_at = self.now
        random = Random(self.plan.seed * 31 + peer.number)
        seams = {"transports": self.network.transports_of(peer), "clock": SimulatedClock(self.time, random.random)}
        limiter: OwnLimiter | None = None
        if plan.limiter is not None:
            limiter = OwnLimiter(self.behaviour, waits=plan.limiter == "waits")
            self.service.excused_addresses.add(peer.address)
        hooks: Hooks | None = None
        if plan.hooks == "raise":
            hooks = raising_hooks()
        elif plan.hooks == "count" and live is not None:
            hooks = counting_hooks(live.calls)
        if live is not None:
            live.limiter = limiter
        cls = type("Session", (Session,), {"_seams": seams})
        self.trace(f"{peer.name} is made: {plan.login.user} by {plan.login.grant}")
        made: Session = cls(
            "acme",
            self._auth(plan.login),
            timeout=plan.timeout,
            limits=None if plan.limits is None else RateLimits(average=plan.limits[0], burst=plan.limits[1]),
            limiter=self.limiters[plan.process] if self.limiters else limiter,
            token_store=self.store if plan.stores else None,
            hooks=hooks,
            max_connections=plan.max_connections,
            batching=plan.batching,
        )
        return made

    def _auth(self, login: Login) -> Any:  # noqa: PLR0911 - one table
        user, mode = login.user, login.mode
        principal = f"{user}/{mode}"
        match login.grant:
            case "client":
                return ClientCredentials(CLIENT_ID, CLIENT_SECRET if login.good else "a wrong secret", scope=mode)
            case "password":
                return Password(CLIENT_ID, user, password_of(user) if login.good else "a wrong password", scope=mode)
            case "refresh":
                token = self.service.first_refresh_token(principal)
                return RefreshToken(CLIENT_ID, token if login.good else "a wrong refresh token")
            case "jwt":
                return JwtBearer(CLIENT_ID, CLIENT_SECRET, assertion_of(user, good=login.good), scope=mode)
            case "code":
                code = self.service.code(principal)
                redirect = "https://app.example/callback"
                return AuthorizationCode(CLIENT_ID, CLIENT_SECRET, code if login.good else "a wrong code", redirect)
            case "function":
                return token_function(self.service, login, self.time, self.behaviour)
            case _:
                return AccessToken(self.service.issue(principal, mode, self.now).value)

    # The run.

    def run(self) -> Outcome:
        """Run the plan, and check what has to hold."""
        for caller in self.callers:
            self._begin(caller)
        for moment, process, count in self.plan.foreign:
            self.loops[0].call_at(1000.0 + moment, self._arrive_foreign, process, count)
        for moment, process in self.plan.kills:
            self.loops[0].call_at(1000.0 + moment, self._kill, process)
        stuck = self._run_until(lambda: all(self._is_done(caller) for caller in self.callers))
        for caller in self.callers:
            if not self._is_done(caller):
                for what in caller.waiting_for.values() or ("something of its own",):
                    self.report("spins" if stuck == "spins" else "waits-for-ever", what, f"{caller} waits for {what}")
                self._abandon(caller)
        if stuck != "spins":
            self.behaviour.end_faults()
            self.network.end_faults()
            if self.shelf is not None:
                self.shelf.end_faults()
            self._finish()
        self._clean_up()
        return Outcome(self.plan, self._violations.all(), tuple(self._trace))

    def _begin(self, caller: Caller) -> None:
        loop = self.loops[caller.live.plan.process]
        when = 1000.0 + caller.action.at

        def start() -> None:
            self.trace(f"{caller} begins")
            self._running[caller] = loop.create_task(caller.run())
            if caller.action.cancel_after is not None:
                loop.call_later(caller.action.cancel_after, cancel)

        def cancel() -> None:
            task = self._running[caller]
            if not task.done():
                caller.cancelled_at = self.now
                self.trace(f"{caller} is cancelled")
                task.cancel()

        loop.call_at(when, start)

    def _kill(self, process: int) -> None:
        """Stop a process in the middle of whatever it does; what it has sent arrives all the same.

        But for requests that are sent slowly, of which the rest will never be: their connections are closed.
        """
        self.trace(f"process {process} is killed")
        self.loops[process].killed = True
        assert self.shelf is not None
        self.shelf.somebody_went = True
        self.limiters[process].kill()
        for peer in [live.peer for live in self.lives if live.plan.process == process]:
            for moment, arrive in peer.on_their_way.values():
                if moment < self.now + _ON_THE_WAY:
                    self.loops[0].call_at(moment, arrive)

    def _is_alive(self, live: Live) -> bool:
        """True if a session was made, is open, and its process was not killed."""
        return live.session is not None and live.closed_at is None and not self.loops[live.plan.process].killed

    def _is_done(self, caller: Caller) -> bool:
        task = self._running.get(caller)
        return self.loops[caller.live.plan.process].killed or (task is not None and task.done())

    def _abandon(self, caller: Caller) -> None:
        task = self._running.get(caller)
        if task is not None:
            task.cancel()
            self._run_until(task.done)

    def _arrive_foreign(self, process: int, count: int) -> None:
        for type in ("customers", "customer_payment_sources"):
            self.service.arrive_foreign(f"10.0.0.{process + 1}", "test", type, count, self.now)

    def _run_until(self, done: Any) -> str | None:
        """Run all loops until something is so; gives why it never will be, or None."""
        try:
            run_until(self.loops, self.time, done, horizon=1000.0 + _HORIZON)
        except Stuck as stuck:
            return str(stuck)
        return None

    def _do(self, process: int, doing: Coroutine[Any, Any, Any], what: str) -> Any:
        """Run one coroutine to its end in a process's loop."""
        loop = self.loops[process]
        task = loop.create_task(doing)
        self.time_limit = self.now + _HORIZON
        try:
            run_until(self.loops, self.time, task.done, horizon=self.now + _HORIZON)
        except Stuck as stuck:
            self.report("spins" if str(stuck) == "spins" else "waits-for-ever", what, f"{what} does not end")
            task.cancel()
            self._run_until(task.done)
            return None
        return task.result() if not task.cancelled() else None

    # After the run.

    def _finish(self) -> None:
        """Nothing goes wrong any more: what was opened works, and what ended has left nothing behind."""
        if self.shelf is None:
            self._do(0, asyncio.sleep(_FADED), "time")
        else:
            # Also of what a store makes only when it goes on, for members that have gone meanwhile.
            self._do(0, asyncio.sleep(max(0.0, self.shelf.last_fault_ends - self.now) + _TOLD), "time")
        for live in filter(self._is_alive, self.lives):
            self._do(live.plan.process, self._check_leases(live), "check")
        if self.shelf is not None:
            self._check_use()
        for live in filter(self._is_alive, self.lives):
            self._do(live.plan.process, self._probe(live), "probe")
        self._check_spent_tokens()
        for live in self.lives:
            if live.session is not None and not self.loops[live.plan.process].killed:
                self._do(live.plan.process, self._close(live), "close")
        self._check_tasks()
        self._do(0, asyncio.sleep(_SETTLED), "time")
        self._check_rest()

    async def _check_leases(self, live: Live) -> None:
        assert live.session is not None
        name = live.peer.name
        if live.limiter is not None:
            if live.limiter.open:
                self.report("lease-left", "own limiter", f"{live.limiter.open} leases of {name} did not come back")
        else:
            state = live.session.rate_limits if live.peer.sent else None
            if state is not None and state.waiting:
                self.report("waiter-left", "limiter", f"{state.waiting} wait, and nobody calls")
            if state is not None and state.remaining != state.limit:
                self.report("lease-left", "limiter", f"{state.remaining} of {state.limit} are free, and nobody calls")
        if live.calls:
            self.report("waiter-left", "hooks", f"{len(live.calls)} calls began and did not end")
        if live.peer.in_flight:
            self.report("request-left", "network", f"{live.peer.in_flight} requests of {name} are in flight")

    def _check_use(self) -> None:
        """All that is open may use a whole burst at once, whatever happened to the store before."""
        alive = [live for live in self.lives if self._is_alive(live) and live.peer.sent]
        if not alive:
            return
        mode = self.plan.sessions[0].login.mode
        limits = self.plan.service.modes[mode]
        # Headers report the average alone, and a quarter of it is what is then believed of bursts.
        burst = min(limits.burst[0], limits.average[0] // 4)
        began = self.now
        tasks = [
            self.loops[live.plan.process].create_task(self._use(live))
            for live in alive
            for _ in range(burst // len(alive))
        ]
        self._run_until(lambda: all(task.done() for task in tasks))
        if self.now > began + _AT_ONCE:
            detail = f"{len(tasks)} calls took {self.now - began:.1f} s, and {burst} may leave at once"
            self.report("unused-windows", "shared", detail)

    async def _use(self, live: Live) -> None:
        assert live.session is not None
        try:
            await live.session.with_options(timeout=_PROBE).get("prices", "c0001")
        except (CommerceLayerError, CallerError) as error:
            if not isinstance(error, NotFound):
                self.report("wedged", "use", f"{live.peer.name}: {type(error).__name__}: {error}"[:250])

    async def _probe(self, live: Live) -> None:
        """A session that is open works, whatever happened before."""
        session = live.session
        assert session is not None
        patient = session.with_options(timeout=_PROBE, retry=Retry())
        began = self.now
        try:
            await patient.get(Customer, "c0001")
        except (AuthError, Unauthorized) as error:
            if self._must_have_token(live):
                self.report("locked-out", live.plan.login.grant, f"{live.peer.name}: {error}"[:250])
        except SessionError as error:
            if not live.close_begun:
                self.report("wedged", "probe", f"{live.peer.name}: {error}"[:250])
        except (CommerceLayerError, CallerError) as error:
            self.report("wedged", "probe", f"{live.peer.name}: {type(error).__name__}: {error}"[:250])
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            self.report("untyped-error", "probe", f"{live.peer.name}: {type(error).__name__}: {error}"[:250])
        if self.now > began + _PROBE + 0.01:
            self.report("overrun", "probe", f"took {self.now - began:.2f} s of {_PROBE:g}")

    def _must_have_token(self, live: Live) -> bool:
        """True if good credentials are there, so that a token can be had."""
        login = live.plan.login
        if login.principal is None:
            return False
        if login.grant == "fixed":
            return self.plan.service.token_life >= 7200.0 and not any(
                action.what == "revoke" for action in self.plan.actions
            )
        if login.grant not in ("refresh", "code"):
            return True
        # What can be used once only: another session of the same user has used it, or the response was lost.
        if login.principal in self.service.lost_refresh:
            return False
        same = [one for one in self.plan.sessions if one.login.principal == login.principal]
        alone = sum(one.login.grant == login.grant for one in same) == 1
        return alone and self.plan.store_is_healthy and not self._anybody("close")

    def _anybody(self, *whats: str) -> bool:
        return any(action.what in whats for action in self.plan.actions)

    def _check_spent_tokens(self) -> None:
        """A refresh token that was refused is not sent again where another way is open."""
        for live in self.lives:
            login = live.plan.login
            # It cannot know of those that it was not told of.
            refusals = self.service.refusals_of(live.peer.name) - live.peer.untold_refusals
            newer = (
                live.plan.stores
                and self.plan.store_is_healthy
                and login.principal not in self.service.lost_refresh
                and all(one.stores for one in self.plan.sessions if one.login.principal == login.principal)
                and not self._anybody("revoke")
            )
            if refusals > 1 and login.good and (login.grant in ("password", "jwt") or newer):
                detail = f"{live.peer.name} sent one refresh token {refusals} times after it was spent"
                self.report("spent-refresh-token", login.grant, detail)

    async def _close(self, live: Live) -> None:
        assert live.session is not None
        began = self.now
        await live.session.close()
        if self.now > began + 5.0:
            self.report("close-hangs", "close", f"took {self.now - began:.1f} s")
        live.closed_at = live.peer.closed_at = live.peer.closed_at or self.now
        await asyncio.sleep(0.001)

    def _check_tasks(self) -> None:
        for loop in self.loops:
            for task in () if loop.killed else asyncio.all_tasks(loop):
                name = getattr(task.get_coro(), "__qualname__", "a task")
                self.report("task-left", name, "is left after all sessions were closed")
        for live in self.lives:
            if self.loops[live.plan.process].killed:
                continue
            if live.peer.in_flight:
                self.report(
                    "request-left", "close", f"{live.peer.in_flight} requests of {live.peer.name} are in flight"
                )
            if any(transport.is_open for transport in live.peer.transports):
                self.report("open-after-close", "transport", f"a connection pool of {live.peer.name} is open")

    def _check_rest(self) -> None:
        for loop in self.loops:
            if loop.timers:
                self.report("timer-left", "loop", f"{len(loop.timers)} timers: {loop.timers[0]!r}"[:200])

    def _close_late(self, loop: ProcessLoop) -> None:
        """Close the sessions of a process that was killed, which nobody is told of any more."""
        closing = [
            loop.create_task(live.session.close())
            for live in self.lives
            if live.session is not None and self.loops[live.plan.process] is loop
        ]
        for task in closing:
            task.add_done_callback(consume_exception)
        with suppress(Stuck):
            run_until([loop], self.time, lambda: all(task.done() for task in closing), horizon=self.now + _SETTLED)

    def _clean_up(self) -> None:
        for loop in self.loops:
            # What ends only now, in a process that was killed, was never to end.
            self._judges, loop.killed = not loop.killed, False
            if not self._judges:
                self._close_late(loop)
            for _ in range(5):
                left = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
                if not left:
                    break
                for task in left:
                    task.cancel()
                loop.turn()
                loop.turn()
            if not self._judges:
                loop.errors.clear()
        self._judges = True
        for live in self.lives:
            live.session = None
        self._running.clear()
        for loop in self.loops:
            loop.close()
            for error in loop.errors:
                self.report("loop-error", error.partition(":")[0], error[:250])


def run(plan: Plan) -> Outcome:
    """Run a plan."""
    log = logging.getLogger("commercelayer_async")
    level, was_enabled = log.level, gc.isenabled()
    log.setLevel(logging.CRITICAL + 1)
    # Where garbage is collected, something may end: only at moments that the plan chooses.
    gc.disable()
    if plan.collects:
        gc.collect()
        gc.freeze()
    try:
        return World(plan).run()
    finally:
        if was_enabled:
            gc.enable()
        log.setLevel(level)
