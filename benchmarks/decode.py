"""Measure CPU time of decoding documents, and memory of the results: `python -m benchmarks.decode`.

Contenders take turns, each in a process of its own on one core; ratios compare samples of the same round. The garbage
collector has Python's defaults. "touch" decodes a document and then reads all values.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from . import documents
from .decoders import CONTENDERS, DETACHED
from .environments import python_of, sdk_of_node
from .measuring import Worker, python_worker, ratio, rounds, table, verdict
from .results import Results

OURS: Final = "commercelayer_async"
FLOOR: Final = "orjson.loads"
TYPED: Final = "msgspec Structs"
SDK: Final = "@commercelayer/sdk"
PEER: Final = "commercelayer 3.0.4"
ENVIRONMENTS: Final = {
    PEER: "commercelayer",
    "jsonapi-client": "jsonapi-client",
    "jsonapi-requests": "jsonapi-requests",
}

GOALS: Final = (
    ("1", "single", "decode", FLOOR, 0.95),
    ("1", "single", "decode", TYPED, 1.10),
    ("2", "page25", "decode", FLOOR, 0.75),
    ("2", "page25", "decode", TYPED, 0.95),
    ("3", "page25+50", "decode", FLOOR, 0.35),
    ("3", "page25+50", "touch", FLOOR, 1.05),
    ("3", "page25+50", "touch", TYPED, 1.25),
    ("4", "page25?", "decode", FLOOR, 0.90),
    ("4", "page25+50?", "decode", FLOOR, 0.36),
    ("7", "page25+50", "decode", SDK, 0.15),
    ("7", "page25+50", "touch", SDK, 0.45),
    ("8", "single", "decode", PEER, 0.08),
    ("8", "page25", "decode", PEER, 0.08),
)
"""Number of the goal, document, operation, contender to compare with, highest ratio."""
DECODING: Final = tuple(name for name in (*CONTENDERS, SDK) if name != DETACHED)
GROWTH: Final = (75, 750, 7_500, 30_000, 100_000)
GROWING: Final = (FLOOR, TYPED, OURS, "pydantic", SDK)

CHARTS: Final = {"single": "one wallet", "page25+50": "a page of 25 wallets and 50 included"}
_DOING: Final = {"decode": "decode", "touch": "decode and read all of"}

Samples = Mapping[str, list[Any] | str]


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("decode")
    with tempfile.TemporaryDirectory() as folder:
        found: dict[tuple[str, str], Samples] = {}
        if "documents" in options.parts:
            _decode(Path(folder), options, found, results)
        if "growth" in options.parts:
            _grow(Path(folder), options, results)
        if "memory" in options.parts:
            _keep(Path(folder), options, results)
    results.write(options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each sample")
    parser.add_argument("--only", action="append", help="a contender; may be given again", choices=[*CONTENDERS, SDK])
    parser.add_argument("--json", type=Path, help="where to write the results for `make plots`")
    parts = ("documents", "growth", "memory")
    parser.add_argument("parts", nargs="*", default=parts, help="documents, growth, memory; all unless given")
    return parser.parse_args()


class _Workers:
    """A process for each contender, which reads the documents of a folder."""

    def __init__(self, names: Iterable[str], folder: Path) -> None:
        self.by_name: dict[str, Worker] = {}
        for name in names:
            if name == SDK:
                node = sdk_of_node()
                if node is not None:
                    program = Path(__file__).with_name("decoders.mjs")
                    self.by_name[name] = Worker([node[0], str(program), node[1], str(folder)])
                continue
            python = python_of(ENVIRONMENTS[name]) if name in ENVIRONMENTS else sys.executable
            if python is not None:
                self.by_name[name] = python_worker("decoders", name, str(folder), python=python)

    def __enter__(self) -> dict[str, Worker]:
        return self.by_name

    def __exit__(self, *_: object) -> None:
        for worker in self.by_name.values():
            worker.close()


def _names(options: argparse.Namespace, names: Iterable[str] = DECODING) -> list[str]:
    return [name for name in names if not options.only or name in options.only or name in (FLOOR, TYPED)]


def _written(folder: Path, bodies: Mapping[str, bytes]) -> None:
    for name, body in bodies.items():
        (folder / f"{name}.json").write_bytes(body)


def _decode(folder: Path, options: argparse.Namespace, found: dict[tuple[str, str], Samples], results: Results) -> None:
    bodies = documents.named()
    _written(folder, bodies)
    with _Workers(_names(options), folder) as workers:
        for what in ("decode", "touch"):
            for name, body in bodies.items():
                samples = rounds(workers, options.rounds, {"document": name, "what": what, "seconds": options.seconds})
                found[name, what] = samples
                print(f"\n{name} ({len(body):,} bytes), {what}")
                _print_ratios(samples)
                if name in CHARTS:
                    bars = {contender: _ratio(values, samples[FLOOR]) for contender, values in samples.items()}
                    bars = {contender: value for contender, value in bars.items() if value is not None}
                    title = f"CPU time to {_DOING[what]} {CHARTS[name]}"
                    key = f"decode-{name.replace('+', '-')}-{what}"
                    results.chart(key, title, FLOOR, bars, ours=(OURS,))
    unknown = documents.with_unknown_types()
    _written(folder, unknown)
    # In new processes: types that a registry has seen join its union, which would change the figures above.
    with _Workers(_names(options, (FLOOR, OURS)), folder) as workers:
        for name in unknown:
            question = {"document": name, "what": "decode", "seconds": options.seconds}
            found[name, "decode"] = rounds(workers, options.rounds, question)
    print("\nGoals (page25? and page25+50? hold unknown types)")
    for number, name, what, against, goal in GOALS:
        samples = found.get((name, what), {})
        ours, theirs = samples.get(OURS, ""), samples.get(against, "")
        if ours and theirs and not isinstance(ours, str) and not isinstance(theirs, str):
            print(f"{number}: {name}, {what}, / {against}: {verdict(ratio(ours, theirs), goal)}")
            results.goal(number, f"{name}, {what}, / {against}", ratio(ours, theirs), goal)


def _ratio(values: list[Any] | str, floor: list[Any] | str) -> float | None:
    """Return the ratio; None if a contender cannot do it."""
    return None if isinstance(values, str) or isinstance(floor, str) else ratio(values, floor)


def _print_ratios(samples: Samples) -> None:
    rows = []
    for name, values in samples.items():
        if isinstance(values, str):
            rows.append((name, values, "", ""))
        else:
            against = [f"{ratio(values, samples[floor]):.2f}" for floor in (FLOOR, TYPED)]  # type: ignore[arg-type] # its keys
            rows.append((name, f"{median(values):,.2f}", *against))
    table(("", "CPU us", "x orjson", "x Structs"), rows)


def _grow(folder: Path, options: argparse.Namespace, results: Results) -> None:
    rows: dict[str, list[float | None]] = {}
    shares: dict[int, Samples] = {}
    _written(folder, {f"compound{size}": documents.compound(size) for size in GROWTH})
    with _Workers(_names(options, GROWING), folder) as workers:
        for size in GROWTH:
            question = {"document": f"compound{size}", "what": "touch", "seconds": options.seconds}
            shares[size] = rounds(workers, options.rounds, question)
            for name, values in shares[size].items():
                cell = None if isinstance(values, str) else median(values) / size
                rows.setdefault(name, []).append(cell)
    print("\nGrowth: CPU us a resource, decode and touch")
    table(
        ("", *(f"{size:,}" for size in GROWTH), "30,000 / 75"),
        [(name, *map(_cell, cells), _cell(_grown(cells))) for name, cells in rows.items()],
    )
    grown = _grown(rows[OURS])
    if grown is not None:
        print(f"goal 6, 30,000 / 75: {verdict(grown, 1.6)}")
        results.goal("6", "a resource of 30,000 / of 75", grown, 1.6)
    at = shares[30_000]
    for against, goal in ((FLOOR, 0.40), (SDK, 0.20)):
        ours, theirs = at.get(OURS, ""), at.get(against, "")
        if not isinstance(ours, str) and not isinstance(theirs, str):
            print(f"goal 6, at 30,000, / {against}: {verdict(ratio(ours, theirs), goal)}")
            results.goal("6", f"at 30,000 resources, / {against}", ratio(ours, theirs), goal)


def _grown(cells: Sequence[float | None]) -> float | None:
    first, at_30_000 = cells[0], cells[GROWTH.index(30_000)]
    return None if first is None or at_30_000 is None else at_30_000 / first


def _cell(value: float | None) -> str:
    return "cannot" if value is None else f"{value:.2f}"


def _keep(folder: Path, options: argparse.Namespace, results: Results) -> None:
    _written(folder, documents.named())
    rows = []
    kept: dict[str, list[float | None]] = {}
    for name in _names(options, (*DECODING, DETACHED)):
        cells: list[float | None] = []
        for document in ("page25", "page25+50"):
            # A fresh process for each: what was freed before is memory to grow into.
            with _Workers([name], folder) as workers:
                value = workers[name].ask(document=document, what="keep", seconds=0) if workers else "absent"
            cells.append(None if isinstance(value, str) else value)
        kept[name] = cells
        rows.append((name, *("cannot" if cell is None else f"{cell:,.0f}" for cell in cells)))
    print("\nMemory: bytes for each of 100,000 kept resources")
    table(("", "page25", "page25+50"), rows)
    ours, floor = kept[OURS][0], kept[FLOOR][0]
    if ours is not None and floor is not None:
        print(f"goal 9, page25: {ours:,.0f} (goal <= 2,100: {'met' if ours <= 2_100 else 'missed'})")
        print(f"goal 9, page25, / {FLOOR}: {verdict(ours / floor, 0.58)}")
        results.goal("9", f"memory of a kept resource, page25, / {FLOOR}", ours / floor, 0.58)
    detached = kept.get(DETACHED, [None])[0]
    if detached is not None and floor is not None:
        print(f"goal 9, page25, detached: {detached:,.0f} (goal <= 1,000: {'met' if detached <= 1_000 else 'missed'})")
        print(f"goal 9, page25, detached, / {FLOOR}: {verdict(detached / floor, 0.27)}")
        results.goal("9", f"memory of a detached resource, page25, / {FLOOR}", detached / floor, 0.27)
    bars = {name: cells[1] / base for name, cells in kept.items() if (base := kept[FLOOR][1]) and cells[1] is not None}
    if bars:
        title = "Memory of a kept resource, of pages of 25 + 50"
        results.chart("decode-memory", title, FLOOR, bars, ours=(OURS, DETACHED))


if __name__ == "__main__":
    main()
