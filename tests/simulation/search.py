"""Runs of many seeds, and what is said of those that fail."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from .known import unexplained
from .plan import plan_of
from .shrink import shrink
from .violations import Violation
from .world import Outcome, run

_BLOCK: Final = 200
"""Seeds that a process takes at once."""

Failing = tuple[int, tuple[Violation, ...]]
"""A seed that fails, and how."""


def report_of(outcome: Outcome, violations: tuple[Violation, ...], *, shrinks: bool, lines: int = 40) -> str:
    """What is printed of a run that fails: its seed, what was broken, the shortest program, the end of its trace."""
    seed = outcome.plan.seed
    parts = [f"seed {seed}: {len(violations)} violations", *(f"  {violation}" for violation in violations)]
    if violations and shrinks:
        shortest = shrink(outcome.plan, violations[0].code)
        again = run(shortest)
        parts += [
            f"the shortest program with {violations[0].code}:",
            str(shortest),
            "its trace:",
            *again.trace[-lines:],
        ]
    parts.append(f"again: python -m tests.simulation --seed {seed} --shrink")
    return "\n".join(parts)


def failures_of(seeds: range, *, knows: bool) -> list[Failing]:
    """The seeds that fail, and how."""
    found = []
    for seed in seeds:
        violations = run(plan_of(seed)).violations
        failing = unexplained(violations) if knows else violations
        if failing:
            found.append((seed, failing))
    return found


def search(seeds: range, jobs: int, *, knows: bool) -> Iterator[Failing]:
    """The same, in several processes."""
    blocks = [seeds[start : start + _BLOCK] for start in range(0, len(seeds), _BLOCK)]
    if jobs == 1:
        for block in blocks:
            yield from failures_of(block, knows=knows)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for found in pool.map(_block_known if knows else _block_all, blocks):
            yield from found


def _block_known(block: range) -> list[Failing]:
    return failures_of(block, knows=True)


def _block_all(block: range) -> list[Failing]:
    return failures_of(block, knows=False)


def table(found: list[Failing], first: int) -> str:
    """For each symptom: after how many runs it was found first, and in how many."""
    rows: dict[tuple[str, str], tuple[int, int]] = {}
    for seed, violations in found:
        for violation in violations:
            key = (violation.code, violation.context)
            after, count = rows.get(key, (seed - first + 1, 0))
            rows[key] = (after, count + 1)
    lines = [
        f"{code:24} {context:36} found after {after:6} runs, in {count}"
        for (code, context), (after, count) in rows.items()
    ]
    return "\n".join(sorted(lines))
