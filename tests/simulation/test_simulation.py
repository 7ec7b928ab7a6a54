"""Runs of the simulation: some hundred seeds always, tens of thousands in `make test-slow`."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from .known import KNOWN, Known
from .plan import plan_of
from .search import failures_of, report_of
from .world import run

_BLOCK = 50
_BLOCKS = 8
_WORLDS = int(os.environ.get("SIMULATION_WORLDS", "30000"))
"""Runs of the slow test."""


@pytest.mark.parametrize("first", range(0, _BLOCK * _BLOCKS, _BLOCK))
def test_what_must_hold_holds(first) -> None:
    """No seed shows a fault that is not known."""
    failing = failures_of(range(first, first + _BLOCK), knows=True)

    reports = [report_of(run(plan_of(seed)), violations, shrinks=True) for seed, violations in failing[:2]]
    assert not failing, "\n\n".join(reports)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.reason)
def test_a_known_fault_is_still_there(known: Known) -> None:
    """One that is not any more has to leave the list."""
    for seed in known.seeds:
        if any(known.explains(violation) for violation in run(plan_of(seed)).violations):
            return
    pytest.fail(
        f"none of the seeds {known.seeds} shows it any more: {known.reason}. Delete its entry of known.py; if"
        " `python -m tests.simulation` then fails by it, name one of the seeds that it prints"
    )


@pytest.mark.slow
def test_what_must_hold_holds_in_many_runs(capsys) -> None:
    """Other seeds each day; `SIMULATION_SEED` names the first one of a run that is to be repeated."""
    first = int(os.environ.get("SIMULATION_SEED") or datetime.now(UTC).date().toordinal() * 1_000_000)
    seeds = f"{first}:{first + _WORLDS}"
    with capsys.disabled():
        print(f"\nthe simulation runs the seeds {seeds}")

    ran = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", seeds, "--jobs", "0", "--shrink"],
        capture_output=True,
        text=True,
        check=False,
    )

    print(ran.stdout)
    assert not ran.returncode, f"seeds {seeds}:\n{ran.stdout}{ran.stderr}"
