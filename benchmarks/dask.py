"""Measure what exports over workers take beside the plain one: `python -m benchmarks.dask`.

Three parts. `unlimited` reads as fast as it goes, from one sandbox in a process of its own: what a record costs, and
what a partition does. `limited` keeps the live limits, a number of times as fast, with workers behind one address and
behind several; the sandbox counts by address. `simulated` takes the measured costs to more records and addresses than
any machine here has (`benchmarks.dask_model`).
"""

import argparse
import contextlib
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from random import Random
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple

from . import dask_page
from .dask_exports import Export
from .dask_model import Costs, simulate
from .dask_sessions import FASTER, FOLDER
from .measuring import BUSY, Asked, Samples, Worker, python_worker, rounds
from .results import Results, Table, Verdict
from .run import add_options, facts

PLAIN: Final = "export"
SESSIONS: Final = "benchmarks.dask_sessions"
FEW: Final = 4
MANY: Final = 100
"""Partitions of the two exports whose difference says what a partition costs."""
WORKERS: Final = (1, 2, 4)
ADDRESSES: Final = (1, 2, 5, 10, 20, 50, 100)
ROWS: Final = (100, 500, 5_000, 50_000)
REQUEST: Final = 0.3
"""Seconds of a request, where time is simulated."""
SIZES: Final = {"dask-million": (10**6, 5_000), "dask-hundred-million": (10**8, 5_000), "dask-fine": (10**8, 500)}
"""Records, and those of a partition."""
_PAUSE: Final = 0.2


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("dask", facts(options))
    _note_if_busy(results)
    costs = _unlimited(options, results)
    if "limited" in options.parts:
        _limited(options, results)
    if "simulated" in options.parts:
        _simulated(costs, results)
    _note_if_busy(results)
    results.write(options.json)
    if options.docs:
        dask_page.publish(options.json, busy=options.busy)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dask", description=__doc__)
    add_options(parser, rounds=3)
    parser.add_argument("--wallets", type=int, default=20_000, help="that each export reads")
    parser.add_argument("--faster", type=float, default=20.0, help="than the live limits are those of `limited`")
    parser.add_argument("--docs", action="store_true", help=f"write {dask_page.PAGE.name} too; needs --json")
    parser.add_argument("--busy", action="store_true", help="write it, and say so, though the machine was busy")
    parser.add_argument(
        "parts", nargs="*", default=["limited", "simulated"], help="beside `unlimited`; both by default"
    )
    options = parser.parse_args()
    if options.docs and options.json is None:
        parser.error("--docs needs --json")
    return options


def _note_if_busy(results: Results) -> None:
    """Look whether this process gets a core for itself."""
    began, cpu = perf_counter(), process_time()
    while perf_counter() - began < _PAUSE:
        pass
    share = (perf_counter() - began) / max(process_time() - cpu, 1e-3)
    if share > BUSY:
        results.disturbed(f"a loop took {share:.1f} times its CPU time")


@contextmanager
def _world(wallets: int, faster: float) -> Iterator[tuple[Worker, Mapping[str, str]]]:
    """A sandbox, and the environment of those that read it."""
    server = python_worker("dask_server", str(wallets), f"{faster}")
    try:
        where = dask_page.json_of(server.line())
        with tempfile.TemporaryDirectory() as folder:
            yield (
                server,
                {
                    "COMMERCELAYER_ORGANIZATION": where["url"],
                    "COMMERCELAYER_ACCESS_TOKEN": where["token"],
                    FASTER: f"{faster}",
                    FOLDER: folder,
                },
            )
    finally:
        server.close()


class _Exporting(NamedTuple):
    """A contender: the process that exports, and how it is asked to."""

    process: Worker
    options: Mapping[str, Any]

    def ask(self, **question: Any) -> Any:
        """Export once."""
        return self.process.ask(**self.options, **question)


@contextmanager
def _process(workers: int, environment: Mapping[str, str]) -> Iterator[Worker]:
    process = python_worker("dask_exports", str(workers), **environment)
    try:
        yield process
    finally:
        process.close()


def _unlimited(options: argparse.Namespace, results: Results) -> Costs:
    few, many = (-(-options.wallets // partitions) for partitions in (FEW, MANY))
    alone = {"session": f"{SESSIONS}:alone"}
    with _world(options.wallets, 0.0) as (_, environment), contextlib.ExitStack() as stack:
        contenders: dict[str, Asked | None] = {
            PLAIN: _Exporting(stack.enter_context(_process(0, environment)), {}),
        }
        for workers in WORKERS:
            process = stack.enter_context(_process(workers, environment))
            contenders[_named(workers)] = _Exporting(process, {**alone, "rows_per_partition": few})
            if workers == 2:
                finely = _Exporting(process, {**alone, "rows_per_partition": many})
                contenders[_named(workers, MANY)] = finely
        found = rounds(contenders, options.rounds, {}, Random(options.seed))
    _require_all(found, options.wallets)
    rows = {name: [*(_micro(found, name, column, options.wallets) for column in range(3))] for name in contenders}
    for name, cells in rows.items():
        cells += [cells[0] / rows[PLAIN][0], found.rounds_of(name)]
    results.table(
        Table(
            "dask-unlimited",
            f"Exporting {options.wallets:,} wallets with their customers, without limits, {FEW} partitions unless said",
            "microseconds a record",
            ("wall", "CPU of reading", "CPU of scheduling", "wall, x export", "rounds"),
            rows,
            [name for name in rows if name != PLAIN],
        )
    )
    costs = _costs(found, results, options.wallets)
    results.verdicts(
        [
            Verdict("dask-unlimited", _named(1), "CPU of reading", 1.5, PLAIN),
            Verdict("dask-unlimited", _named(4), "CPU of reading", 2.0, PLAIN),
            Verdict("dask-unlimited", _named(4), "CPU of scheduling", 20.0),
            Verdict("dask-partition", "one more", "CPU of scheduling, ms", 20.0),
            Verdict("dask-partition", "one more", "CPU of reading, ms", 20.0),
        ]
    )
    return costs


def _named(workers: int, partitions: int | None = None) -> str:
    finely = "" if partitions is None else f", {partitions} partitions"
    return f"{workers} worker{'s' if workers > 1 else ''}{finely}"


def _require_all(found: Samples, records: int) -> None:
    if found.failures:
        raise SystemExit("; ".join(f"{name} {how}" for name, how in found.failures.items()))
    lost = [name for name in (PLAIN, *map(_named, WORKERS)) if found.medians(name, 3) != records]
    if lost:
        raise SystemExit(f"not every record was exported by {', '.join(lost)}")


def _micro(found: Samples, name: str, column: int, records: int) -> float:
    return found.medians(name, column) / records * 1e6


def _costs(found: Samples, results: Results, records: int) -> Costs:
    few, many = _named(2), _named(2, MANY)
    more = found.medians(many, 4) - found.medians(few, 4)
    rows = {
        f"{found.medians(name, 4):g} partitions": [
            *(found.medians(name, column) * 1e3 for column in range(3)),
            int(found.medians(name, 5)),
            int(found.medians(name, 6)),
        ]
        for name in (few, many)
    }
    first, last = rows.values()
    rows["one more"] = [(over - under) / more for under, over in zip(first, last, strict=True)]
    results.table(
        Table(
            "dask-partition",
            "What a partition costs: the two exports of 2 workers of above, and their difference",
            "of an export, and of one partition more",
            ("wall, ms", "CPU of reading, ms", "CPU of scheduling, ms", "requests of the plan", "requests of the data"),
            rows,
        )
    )
    return Costs(REQUEST, found.medians(_named(1), 1) / records, max(0.0, rows["one more"][2]) / 1e3)


def _has_addresses() -> bool:
    """Whether all of 127.0.0.0/8 is this machine's, as on Linux."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.5", 0))
        except OSError:
            return False
        return True


def _limited(options: argparse.Namespace, results: Results) -> None:
    """Each way has a sandbox of its own, whose windows are empty when it begins."""
    partitions = {"rows_per_partition": -(-options.wallets // 16)}
    ways: dict[str, tuple[int, str | None]] = {PLAIN: (0, None), "2 workers, 1 address": (2, "sharing")}
    if _has_addresses():
        ways |= {f"{number} workers, {number} addresses": (number, "own_address") for number in (2, 4)}
    else:
        print("this system has no address 127.0.0.2: workers with addresses of their own are left out")
    rows: dict[str, list[float | int | str]] = {}
    for name, (workers, session) in ways.items():
        asked: Mapping[str, Any] = {} if session is None else {"session": f"{SESSIONS}:{session}", **partitions}
        with (
            _world(options.wallets, options.faster) as (server, environment),
            _process(workers, environment) as process,
        ):
            found = process.ask(**asked)
            if isinstance(found, str):
                raise SystemExit(f"{name} {found}")
            export, arrived = Export(*found), server.ask()
            rows[name] = [
                export.wall,
                options.wallets / export.wall,
                export.planning + export.requests,
                arrived["addresses"],
                arrived["refused"],
                arrived["broken"],
            ]
    results.table(
        Table(
            "dask-limited",
            f"Exporting {options.wallets:,} wallets under the live limits, {options.faster:g} times as fast",
            "seconds, and what the sandbox counted",
            ("wall, s", "records a second", "requests", "addresses", "refused", "windows broken"),
            rows,
            [name for name in rows if name != PLAIN],
        )
    )
    for name in [name for name in rows if name != PLAIN]:
        addresses = ways[name][0] if "addresses" in name else 1
        # A worker's start, the plan and the last partition are of an export as short as this one.
        results.verdict(Verdict("dask-limited", name, "wall, s", {1: 1.2, 2: 0.7, 4: 0.5}[addresses], PLAIN))
        results.verdict(Verdict("dask-limited", name, "refused", 0))
        results.verdict(Verdict("dask-limited", name, "windows broken", 0))


def _simulated(costs: Costs, results: Results) -> None:
    told = (
        f"{costs.request:g} s a request, {costs.record * 1e6:.0f} microseconds of CPU a record and"
        f" {costs.partition * 1e3:.1f} ms of scheduling a partition"
    )
    for key, (records, rows) in SIZES.items():
        found = {addresses: simulate(records, addresses, costs, rows=rows) for addresses in ADDRESSES}
        _simulation(
            results,
            key,
            f"Exporting {records:,} records in partitions of {rows:,}, simulated: {told}",
            {f"{addresses} address{'es' if addresses > 1 else ''}": one for addresses, one in found.items()},
            records,
        )
        results.verdicts(
            [
                Verdict(key, "1 address", "whole, x windows", 1.1),
                Verdict(key, "10 addresses", "whole, x windows", 1.25),
                Verdict(key, "100 addresses", "whole, x windows", 1.25),
                Verdict(key, "100 addresses", "scheduler, x windows", 1.0),
            ]
        )
    finest = {f"{rows:,} rows a partition": simulate(10**7, 100, costs, rows=rows) for rows in ROWS}
    _simulation(results, "dask-rows", f"Exporting 10,000,000 records over 100 addresses: {told}", finest, 10**7)
    for rows in ROWS:
        results.verdict(Verdict("dask-rows", f"{rows:,} rows a partition", "whole, x windows", 2.0))


def _simulation(results: Results, key: str, title: str, found: Mapping[str, Any], records: int) -> None:
    minutes: Callable[[float], float] = lambda seconds: seconds / 60  # noqa: E731 - said once, for four columns
    rows = {
        name: [
            *(minutes(seconds) for seconds in (one.whole, one.windows, one.plan, one.scheduler)),
            one.whole / one.windows,
            one.scheduler / one.windows,
            records / minutes(one.whole),
            one.bound_by,
        ]
        for name, one in found.items()
    }
    results.table(Table(key, title, "minutes, and what the export could not be faster than", _SIMULATED, rows))


_SIMULATED: Final = (
    "whole",
    "windows",
    "plan",
    "scheduler",
    "whole, x windows",
    "scheduler, x windows",
    "records a minute",
    "bound by",
)


if __name__ == "__main__":
    main()
