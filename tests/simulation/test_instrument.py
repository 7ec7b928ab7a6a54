"""The instrument itself: it repeats itself, shrinks what fails, and finds what is broken on purpose."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from commercelayer_async._auth import manager
from commercelayer_async._calls.context import SessionContext
from commercelayer_async._calls.deadline import Deadline
from commercelayer_async._calls.semaphore import FifoSemaphore
from commercelayer_async._limits.budget import Budget
from commercelayer_async._limits.limiter import LocalLease, LocalLimiter
from commercelayer_async._limits.windows import Window

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


def _nothing(*_: Any, **__: Any) -> None:
    """What stands for a function that is broken on purpose."""


def _fade_at_once(window: Window, _: float, *, bulk: bool) -> None:
    window.cancel(bulk=bulk)


BREAKAGES: dict[str, tuple[object, str, Callable[..., Any], set[str]]] = {
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
"""What is broken on purpose: where, by what, and the symptoms of it."""


LATE = {"a refusal pauses nothing", "a refused token is kept"}
"""What hundreds of runs are needed for."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LATE else name for name in BREAKAGES]
)
def test_what_is_broken_on_purpose_is_found(name) -> None:
    """Within six hundred runs, by a symptom that the same run does not show else."""
    owner, attribute, broken, symptoms = BREAKAGES[name]

    for plan in map(plan_of, range(600)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, attribute, broken)
            seen = codes_of(run(plan).violations) & symptoms
        if seen - codes_of(run(plan).violations):
            print(f"{name}: found after {plan.seed + 1} runs")
            return
    pytest.fail("not found within 600 runs")


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
