"""Exports whose process is killed again and again, at random moments, while the server misbehaves and the list changes.

The sandbox injects faults at fixed places; the exporting process gets SIGKILL while it starts, reads, writes, or gives
the file its name, and is run again with `--resume`. At the end each file is compared with the sandbox's own list. The
drill fails on any wallet that is lost, doubled or unknown, on half a line, a wrong checksum, or anything left behind.
Every second export is made as on a file system without hard links. After the first kill of each, somebody else's token
is tried: it must be refused, and change nothing.

    python -m benchmarks.drill_export [KILLS [SEED]]
"""

import asyncio
import base64
import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import random
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import pyarrow.parquet

from commercelayer_async.sandbox import Answer, ExpireTokens, Reset, Sandbox, Truncate
from commercelayer_async.sandbox.faults.effects import Fault

KILLS: Final = 24
WALLETS: Final = 3000
EVERY: Final = 31
"""One request in so many meets a fault."""
FORMATS: Final = ("jsonl", "csv", "parquet", "jsonl.gz", "csv.gz")
WITHOUT_LINKS: Final = """
import errno, os, runpy

def link(*_arguments, **_options):
    raise OSError(errno.EPERM, "Operation not permitted")

os.link = link
runpy.run_module("commercelayer_async", run_name="__main__")
"""
"""The program on a file system without hard links."""
REFUSED: Final = 2
"""The exit code for another one's token."""
PATIENCE: Final = 60.0
"""Seconds that a run may take."""


@attrs.define
class Tally:
    """What happened."""

    killed: Counter[str] = attrs.field(factory=Counter)
    exports: int = 0
    refused: int = 0
    """How many times another one's token was tried."""
    problems: list[str] = attrs.field(factory=list)


def inject(sandbox: Sandbox) -> None:
    """One fault of each kind in turn, at every so many requests."""
    numbers = itertools.count(1)
    kinds: tuple[Fault, ...] = (
        Answer.too_many(retry_after=0),
        Reset(),
        Answer.html(502),
        Truncate(0.5),
        Reset(after=0.5),
        ExpireTokens(),
    )
    turn = [0]

    def due(which: int) -> Callable[[Any], bool]:
        def where(request: Any) -> bool:
            if which == 0:
                turn[0] = next(numbers)
            return turn[0] % EVERY == 0 and (turn[0] // EVERY) % len(kinds) == which and "/api/" in request.raw_path

        return where

    for which, kind in enumerate(kinds):
        sandbox.faults.add(kind, times=None, where=due(which))


@attrs.frozen
class Changes:
    """Wallets that come and go while others are read."""

    sandbox: Sandbox
    chance: random.Random
    doomed: list[str]
    """Those that will be deleted, in that order."""
    known: set[str]
    """Every wallet that there ever was."""

    async def go_on(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self.chance.uniform(0.02, 0.2))
            self.known.update(self.sandbox.world.create_wallets(self.chance.randint(1, 3)))
            if self.doomed:
                self.sandbox.world.delete_wallets(self.doomed.pop())


@attrs.frozen
class Run:
    """How the exporting process is started."""

    sandbox: Sandbox
    to: Path
    links: bool
    """Whether the file system has hard links."""

    async def start(self, token: str | None = None) -> asyncio.subprocess.Process:
        """The exporting process, with the sandbox's credentials unless a token is given."""
        credentials = {
            "COMMERCELAYER_CLIENT_ID": self.sandbox.client_id,
            "COMMERCELAYER_CLIENT_SECRET": self.sandbox.client_secret,
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, *(("-m", "commercelayer_async") if self.links else ("-c", WITHOUT_LINKS))),
            *("export", "customer_payment_sources", "--resume"),
            *("--to", str(self.to), "--include", "customer,payment_source"),
            env={
                **os.environ,
                "COMMERCELAYER_ORGANIZATION": self.sandbox.url,
                **(credentials if token is None else {"COMMERCELAYER_ACCESS_TOKEN": token}),
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )


async def try_as_another(run: Run, tally: Tally) -> None:
    """Resume with the token of a customer's: that must be refused before anything is read or changed."""

    def files() -> dict[str, bytes]:
        return {one.name: one.read_bytes() for one in run.to.parent.iterdir()}

    before = files()
    if f".{run.to.name}.part.json" not in before:
        return
    process = await run.start(token_of_another())
    _, said = await process.communicate()
    if process.returncode != REFUSED or b"it differs in" not in said:
        tally.problems.append(f"another one's token was not refused, but {process.returncode}: {said.decode().strip()}")
    if files() != before:
        tally.problems.append("another one's token changed the files")
    tally.refused += 1


def token_of_another() -> str:
    """An access token whose claims are those of another customer's; it is never sent."""
    claims = {"test": True, "owner": {"type": "Customer", "id": "another"}, "scope": "market:all"}
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.e30"


async def run_and_kill(run: Run, chance: random.Random, tally: Tally) -> int:
    """Run once, and kill it at a random moment unless it is through before; its exit code."""
    sandbox, to = run.sandbox, run.to
    process = await run.start()
    ended = asyncio.ensure_future(process.wait())
    moment = chance.choices(("starting", "reading", "finishing"), (1, 6, 3))[0]
    asked, wanted = len(sandbox.requests), chance.randint(1, 40)
    # The last page is the one without records, and then there is nothing more to ask for.
    last = f"id_gt%5D={sandbox.world.wallet_ids()[-1]}"
    deadline = time.monotonic() + PATIENCE

    def due() -> bool:
        if moment == "starting":
            return True
        if moment == "reading":
            return len(sandbox.requests) - asked >= wanted
        return to.exists() or bool(sandbox.requests and last in sandbox.requests[-1].raw_path)

    while not ended.done() and not due():
        if time.monotonic() > deadline:
            tally.problems.append(f"a run took more than {PATIENCE:.0f} s")
            break
        await asyncio.sleep(0.001)
    await asyncio.wait(
        [ended], timeout=chance.uniform(0.0, {"starting": 1.0, "reading": 0.1, "finishing": 0.04}[moment])
    )
    if not ended.done():
        process.kill()
        tally.killed[moment] += 1
    code = await ended
    said = (await process.stderr.read()).decode() if process.stderr else ""
    if code not in (0, -9):
        tally.problems.append(f"a run ended with {code}: {said.strip()}")
    return code


def ids_in(path: Path) -> list[str]:
    """The ids of an exported file, without those of wallets that lack what they name; each line has to be whole."""
    if path.suffix == ".parquet":
        table: Any = pyarrow.parquet.read_table(path, columns=["id"])
        return list(table.column("id").to_pylist())
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if ".csv" in path.suffixes:
        with io.StringIO(data.decode(), newline="") as file:
            return [row["id"] for row in csv.DictReader(file, strict=True) if is_whole_row(row)]
    lines = data.splitlines(keepends=True)
    documents = [json.loads(line) for line in lines if line.endswith(b"\n")]
    if len(documents) < len(lines):
        return []
    return [document["data"]["id"] for document in documents if is_whole_document(document)]


def is_whole_row(row: dict[str, str]) -> bool:
    """Whether a row has its customer, in columns of its own, and the payment source that it names, if it names one."""
    included = {one["id"] for one in json.loads(row["included"])}
    return bool(row["customer.id"] and row["customer.email"]) and included == {row["payment_source.id"]} - {""}


def is_whole_document(document: dict[str, Any]) -> bool:
    """Whether a document includes the customer and the payment source that its wallet names."""
    linkage = (document["data"]["relationships"][name]["data"] for name in ("customer", "payment_source"))
    return {one["id"] for one in document["included"]} == {one["id"] for one in linkage if one is not None}


def manifest_of(path: Path) -> Path:
    """Where the manifest of a file is."""
    return path.with_name(f"_{path.name}.manifest.json")


def check(path: Path, stay: set[str], known: set[str]) -> tuple[int, list[str]]:
    """How many wallets a finished export holds, and what is wrong with it."""
    problems: list[str] = []
    manifest_path = manifest_of(path)
    manifest = json.loads(manifest_path.read_text())
    found = ids_in(path)
    counted = Counter(found)
    for what, wrong in (
        ("lost", stay - set(found)),
        ("doubled", {one for one, times in counted.items() if times > 1}),
        ("unknown", set(found) - known),
    ):
        if wrong:
            problems.append(f"{path.name}: {len(wrong)} {what}, such as {min(wrong)}")
    if manifest["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
        problems.append(f"{path.name}: the checksum of the manifest is wrong")
    if manifest["records"] != len(found):
        problems.append(f"{path.name}: the manifest tells {manifest['records']} records, there are {len(found)}")
    wide = [one.name for one in (path, manifest_path) if stat.S_IMODE(one.stat().st_mode) != 0o600]
    left = {one.name for one in path.parent.iterdir()} - {path.name, manifest_path.name}
    if wide or left:
        problems.append(f"{path.name}: wrong modes {wide}, left behind {sorted(left)}")
    return len(found), problems


async def export(run: Run, *, kills: int, chance: random.Random, tally: Tally, changes: Changes) -> None:
    """One export, killed so many times if it lives long enough, and then checked."""
    sandbox, path = run.sandbox, run.to
    path.parent.mkdir()
    stay = set(sandbox.world.wallet_ids()) - set(changes.doomed)
    before = tally.killed.total()
    began = time.monotonic()
    code = -9
    while code and not tally.problems and tally.killed.total() - before < kills:
        code = await run_and_kill(run, chance, tally)
        if code and tally.killed.total() - before == 1:
            await try_as_another(run, tally)
    if code and not tally.problems:
        process = await run.start()
        _, said = await process.communicate()
        if process.returncode:
            tally.problems.append(f"the last run ended with {process.returncode}: {said.decode().strip()}")
    tally.exports += 1
    if tally.problems:
        return
    records, problems = check(path, stay, changes.known)
    tally.problems += problems
    resumptions = json.loads(manifest_of(path).read_text())["resumptions"]
    print(
        f"{''.join(path.suffixes)[1:]:<12} {records} wallets ({len(stay)} stayed throughout), killed"
        f" {tally.killed.total() - before} times, resumed {resumptions} times, {time.monotonic() - began:.0f} s"
    )


async def drill(kills: int, seed: int) -> int:
    """Run it; the exit code."""
    print(f"seed         {seed}")
    chance = random.Random(seed)
    tally = Tally()
    began = time.monotonic()
    async with Sandbox(wallets=WALLETS) as sandbox:
        inject(sandbox)
        ids = list(sandbox.world.wallet_ids())
        changes = Changes(sandbox, chance, chance.sample(ids, len(ids) // 10), set(ids))
        changing = asyncio.ensure_future(changes.go_on())
        with tempfile.TemporaryDirectory() as folder:
            for number in itertools.count():
                each = -(-kills // len(FORMATS))
                left = kills - tally.killed.total()
                if tally.problems or (number >= len(FORMATS) and left <= 0):
                    break
                path = Path(folder, str(number), f"wallets.{FORMATS[number % len(FORMATS)]}")
                kills_here = min(each, max(left, 1))
                run = Run(sandbox, path, links=number % 2 == 0)
                await export(run, kills=kills_here, chance=chance, tally=tally, changes=changes)
        changing.cancel()
        faults, requests = dict(sandbox.faults.counts), len(sandbox.requests)
    print(f"kills        {tally.killed.total()} in {tally.exports} exports: {dict(tally.killed)}")
    print(f"refused      {tally.refused} times, with another one's token")
    print(f"requests     {requests} (faults {sum(faults.values())}: {faults})")
    print(f"time         {time.monotonic() - began:.0f} s")
    for problem in tally.problems:
        print(f"problem      {problem}")
    print("FAILED" if tally.problems else "passed: none lost, none doubled, no half line, every checksum right")
    return 1 if tally.problems else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:3]]
    sys.exit(asyncio.run(drill(given[0] if given else KILLS, given[1] if given[1:] else time.time_ns() % 10**6)))
