"""Exports that end early, and are resumed."""

import asyncio
import errno
import functools
import json
import os
import pickle
import stat
from pathlib import Path

import pytest

from commercelayer_async import (
    DiskFull,
    ExportError,
    ExportExists,
    ExportLocked,
    ExportMismatch,
    ExportProgress,
    Forbidden,
    export,
)
from commercelayer_async._export import part as part_module
from commercelayer_async._export import storage
from commercelayer_async._export.checkpoint import Checkpoint, read
from commercelayer_async._export.formats import JsonLines
from commercelayer_async._export.target import Target
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Answer, Sandbox
from tests.support.exports import content, interrupt

STEPS = ("write", "fsync", "ftruncate", "replace", "unlink", "link")
NAMES = ("wallets.jsonl", "wallets.csv", "wallets.parquet")


class Dead(BaseException):
    """The process is no more."""


class Disk:
    """Counts what is done on disk, and lets the process die before one of the steps; then nothing happens any more."""

    def __init__(self, monkeypatch, dies_before=None):
        self.steps = []
        for name in STEPS:
            monkeypatch.setattr(os, name, self.counted(name, getattr(os, name), dies_before))

    def counted(self, name, original, dies_before):
        def step(*arguments, **options):
            if dies_before is not None and len(self.steps) >= dies_before:
                raise Dead
            self.steps.append((name, *arguments))
            return original(*arguments, **options)

        return step


@pytest.fixture
async def sandbox():
    async with Sandbox(wallets=60) as running:
        yield running


@pytest.fixture
def interrupted(session, tmp_path):
    """Begins an export that is cancelled after its first page."""

    async def interrupting(what=CustomerPaymentSource, path=tmp_path / "wallets.jsonl", **options):
        return await interrupt(session, what, path, **options)

    return interrupting


async def test_a_cancelled_export_goes_on_after_what_it_has(session, sandbox, interrupted, listed, documents, tmp_path):  # noqa: PLR0917 - each is a fixture or a parameter
    path = await interrupted()
    assert sorted(content(tmp_path)) == [".wallets.jsonl.part", ".wallets.jsonl.part.json"]
    sandbox.requests.clear()
    seen: list[ExportProgress] = []

    done = await export(session, CustomerPaymentSource, path, resume=True, on_progress=seen.append)

    assert [one["data"]["id"] for one in documents(path)] == listed()
    assert done.resumptions == 1
    assert seen[0].resumed >= 25
    assert all("id_gt" in request.raw_path for request in sandbox.requests)
    assert sorted(content(tmp_path)) == ["_wallets.jsonl.manifest.json", "wallets.jsonl"]


async def test_an_error_says_what_is_kept(session, sandbox, listed, documents, tmp_path):
    sandbox.faults.add(Answer.errors(403), where=lambda request: "id_gt" in request.raw_path)
    with pytest.raises(Forbidden) as caught:
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")
    assert caught.value.__notes__ == ["25 records are kept in .wallets.jsonl.part; resume the export to go on"]
    assert caught.value.kept == 25

    await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", resume=True)

    assert [one["data"]["id"] for one in documents(tmp_path / "wallets.jsonl")] == listed()


@pytest.mark.parametrize("name", ["wallets.jsonl", "wallets.parquet"])
async def test_it_may_die_before_any_step_on_disk(session, tmp_path, name):
    """The first run dies before its n-th step, for every n; the second one ends with the same file as a whole run.

    Whenever it dies, there is the whole file under its name, or none.
    """

    async def run(folder, *, resume=False):
        return await export(session, CustomerPaymentSource, folder / name, include="customer", resume=resume)

    whole = tmp_path / "whole"
    whole.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        steps = Disk(patch).steps
        expected = await run(whole)
    assert len(steps) > 25

    for n in range(len(steps)):
        folder = tmp_path / str(n)
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, dies_before=n)
            with pytest.raises(Dead):
                await run(folder)
        assert not (folder / name).exists() or (folder / name).read_bytes() == (whole / name).read_bytes()

        done = await run(folder, resume=True)

        assert (done.records, done.size, done.sha256) == (expected.records, expected.size, expected.sha256), n
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
        assert sorted(content(folder)) == [f"_{name}.manifest.json", name], n
        assert json.loads((folder / f"_{name}.manifest.json").read_text()) == done.manifest()


async def test_it_may_die_before_any_step_while_it_replaces_a_file(session, tmp_path):
    """What was there stays until the new file is whole; nothing but it and its manifest are left in the end."""
    (tmp_path / "0").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        steps = Disk(patch).steps
        expected = await export(session, CustomerPaymentSource, tmp_path / "0" / "wallets.jsonl", overwrite=True)

    seen: set[bytes] = set()

    def look(path: Path, _progress: ExportProgress) -> None:
        seen.add(path.read_bytes())

    for n in range(1, len(steps)):
        path = tmp_path / str(n) / "wallets.jsonl"
        path.parent.mkdir()
        path.write_text("mine")
        with pytest.MonkeyPatch.context() as patch:
            Disk(patch, dies_before=n)
            with pytest.raises(Dead):
                await export(session, CustomerPaymentSource, path, overwrite=True)
        assert path.read_bytes() == b"mine" or len(path.read_bytes()) == expected.size

        before = path.read_bytes()

        done = await export(
            session,
            CustomerPaymentSource,
            path,
            resume=True,
            overwrite=True,
            on_progress=functools.partial(look, path),
        )

        assert done.sha256 == expected.sha256
        assert seen <= {before}
        seen.clear()
        assert sorted(content(path.parent)) == ["_wallets.jsonl.manifest.json", "wallets.jsonl"], n


async def test_data_reach_the_disk_before_what_counts_on_them(session, tmp_path, monkeypatch):
    steps = Disk(monkeypatch).steps
    await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")

    names = [step[0] for step in steps]
    part = next(step[1] for step in steps if step[0] == "write" and len(step[2]) > 10_000)
    published = names.index("link")
    for n, step in enumerate(steps):
        if step[0] == "replace" and n < published:
            written = [m for m in range(n) if steps[m][:2] == ("write", part)]
            synced = [m for m in range(n) if steps[m][:2] == ("fsync", part)]
            # Each page is on disk before the checkpoint takes its place; the very first one counts no page.
            assert not written or synced[-1:] > written[-1:]
    assert max(n for n, step in enumerate(steps) if step[:2] == ("write", part)) < published
    assert names[published + 1] == "fsync"  # the folder, before the checkpoint goes
    assert str(steps[-2][1]).endswith(".wallets.jsonl.part")  # the lock goes last


async def test_a_finished_export_is_not_made_again(session, sandbox, tmp_path):
    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", include="customer")
    before = content(tmp_path)
    sandbox.requests.clear()

    again = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", include="customer", resume=True)

    assert again == done
    assert content(tmp_path) == before
    assert not sandbox.requests


@pytest.mark.parametrize("options", [{}, {"resume": True}])
async def test_a_file_that_is_there_is_left_alone(session, sandbox, tmp_path, options):
    path = tmp_path / "wallets.jsonl"
    path.write_text("mine")

    with pytest.raises(ExportExists, match="is there already; name another file, or overwrite it"):
        await export(session, CustomerPaymentSource, path, **options)

    assert content(tmp_path) == {"wallets.jsonl": b"mine"}
    assert not sandbox.requests


async def test_a_manifest_that_is_there_is_left_alone_too(session, tmp_path):
    (tmp_path / "_wallets.jsonl.manifest.json").write_text("mine")

    with pytest.raises(ExportExists, match=r"manifest\.json is there"):
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl")

    assert content(tmp_path) == {"_wallets.jsonl.manifest.json": b"mine"}


async def test_a_finished_file_that_was_changed_is_not_taken_for_finished(session, tmp_path):
    path = tmp_path / "wallets.jsonl"
    await export(session, CustomerPaymentSource, path)
    path.write_bytes(path.read_bytes()[:-5])

    with pytest.raises(ExportExists):
        await export(session, CustomerPaymentSource, path, resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"manifest_version": 2}'])
async def test_a_file_with_another_manifest_is_not_taken_for_finished(session, tmp_path, text):
    path = tmp_path / "wallets.jsonl"
    await export(session, CustomerPaymentSource, path)
    (tmp_path / "_wallets.jsonl.manifest.json").write_text(text)

    with pytest.raises(ExportExists):
        await export(session, CustomerPaymentSource, path, resume=True)


@pytest.mark.parametrize("name", NAMES)
async def test_overwriting_replaces_the_file_when_the_new_one_is_whole(session, listed, tmp_path, name):
    path = tmp_path / name
    path.write_text("mine")
    path.chmod(0o644)
    seen = []

    def look(_progress):
        seen.append(path.read_text())

    done = await export(session, CustomerPaymentSource, path, overwrite=True, on_progress=look)

    assert set(seen) == {"mine"}
    assert done.records == len(listed())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(content(tmp_path)) == [f"_{name}.manifest.json", name]


async def test_a_file_that_somebody_makes_meanwhile_is_not_overwritten(session, listed, documents, tmp_path):
    path = tmp_path / "wallets.jsonl"

    def make(_progress):
        path.write_text("mine")

    with pytest.raises(ExportExists) as caught:
        await export(session, CustomerPaymentSource, path, on_progress=make)
    assert path.read_text() == "mine"
    assert caught.value.kept == len(listed())

    path.unlink()
    await export(session, CustomerPaymentSource, path, resume=True)
    assert [one["data"]["id"] for one in documents(path)] == listed()


@pytest.mark.parametrize("there", [None, "mine"])
async def test_a_file_system_without_hard_links_does_too(session, listed, documents, tmp_path, monkeypatch, there):  # noqa: PLR0917 - each is a fixture or a parameter
    def refuse(*_arguments, **_options):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "wallets.jsonl"

    def make(_progress):
        if there:
            path.write_text(there)

    if there:
        with pytest.raises(ExportExists):
            await export(session, CustomerPaymentSource, path, on_progress=make)
        assert path.read_text() == there
        path.unlink()
    await export(session, CustomerPaymentSource, path, resume=True)

    assert [one["data"]["id"] for one in documents(path)] == listed()
    await export(session, CustomerPaymentSource, path, overwrite=True)
    assert sorted(content(tmp_path)) == ["_wallets.jsonl.manifest.json", "wallets.jsonl"]


async def test_an_interrupted_export_is_not_dropped_without_a_word(session, sandbox, interrupted, tmp_path):
    path = await interrupted()
    before = content(tmp_path)
    sandbox.requests.clear()

    with pytest.raises(ExportExists, match="resume it, or overwrite it"):
        await export(session, CustomerPaymentSource, path)

    assert content(tmp_path) == before
    assert not sandbox.requests


async def test_overwriting_drops_an_interrupted_export(session, interrupted, listed, documents, tmp_path):
    path = await interrupted(include="customer")

    done = await export(session, CustomerPaymentSource, path, overwrite=True)

    assert done.resumptions == 0
    assert [one["data"]["id"] for one in documents(path)] == listed()


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        ({"include": "customer"}, "include"),
        ({"filter": {"created_at_gt": "2000-01-01"}}, "filter"),
        ({"format": "csv"}, "columns, format"),
        ({"what": Customer}, "type"),
    ],
)
async def test_another_export_is_not_resumed(session, sandbox, interrupted, tmp_path, options, differs):  # noqa: PLR0917 - each is a fixture or a parameter
    path = await interrupted()
    before = content(tmp_path)
    sandbox.requests.clear()

    with pytest.raises(ExportMismatch, match=f"it differs in {differs}; overwrite it, which begins anew"):
        await export(session, options.pop("what", CustomerPaymentSource), path, resume=True, **options)

    assert content(tmp_path) == before
    assert not sandbox.requests


async def test_nor_is_one_of_another_organization(interrupted, tmp_path):
    from commercelayer_async import AccessToken, Session  # noqa: PLC0415 - needed by one test

    path = await interrupted()

    async with Session("http://127.0.0.1:9", AccessToken("token")) as other:
        with pytest.raises(ExportMismatch, match="it differs in organization"):
            await export(other, CustomerPaymentSource, path, resume=True)


def edited(text):
    return text.replace('"records": ', '"records": 1')


def of_the_future(text):
    return text.replace('"version": 1', '"version": 2')


@pytest.mark.parametrize("change", [lambda _text: "", lambda text: text[:100], edited, of_the_future, lambda _t: "[]"])
async def test_a_damaged_checkpoint_is_refused(session, interrupted, tmp_path, change):
    path = await interrupted()
    checkpoint = tmp_path / ".wallets.jsonl.part.json"
    checkpoint.write_text(change(checkpoint.read_text()))
    before = content(tmp_path)

    with pytest.raises(ExportMismatch, match="is damaged, or of another version"):
        await export(session, CustomerPaymentSource, path, resume=True)

    assert content(tmp_path) == before


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"x" + data[1:], lambda _data: b""])
async def test_a_part_that_was_changed_is_refused(session, interrupted, tmp_path, change):
    path = await interrupted()
    part = tmp_path / ".wallets.jsonl.part"
    part.write_bytes(change(part.read_bytes()))
    before = content(tmp_path)

    with pytest.raises(ExportMismatch, match="is not what its checkpoint says"):
        await export(session, CustomerPaymentSource, path, resume=True)

    assert content(tmp_path) == before


async def test_half_a_page_behind_the_checkpoint_is_cut_off(session, interrupted, listed, documents, tmp_path):
    path = await interrupted()
    with (tmp_path / ".wallets.jsonl.part").open("ab") as part:
        part.write(b'{"data":{"id":"half')

    await export(session, CustomerPaymentSource, path, resume=True)

    assert [one["data"]["id"] for one in documents(path)] == listed()


async def test_a_part_of_somebody_elses_is_left_alone(session, tmp_path):
    part = tmp_path / ".wallets.jsonl.part"
    part.touch(0o600)
    part.write_text("a download")

    with pytest.raises(ExportMismatch, match="has no checkpoint beside it"):
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", resume=True)

    assert content(tmp_path) == {".wallets.jsonl.part": b"a download"}


@pytest.mark.parametrize("options", [{"overwrite": True}, {"resume": True}])
async def test_a_part_that_others_can_read_is_not_used(session, tmp_path, options):
    part = tmp_path / ".wallets.jsonl.part"
    part.touch()
    part.chmod(0o644)

    with pytest.raises(ExportError, match=r"open to others \(mode 0644\)"):
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", **options)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.symlink_to("/dev/null"), "it is a symbolic link"),
        (os.mkfifo, "it is a pipe"),
    ],
)
async def test_what_is_not_a_file_is_refused_before_anything_is_sent(session, sandbox, tmp_path, make, reason):
    path = tmp_path / "wallets.jsonl"
    make(path)

    with pytest.raises(ExportError, match=reason):
        await export(session, CustomerPaymentSource, path, overwrite=True)

    assert not sandbox.requests


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/dev/full", "it is a device"), ("missing/wallets.jsonl", "no such folder"), ("n" * 250, "name too long")],
)
async def test_a_path_that_takes_no_file_is_refused_before_anything_is_sent(  # noqa: PLR0917 - each is a fixture or a parameter
    session, sandbox, tmp_path, monkeypatch, path, reason
):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ExportError, match=f"(?i){reason}") as caught:
        await export(session, CustomerPaymentSource, path, overwrite=True)

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())
    assert caught.value.path


async def test_a_part_that_is_a_symbolic_link_is_not_followed(session, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / ".wallets.jsonl.part").symlink_to(elsewhere)

    with pytest.raises(ExportError, match="is a symbolic link"):
        await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", overwrite=True)

    assert elsewhere.read_text() == "mine"


async def test_two_exports_to_one_file_at_once_are_refused(session, sandbox, tmp_path):
    refused = []

    def also(_progress):
        other = Target(tmp_path / "wallets.jsonl", JsonLines(), {}, client="")
        with pytest.raises(ExportLocked, match="another process is exporting to") as caught:
            other.open(resume=True, overwrite=True)
        other.abort()
        refused.append(caught.value)

    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.jsonl", on_progress=also)

    assert len(refused) == 3
    assert done.records == len(sandbox.world.wallet_ids())


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EFBIG"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_full_disk_is_an_error_of_its_own_and_can_be_resumed(session, listed, tmp_path, name, number):
    room = 9_000
    original = os.write

    def write(descriptor, data):
        nonlocal room
        if room <= 0:
            raise OSError(getattr(errno, number), "No room")
        took = original(descriptor, data[:room])
        room -= took
        return took

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(DiskFull, match=r"cannot write .*: No room; make room"):
            await export(session, CustomerPaymentSource, tmp_path / name)
    assert not (tmp_path / name).exists()

    done = await export(session, CustomerPaymentSource, tmp_path / name, resume=True)

    assert done.records == len(listed())


async def test_a_disk_that_is_full_of_the_parquet_file_keeps_the_rows(session, sandbox, tmp_path, monkeypatch):
    from commercelayer_async._export import parquet  # noqa: PLC0415 - needed by one test

    def fail(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "convert", fail)
        with pytest.raises(DiskFull):
            await export(session, CustomerPaymentSource, tmp_path / "wallets.parquet")
    assert sorted(content(tmp_path)) == [".wallets.parquet.part", ".wallets.parquet.part.json"]
    sandbox.requests.clear()

    await export(session, CustomerPaymentSource, tmp_path / "wallets.parquet", resume=True)

    assert len(sandbox.requests) == 1  # only whether there is more by now


def test_a_checkpoint_survives_being_written_and_read():
    state = Checkpoint({"filter": {"email_eq": "é\u2028"}}, "2024-01-01T00:00:00Z", "abc", 5, 100, "00", 2)

    assert read(state.text().encode()) == state
    assert "whole" in state.text()


@pytest.mark.parametrize("cls", [ExportError, ExportExists, ExportLocked, ExportMismatch, DiskFull])
def test_the_errors_survive_pickling_with_their_attributes(cls):
    error = cls("no", path="a/b.jsonl")
    error.kept = 5
    error.add_note("a note")

    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), again.path, again.kept) == (cls, "no", "a/b.jsonl", 5)
    assert again.__notes__ == ["a note"]


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOLCK, None), (errno.EIO, ExportError), (errno.EAGAIN, ExportLocked)]
)
async def test_a_file_system_without_locks_does_too(session, tmp_path, monkeypatch, number, error):
    import fcntl  # noqa: PLC0415 - POSIX only

    def refuse(*_arguments):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    if error is None:
        await export(session, Customer, tmp_path / "customers.jsonl")
        return
    with pytest.raises(error):
        await export(session, Customer, tmp_path / "customers.jsonl")


async def test_a_part_that_was_finished_in_that_moment_is_not_written_to(session, sandbox, tmp_path, monkeypatch):
    """Between finding the part of another process and locking it, that one gives it the file's name."""
    part, path = tmp_path / ".wallets.jsonl.part", tmp_path / "wallets.jsonl"
    part.touch(0o600)
    part.write_text("whole")
    original = storage.lock
    locked = []

    def lock(descriptor):
        locked.append(descriptor)
        if len(locked) == 1:
            part.rename(path)
        return original(descriptor)

    monkeypatch.setattr(part_module, "lock", lock)

    with pytest.raises(ExportExists):
        await export(session, CustomerPaymentSource, path, resume=True)

    assert len(locked) == 2
    assert content(tmp_path) == {"wallets.jsonl": b"whole"}


async def test_cancelling_while_the_parquet_file_is_made_ends_soon_and_keeps_the_rows(session, tmp_path, monkeypatch):
    loop = asyncio.get_running_loop()
    original = Target._may_proceed

    def may_proceed(self):
        loop.call_soon_threadsafe(task.cancel)
        assert self.stop.wait(10)
        return original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Target, "_may_proceed", may_proceed)
        task = asyncio.ensure_future(export(session, CustomerPaymentSource, tmp_path / "wallets.parquet"))
        with pytest.raises(asyncio.CancelledError):
            await task
    assert sorted(content(tmp_path)) == [".wallets.parquet.part", ".wallets.parquet.part.json"]

    done = await export(session, CustomerPaymentSource, tmp_path / "wallets.parquet", resume=True)

    assert (done.records, done.resumptions) == (60, 1)
