"""The command line of the simulation: `python -m tests.simulation --seed 7 --shrink`."""

import argparse
import os
import sys

from .known import unexplained
from .plan import plan_of
from .search import report_of, search, table
from .world import run


def main() -> int:
    """Run the seeds that are named; 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run one seed, and print its plan and trace")
    parser.add_argument("--seeds", default="0:1000", help="run those from A up to B: A:B")
    parser.add_argument("--shrink", action="store_true", help="look for the shortest program that fails")
    parser.add_argument("--all", action="store_true", help="report known faults too")
    parser.add_argument("--table", action="store_true", help="print each symptom and after how many runs it was found")
    parser.add_argument("--digest", action="store_true", help="print a digest of each run's trace, and judge nothing")
    parser.add_argument("--jobs", type=int, default=1, help="processes; 0 for one a processor")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        outcome = run(plan_of(arguments.seed))
        violations = outcome.violations if arguments.all else unexplained(outcome.violations)
        print(outcome.plan, *outcome.trace, report_of(outcome, violations, shrinks=arguments.shrink), sep="\n")
        return bool(violations)
    first, _, last = arguments.seeds.partition(":")
    seeds = range(int(first), int(last))
    if arguments.digest:
        for seed in seeds:
            print(seed, run(plan_of(seed)).digest)
        return 0
    jobs = arguments.jobs or os.cpu_count() or 1
    found = list(search(seeds, jobs, knows=not (arguments.all or arguments.table)))
    if arguments.table:
        print(table(found, seeds.start))
        return 0
    for seed, violations in found[:3]:
        print(report_of(run(plan_of(seed)), violations, shrinks=arguments.shrink), end="\n\n")
    print(f"{len(seeds)} runs, seeds {seeds.start} to {seeds.stop - 1}: {len(found)} fail")
    if len(found) > 3:
        print("they are", *(seed for seed, _ in found[:50]))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
