"""What it takes to read many wallets, each with its customer and its payment source: `python -m benchmarks.bulk`.

Three parts: `unlimited` has the contenders read from one fast local server, each in a process of its own and in turns;
`limited` reads under the API's live limits, in simulated time; `growth` looks at what an id costs, from 100 to a
million of them. What is compared was measured in the same round.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from .bulk_growth import WAYS as GROWING
from .bulk_limits import ONE_BY_ONE, WAYS, LimitedApi, Run, beside_bulk, measured
from .bulk_readers import CONTENDERS
from .documents import PAGE, ids
from .environments import python_of, sdk_of_node
from .measuring import SERVER_CORE, Worker, python_worker, ratio, rounds, table
from .results import Results, shown

FLOOR: Final = "aiohttp + orjson, 25 a request"
PACKAGE: Final = "commercelayer_async"
OURS: Final = "commercelayer_async, stream"
GATHER: Final = "aiohttp + orjson, gather"
PEER: Final = "commercelayer 3.0.4"
SDK: Final = {"@commercelayer/sdk, 25 a request": "list", "@commercelayer/sdk, retrieve": "retrieve"}
NOTES: Final = {PEER: "commercelayer 3.0.4 (the wallet alone)"}

BUSY: Final = 1.25
"""Wall time over CPU time of the floor: more than that, and others had its core or the server's."""

SIZES: Final = (100, 1_000, 10_000, 100_000)
MANY: Final = 1_000_000
FEW: Final = 1_000
RESOURCES: Final = 3
"""Of each wallet: itself, its customer, its payment source."""

Samples = Mapping[str, list[Any] | str]


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("bulk")
    if "unlimited" in options.parts:
        _unlimited(options, results)
    if "limited" in options.parts:
        _limited(options.limited, results)
    if "growth" in options.parts:
        _growth(options.rounds, results)
    results.write(options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--wallets", type=int, default=10_000, help="that the fast contenders read in each sample")
    parser.add_argument("--seconds", type=float, default=1.2, help="of a sample of a slow contender, about")
    parser.add_argument("--limited", type=int, default=10_000, help="wallets that are read under limits")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the results for `make plots`")
    parts = ("unlimited", "limited", "growth")
    parser.add_argument("parts", nargs="*", default=parts, help="unlimited, limited, growth; all unless given")
    return parser.parse_args()


def _unlimited(options: argparse.Namespace, results: Results) -> None:
    server = python_worker("bulk_server", str(SERVER_CORE), str(options.wallets))
    url = f"http://127.0.0.1:{server.line()}"
    workers: dict[str, Worker] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in CONTENDERS:
                python = python_of("commercelayer") if name == PEER else None
                if name != PEER or python:
                    workers[name] = python_worker("bulk_readers", name, url, str(options.wallets), python=python)
                    # One after the other, or the first samples would share their core with those who warm up.
                    workers[name].line()
            node = sdk_of_node()
            if node is not None:
                Path(folder, "ids").write_text("\n".join(ids(options.wallets)))
                program, module = Path(__file__).with_name("bulk_sdk.mjs"), node[1].replace("jsonapi.js", "bundle.js")
                for name, way in SDK.items():
                    workers[name] = Worker([node[0], str(program), module, way, url, folder])
                    workers[name].line()
            used = rounds(workers, options.rounds, {"seconds": options.seconds, "use": True})
            few = {name: workers[name] for name in (FLOOR, OURS)}
            unused = rounds(few, options.rounds, {"seconds": options.seconds, "use": False})
        finally:
            for worker in (*workers.values(), server):
                worker.close()
    print(f"Reading up to {options.wallets:,} wallets over loopback, without limits; a wallet's share, all of it used")
    _print_shares(used)
    print("\nThe same, nothing of it used")
    _print_shares(unused)
    for what, samples in (("used", used), ("not used", unused)):
        waited = median(_column(samples[FLOOR], 1)) / median(_column(samples[FLOOR], 0))
        if waited > BUSY:
            print(f"The machine was busy: {what}, the floor took {waited:.1f} times its CPU time. Measure again.")
            results.disturbed()
    cpu = {
        name: ratio(_column(values, 0), _column(used[FLOOR], 0)) for name, values in used.items() if _is_found(values)
    }
    bars = {NOTES.get(name, name): value for name, value in cpu.items()}
    title = "CPU time for each wallet with its customer and its payment source"
    results.chart("bulk-cpu", title, FLOOR, bars, ours=[name for name in bars if name.startswith(PACKAGE)])
    if _is_found(unused[OURS]):
        part = ratio(_column(unused[OURS], 0), _column(unused[FLOOR], 0))
        _judge(results, "17", "a page of 25 wallets and 50 included, CPU / floor", part, 0.50)
        each = median(_column(unused[OURS], 0)) / RESOURCES
        print(f"         that is {each:.1f} us a resource (goal <= 4.5, on the machine where it was set)")
        part = each / median(_column(used[GATHER], 0))
        _judge(results, "17", "a resource of it / a GET by hand", part, 1 / 25)


def _judge(results: Results, number: str, what: str, value: float, bound: float) -> None:
    print(f"goal {number}, {what}: {shown(value)} (goal <= {shown(bound)}: {'met' if value <= bound else 'missed'})")
    results.goal(number, what, value, bound)


def _is_found(values: list[Any] | str) -> bool:
    return not isinstance(values, str) and bool(values)


def _column(values: list[Any] | str, number: int) -> list[float]:
    assert not isinstance(values, str)
    return [value[number] for value in values]


def _print_shares(samples: Samples) -> None:
    rows: list[Sequence[str]] = []
    floor = samples[FLOOR]
    for name, values in samples.items():
        label = NOTES.get(name, name)
        if isinstance(values, str):
            rows.append((label, values, "", "", "", ""))
            continue
        cells = [label]
        for number in (0, 1):
            own = _column(values, number)
            cells += [f"{median(own):,.1f}", f"{ratio(own, _column(floor, number)):.2f}"]
        growths = [growth for growth in _column(values, 2) if growth is not None]
        rows.append((*cells, f"{max(growths):.1f}" if growths else "?"))
    table(("", "CPU us", "x floor", "wall us", "x floor", "MiB grown"), rows)


def _limited(count: int, results: Results) -> None:
    requests = -(-count // PAGE)
    least = LimitedApi.least_seconds(requests)
    print(
        f"\nReading {count:,} wallets under the API's live limits, in simulated time; {LimitedApi.LATENCY} s an answer;"
    )
    print(f"{requests} requests are the fewest, and they cannot begin within less than {least:,.0f} s")
    runs: dict[str, Run] = {name: measured(way, count) for name, way in WAYS.items()}
    rows = []
    for name, run in runs.items():
        times = f"{run.seconds / least:,.2f}"
        rows.append((name, f"{run.requests:,}", f"{run.refused:,}", _time(run.seconds), times, f"{run.cpu:.2f}"))
    table(("", "requests", "refused", "time", "x least", "CPU s"), rows)
    bars = {name: run.seconds / least for name, run in runs.items()}
    title = f"Time to read {count:,} wallets with customers and payment sources under the live limits"
    ours = [name for name in bars if "by hand" not in name]
    results.chart("bulk-limits", title, f"the least time that {requests} requests can take", bars, ours=ours)
    together, streamed = runs["get_many with include"], runs["stream with include"]
    for what, run in (("get_many", together), ("stream", streamed)):
        _judge(results, "16", f"{what}, requests / the fewest", run.requests / requests, 1.00)
        _judge(results, "16", f"{what}, time / the least", run.seconds / least, 1.02)
        _judge(results, "16", f"{what}, time / a GET for each", run.seconds / runs[ONE_BY_ONE].seconds, 1 / 95)
    print(f"goal 16, refused of all: {together.refused + streamed.refused} (goal 0)")
    # A scan asks for one page more, which is empty: its least time is that of its own requests.
    scanned = runs["scan with include"]
    _judge(results, "16", "scan, time / the least", scanned.seconds / LimitedApi.least_seconds(scanned.requests), 1.02)
    beside = beside_bulk(LimitedApi.LIMITS)
    print(f"A web call each 2 s beside a stream: {beside.calls} calls, {beside.longest:.1f} s at most")
    _judge(results, "16", "web calls beside a stream that were not done in 8 s", beside.failed, 0)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def _growth(times: int, results: Results) -> None:
    """Every sample in a process of its own: what was freed before is memory to grow into."""
    ways = [name for name in GROWING if name not in _SLOW]
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for number in range(times):
        for name in GROWING:
            sizes = SIZES if name in ways else SIZES[-1:]
            for size in sizes:
                if number < (1 if name in _SLOW else times if size < SIZES[-1] else 2):
                    found.setdefault((name, size), []).append(_grown(name, size))
    for _ in range(2):
        found.setdefault((_FLAT, MANY), []).append(_grown(_FLAT, MANY))
    print("\nWhat an id costs, from an API that answers at once: CPU us, and MiB that memory grew by")
    rows = []
    for name in GROWING:
        cells = []
        for size in (*SIZES, MANY):
            samples = found.get((name, size))
            cells.append("" if samples is None else f"{_cpu(samples):.1f}, {_mib(samples):.1f}")
        rows.append((name, *cells))
    table(("", *(f"{size:,}" for size in (*SIZES, MANY))), rows)
    base = _cpu(found[_FLAT, FEW])
    bars = {f"{size:,} ids": _cpu(found[_FLAT, size]) / base for size in (*SIZES, MANY)}
    results.chart("bulk-growth", "CPU time for each id of a stream", f"an id of {FEW:,}", bars, ours=bars)
    _judge(results, "15", "CPU of an id, 1,000,000 / 1,000", bars[f"{MANY:,} ids"], 1.10)
    more = round(_mib(found[_FLAT, MANY]) - _mib(found[_FLAT, FEW]), 1)
    _judge(results, "15", "MiB of memory at 1,000,000, above that at 1,000", more, 1.0)
    gathered = _cpu(found[_GATHER, SIZES[-1]])
    _judge(
        results, "15", "CPU of an id at 100,000, stream / gather of get", _cpu(found[_FLAT, SIZES[-1]]) / gathered, 0.5
    )
    alone = _cpu(found["stream, per id", SIZES[-1]]) / gathered
    print(f"         with one request an id in both: {alone:.2f}")


_FLAT: Final = "stream"
_GATHER: Final = "gather of get"
_SLOW: Final = ("stream, per id", _GATHER)


def _grown(name: str, size: int) -> tuple[float, float]:
    worker = python_worker("bulk_growth", name)
    try:
        found = worker.ask(ids=size, seconds=0.25)
    finally:
        worker.close()
    if isinstance(found, str):
        raise SystemExit(f"{name} {found}")
    cpu, grown = found
    return cpu, grown if grown is not None else float("nan")


def _cpu(samples: Sequence[tuple[float, float]]) -> float:
    return median(cpu for cpu, _ in samples)


def _mib(samples: Sequence[tuple[float, float]]) -> float:
    return median(grown for _, grown in samples)


if __name__ == "__main__":
    main()
