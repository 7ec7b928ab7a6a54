"""Disks and neighbours that do what they should not: a manifest vouches for what was written; nothing gets stuck."""

import asyncio
import errno
import hashlib
import json
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest

from commercelayer_async import (
    AccessToken,
    ExportError,
    ExportMismatch,
    ExportProgress,
    RateLimits,
    Resource,
    Session,
    export,
)
from commercelayer_async._export import parquet, storage, target
from commercelayer_async.jsonapi import ToOne
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.exports import content, interrupt

WALLETS = "customer_payment_sources"
NAMES = ("wallets.jsonl", "wallets.csv", "wallets.jsonl.gz", "wallets.parquet")


def truncate(part: Path) -> None:
    with part.open("r+b") as file:
        file.truncate(1000)


def append(part: Path) -> None:
    with part.open("ab") as file:
        file.write(b"{}\n" * 50)


def flip(part: Path) -> None:
    with part.open("r+b") as file:
        file.seek(100)
        file.write(b"\0")


def replace(part: Path) -> None:
    data = part.read_bytes()
    part.unlink()
    part.write_bytes(data)


@pytest.mark.parametrize("change", [truncate, append, flip, replace])
@pytest.mark.parametrize("name", NAMES)
async def test_a_part_that_somebody_changes_is_not_published(
    session: Session, tmp_path: Path, name: str, change: Callable[[Path], None]
) -> None:
    def look(progress: ExportProgress) -> None:
        if progress.records == progress.total:
            change(tmp_path / f".{name}.part")

    with pytest.raises(
        ExportMismatch, match="is not what was written to it: something else changed it; overwrite"
    ) as caught:
        await export(session, WALLETS, tmp_path / name, on_progress=look)

    assert caught.value.kept == 0
    assert not {name, f"_{name}.manifest.json"} & set(content(tmp_path))


async def test_a_parquet_file_that_is_not_what_was_written_is_not_published(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = parquet.convert

    def convert(rows: Any, file: Any, columns: Any, **options: Any) -> None:
        original(rows, file, columns, **options)
        flip(tmp_path / ".wallets.parquet.part.whole")

    monkeypatch.setattr(parquet, "convert", convert)

    with pytest.raises(ExportMismatch, match="is not what was written"):
        await export(session, WALLETS, tmp_path / "wallets.parquet")

    assert "wallets.parquet" not in content(tmp_path)


async def test_what_a_failed_sync_may_have_lost_is_not_counted(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second sync after one that failed says that all is well, whether or not the bytes are on disk."""
    path = tmp_path / "wallets.jsonl"
    part = tmp_path / ".wallets.jsonl.part"
    failed: list[bool] = []

    def fsync(descriptor: int) -> None:
        is_part = part.exists() and os.path.samestat(os.fstat(descriptor), part.stat())
        if is_part and part.stat().st_size and not failed:
            failed.append(True)
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)

    with pytest.raises(ExportError, match="Input/output error"):
        await export(session, WALLETS, path)

    assert json.loads((tmp_path / ".wallets.jsonl.part.json").read_text())["records"] == 0
    done = await export(session, WALLETS, path, resume=True)
    assert done.records == len(sandbox.world.wallet_ids())


@pytest.mark.parametrize("step", ["fstat", "lstat", "ftruncate", "lseek"])
async def test_a_claim_that_fails_does_not_lock_this_process_out(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (tmp_path / ".wallets.jsonl.part").touch(0o600)
    original = getattr(os, step)
    failed: list[bool] = []

    def fail(where: Any, *arguments: Any, **options: Any) -> Any:
        of_part = str(where).endswith(".part") or (isinstance(where, int) and descriptor_of_part(where))
        if of_part and not failed:
            failed.append(True)
            raise OSError(errno.ESTALE, "Stale file handle")
        return original(where, *arguments, **options)

    def descriptor_of_part(descriptor: int) -> bool:
        return Path(f"/proc/self/fd/{descriptor}").readlink().name.endswith(".part")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(ExportError, match="Stale file handle"):
            await export(session, WALLETS, tmp_path / "wallets.jsonl", resume=True)

    done = await export(session, WALLETS, tmp_path / "wallets.jsonl", resume=True)
    assert done.records == len(sandbox.world.wallet_ids())


# Without hard links


class Killed(BaseException):
    """The process is no more."""


def refusing(number: int) -> Callable[..., None]:
    def link(*_arguments: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    return link


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EACCES, errno.EINVAL, errno.EMLINK, errno.EIO])
async def test_whatever_says_that_there_are_no_hard_links_an_export_ends_well(  # noqa: PLR0917 - fixtures
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    monkeypatch.setattr(os, "link", refusing(number))

    done = await export(session, WALLETS, tmp_path / name)

    assert done.records == len(sandbox.world.wallet_ids())
    assert hashlib.sha256(content(tmp_path)[name]).hexdigest() == done.sha256


@pytest.mark.parametrize("name", NAMES)
async def test_killed_between_its_claim_and_the_rename_it_can_be_resumed(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(Killed()))
        patch.setattr(storage, "release_claim", lambda _path: None)
        patch.setattr(target, "replace_file", write_in_place)
        with pytest.raises(Killed):
            await export(session, WALLETS, tmp_path / name)
    assert content(tmp_path)[name] == b""

    done = await export(session, WALLETS, tmp_path / name, resume=True)

    assert done.records == len(sandbox.world.wallet_ids())
    assert sorted(content(tmp_path)) == sorted([name, f"_{name}.manifest.json"])


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


async def test_a_rename_that_fails_gives_the_name_back(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    original = os.replace

    def fail(source: Path, to: Path) -> None:
        if str(source).endswith(".part"):
            raise OSError(errno.EIO, "Input/output error")
        original(source, to)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(ExportError, match="Input/output error"):
            await export(session, WALLETS, tmp_path / "wallets.jsonl")
    assert "wallets.jsonl" not in content(tmp_path)


async def test_a_file_system_that_keeps_neither_modes_nor_owners_does_too(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FAT: every file has the mode and the owner that its mount says."""
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    original = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = original(descriptor)
        return os.stat_result((found.st_mode | 0o077, *found[1:4], found.st_uid + 1, *found[5:]))

    def cancel(_progress: object) -> None:
        task.cancel()

    monkeypatch.setattr(os, "fstat", fstat)
    task = asyncio.ensure_future(export(session, WALLETS, tmp_path / "wallets.jsonl", on_progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await task

    done = await export(session, WALLETS, tmp_path / "wallets.jsonl", resume=True)

    assert done.resumptions == 1
    assert done.records == len(sandbox.world.wallet_ids())
    assert sorted(content(tmp_path)) == ["_wallets.jsonl.manifest.json", "wallets.jsonl"]


async def test_a_platform_without_links_does_too(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        """What `pathlib` raises there; since Python 3.13 a subclass of it."""
        raise NotImplementedError("os.link() not available on this system")

    monkeypatch.setattr(Path, "hardlink_to", cannot)

    done = await export(session, WALLETS, tmp_path / "wallets.jsonl")

    assert done.records == len(sandbox.world.wallet_ids())


async def test_an_empty_file_of_somebody_elses_is_left_alone(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "wallets.jsonl"

    def make(_progress: object) -> None:
        path.touch()

    for resume in (False, True):
        with pytest.raises(ExportError, match="is there already"):
            await export(session, WALLETS, path, on_progress=make, resume=resume)
        assert content(tmp_path)["wallets.jsonl"] == b""


async def test_a_link_whose_response_was_lost_is_known_for_our_own(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS: the link is made, its response is lost, and asked again the server says that the name is taken."""
    original = os.link

    def link(*arguments: Any, **options: Any) -> None:
        original(*arguments, **options)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", link)

    done = await export(session, WALLETS, tmp_path / "wallets.jsonl")

    assert done.records == len(sandbox.world.wallet_ids())


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
async def test_a_folder_that_takes_no_file_is_a_typed_error(
    session: Session, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return original(path, flags, *arguments, **options)

    original = os.open
    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(ExportError, match=f"cannot open .*: {os.strerror(number)}"):
        await export(session, WALLETS, tmp_path / "wallets.jsonl")

    assert not sandbox.requests


# Odd records


@attrs.frozen(kw_only=True)
class Wallet(Resource):
    """Some records have a text for a reference."""

    type = WALLETS
    reference: int | None = None

    customer = ToOne["Customer"]()


@attrs.frozen(kw_only=True)
class SparseWallet(Wallet):
    """Asks for what it declares alone."""

    sparse = True


@attrs.frozen(kw_only=True)
class Customer(Resource):
    """No customer fits."""

    type = "customers"
    email: int | None = None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("given", ["registered", "not registered"])
@pytest.mark.parametrize("cls", [Wallet, SparseWallet])
async def test_an_odd_record_stops_nothing_and_is_counted(
    sandbox: Sandbox,
    tmp_path: Path,
    cls: type[Resource],
    given: str,
    name: str,
) -> None:
    resources = [cls] if given == "registered" else []
    token = AccessToken(sandbox.access_token)
    async with Session(sandbox.url, token, resources=resources, limits=RateLimits.none()) as session:
        done = await export(session, cls, tmp_path / name)
        found = [one.attributes async for one in session.list(WALLETS)]

    assert done.records == len(found)
    assert done.invalid_records == sum(isinstance(one.get("reference"), str) for one in found) > 0
    assert done.manifest()["invalid_records"] == done.invalid_records


async def test_included_ones_are_counted_with_the_records_that_bring_them(sandbox: Sandbox, tmp_path: Path) -> None:
    token = AccessToken(sandbox.access_token)
    async with Session(sandbox.url, token, resources=[Wallet, Customer], limits=RateLimits.none()) as session:
        done = await export(session, Wallet, tmp_path / "wallets.jsonl", include="customer")

    assert done.records == done.invalid_records == len(sandbox.world.wallet_ids())


async def test_records_that_fit_are_not_counted(session: Session, tmp_path: Path) -> None:
    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", include="customer,payment_source")

    assert done.invalid_records == 0


# A column that changed


def wallet_with(hint: Any) -> type[Resource]:
    body = {"type": WALLETS, "__annotations__": {"name": hint}, "name": None}
    return attrs.frozen(kw_only=True)(type("Wallet", (Resource,), body))


@pytest.fixture
def interrupted(session: Session) -> Callable[..., Awaitable[Path]]:
    return partial(interrupt, session)


@pytest.mark.parametrize("name", ["wallets.parquet", "wallets.csv"])
async def test_a_column_that_changed_its_type_is_told_before_anything_is_read(
    session: Session, sandbox: Sandbox, tmp_path: Path, name: str, interrupted: Callable[..., Awaitable[Path]]
) -> None:
    await interrupted(wallet_with(str | None), tmp_path / name)
    sandbox.requests.clear()

    with pytest.raises(
        ExportMismatch, match=r"\(column 'name' was of type text, and is of type integer now\); overwrite"
    ):
        await export(session, wallet_with(int | None), tmp_path / name, resume=True)

    assert not sandbox.requests


async def test_json_lines_have_no_columns_that_could_change(
    session: Session, sandbox: Sandbox, tmp_path: Path, interrupted: Callable[..., Awaitable[Path]]
) -> None:
    await interrupted(wallet_with(str | None), tmp_path / "wallets.jsonl")

    done = await export(session, wallet_with(int | None), tmp_path / "wallets.jsonl", resume=True)

    assert done.records == len(sandbox.world.wallet_ids())
