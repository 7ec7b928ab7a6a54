"""What an export writes, and that it is all of it."""

import asyncio
import hashlib
import json
import os
import stat
from pathlib import Path

import pyarrow.parquet
import pytest

import commercelayer_async
from commercelayer_async import ConfigurationError, Exported, ExportProgress, Forbidden, export
from commercelayer_async.jsonapi import Registry
from commercelayer_async.resources import RESOURCES, Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Answer
from tests.support.documents import WALLET_ID

WALLETS = "customer_payment_sources"


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_package_publishes_the_function():
    assert commercelayer_async.export is export
    assert {"export", "Exported", "ExportProgress", "DiskFull"} <= set(commercelayer_async.__all__)


async def test_every_record_is_one_line_in_the_order_of_ids(session, listed, documents, tmp_path):
    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")

    found = documents(tmp_path / "wallets.jsonl")
    assert [one["data"]["id"] for one in found] == listed()
    assert all(list(one) == ["data"] for one in found)
    assert done.records == len(found)


async def test_a_line_is_the_resource_object_as_it_is_served(session, documents, tmp_path):
    await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", filter={"id_in": [WALLET_ID]})

    (found,) = documents(tmp_path / "wallets.jsonl")
    assert found["data"] == (await session.get(CustomerPaymentSource, WALLET_ID)).raw
    assert found["data"]["attributes"]["payment_source_token"] == "pm_xxxyyyzzz"


async def test_a_line_with_included_resources_is_a_document_of_its_own(session, tmp_path):
    path = tmp_path / "wallets.jsonl"
    await export(session, CustomerPaymentSource, path, include=["customer", "payment_source"])

    registry = Registry(*RESOURCES)
    for line in path.read_bytes().splitlines():
        wallet = registry.read(line)
        assert isinstance(wallet, CustomerPaymentSource)
        assert wallet.customer.loaded
        assert wallet.payment_source.loaded
        # No more than belongs to it, though the pages it came on held 25 wallets.
        assert len(json.loads(line)["included"]) <= 2


async def test_the_manifest_describes_what_is_in_the_file(session, sandbox, tmp_path):
    path = tmp_path / "wallets.jsonl"
    done = await export(
        session, CustomerPaymentSource, path, include=["customer"], filter={"created_at_gt": "2000-01-01"}
    )

    manifest = json.loads((tmp_path / "_wallets.jsonl.manifest.json").read_text())
    assert manifest == done.manifest()
    assert manifest["file"] == "wallets.jsonl"
    assert manifest["records"] == len(sandbox.world.wallet_ids())
    assert manifest["bytes"] == path.stat().st_size
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (manifest["type"], manifest["format"]) == (WALLETS, "jsonl")
    assert manifest["filter"] == {"created_at_gt": "2000-01-01"}
    assert manifest["include"] == ["customer"]
    assert manifest["organization"] == f"{sandbox.url}/api"
    assert manifest["api_version"] is None
    assert manifest["client"].startswith("commercelayer-async/")
    assert manifest["started_at"] <= manifest["finished_at"]
    assert manifest["resumptions"] == 0


@pytest.mark.parametrize("mask", [0o000, 0o077])
@pytest.mark.parametrize("name", ["wallets.jsonl", "wallets.csv", "wallets.parquet"])
async def test_only_the_owner_can_read_the_files_whatever_the_umask(session, tmp_path, mask, name):
    seen: set[tuple[str, int]] = set()

    def look(_progress):
        seen.update((path.name, mode_of(path)) for path in tmp_path.iterdir())

    before = os.umask(mask)
    try:
        await export(session, CustomerPaymentSource, tmp_path / name, on_progress=look)
    finally:
        os.umask(before)

    assert {path.name: mode_of(path) for path in tmp_path.iterdir()} == {name: 0o600, f"_{name}.manifest.json": 0o600}
    assert seen == {(f".{name}.part", 0o600), (f".{name}.part.json", 0o600)}


async def test_nothing_at_all_is_a_file_without_lines(session, tmp_path):
    done = await export(session, "customers", tmp_path / "none.jsonl", filter={"email_eq": "nobody@example.com"})

    assert done.records == 0
    assert (tmp_path / "none.jsonl").read_bytes() == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["_none.jsonl.manifest.json", "none.jsonl"]


async def test_nothing_at_all_is_a_parquet_file_that_the_oldest_pyarrow_reads(session, tmp_path):
    """Which refuses one without a row group."""
    to = tmp_path / "none.parquet"
    await export(session, Customer, to, filter={"email_eq": "nobody@example.com"})

    found = pyarrow.parquet.ParquetFile(to)
    assert (found.metadata.num_rows, found.metadata.num_row_groups) == (0, 1)
    assert "email" in found.schema_arrow.names


async def test_progress_counts_records_of_the_total(session, sandbox, tmp_path):
    seen: list[ExportProgress] = []
    await export(session, "customer_payment_sources", str(tmp_path / "wallets.jsonl"), on_progress=seen.append)

    total = len(sandbox.world.wallet_ids())
    assert [progress.records for progress in seen] == [*range(25, total, 25), total]
    assert {progress.total for progress in seen} == {total}
    assert seen[-1].size == (tmp_path / "wallets.jsonl").stat().st_size
    assert {progress.resumed for progress in seen} == {0}


async def test_a_callback_that_raises_is_logged_and_suppressed(session, listed, tmp_path, caplog):
    def fail(_progress):
        raise KeyError("secret")

    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", on_progress=fail)

    assert done.records == len(listed())
    assert "a progress callback raised KeyError" in caplog.text
    assert "secret" not in caplog.text


async def test_what_stays_is_exported_once_while_others_come_and_go(session, sandbox, documents, tmp_path):
    ids = sandbox.world.wallet_ids()
    doomed = list(ids[1::5])
    stay = set(ids) - set(doomed)
    known = set(ids)

    def change(_progress):
        if doomed:  # else it would never end: what is created behind the last page is read too
            known.update(sandbox.world.create_wallets(2))
        sandbox.world.delete_wallets(*(doomed.pop() for _ in range(min(4, len(doomed)))))

    await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", on_progress=change)

    found = [one["data"]["id"] for one in documents(tmp_path / "wallets.jsonl")]
    assert len(found) == len(set(found))
    assert stay <= set(found) <= known


async def test_a_sparse_class_is_exported_with_its_fields_alone(session, documents, tmp_path):
    import attrs  # noqa: PLC0415 - needed by one test

    from commercelayer_async import Resource  # noqa: PLC0415 - needed by one test

    @attrs.frozen(kw_only=True)
    class Name(Resource):
        type = WALLETS
        sparse = True
        name: str | None = None

    done = await export(session, Name, tmp_path / "names.jsonl")

    assert done.description["fields"] == ["name"]
    assert all(set(one["data"].get("attributes", {})) <= {"name"} for one in documents(tmp_path / "names.jsonl"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"format": "jsnl"}, "did you mean 'jsonl'"),
        ({"format": "xml"}, "'xml' is not a format; use one of jsonl, csv, parquet"),
        ({"include": "custmer"}, "did you mean 'customer'"),
        ({"filter": {"nam_eq": "x"}}, "did you mean 'name_eq'"),
        ({"filter": {"id_gt": "x"}}, "id_gt"),
        ({"to": ""}, "path of a file"),
        ({"to": "a\0b"}, "path of a file"),
        ({"what": "event_stores"}, "cannot be scanned"),
        ({"what": "a/b"}, "type must be"),
    ],
)
async def test_misuse_is_refused_before_anything_is_sent_or_written(session, sandbox, tmp_path, arguments, reason):
    given = {"what": CustomerPaymentSource, "to": tmp_path / "wallets.jsonl", **arguments}

    with pytest.raises(ConfigurationError, match=reason):
        await export(session, given.pop("what"), given.pop("to"), **given)

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


async def test_an_error_before_the_first_page_leaves_nothing(session, sandbox, tmp_path):
    sandbox.faults.add(Answer.errors(403))

    with pytest.raises(Forbidden) as caught:
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")

    assert not list(tmp_path.iterdir())
    assert not hasattr(caught.value, "__notes__")


async def test_a_filter_value_is_never_taken_for_a_parameter(session, tmp_path):
    wanted = "a&b=c%20;+[d]"
    done = await export(session, Customer, tmp_path / "none.csv", filter={"email_eq": wanted})

    assert done.description["filter"] == {"email_eq": wanted}


async def test_an_export_does_not_hold_up_the_event_loop(session, tmp_path, monkeypatch):
    threads = set()
    monkeypatch.setattr(os, "fsync", lambda _descriptor: threads.add(asyncio._get_running_loop()))

    await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")

    assert threads == {None}


def test_an_exported_export_shows_no_filter_in_its_path():
    done = Exported("a/b.jsonl", 1, 2, "00", {}, "", "", 0, "")

    assert done.manifest()["file"] == "b.jsonl"
    assert Path(done.path).name == "b.jsonl"
