"""Stores of objects that fail half way, late or in silence: nothing is lost or doubled, and no error quotes a key."""

import errno
import hashlib
import json
import logging
import random
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from commercelayer_async import ConfigurationError, DiskFull, ExportError
from commercelayer_async import dask as cl_dask
from commercelayer_async._dask.folder import Folder
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.conftest import WALLETS

KEY: Final = "AKIAHUSHHUSHHUSHHUSH"
PUT, GET, LIST = MemoryFileSystem.pipe_file, MemoryFileSystem.cat_file, MemoryFileSystem.ls
Fault = Callable[[str, str], "str | None"]
"""Of an operation and a path, what goes wrong with it, if anything."""


class StoreError(Exception):
    """What a client of a store raises, which is what it likes."""

    def __init__(self, code: str = "InternalError") -> None:
        super().__init__(f"{code}: key={KEY}")
        self.response = {"Error": {"Code": code, "Message": f"of {KEY}"}}


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Fault], None]]:
    """Has the store in memory fail as a function says."""

    def install(fault: Fault) -> None:
        def put(self: Any, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> Any:
            what = fault("put", path)
            if what == "refused":
                raise StoreError("AccessDenied")
            if what == "half":
                PUT(self, path, value[: len(value) // 2], mode, **options)
                raise StoreError
            PUT(self, path, value, mode, **options)
            if what == "late":
                raise StoreError
            return None

        def get(self: Any, path: str, *arguments: Any, **options: Any) -> bytes:
            what = fault("get", path)
            if what == "refused":
                raise PermissionError(errno.EACCES, f"no, says {KEY}") from StoreError("AccessDenied")
            found: bytes = GET(self, path, *arguments, **options)
            return found[: len(found) // 2] if what == "half" else found

        def listing(self: Any, path: str, *arguments: Any, **options: Any) -> Any:
            what = fault("list", path)
            if what == "refused":
                raise StoreError("SlowDown")
            found = LIST(self, path, *arguments, **options)
            return found[: len(found) // 2] if what in ("half", "late") else found

        monkeypatch.setattr(MemoryFileSystem, "pipe_file", put)
        monkeypatch.setattr(MemoryFileSystem, "cat_file", get)
        monkeypatch.setattr(MemoryFileSystem, "ls", listing)

    yield install
    MemoryFileSystem.store.clear()


def export(client: Any, to: str, **options: Any) -> cl_dask.Report:
    given: dict[str, Any] = {"session": "tests.dask.sessions:unlimited", "rows_per_partition": 100, **options}
    return cl_dask.export(client, CustomerPaymentSource, to, resume=True, format="jsonl", **given)


def require_whole(to: str, report: cl_dask.Report, world: Sandbox) -> None:
    """Check that each record is there once, by the files alone, and that the manifests are theirs."""
    root = f"/{to.partition('://')[2]}"
    store = MemoryFileSystem.store
    files = {path: store[path].getvalue() for path in store if path.startswith(f"{root}/data/")}
    ids = [json.loads(line)["data"]["id"] for data in files.values() for line in data.splitlines()]
    assert sorted(ids) == sorted(world.world.wallet_ids())
    assert {f"{root}/{one.file}": one.sha256 for one in report.partitions} == {
        path: hashlib.sha256(data).hexdigest() for path, data in files.items()
    }
    assert json.loads(store[f"{root}/manifest.json"].getvalue())["records"] == report.records == WALLETS


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_every_record_is_there_once_in_the_end_and_no_error_or_log_has_the_key(
    client, world: Sandbox, faulty, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    chance = random.Random(seed)
    to = f"memory://bucket/seed-{seed}"
    failures: list[str] = []
    surely = ["refused"]  # as those drawn may all be of listings, which end no export

    def fault(operation: str, _: str) -> str | None:
        if operation == "put" and surely:
            return surely.pop()
        return chance.choice(["refused", "half", "late"]) if chance.random() < 0.06 else None

    faulty(fault)

    with caplog.at_level(logging.DEBUG):
        while len(failures) < 100:
            try:
                report = export(client, to)
                break
            except ExportError as error:
                failures.append("".join(traceback.format_exception(error)))
        else:
            raise AssertionError(failures[-1])

    faulty(lambda *_: None)
    require_whole(to, export(client, to), world)
    assert report.records == WALLETS
    assert failures
    assert KEY not in "".join(failures)
    assert KEY not in caplog.text


@pytest.mark.parametrize("what", ["refused", "half", "late"])
@pytest.mark.parametrize("file", ["plan.json", "data/part-00001.jsonl", "parts/part-00001.json", "manifest.json"])
def test_a_put_that_fails_once_is_gone_on_with(client, world: Sandbox, faulty, what: str, file: str) -> None:
    """Half of a file, or all of it with an error in answer."""
    to, left = f"memory://bucket/{what}-{file}", [what]
    faulty(lambda operation, path: left.pop() if operation == "put" and path.endswith(file) and left else None)

    code = "AccessDenied" if what == "refused" else "InternalError"
    with pytest.raises(ExportError, match=rf"^cannot write memory://.*{file}: StoreError, {code}$") as caught:
        export(client, to)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    require_whole(to, export(client, to), world)


@pytest.mark.parametrize("file", ["plan.json", "data/part-00001.jsonl", "parts/part-00001.json", "manifest.json"])
def test_a_get_that_gives_but_a_part_spoils_nothing(client, world: Sandbox, faulty, file: str) -> None:
    to, left = f"memory://bucket/part-of-{file}", ["half"]
    export(client, to)

    faulty(lambda operation, path: left.pop() if operation == "get" and path.endswith(file) and left else None)
    if file != "manifest.json":
        del MemoryFileSystem.store[f"/bucket/part-of-{file}/manifest.json"]
    report = export(client, to)

    assert left == []
    require_whole(to, report, world)


def test_credentials_that_are_refused_are_told_by_code_and_number_alone(client, faulty) -> None:
    faulty(lambda operation, _: "refused" if operation == "get" else None)

    with pytest.raises(ExportError) as caught:
        export(client, "memory://bucket/refused")

    assert str(caught.value).endswith("plan.json: PermissionError, Permission denied, AccessDenied")
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_no_room_is_told_as_such(client, faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, f"no, says {KEY}")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", full)

    with pytest.raises(DiskFull, match=r"No space left on device; make room$"):
        export(client, "memory://bucket/full")
    faulty(lambda *_: None)


def test_a_store_that_cannot_be_opened_is_told_without_its_text(client, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: Any, **__: Any) -> Any:
        raise StoreError("InvalidAccessKeyId")

    monkeypatch.setattr("fsspec.core.url_to_fs", opened)

    with pytest.raises(ConfigurationError) as caught:
        export(client, "memory://bucket/unopened")

    assert str(caught.value) == "to: what opens memory://bucket/unopened failed: StoreError, InvalidAccessKeyId"
    assert caught.value.__context__ is None


class Buckets:
    """A store of objects with one bucket: clients of such stores make a bucket where they are to make a folder."""

    protocol = ("s3", "s3a")

    def __init__(self) -> None:
        self.store: dict[str, bytes] = {}
        self.made: list[str] = []

    def makedirs(self, path: str, *, exist_ok: bool = False) -> None:
        self.made.append(path.partition("/")[0])

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite") -> None:
        if path.partition("/")[0] not in ("shop", *self.made):
            raise FileNotFoundError(errno.ENOENT, f"no such bucket, says {KEY}")
        self.store[path] = value

    def cat_file(self, path: str, *, end: int | None = None) -> bytes:
        return self.store[path][:end]


def test_a_bucket_that_is_not_there_is_told_and_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = Buckets()
    monkeypatch.setattr("commercelayer_async._dask.folder._open", lambda url: (buckets, url.removeprefix("s3://")))

    with pytest.raises(
        ExportError, match=r"^cannot write s3://shpo/wallets/plan.json: FileNotFoundError, No such file"
    ):
        Folder("s3://shpo/wallets").create("plan.json", b"{}")
    assert Folder("s3://shop/wallets").create("plan.json", b"{}")
    Folder("s3://shop/wallets").put("parts/part-00000.json", b"{}")

    assert sorted(buckets.store) == ["shop/wallets/parts/part-00000.json", "shop/wallets/plan.json"]
    assert buckets.made == []
