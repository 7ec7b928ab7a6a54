"""The names of the files: what they end in, what they are beside each other, and where they are."""

import csv
import errno
import gzip
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.dataset
import pytest

from commercelayer_async import ConfigurationError, DiskFull, ExportError, ExportExists, Session, export
from commercelayer_async._export import checkpoint as checkpoints
from commercelayer_async._export.encoding import Gzip
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.exports import interrupt

WALLETS = "customer_payment_sources"


@pytest.fixture
def interrupted(session: Session) -> Callable[..., Any]:
    async def interrupting(path: Path, *, what: Any = WALLETS, **options: Any) -> Path:
        return await interrupt(session, what, path, **options)

    return interrupting


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Endings


@pytest.mark.parametrize("name", ["w.cvs", "w.tsv", "w.xlsx", "w.json", "w.gz", "w.csv.zip", "w.2024", "w.cvs.gz"])
async def test_an_ending_that_is_no_known_format_is_refused(
    session: Session, sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"is not the ending of a known format.*known are \.jsonl, \.ndjson, \.csv"
    ):
        await export(session, WALLETS, tmp_path / name)

    assert not sandbox.requests
    assert not names_in(tmp_path)


async def test_the_nearest_ending_is_a_hint(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean '\.csv'\?"):
        await export(session, WALLETS, tmp_path / "w.cvs")


@pytest.mark.parametrize(
    ("name", "format", "expected"),
    [
        ("w.tsv", "csv", ("csv", None)),
        ("w.csv", "jsonl", ("jsonl", None)),
        ("w.csv.gz", "jsonl", ("jsonl", "gzip")),
        ("w.gz", "csv", ("csv", "gzip")),
        ("W.CSV.GZ", None, ("csv", "gzip")),
        ("w.ndjson", None, ("jsonl", None)),
        ("w", None, ("jsonl", None)),
        (".w", None, ("jsonl", None)),
    ],
)
async def test_a_format_that_is_named_wins(
    session: Session, tmp_path: Path, name: str, format: str | None, expected: tuple[str, str | None]
) -> None:
    done = await export(session, WALLETS, tmp_path / name, format=format)

    assert (done.description["format"], done.description["compression"]) == expected


@pytest.mark.parametrize("format", [None, "parquet"])
async def test_parquet_is_not_compressed_again(session: Session, tmp_path: Path, format: str | None) -> None:
    with pytest.raises(ConfigurationError, match="Parquet is compressed by itself"):
        await export(session, WALLETS, tmp_path / "w.parquet.gz", format=format)


# Compressed by gzip


@pytest.mark.parametrize("name", ["wallets.jsonl.gz", "wallets.csv.gz"])
async def test_a_compressed_export_is_resumed_and_read_by_others(
    session: Session, sandbox: Sandbox, interrupted: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    path = await interrupted(tmp_path / name)
    await interrupted(path, resume=True, after=3)
    subprocess.run(["gzip", "--test", "--suffix", ".part", str(tmp_path / f".{name}.part")], check=True)  # noqa: ASYNC221 - nothing else runs meanwhile

    done = await export(session, WALLETS, path, resume=True)

    wanted = list(sandbox.world.wallet_ids())
    data = path.read_bytes()
    text = gzip.decompress(data).decode()
    if name.endswith(".jsonl.gz"):
        ids = [json.loads(line)["data"]["id"] for line in text.splitlines()]
    else:
        ids = [row["id"] for row in csv.DictReader(text.splitlines(), strict=True)]
    assert ids == wanted
    assert done.resumptions == 2
    assert (done.size, done.records) == (len(data), len(wanted))
    assert done.size < len(text) / 4
    with duckdb.connect() as database:
        assert database.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(len(wanted),)]


async def test_no_records_are_a_gzip_file_too(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl.gz"
    await export(session, "customers", path, filter={"email_eq": "nobody@example.com"})

    assert gzip.decompress(path.read_bytes()) == b""


async def test_a_disk_that_fills_up_leaves_whole_members(session: Session, sandbox: Sandbox, tmp_path: Path) -> None:
    room = 3_000
    original = os.write

    def write(descriptor: int, data: Any) -> int:
        nonlocal room
        if room <= 0:
            raise OSError(errno.ENOSPC, "No room")
        took = original(descriptor, data[:room])
        room -= took
        return took

    path = tmp_path / "wallets.jsonl.gz"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(DiskFull):
            await export(session, WALLETS, path)

    await export(session, WALLETS, path, resume=True)

    lines = gzip.decompress(path.read_bytes()).splitlines()
    assert [json.loads(line)["data"]["id"] for line in lines] == list(sandbox.world.wallet_ids())


def test_what_was_not_written_is_not_in_the_next_member() -> None:
    encoding = Gzip()
    written = encoding.add(b"one")
    encoding.commit()
    encoding.add(b"lost")
    encoding.end()
    written += encoding.add(b"two")
    encoding.commit()
    written += encoding.end()
    encoding.commit()

    assert encoding.end() == b""
    assert gzip.decompress(written) == b"onetwo"


# Beside each other


async def test_readers_of_a_folder_find_the_data_alone(
    session: Session, sandbox: Sandbox, interrupted: Callable[..., Any], tmp_path: Path
) -> None:
    await export(session, CustomerPaymentSource, tmp_path / "a.parquet")
    await interrupted(tmp_path / "b.parquet", what=CustomerPaymentSource)

    dataset = pyarrow.dataset.dataset(tmp_path)

    assert dataset.count_rows() == len(sandbox.world.wallet_ids())
    with duckdb.connect() as database:
        count = database.sql(f"SELECT count(*) FROM '{tmp_path}/*.parquet'").fetchall()
    assert count == [(len(sandbox.world.wallet_ids()),)]
    beside = [name for name in names_in(tmp_path) if name != "a.parquet"]
    assert len(beside) == 3
    assert all(name.startswith((".", "_")) for name in beside)


@pytest.mark.parametrize("name", ["wallets.jsonl", "wallets.csv", "wallets.jsonl.gz", "wallets.parquet"])
async def test_an_export_that_was_begun_under_the_earlier_names_goes_on(
    session: Session, sandbox: Sandbox, interrupted: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    path = await interrupted(tmp_path / name)
    for ending in ("part", "part.json"):
        (tmp_path / f".{name}.{ending}").rename(tmp_path / f"{name}.{ending}")
    with pytest.raises(ExportExists, match="an interrupted export"):
        await export(session, WALLETS, path)

    done = await export(session, WALLETS, path, resume=True)

    assert done.resumptions == 1
    assert done.records == len(sandbox.world.wallet_ids())
    assert names_in(tmp_path) == sorted([name, f"_{name}.manifest.json"])


async def test_a_checkpoint_of_an_earlier_version_goes_on(
    session: Session, sandbox: Sandbox, interrupted: Callable[..., Any], tmp_path: Path
) -> None:
    path = await interrupted(tmp_path / "wallets.jsonl")
    saved = tmp_path / ".wallets.jsonl.part.json"
    members = json.loads(saved.read_bytes())
    for name in ("check", "invalid_records", "provenance"):
        del members[name]
    for name in ("mode", "organization_id", "application", "owner", "scope", "compression", "column_types"):
        del members["description"][name]
    saved.write_text(json.dumps({**members, "check": checkpoints._check(members)}))

    done = await export(session, WALLETS, path, resume=True)

    assert done.records == len(sandbox.world.wallet_ids())


async def test_a_manifest_under_the_earlier_name_is_replaced_with_its_file(session: Session, tmp_path: Path) -> None:
    (tmp_path / "w.jsonl.manifest.json").write_text("{}")
    with pytest.raises(ExportExists, match=r"w\.jsonl\.manifest\.json is there"):
        await export(session, WALLETS, tmp_path / "w.jsonl")

    await export(session, WALLETS, tmp_path / "w.jsonl", overwrite=True)

    assert names_in(tmp_path) == ["_w.jsonl.manifest.json", "w.jsonl"]


# Where they are


async def test_a_program_may_change_its_folder_midway(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)

    done = await export(session, WALLETS, "wallets.jsonl", on_progress=lambda _: monkeypatch.chdir(there))

    assert done.path == "wallets.jsonl"
    assert names_in(here) == ["_wallets.jsonl.manifest.json", "wallets.jsonl"]
    assert not names_in(there)
    assert done.records == len(sandbox.world.wallet_ids())


async def test_a_folder_that_is_gone_is_a_typed_error(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(ExportError, match="cannot find the folder"):
        await export(session, WALLETS, "wallets.jsonl")
