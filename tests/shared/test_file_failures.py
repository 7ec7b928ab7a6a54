"""A file that is damaged, of another release, gone, read-only, full or held, and processes that are killed."""

import asyncio
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commercelayer_async import ConfigurationError
from commercelayer_async._shared import file_store, runtime_folder
from commercelayer_async._shared.file_store import FileStore
from commercelayer_async._shared.state import SECOND, Request
from commercelayer_async._shared.store import StoreLost
from commercelayer_async.shared import FileLimiter

PAIR = [200, 60 * SECOND, 50, 10 * SECOND]


async def asked(store: FileStore, number: int, bulk: int = 30) -> int:
    return (await store.step("key", Request("a", number, documented=PAIR, type="x", bulk=bulk))).bulk


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))


def another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def another_budget(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE budgets SET state = ?", (b"\x81\xa7version\x63",))
    connection.close()


@pytest.mark.parametrize("harm", [garbage, torn, another_version, another_budget])
async def test_a_file_that_cannot_be_believed_is_told_and_replaced(
    harm: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "limits.db"
    first = FileStore(path)
    assert await asked(first, 1) == 30
    await first.close()
    harm(path)
    second = FileStore(path)

    assert await asked(second, 1) == 30
    assert "is replaced" in caplog.text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await second.close()


async def test_a_file_that_was_deleted_is_not_written_to_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    one, other = FileStore(path), FileStore(path)
    assert await asked(one, 1) == 30
    path.unlink()
    assert await asked(one, 2) == 30
    answer = await other.step("key", Request("b", 1, documented=PAIR, type="x", bulk=30))
    assert answer.bulk == 20, "both are in the new file"
    await one.close()
    await other.close()


async def test_a_folder_that_cannot_be_written_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "gone" / "limits.db")
    with pytest.raises(StoreLost):
        await asked(store, 1)


async def test_a_full_file_is_lost_and_comes_back(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "limits.db")
    assert await asked(store, 1) == 30
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreLost, match="full"):
        await store.step("key", Request("b" * 100_000, 1, documented=PAIR))
    assert await asked(store, 2) == 20
    await store.close()


async def test_a_file_that_may_only_be_read_is_lost_and_comes_back(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "limits.db")
    assert await asked(store, 1) == 30
    assert store._connection is not None
    store._connection.execute("PRAGMA query_only = 1")
    with pytest.raises(StoreLost, match="readonly"):
        await asked(store, 2)
    assert await asked(store, 2) == 20
    await store.close()


async def test_nothing_is_believed_of_an_earlier_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its clock began anew, so moments that were kept mean nothing."""
    first = FileStore(tmp_path / "limits.db")
    assert await asked(first, 1) == 30
    await first.close()
    monkeypatch.setattr(file_store, "_boot", lambda: "another")
    second = FileStore(tmp_path / "limits.db", now=lambda: 3.0)

    assert await asked(second, 1, bulk=60) == 50
    await second.close()


async def test_a_file_that_somebody_holds_never_blocks_the_loop(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    store = FileStore(path)
    await asked(store, 1)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    step = asyncio.create_task(asked(store, 2))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not step.done()
    holder.execute("ROLLBACK")
    holder.close()
    assert await step == 20
    await store.close()


async def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_folder, "_file_system", lambda path: "nfs4")
    with pytest.raises(ConfigurationError, match="RedisLimiter"):
        FileLimiter(tmp_path / "limits.db")


async def test_a_file_of_others_that_cannot_be_written_is_told_and_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As one that another user made in a folder that containers share."""
    path = tmp_path / "limits.db"
    path.write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda *_: False)
    store = FileStore(path)
    assert await asked(store, 1) == 30
    assert "it cannot be written" in caplog.text
    await store.close()


def test_a_runtime_folder_that_cannot_be_written_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runtime").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    folder = runtime_folder.default_path().parent

    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users here")
def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes it first among the temporary files could read what is in it, and write there."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    FileLimiter()
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(ConfigurationError, match="this user's alone"):
        FileLimiter()
