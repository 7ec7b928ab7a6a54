"""From a seed to a plan: a service, sessions, and what callers do with them and when. Nothing runs here."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import attrs

from .faults import EVENTS, NO_FAULTS, Faults
from .service import Limits, Login, Pair, ServiceConfig
from .stores import FAULTS as STORE_FAULTS
from .stores import StoreFault, StorePlan


@attrs.frozen(kw_only=True)
class SessionPlan:
    """How one session is made."""

    login: Login
    process: int = 0
    timeout: float | None = 8.0
    limits: tuple[Pair, Pair] | None = None
    """The average and the burst that are configured; None to go by the token and the headers."""
    limiter: str | None = None
    """A limiter of the caller's: `open`, or `waits`, whose leases always have to be waited for."""
    stores: bool = False
    """Whether it is given the run's token store."""
    hooks: str | None = None
    max_connections: int = 100
    batching: bool = True


@attrs.frozen(kw_only=True)
class Action:
    """What one caller does, from a moment on."""

    what: str
    at: float = 0.0
    session: int = 0
    count: int = 1
    """Records, or calls at once."""
    first: int = 0
    """The number of the first record."""
    absent: int = 0
    """Ids among them that the service does not have."""
    bad: bool = False
    """Whether there are ids among them that are no ids."""
    type: str = "customers"
    relationship: str = "customer"
    copy: bool = False
    """Whether it is done through a copy of the session."""
    timeout: float | None = None
    """That copy's time for a call."""
    cancel_after: float | None = None
    step: float | None = None
    """Seconds after which the caller gives up each wait for the next outcome, and tries again."""
    leave_after: int | None = None
    """Outcomes after which the caller leaves the loop."""
    returns: bool = False
    """Whether it goes on where it left."""
    source: str = "list"
    fails_after: int = 10**6
    concurrency: int = 4
    ordered: bool = False
    per_id: bool = False
    consumers: int = 1
    bound: float | None = None
    """Seconds for all of it, where the plan knows them."""


@attrs.frozen(kw_only=True)
class Plan:
    """All of one run."""

    seed: int
    theme: str
    processes: int = 1
    one_address: bool = False
    service: ServiceConfig = attrs.field(factory=ServiceConfig)
    faults: Faults = NO_FAULTS
    token_faults: Faults = NO_FAULTS
    raises: int = 0
    hangs: int = 0
    lies: int = 0
    store: StorePlan | None = None
    """The store of a rate budget that all processes share."""
    kills: tuple[tuple[float, int], ...] = ()
    """When, and which processes are killed."""
    foreign: tuple[tuple[float, int, int], ...] = ()
    """When, at which process's address, and how many requests somebody else sends."""
    sessions: tuple[SessionPlan, ...]
    actions: tuple[Action, ...]
    collects: bool = False
    """Whether garbage is collected after each job."""

    @property
    def store_is_healthy(self) -> bool:
        """True if the token store never misbehaves."""
        return not (self.raises or self.hangs or self.lies)

    def __str__(self) -> str:
        lines = [f"seed {self.seed}, theme {self.theme}"]
        for field in attrs.fields(Plan):
            value = getattr(self, field.name)
            if field.name not in ("seed", "theme", "sessions", "actions") and value != default_of(self, field.name):
                lines.append(f"  {field.name}: {_shown(value)}")
        lines += [f"  session {n}: {_shown(session)}" for n, session in enumerate(self.sessions)]
        lines += [f"  {_shown(action)}" for action in self.actions]
        return "\n".join(lines)


def default_of(value: Any, name: str) -> Any:
    default: Any = getattr(attrs.fields_dict(type(value))[name], "default", attrs.NOTHING)
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type] # a class


def _shown(value: Any) -> str:
    """A value without what is by default."""
    if not attrs.has(type(value)):
        return repr(value)
    parts = [
        f"{field.name}={_shown(getattr(value, field.name))}"
        for field in attrs.fields(type(value))
        if getattr(value, field.name) != default_of(value, field.name)
    ]
    return f"{type(value).__name__}({', '.join(parts)})"


USERS: Final = ("ann", "bob", "cid")
_GRANTS: Final = ("client", "client", "password", "refresh", "jwt", "code", "fixed", "function")
_SMALL: Final[tuple[Pair, Pair]] = ((12, 60.0), (4, 10.0))


class Draw:
    """The random of one plan, and what is often drawn with them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed * 2_654_435_761 + 1)

    def one_in(self, n: int) -> bool:
        return self.random.randrange(n) == 0

    def among(self, *values: Any) -> Any:
        return self.random.choice(values)

    def between(self, least: float, most: float) -> float:
        # In milliseconds, so that it is read easily, and that several things happen in one moment.
        return round(least + self.random.random() * (most - least), 3)

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def faults(self, *, often: int = 120) -> Faults:
        """Mostly fine; else some of the events, together in `often` of a thousand requests."""
        if self.one_in(3):
            return NO_FAULTS
        events = self.random.sample(EVENTS, self.number(1, 4))
        return Faults({event: max(1, often // len(events)) for event in events}, slowest=self.among(0.05, 0.2, 1.5))

    def login(self, *, grants: tuple[str, ...] = _GRANTS, wrong: int = 10) -> Login:
        """A login; one in `wrong` is a wrong one."""
        grant = self.among(*grants)
        good = grant in ("fixed", "function") or not self.one_in(wrong)
        return Login(grant, self.among(*USERS), good, self.among("test", "test", "live"))

    def session(self, processes: int, **options: Any) -> SessionPlan:
        """A session with an option or two that is not the default."""
        given = {
            "login": self.login(),
            "process": self.number(0, processes - 1),
            "timeout": self.among(2.0, 5.0, 8.0, 8.0, 30.0),
            "max_connections": self.among(1, 2, 100, 100),
            "batching": not self.one_in(5),
            "hooks": self.among(None, None, None, "raise", "count"),
            "stores": self.one_in(3),
        }
        return SessionPlan(**{**given, **options})

    def action(self, sessions: int, until: float, *whats: str, **options: Any) -> Action:
        """Something that a caller does."""
        what = self.among(*whats)
        given: dict[str, Any] = {
            "at": self.among(0.0, self.between(0.0, until), self.between(0.0, until)),
            "session": self.number(0, sessions - 1),
            "count": self.number(1, 8),
            "first": self.number(0, 20),
            "type": self.among("customers", "customer_payment_sources", "markets"),
            "relationship": self.among("customer", "customer", "payment_source"),
        }
        if self.one_in(4):
            given["copy"] = True
            given["timeout"] = self.among(1.0, 4.0, 20.0)
        if self.one_in(4):
            given["cancel_after"] = self.among(0.0, self.between(0.0, 0.4), self.between(0.0, 6.0))
        if what in ("get_many", "stream", "prefetch", "relate"):
            given["count"] = self.among(self.number(1, 8), self.number(10, 30), self.number(26, 60))
            given["absent"] = self.among(0, 0, 1, 3)
            given["bad"] = self.one_in(6)
        if what == "relate":
            given["step"] = self.among(None, None, self.between(0.01, 0.5))
        if what == "get":
            given["absent"] = self.among(0, 0, 0, 1)
        if what in ("iterate", "scan", "stream"):
            given["step"] = self.among(None, None, self.between(0.01, 0.5))
            given["leave_after"] = self.among(None, None, self.number(0, 20))
            given["returns"] = self.one_in(2)
        if what == "stream":
            given["source"] = self.among("list", "list", "generator", "async", "raises", "async-raises")
            given["fails_after"] = self.number(0, given["count"])
            given["concurrency"] = self.number(1, 4)
            given["ordered"] = self.one_in(3)
            given["per_id"] = self.one_in(4)
            given["consumers"] = self.among(1, 1, 2)
        return Action(what=what, **{**given, **options})


_READS: Final = (
    "get",
    "get",
    "list",
    "iterate",
    "scan",
    "first",
    "count",
    "stream",
    "get_many",
    "prefetch",
    "relate",
    "relate",
)


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    draw = Draw(seed)
    if seed % _EVERY == _SHARED:
        return _finished(_shared_budget(draw, seed), "shared")
    roll = draw.random.randrange(100)
    for name, share, make in _THEMES:
        if roll < share:
            return _finished(make(draw, seed), name)
        roll -= share
    raise AssertionError("the shares add up to a hundred")


def _finished(plan: Plan, theme: str) -> Plan:
    return attrs.evolve(plan, theme=theme, actions=tuple(sorted(plan.actions, key=lambda one: one.at)))


def _service(draw: Draw) -> ServiceConfig:
    opaque = draw.one_in(4)
    return ServiceConfig(
        opaque_tokens=opaque,
        rate_headers=opaque or not draw.one_in(6),
        page_clamp=draw.among(25, 25, 25, 10, 4),
        counts=not draw.one_in(6),
        filters_by_ids=not draw.one_in(6),
        unrouted=draw.among(frozenset(), frozenset({"payment_source"}), frozenset({"payment_source", "customer"})),
        rotates=not draw.one_in(5),
        token_life=draw.among(7200.0, 7200.0, 60.0, 20.0),
    )


def _mixed(draw: Draw, seed: int) -> Plan:
    processes = draw.among(1, 1, 2)
    sessions = tuple(draw.session(processes) for _ in range(draw.number(1, 3)))
    actions = [draw.action(len(sessions), 30.0, *_READS) for _ in range(draw.number(2, 7))]
    if draw.one_in(3):
        actions.append(draw.action(len(sessions), 20.0, "close", "close_copy", "revoke", "close_cancelled"))
    return Plan(
        seed=seed,
        theme="",
        processes=processes,
        service=_service(draw),
        faults=draw.faults(),
        token_faults=draw.faults(often=80),
        sessions=sessions,
        actions=tuple(actions),
        foreign=tuple((draw.between(0.0, 20.0), 0, draw.number(1, 120)) for _ in range(draw.among(0, 0, 1))),
    )


def _tokens(draw: Draw, seed: int) -> Plan:
    life = draw.among(20.0, 40.0, 7200.0)
    store = not draw.one_in(4)
    processes = draw.among(1, 2, 3)
    grants = draw.among(("password", "jwt"), ("refresh", "password"), ("code", "client"), _GRANTS)
    mode = draw.among("test", "live")
    sessions = []
    for _ in range(draw.number(2, 5)):
        login = attrs.evolve(draw.login(grants=grants, wrong=5), mode=mode)
        sessions.append(
            SessionPlan(login=login, process=draw.number(0, processes - 1), stores=store, timeout=draw.among(4.0, 8.0))
        )
    until = draw.among(life * 3, 30.0) if life < 100 else 30.0
    actions = [
        draw.action(len(sessions), until, "get", cancel_after=None, absent=0, count=1)
        for _ in range(draw.number(4, 16))
    ]
    if draw.one_in(3):
        revoke = draw.action(len(sessions), until / 2, "revoke", cancel_after=None, copy=False)
        # And somebody who logs in the same way afterwards.
        sessions.append(attrs.evolve(sessions[revoke.session], process=draw.number(0, processes - 1)))
        later = revoke.at + draw.between(1.0, 8.0)
        actions += [revoke, Action(what="get", at=later, session=len(sessions) - 1)]
    if draw.one_in(4):
        actions.append(draw.action(len(sessions), until, "close", cancel_after=None))
    misbehaves = draw.one_in(4)
    return Plan(
        seed=seed,
        theme="",
        processes=processes,
        service=ServiceConfig(token_life=life, rotates=not draw.one_in(4), opaque_tokens=draw.one_in(3)),
        faults=NO_FAULTS,
        token_faults=draw.faults(often=60),
        raises=draw.among(0, 60) if misbehaves else 0,
        hangs=draw.among(0, 60) if misbehaves else 0,
        lies=draw.among(0, 60) if misbehaves else 0,
        sessions=tuple(sessions),
        actions=tuple(actions),
    )


def _limits(draw: Draw, seed: int) -> Plan:
    variant: Callable[[Draw, int], Plan] = draw.among(
        _jobs, _many_at_once, _configured, _token_jobs, _shared_address, _raised_average
    )
    return variant(draw, seed)


def _jobs(draw: Draw, seed: int) -> Plan:
    """Sessions one after another, none of which breaks a window by itself."""
    login = Login("fixed", "ann", mode="test")
    if draw.one_in(2):
        # Small windows, and a job in each of the bursts: only the average is too small for all of them.
        average, burst = _SMALL
        service = ServiceConfig(modes={mode: Limits(average=average, burst=burst) for mode in ("test", "live")})
        actions = [Action(what="job", at=11.0 * n, count=4) for n in range(draw.number(3, 5))]
        plan = SessionPlan(login=login, limits=_SMALL, timeout=100.0)
        return Plan(seed=seed, theme="", service=service, sessions=(plan,), actions=tuple(actions), collects=True)
    actions = [
        Action(what="job", at=draw.between(0.0, 0.5) + 1.5 * n, count=draw.number(5, 20))
        for n in range(draw.number(2, 5))
    ]
    return Plan(seed=seed, theme="", sessions=(SessionPlan(login=login),), actions=tuple(actions), collects=True)


def _token_jobs(draw: Draw, seed: int) -> Plan:
    """As many sessions one after another as the token endpoint allows in a minute, and some more."""
    login = Login("client", "ann", mode="live")
    jobs = draw.number(31, 36)
    actions = [Action(what="job", at=1.2 * n, count=1) for n in range(jobs)]
    plan = SessionPlan(login=login, timeout=draw.among(2.0, 60.0))
    return Plan(seed=seed, theme="", sessions=(plan,), actions=tuple(actions), collects=True)


def _many_at_once(draw: Draw, seed: int) -> Plan:
    """Many calls at once, by one or two sessions of one or two modes."""
    modes = draw.among(("test",), ("test",), ("live", "test"), ("test", "live"))
    sessions = tuple(
        SessionPlan(login=Login(draw.among("fixed", "client", "password"), "ann", mode=mode), timeout=30.0)
        for mode in modes
    )
    actions = [
        Action(
            what="at_once",
            at=draw.between(0.0, 25.0),
            session=draw.number(0, len(sessions) - 1),
            count=draw.number(10, 40),
            type=draw.among("customers", "customers", "customers", "customer_payment_sources"),
        )
        for _ in range(draw.number(1, 3))
    ]
    # Where neither the token nor a header tells them, nobody can know the windows.
    opaque = draw.one_in(2)
    service = ServiceConfig(opaque_tokens=opaque, rate_headers=opaque or not draw.one_in(4))
    faults = Faults(draw.among({}, {"lost": 50}, {"throttled": 20}, {"bad-gateway": 50}), first=None)
    if draw.one_in(2):
        faults = attrs.evolve(faults, first=draw.among("bad-gateway", "bare", "unavailable"))
    return Plan(seed=seed, theme="", sessions=sessions, actions=tuple(actions), service=service, faults=faults)


def _configured(draw: Draw, seed: int) -> Plan:
    """Small windows, which the sessions know."""
    average, burst = _SMALL
    service = ServiceConfig(modes={mode: Limits(average=average, burst=burst) for mode in ("test", "live")})
    sessions = tuple(
        SessionPlan(
            login=Login("fixed", "ann", mode="test"),
            limits=_SMALL,
            timeout=draw.among(5.0, 30.0, 100.0),
            max_connections=draw.among(1, 2, 100),
        )
        for _ in range(draw.number(1, 3))
    )
    actions = [
        draw.action(len(sessions), 80.0, "at_once", "at_once", "iterate", "get_many", "relate", step=None)
        for _ in range(draw.number(2, 5))
    ]
    if draw.one_in(3):
        actions.append(draw.action(len(sessions), 60.0, "close"))
    foreign = tuple((draw.between(0.0, 60.0), 0, draw.number(1, 6)) for _ in range(draw.among(0, 0, 2)))
    return Plan(
        seed=seed,
        theme="",
        sessions=sessions,
        actions=tuple(actions),
        service=service,
        faults=draw.faults(),
        foreign=foreign,
    )


def _shared_address(draw: Draw, seed: int) -> Plan:
    """Two processes at one address, each of which was given half of the windows."""
    half: tuple[Pair, Pair] = ((10, 60.0), (3, 10.0))
    service = ServiceConfig(modes={mode: Limits(average=(20, 60.0), burst=(6, 10.0)) for mode in ("test", "live")})
    sessions = tuple(
        SessionPlan(login=Login("fixed", "ann", mode="test"), process=n, limits=half, timeout=30.0) for n in range(2)
    )
    actions = [draw.action(2, 60.0, "at_once", count=draw.number(2, 8)) for _ in range(draw.number(2, 5))]
    return Plan(
        seed=seed,
        theme="",
        processes=2,
        one_address=True,
        service=service,
        sessions=sessions,
        actions=tuple(actions),
        faults=draw.faults(),
    )


def _raised_average(draw: Draw, seed: int) -> Plan:
    """An organization whose average is another than that of its mode, and whose bursts are not."""
    requests = draw.among(300, 400, 60)
    service = ServiceConfig(
        modes={mode: Limits(average=(requests, 60.0), burst=(25, 10.0)) for mode in ("test", "live")}
    )
    sessions = (SessionPlan(login=Login("fixed", "ann", mode="test"), timeout=60.0),)
    actions = tuple(
        Action(what="at_once", at=draw.between(0.0, 40.0), count=draw.number(15, 30)) for _ in range(draw.number(2, 4))
    )
    return Plan(seed=seed, theme="", service=service, sessions=sessions, actions=actions)


def _closing(draw: Draw, seed: int) -> Plan:
    processes = draw.among(1, 1, 2)
    sessions = tuple(
        draw.session(processes, timeout=draw.among(8.0, 30.0, None), login=draw.login(wrong=1000))
        for _ in range(draw.number(1, 2))
    )
    reads = ("get", "stream", "get_many", "relate", "iterate", "scan", "prefetch")
    actions = [
        draw.action(len(sessions), 3.0, *reads, copy=draw.one_in(2), timeout=draw.among(10.0, 30.0))
        for _ in range(draw.number(2, 6))
    ]
    actions += [
        draw.action(
            len(sessions),
            4.0,
            "close",
            "close",
            "close_cancelled",
            "close_copy",
            cancel_after=None,
            timeout=draw.between(0.0, 0.3),
        )
        for _ in range(draw.number(1, 2))
    ]
    faults = attrs.evolve(draw.faults(), slowest=draw.among(0.3, 2.0))
    return Plan(
        seed=seed,
        theme="",
        processes=processes,
        sessions=sessions,
        actions=tuple(actions),
        faults=faults,
        service=ServiceConfig(token_life=draw.among(7200.0, 20.0)),
        token_faults=draw.faults(often=60),
    )


def _bulk(draw: Draw, seed: int) -> Plan:
    sessions = (draw.session(1, login=Login("fixed", "ann", mode="live")),)
    actions = [
        draw.action(1, 5.0, "stream", "stream", "stream", "get_many", "scan", "iterate")
        for _ in range(draw.number(1, 3))
    ]
    hostile = ("raises", "async-raises", "async-hangs", "async-cancelled", "async")
    actions = [
        attrs.evolve(one, source=draw.among(*hostile)) if one.what == "stream" and draw.one_in(3) else one
        for one in actions
    ]
    return Plan(
        seed=seed,
        theme="",
        sessions=sessions,
        actions=tuple(actions),
        service=attrs.evolve(_service(draw), token_life=7200.0),
        faults=draw.faults(),
    )


def _parts(draw: Draw, seed: int) -> Plan:
    """Parts of the caller's that misbehave."""
    login = draw.among(
        Login("function", "ann"), Login("function", "bob"), Login("fixed", "ann"), Login("client", "ann")
    )
    sessions = tuple(
        draw.session(
            1,
            login=login,
            limiter=draw.among(None, "open", "waits", "waits"),
            stores=draw.one_in(2),
            timeout=draw.among(2.0, 8.0),
        )
        for _ in range(draw.number(1, 2))
    )
    reads = ("get", "relate", "relate", "relate", "stream", "get_many", "list", "at_once")
    actions = [draw.action(len(sessions), 10.0, *reads) for _ in range(draw.number(2, 6))]
    return Plan(
        seed=seed,
        theme="",
        sessions=sessions,
        actions=tuple(actions),
        service=ServiceConfig(token_life=draw.among(7200.0, 20.0)),
        faults=draw.among(NO_FAULTS, Faults({"throttled-bare": 700}, quickest=0.001, slowest=0.02), draw.faults()),
        raises=draw.among(0, 100, 300),
        hangs=draw.among(0, 0, 60),
        lies=draw.among(0, 0, 60),
    )


def _saturation(draw: Draw, seed: int) -> Plan:
    """One bulk read alone, or interactive calls beside one."""
    limits: tuple[Pair, Pair] = draw.among(((30, 30.0), (10, 5.0)), ((40, 60.0), (10, 10.0)))
    average, burst = limits
    service = ServiceConfig(
        modes={mode: Limits(average=average, burst=burst) for mode in ("test", "live")}, records=2 * average[0] + 40
    )
    plan = SessionPlan(login=Login("fixed", "ann", mode="test"), limits=limits, timeout=300.0)
    count = draw.among(2 * average[0], average[0] + burst[0], 2 * average[0] - 5)
    what = draw.among("lone_stream", "lone_scan")
    actions = [Action(what=what, count=count, bound=least_seconds(count, average, burst))]
    if draw.one_in(3):
        # Others, one each two seconds, at another endpoint and with the time of a request handler.
        beside = [
            Action(what="beside", at=2.0 * n, copy=True, timeout=8.0, first=n, type="customers") for n in range(1, 20)
        ]
        actions = [Action(what="stream", count=count, per_id=True, type="customer_payment_sources"), *beside]
    return Plan(
        seed=seed,
        theme="",
        service=service,
        sessions=(plan,),
        actions=tuple(actions),
        faults=Faults(slowest=draw.among(0.03, 0.1)),
    )


def _shared_budget(draw: Draw, seed: int) -> Plan:
    """Processes at one address that keep the windows together, in a store that has faults; some of them are killed."""
    processes = draw.number(2, 5)
    kind = draw.among("file", "redis")
    mode = draw.among("test", "test", "live")
    limits = draw.among(None, None, _SMALL, ((20, 20.0), (8, 4.0)))
    config = ServiceConfig(opaque_tokens=limits is None and draw.one_in(4))
    if limits is not None:
        average, burst = limits
        config = ServiceConfig(modes={one: Limits(average=average, burst=burst) for one in ("test", "live")})
    sessions = tuple(
        SessionPlan(
            login=Login(draw.among("fixed", "fixed", "fixed", "client"), "ann", mode=mode),
            process=n if n < processes else draw.number(0, processes - 1),
            timeout=draw.among(8.0, 30.0, 100.0),
            max_connections=draw.among(4, 100, 100),
        )
        for n in range(processes + draw.among(0, 0, 1, 2))
    )
    whats = ("at_once", "at_once", "at_once", "get", "iterate", "stream", "get_many", "relate")
    calls = draw.among(12, 40) if limits is None else 12
    # Some that are enough to fill the windows for minutes.
    actions = [
        Action(what="at_once", at=draw.between(0.0, 3.0), session=n, count=draw.number(calls // 2, 2 * calls))
        for n in range(len(sessions) if draw.one_in(2) else 0)
    ]
    actions += [
        draw.action(
            len(sessions),
            90.0,
            *whats,
            session=n if n < len(sessions) else draw.number(0, len(sessions) - 1),
            count=draw.number(1, calls),
            per_id=draw.one_in(2),
            # Those that are there at the beginning, and those that join.
            **({} if draw.one_in(3) else {"at": draw.between(0.0, 2.0)}),
        )
        for n in range(len(sessions) + draw.number(1, 8))
    ]
    if draw.one_in(4):
        actions.append(draw.action(len(sessions), 80.0, "close", cancel_after=None))
    kills = tuple((draw.between(1.0, 70.0), n) for n in range(1, processes) if draw.one_in(4))
    store = StorePlan(
        kind=kind,
        limits=limits,
        policy=draw.among("share", "share", "share", "raise"),
        faults=tuple(
            StoreFault(
                what=draw.among(*STORE_FAULTS[kind]), at=draw.between(0.0, 70.0), seconds=draw.between(0.1, most)
            )
            for most in (draw.among(1.0, 10.0, 80.0) for _ in range(draw.among(0, 1, 1, 2)))
        ),
        lost_answers=draw.among(0, 0, 30) if kind == "redis" else 0,
    )
    return Plan(
        seed=seed,
        theme="",
        processes=processes,
        one_address=True,
        service=config,
        faults=draw.among(NO_FAULTS, draw.faults()),
        store=store,
        kills=kills,
        sessions=sessions,
        actions=tuple(actions),
    )


def least_seconds(count: int, average: Pair, burst: Pair) -> float:
    """Seconds that `count` requests to one endpoint take at least, by the windows alone."""
    sent: list[float] = []
    for n in range(count):
        moment = sent[-1] if sent else 0.0
        for requests, seconds in (average, burst):
            if n >= requests:
                moment = max(moment, sent[n - requests] + seconds)
        sent.append(moment)
    return sent[-1]


_THEMES: Final[tuple[tuple[str, int, Callable[[Draw, int], Plan]], ...]] = (
    ("mixed", 28, _mixed),
    ("tokens", 22, _tokens),
    ("limits", 14, _limits),
    ("closing", 14, _closing),
    ("bulk", 10, _bulk),
    ("parts", 9, _parts),
    ("saturation", 3, _saturation),
)
"""The themes of plans, and how many of a hundred are of each."""

_EVERY: Final = 10
_SHARED: Final = 3
"""Of ten seeds this one is of processes that share a budget."""

THEMES: Final[Mapping[str, Callable[[Draw, int], Plan]]] = {
    **{name: make for name, _, make in _THEMES},
    "shared": _shared_budget,
}
