"""Exports over workers: every record once, whatever ends early and goes on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from commercelayer_async import ConfigurationError, ExportError, ExportExists, ExportMismatch
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.conftest import WALLETS
from tests.dask.data_sets import ids_in, manifest_of

UNLIMITED = "tests.dask.sessions:unlimited"


def export(client: Any, to: Any, **options: Any) -> cl_dask.Report:
    given: dict[str, Any] = {"rows_per_partition": 100, "session": UNLIMITED, **options}
    return cl_dask.export(client, given.pop("cls_or_type", CustomerPaymentSource), to, **given)


class Stopped(Exception):
    """What a caller's own part raises."""


def stop_after(monkeypatch: pytest.MonkeyPatch, partitions: int) -> None:
    """Have the caller's side end when so many partitions are written, as Ctrl-C ends it."""
    seen: list[object] = []

    def add(self: Any, done: object) -> None:
        seen.append(done)
        if len(seen) == partitions:
            raise KeyboardInterrupt

    monkeypatch.setattr("commercelayer_async._dask.run._Progress.add", add)


def test_every_record_is_in_the_folder_once_and_the_manifest_counts_it(client, world: Sandbox, folder: Path) -> None:
    report = export(client, folder, include=["customer"])

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert (report.records, report.counted_at_start, report.counted_at_end) == (WALLETS, WALLETS, WALLETS)
    assert [one.records for one in report.partitions] == [100, 100, 100, 100, 0]
    assert (report.planning_requests, report.requests, report.differences) == (6, 16, ())
    assert report.bound_by.startswith("the service and the workers")


def test_the_manifest_holds_the_hash_of_each_file_and_whose_token_it_was(client, folder: Path) -> None:
    report = export(client, folder)
    manifest = manifest_of(folder)

    assert manifest["mode"] == "test"
    assert manifest["type"] == "customer_payment_sources"
    assert [one["file"] for one in manifest["partitions"]] == [f"data/part-{n:05}.parquet" for n in range(5)]
    for one in report.partitions:
        assert hashlib.sha256((folder / one.file).read_bytes()).hexdigest() == one.sha256
    assert {path.name for path in folder.iterdir()} == {"data", "parts", "plan.json", "manifest.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*.*") if path.is_file())


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_the_other_formats_of_an_export_have_every_record_too(client, world, folder: Path, format: str) -> None:
    report = export(client, folder, format=format, cls_or_type="customers")

    texts = [path.read_text() for path in sorted((folder / "data").iterdir())]
    if format == "jsonl":
        ids = [json.loads(line)["data"]["id"] for text in texts for line in text.splitlines()]
        assert len(set(ids)) == len(ids) == report.records > 0
    else:
        assert all(text.startswith("id,type,") for text in texts)


def test_a_filter_leaves_out_what_it_leaves_out_of_a_scan(client, world: Sandbox, folder: Path) -> None:
    first = min(world.world.wallet_ids())

    report = export(client, folder, filter={"id_in": [first]})

    assert (ids_in(folder), report.counted_at_start) == ([first], 1)


def test_ids_are_read_in_the_order_given_and_those_not_found_are_counted(client, world: Sandbox, folder: Path) -> None:
    known = list(world.world.wallet_ids())[:60]

    report = export(client, folder, ids=[*known, "nowhere", known[0]], rows_per_partition=30)

    assert [one.records for one in report.partitions] == [30, 30, 0]
    assert sorted(ids_in(folder)) == sorted(known)
    assert report.differences == ("1 of 61 ids were not found, or the filter leaves them out",)


def test_records_that_come_and_go_while_it_is_read_are_named_by_the_counts(
    client, commercelayer_sandbox_factory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is there twice, and the last partition has what came after the plan."""
    real = cl_dask.export

    async def count(job: Any) -> Any:
        return WALLETS + 3

    monkeypatch.setattr("commercelayer_async._dask.run.count", count)
    report = real(client, CustomerPaymentSource, folder, session=UNLIMITED, rows_per_partition=150)

    (difference,) = report.differences
    assert difference == (
        f"3 records fewer than the {WALLETS + 3} that the service counted when all was written; so many at least were"
        " created between"
    )


def test_what_was_stopped_goes_on_and_reads_no_partition_again(
    client, world: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder, rows_per_partition=20)
    plan = (folder / "plan.json").read_bytes()

    report = export(client, folder, resume=True, rows_per_partition=7)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.resumed_partitions >= 2
    assert len(report.partitions) == 21
    assert (folder / "plan.json").read_bytes() == plan


def test_a_finished_data_set_is_given_back_as_it_is(client, world: Sandbox, folder: Path) -> None:
    done = export(client, folder)
    before = len(world.requests)

    assert export(client, folder, resume=True) == done
    assert len(world.requests) == before


def test_a_folder_with_a_data_set_is_left_alone_without_resume(client, folder: Path) -> None:
    export(client, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    with pytest.raises(ExportExists, match="resume it"):
        export(client, folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_folder_with_data_of_somebody_elses_is_left_alone(client, folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "mine.parquet").write_bytes(b"")

    with pytest.raises(ExportExists, match="no plan"):
        export(client, folder, resume=True)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"cls_or_type": Customer}, "column_types, columns, type"),
        ({"filter": {"created_at_gt": "2018-01-01T00:00:00Z"}}, "filter"),
        ({"include": ["customer"]}, "column_types, columns, include"),
        ({"session": "tests.dask.sessions:of_another"}, "application"),
    ],
)
def test_another_export_does_not_go_on_there(client, folder: Path, options: dict[str, Any], named: str) -> None:
    export(client, folder)

    with pytest.raises(ExportMismatch) as caught:
        export(client, folder, resume=True, **options)

    assert named in str(caught.value)


def test_a_file_without_its_manifest_is_absent_and_one_that_changed_is_written_again(
    client, world: Sandbox, folder: Path
) -> None:
    """At whatever moment a task ended, and whichever of two runs of it came last."""
    export(client, folder)
    (folder / "manifest.json").unlink()
    (folder / "parts" / "part-00001.json").unlink()
    (folder / "data" / "part-00001.parquet").write_bytes(b"half of")
    (folder / "data" / "part-00002.parquet").write_bytes(b"another run's")
    (folder / "data" / "part-00003.parquet").unlink()
    (folder / "parts" / "part-00000.json").write_text('{"partition_version": 1, "records"')

    report = export(client, folder, resume=True)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.records == WALLETS


def test_a_file_in_the_data_that_is_not_of_it_is_named(client, folder: Path) -> None:
    """Whoever reads the folder as one table would read it too."""
    export(client, folder)
    (folder / "manifest.json").unlink()
    (folder / "data" / "part-99999.parquet").write_bytes(b"")

    with pytest.raises(ExportMismatch, match="part-99999"):
        export(client, folder, resume=True)


def test_a_store_of_objects_whose_put_fails_half_way_is_gone_on_with(
    client, world: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = MemoryFileSystem.pipe_file
    failing = {"part-00001.parquet"}

    def half(self: Any, path: str, value: bytes, *arguments: Any, **options: Any) -> Any:
        if path.rpartition("/")[2] in failing:
            failing.clear()
            put(self, path, value[: len(value) // 2])
            raise RuntimeError("a client of a store raises what it likes: key=hush")
        return put(self, path, value, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", half)
    to = "memory://bucket/half-way"
    with pytest.raises(ExportError, match=r"cannot write memory:///?bucket/half-way/data/part-00001.*: RuntimeError$"):
        export(client, to)
    report = export(client, to, resume=True)

    assert report.records == WALLETS
    store = MemoryFileSystem()
    assert all(
        hashlib.sha256(store.cat_file(f"/bucket/half-way/{one.file}")).hexdigest() == one.sha256
        for one in report.partitions
    )


def test_progress_says_files_requests_and_what_is_left_of_the_rate_limits(client, folder: Path) -> None:
    told: list[cl_dask.Progress] = []
    report = export(client, folder, on_progress=told.append, session="tests.dask.other_services:limited")

    assert [(one.partitions, one.planned) for one in told] == [(n, 5) for n in range(1, 6)]
    assert (told[-1].requests, told[-1].size) == (report.requests, report.size)
    assert [one.requests for one in told] == sorted(one.requests for one in told)
    assert all(one.rate_limits is not None and one.rate_limits.limit == 10_000 for one in told)


def test_progress_of_what_an_earlier_run_wrote_has_no_rate_limits(client, folder: Path) -> None:
    export(client, folder)
    (folder / "manifest.json").unlink()
    told: list[cl_dask.Progress] = []
    export(client, folder, on_progress=told.append, resume=True)

    assert [one.rate_limits for one in told] == [None] * 5
    assert (told[-1].resumed, told[-1].partitions) == (WALLETS, 5)


def test_progress_is_told_for_each_partition_and_an_error_in_it_stops_nothing(client, folder: Path) -> None:
    told: list[tuple[int, int | None]] = []

    def on_progress(progress: Any) -> None:
        told.append((progress.records, progress.total))
        raise Stopped

    export(client, folder, on_progress=on_progress)

    assert len(told) == 5
    assert told[-1] == (WALLETS, WALLETS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rows_per_partition": 0}, "rows_per_partition must be a whole number from 1"),
        ({"session": "sessions"}, "session must be the name of a function"),
        ({"session": "tests.dask.sessions:nowhere"}, "a worker cannot import 'tests.dask.sessions:nowhere'"),
        ({"session": "tests.dask.sessions:not_a_session"}, "gave no Session, but a str"),
        ({"format": "parket"}, "did you mean 'parquet'"),
        ({"include": ["custmer"]}, "did you mean 'customer'"),
        ({"filter": {"created_at_before": "2018"}}, "created_at"),
        ({"filter": {"id_lteq": "x"}}, "'id_lteq' is what cuts the list into partitions"),
        ({"ids": []}, "ids must be the ids of records"),
        ({"ids": "abc"}, "ids must be the ids of records"),
        ({"ids": ["a"], "filter": {"id_in": ["b"]}}, "'id_in' is what cuts the list"),
        ({"cls_or_type": "event_stores"}, "event_stores"),
    ],
)
def test_a_mistake_is_named_and_leaves_nothing_behind(client, folder: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        export(client, folder, **options)

    assert said in str(caught.value)
    assert not folder.exists()


def test_where_to_write_has_no_password_and_a_file_system(client) -> None:
    with pytest.raises(ConfigurationError, match="holds a password"):
        export(client, "ftp://me:hush@host/wallets")
    with pytest.raises(ConfigurationError, match="Protocol not known: nothing"):
        export(client, "nothing://bucket/wallets")


def test_a_client_is_one_that_blocks(folder: Path) -> None:
    client: Any = object()

    with pytest.raises(ConfigurationError, match=r"client must be a distributed\.Client"):
        export(client, folder)
