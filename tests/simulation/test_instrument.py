"""The instrument itself: it repeats itself, shrinks what fails, and finds what is broken on purpose."""

import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import count, islice
from typing import Any, Final

import pytest

from commercelayer_async._auth import manager
from commercelayer_async._calls.context import SessionContext
from commercelayer_async._calls.deadline import Deadline
from commercelayer_async._calls.semaphore import FifoSemaphore
from commercelayer_async._limits.budget import Budget
from commercelayer_async._limits.limiter import LocalLease, LocalLimiter
from commercelayer_async._limits.windows import Window
from commercelayer_async._shared import step
from commercelayer_async._shared.agent import Agent, SharedLease
from commercelayer_async._shared.own import Own
from commercelayer_async._shared.state import Answer

from .plan import Plan, plan_of
from .shrink import shrink
from .violations import INVARIANT_OF, Violations, codes_of
from .world import run


def test_a_seed_runs_the_same_whatever_the_hashes() -> None:
    digests = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seeds", "0:80", "--digest"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert len(digests[0].splitlines()) == 80
    assert digests[0] == digests[1]


def test_a_symptom_is_kept_once_for_each_context() -> None:
    violations = Violations()

    for context in ("get", "get", "list"):
        violations.add("overrun", context, "took 9 s of 8", 1000.0)

    assert [violation.context for violation in violations.all()] == ["get", "list"]
    assert "took 9 s of 8" in str(violations.all()[0])
    assert codes_of(violations.all()) == {"overrun"} <= set(INVARIANT_OF)


WINDOWS: Final = {"average-window", "burst-window"}


def _nothing(*_: Any, **__: Any) -> None:
    """What stands for a function that is broken on purpose."""


def _fade_at_once(window: Window, _: float, *, bulk: bool) -> None:
    window.cancel(bulk=bulk)


Breakage = tuple[object, str, Any, set[str]]
"""What is broken on purpose: where, by what, and the symptoms of it."""

BREAKAGES: dict[str, Breakage] = {
    "a lease that is released stays counted": (LocalLease, "release", _nothing, {"lease-left", "wedged"}),
    "a connection that is released stays taken": (FifoSemaphore, "release", _nothing, {"wedged"}),
    "bursts are ignored": (Budget, "burst", _nothing, {"burst-window"}),
    "requests are forgotten with their response": (Window, "finish", _fade_at_once, {"burst-window"}),
    "a refusal pauses nothing": (LocalLimiter, "_pause", lambda *_, **__: 0.0, {"tight-loop", "burst-window"}),
    "all tokens have one key": (
        manager,
        "store_key",
        lambda *_: "key",
        {"anothers-token", "wrong-credentials-read"},
    ),
    "a refused token is kept": (manager.TokenManager, "invalidate", _nothing, {"locked-out"}),
    "deadlines never end a call": (Deadline, "end", _nothing, {"overrun", "waits-for-ever"}),
    "close does not reach copies": (SessionContext, "register", _nothing, {"outlives-close", "sent-after-close"}),
}


LATE = {"a refusal pauses nothing", "a refused token is kept"}
"""What hundreds of runs are needed for."""


def require_found(name: str, breakage: Breakage, plans: Iterable[Plan]) -> None:
    """Check that a symptom shows in one of the runs, and not in the same one where nothing is broken."""
    owner, attribute, broken, symptoms = breakage
    for number, plan in enumerate(plans, 1):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, attribute, broken)
            seen = codes_of(run(plan).violations) & symptoms
        if seen - codes_of(run(plan).violations):
            print(f"{name}: found after {number} runs")
            return
    pytest.fail("not found in any of the runs")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LATE else name for name in BREAKAGES]
)
def test_what_is_broken_on_purpose_is_found(name) -> None:
    require_found(name, BREAKAGES[name], map(plan_of, range(600)))


def _believe(agent: Agent, answer: Answer, _: float) -> None:
    agent._epoch = answer.epoch
    agent._due.clear()


def _keep_the_share_for_no_time(own: Own, _: float) -> None:
    own._bound_until = 0.0


SHARED_BREAKAGES: dict[str, Breakage] = {
    "requests are forgotten with their response": (step, "_fade", _nothing, WINDOWS),
    "a place that is given back stays taken": (SharedLease, "release", _nothing, {"wedged", "lease-left"}),
    "without the store everybody may leave": (Own, "has_room", lambda *_: True, WINDOWS),
    "a store that has forgotten all is believed": (Agent, "_begin_again", _believe, WINDOWS),
    "the share is left as soon as the store is back": (Own, "find", _keep_the_share_for_no_time, WINDOWS),
    "who was killed keeps its places": (step, "SILENT", 10**15, {"lease-left", "unused-windows"}),
}
"""The same, of a budget that processes share."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHARED_BREAKAGES)
def test_what_is_broken_of_a_shared_budget_is_found(name) -> None:
    shared = (plan for plan in map(plan_of, count()) if plan.store is not None)
    require_found(name, SHARED_BREAKAGES[name], islice(shared, 600))


def test_a_failing_plan_is_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that happens in the run, what is left is what the fault needs."""
    monkeypatch.setattr(FifoSemaphore, "release", _nothing)
    plan: Plan = next(
        plan
        for plan in map(plan_of, range(100))
        if len(plan.actions) > 3 and "wedged" in codes_of(run(plan).violations)
    )

    shortest = shrink(plan, "wedged")

    assert "wedged" in codes_of(run(shortest).violations)
    assert len(shortest.actions) == 1
    assert len(shortest.sessions) == 1
