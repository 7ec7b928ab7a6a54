"""The shortest plan that still fails: actions are dropped, and then whatever is not by default."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from .plan import Action, Plan, default_of
from .world import run

_MAX_RUNS: Final = 500


def shrink(plan: Plan, code: str) -> Plan:
    """The smallest plan found that shows the same symptom."""
    runs = 0

    def fails(candidate: Plan) -> bool:
        nonlocal runs
        runs += 1
        return runs <= _MAX_RUNS and any(violation.code == code for violation in run(candidate).violations)

    while True:
        smaller = _first(fails, _smaller(plan))
        if smaller is None:
            return plan
        plan = smaller


def _first(fails: Callable[[Plan], bool], candidates: Iterator[Plan]) -> Plan | None:
    return next((candidate for candidate in candidates if fails(candidate)), None)


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans that are a little smaller, the smallest first."""
    actions = plan.actions
    size = len(actions) // 2
    while size:
        for start in range(0, len(actions), size):
            yield attrs.evolve(plan, actions=actions[:start] + actions[start + size :])
        size //= 2
    yield from _without_unused_sessions(plan)
    yield from _simpler_stores(plan)
    for name in ("faults", "token_faults", "foreign", "raises", "hangs", "lies", "processes", "one_address"):
        if _may_be_default(plan, name):
            yield from _by_default(plan, name)
    for service in _each_by_default(plan.service, ("modes", "records")):
        yield attrs.evolve(plan, service=service)
    for n, session in enumerate(plan.sessions):
        for plainer in _each_by_default(session, ("login",)):
            yield attrs.evolve(plan, sessions=(*plan.sessions[:n], plainer, *plan.sessions[n + 1 :]))
    for n, action in enumerate(actions):
        for less in _less(action):
            yield attrs.evolve(plan, actions=(*actions[:n], less, *actions[n + 1 :]))


def _may_be_default(plan: Plan, name: str) -> bool:
    """False where the plan would mean something else: processes that share a budget are at one address."""
    if name == "processes":
        return all(session.process == 0 for session in plan.sessions)
    return name != "one_address" or plan.store is None


def _simpler_stores(plan: Plan) -> Iterator[Plan]:
    store = plan.store
    if store is None:
        return
    for n in range(len(plan.kills)):
        yield attrs.evolve(plan, kills=plan.kills[:n] + plan.kills[n + 1 :])
    for n, fault in enumerate(store.faults):
        yield attrs.evolve(plan, store=attrs.evolve(store, faults=store.faults[:n] + store.faults[n + 1 :]))
        if fault.seconds > 1.0:
            shorter = attrs.evolve(fault, seconds=round(fault.seconds / 2, 3))
            faults = (*store.faults[:n], shorter, *store.faults[n + 1 :])
            yield attrs.evolve(plan, store=attrs.evolve(store, faults=faults))
    for plainer in _each_by_default(store, ("kind", "limits", "faults")):
        yield attrs.evolve(plan, store=plainer)


def _less(action: Action) -> Iterator[Action]:
    yield from _each_by_default(action, ("what", "session", "count", "bound"))
    if action.count > 1:
        for count in (1, action.count // 2, action.count - 1):
            yield attrs.evolve(action, count=count)


def _without_unused_sessions(plan: Plan) -> Iterator[Plan]:
    used = sorted({action.session for action in plan.actions})
    if len(used) < len(plan.sessions):
        actions = tuple(attrs.evolve(action, session=used.index(action.session)) for action in plan.actions)
        yield attrs.evolve(plan, sessions=tuple(plan.sessions[n] for n in used), actions=actions)


def _each_by_default(value: Any, kept: tuple[str, ...]) -> Iterator[Any]:
    for field in attrs.fields(type(value)):
        if field.name not in kept:
            yield from _by_default(value, field.name)


def _by_default(value: Any, name: str) -> Iterator[Any]:
    default = default_of(value, name)
    if default is not attrs.NOTHING and getattr(value, name) != default:
        # A caller that goes back to the beginning of a count would do more, not less.
        yield attrs.evolve(value, **{name: default})
