"""Measure time of decoding documents, and memory of the results: `python -m benchmarks.decode`.

Contenders take turns, each in a process of its own, in an order drawn for each round; ratios compare samples of the
same round. The garbage collector has Python's defaults. "touched" decodes a document and then takes all that is in it.
`--quick` has few rounds and those contenders alone that goals name: about a minute.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from . import documents
from .decoders import CONTENDERS, DETACHED, READ, TOUCHED, WITHOUT_LINKS
from .environments import python_of, sdk_of_node
from .measuring import ABSENT, BUSY, Samples, Worker, python_worker, rounds
from .results import Cell, Results, Table, Verdict
from .run import add_options, facts

OURS: Final = "commercelayer_async"
FLOOR: Final = "orjson.loads"
AGAIN: Final = "orjson.loads, again"
SDK: Final = "@commercelayer/sdk"
PEER: Final = "commercelayer 3.0.4"
ENVIRONMENTS: Final = {
    PEER: "commercelayer",
    "jsonapi-client": "jsonapi-client",
    "jsonapi-requests": "jsonapi-requests",
}
DECODING: Final = tuple(name for name in (*CONTENDERS, SDK) if name != DETACHED)
QUICK: Final = (FLOOR, AGAIN, "msgspec, untyped", "msgspec Structs", OURS, DETACHED, SDK)
"""Those that a quick run has."""

TITLES: Final = {
    "single": "one wallet",
    "single-utf8": "one wallet, not pure ASCII",
    "page25": "a page of 25 wallets",
    "page25-50": "a page of 25 wallets and 50 included",
    "page25-50-utf8": "a page of 25 wallets and 50 included, not pure ASCII",
    "page2500-5000": "2,500 wallets and 5,000 included",
    "page25-unknown": "a page of 25 wallets, 5 of a type that is not registered",
    "page25-50-unknown": "a page of 25 wallets and 50 included, 25 of a type that is not registered",
}
OPERATIONS: Final = (READ, TOUCHED, WITHOUT_LINKS)
TIMES: Final = ("CPU", "wall")
GROWTH: Final = (75, 750, 7_500, 30_000)
GROWING: Final = (FLOOR, AGAIN, "msgspec Structs", OURS, "pydantic", SDK)
GROWTH_ROUNDS: Final = 5
GROWN: Final = "a resource of 30,000 / of 75"
MEMORY: Final = {"page25": "a page of 25", "page25-50": "25 + 50"}

GOALS: Final = {
    "single": {READ: 1.05, TOUCHED: 1.6},
    "page25": {READ: 0.78, TOUCHED: 1.35},
    "page25-50-utf8": {READ: 0.40, TOUCHED: 1.2},
    "page2500-5000": {READ: 0.10, TOUCHED: 0.45},
}
"""CPU time of this package beside the floor's, which does the same."""
PEER_GOALS: Final = {"single": 0.08, "page25": 0.08}
"""CPU time to read, beside commercelayer 3.0.4."""


class Bench(NamedTuple):
    """What all parts of a run need."""

    options: argparse.Namespace
    folder: Path
    """Of the documents."""
    order: Random
    results: Results

    def names(self, among: Iterable[str]) -> list[str]:
        """The contenders that were asked for; the floor and this package always are."""
        only = self.options.only
        return [name for name in among if not only or name in only or name in (FLOOR, OURS)]

    def chosen(self, bodies: Mapping[str, bytes]) -> Mapping[str, bytes]:
        """The documents that were asked for."""
        only = self.options.document
        return {name: body for name, body in bodies.items() if not only or name in only}

    def write(self, bodies: Mapping[str, bytes]) -> None:
        """Give documents to the contenders."""
        for name, body in bodies.items():
            (self.folder / f"{name}.json").write_bytes(body)


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("decode", facts(options))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder), Random(options.seed), results)
        if "documents" in options.parts:
            _decode(bench)
        if "growth" in options.parts:
            _grow(bench)
        if "memory" in options.parts:
            _keep(bench)
    results.write(options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    add_options(parser, rounds=7)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each sample")
    parser.add_argument("--only", action="append", help="a contender; may be given again", choices=[*CONTENDERS, SDK])
    parser.add_argument("--document", action="append", help="may be given again; all unless given", choices=TITLES)
    parser.add_argument("--quick", action="store_true", help="few rounds, few contenders, no growth")
    parts = ("documents", "growth", "memory")
    parser.add_argument("parts", nargs="*", default=parts, help="documents, growth, memory; all unless given")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.only = min(options.rounds, 5), 0.04, options.only or QUICK
        options.parts = [part for part in options.parts if part != "growth"]
    return options


@contextmanager
def _workers(names: Iterable[str], folder: Path) -> Iterator[dict[str, Worker | None]]:
    """A process for each contender, which reads the documents of a folder; None for one that cannot be had here."""
    workers: dict[str, Worker | None] = {}
    try:
        for name in names:
            workers[name] = _worker(name, folder)
        yield workers
    finally:
        for worker in workers.values():
            if worker is not None:
                worker.close()


def _worker(name: str, folder: Path) -> Worker | None:
    if name == SDK:
        node = sdk_of_node()
        program = Path(__file__).with_name("decoders.mjs")
        return None if node is None else Worker([node[0], "--expose-gc", str(program), node[1], str(folder)])
    python = python_of(ENVIRONMENTS[name]) if name in ENVIRONMENTS else sys.executable
    return None if python is None else python_worker("decoders", name, str(folder), python=python)


def _decode(bench: Bench) -> None:
    bodies = bench.chosen(documents.named())
    bench.write(bodies)
    with _workers(bench.names(DECODING), bench.folder) as workers:
        for name, body in bodies.items():
            _compare(bench, workers, name, body)
            _judge(name, workers, bench.results)
    if bench.options.quick:
        return
    unknown = bench.chosen(documents.with_unknown_types())
    bench.write(unknown)
    # In new processes: types that a registry has seen join its union, which would change the figures above.
    with _workers((FLOOR, AGAIN, OURS), bench.folder) as workers:
        for name, body in unknown.items():
            _compare(bench, workers, name, body)


def _compare(bench: Bench, workers: Mapping[str, Worker | None], name: str, body: bytes) -> None:
    """One table: of a document, what each contender takes for each operation."""
    operations = (READ,) if name.endswith("unknown") else OPERATIONS
    found: list[Samples] = []
    for what in operations:
        question = {"document": name, "what": what, "seconds": bench.options.seconds}
        samples = rounds(workers, bench.options.rounds, question, bench.order)
        if samples.waited(FLOOR) > BUSY:
            bench.results.disturbed(f"{what} of {name}, the floor took {samples.waited(FLOOR):.1f} times its CPU time")
        found.append(samples)
    rows: dict[str, list[Cell]] = {}
    for contender in workers:
        rows[contender] = [samples.ratio(contender, FLOOR, time) for samples in found for time in range(len(TIMES))]
        rows[contender].append(min(filter(None, (samples.rounds_of(contender) for samples in found)), default=0))
    bench.results.table(
        Table(
            key=f"decode-{name}",
            title=f"Decoding {TITLES[name]} ({len(body):,} bytes)",
            unit=f"x {FLOOR}",
            columns=[*(f"{what}, {time}" for what in operations for time in TIMES), "rounds"],
            rows=rows,
            ours=(OURS,),
            drawn=[f"{what}, CPU" for what in operations if what != WITHOUT_LINKS],
        )
    )


def _judge(name: str, workers: Mapping[str, Worker | None], results: Results) -> None:
    table = f"decode-{name}"
    for what, bound in GOALS.get(name, {}).items():
        results.verdict(Verdict(table, OURS, f"{what}, CPU", bound, FLOOR))
    if SDK in workers:
        for what in (READ, WITHOUT_LINKS):
            results.verdicts(Verdict(table, OURS, f"{what}, {time}", 1.0, SDK) for time in TIMES)
    if PEER in workers and name in PEER_GOALS:
        results.verdict(Verdict(table, OURS, f"{READ}, CPU", PEER_GOALS[name], PEER))


def _grow(bench: Bench) -> None:
    """One table: how the time for a document grows with the resources in it."""
    bench.write({f"compound{size}": documents.compound(size) for size in GROWTH})
    found: dict[int, Samples] = {}
    times = min(bench.options.rounds, GROWTH_ROUNDS)
    with _workers(bench.names(GROWING), bench.folder) as workers:
        for size in GROWTH:
            question = {"document": f"compound{size}", "what": WITHOUT_LINKS, "seconds": bench.options.seconds}
            found[size] = rounds(workers, times, question, bench.order)
    few, many = found[GROWTH[0]], found[GROWTH[-1]]
    rows: dict[str, list[Cell]] = {}
    for name in workers:
        rows[name] = [samples.ratio(name, FLOOR, 0) for samples in found.values()]
        failed = many.failures.get(name)
        rows[name].append(
            failed.partition(":")[0]
            if failed is not None
            else many.medians(name, 0) / GROWTH[-1] / (few.medians(name, 0) / GROWTH[0])
        )
    columns = [f"{size:,} resources" for size in GROWTH]
    bench.results.table(
        Table(
            key="decode-growth",
            title=f"Decoding documents of more and more resources, {WITHOUT_LINKS}, CPU",
            unit=f"x {FLOOR}; the last column, x the contender itself",
            columns=[*columns, GROWN],
            rows=rows,
            ours=(OURS,),
            drawn=[GROWN],
        )
    )
    bench.results.verdict(Verdict("decode-growth", OURS, GROWN, 1.6))
    for beside, bound in ((FLOOR, 0.40), (SDK, 0.20)):
        if beside in workers:
            bench.results.verdict(Verdict("decode-growth", OURS, columns[-1], bound, beside))


def _keep(bench: Bench) -> None:
    """One table: the memory of what is kept."""
    bench.write(documents.named())
    names = bench.names((*(name for name in DECODING if name != AGAIN), DETACHED))
    kept = {name: [_kept(name, document, bench.folder) for document in MEMORY] for name in names}
    rows: dict[str, list[Cell]] = {}
    for name, cells in kept.items():
        ratios = [_quotient(cell, floor) for cell, floor in zip(cells, kept[FLOOR], strict=True)]
        rows[name] = [cell for pair in zip(cells, ratios, strict=True) for cell in pair]
    columns = [f"{pages}, {unit}" for pages in MEMORY.values() for unit in ("bytes", f"x {FLOOR}")]
    bench.results.table(
        Table(
            key="decode-memory",
            title="Memory of each resource that is kept, of pages of 25 wallets, alone and with 50 included",
            unit="bytes, and these as ratios",
            columns=columns,
            rows=rows,
            ours=(OURS, DETACHED),
            drawn=[column for column in columns if column.endswith(FLOOR)],
        )
    )
    bench.results.verdict(Verdict("decode-memory", OURS, "a page of 25, bytes", 2_080))
    bench.results.verdict(Verdict("decode-memory", OURS, f"a page of 25, x {FLOOR}", 0.58))
    if DETACHED in names:
        bench.results.verdict(Verdict("decode-memory", DETACHED, "a page of 25, bytes", 1_000))
        bench.results.verdict(Verdict("decode-memory", DETACHED, f"a page of 25, x {FLOOR}", 0.27))


def _kept(name: str, document: str, folder: Path) -> int | str:
    """In a process of its own: what was freed before is memory to grow into."""
    with _workers([name], folder) as workers:
        worker = workers[name]
        found = ABSENT if worker is None else worker.ask(document=document, what="keep", seconds=0)
    return found.partition(":")[0] if isinstance(found, str) else round(found)


def _quotient(value: int | str, floor: int | str) -> float | str:
    if isinstance(value, str) or isinstance(floor, str):
        return str(value)
    return value / floor


if __name__ == "__main__":
    main()
