"""A store in a file of this machine: SQLite, a row for each budget, an exclusive transaction for each step.

It runs in the event loop: a transaction takes less than a tenth of a millisecond, and a thread would wait longer for
the interpreter's lock while it holds the file's. Nothing waits inside SQLite: where the file is busy the step is tried
again after a moment that is drawn at random.

What is lost with the machine's power is not worth a sync: nothing of it is believed after a restart. A process that is
killed in a transaction leaves a journal, which the next one rolls back.

Moments are of the monotonic clock, which all processes of a machine share and nobody sets back. It begins anew with the
machine, so the file says which start it is of.
"""

import asyncio
import errno
import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from .._markers import override
from .runtime_folder import require_local
from .state import SECOND, VERSION, Answer, Request, State
from .step import step
from .store import Store, StoreLost

_log: Final = logging.getLogger("commercelayer_async")

_PATIENCE: Final = 3.0
"""Seconds after which a file that somebody holds is lost."""
_SHORTEST_WAIT: Final = 0.0005
_LONGEST_WAIT: Final = 0.004
_KEPT: Final = 7200 * SECOND
"""A budget that nobody asked for so long is forgotten."""
_APPLICATION: Final = 0x434C5242
_DAMAGED: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_SCHEMA", "SQLITE_ERROR"})
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS budgets (key TEXT PRIMARY KEY, used INTEGER NOT NULL, state BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS machine (boot TEXT NOT NULL);
"""
_KEEP: Final = """
    INSERT INTO budgets VALUES (:key, :used, :state)
    ON CONFLICT (key) DO UPDATE SET used = excluded.used, state = excluded.state
"""
"""In a table with row ids it writes the page of the row alone: no index changes, and a full window fits into a page."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(State).decode


class _NotBelieved(Exception):
    """The file is not what this release wrote."""


class FileStore(Store):
    """The file of a path, opened at the first step and again when something is wrong with it."""

    name = "file"

    def __init__(self, path: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._process = os.getpid()

    @override
    async def step(self, key: str, request: Request) -> Answer:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._step(key, request)
            except (sqlite3.Error, OSError, _NotBelieved) as error:
                self._rescue(error)
                if time.monotonic() > until:
                    raise StoreLost(reason_of(error)) from None
            await asyncio.sleep(random.uniform(_SHORTEST_WAIT, _LONGEST_WAIT))  # noqa: S311 - spreads waits

    @override
    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            connection.close()

    def _step(self, key: str, request: Request) -> Answer:
        connection = self._opened()
        # Not IMMEDIATE: then the commit itself may find the file busy, with the lock in hand.
        connection.execute("BEGIN EXCLUSIVE")
        try:
            row = connection.execute("SELECT state FROM budgets WHERE key = ?", (key,)).fetchone()
            state = _believed(row[0]) if row is not None else State()
            answer = step(state, round(self._now() * SECOND), request)
            connection.execute(_KEEP, {"key": key, "used": state.now, "state": _encode(state)})
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return answer

    def _opened(self) -> sqlite3.Connection:
        """The connection of this process: one that was open before a fork must not be used or closed."""
        if self._connection is None or self._process != os.getpid():
            self._process = os.getpid()
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        require_local(self._path.parent)
        try:
            # SQLite would make it for everybody. One that exists is not opened: closing it would end the locks of all
            # other connections of this process.
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            if not os.access(self._path, os.W_OK):
                self._set_aside("it cannot be written")
        connection = sqlite3.connect(self._path, timeout=_PATIENCE / 10, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = TRUNCATE")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN EXCLUSIVE")
            self._prepare(connection)
            connection.execute("COMMIT")
            # Only now: with none, the pragmas fail where another process opens the file in the same moment.
            connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a new file, and forget what is of an earlier start of the machine, or long unused."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and (version, application) != (VERSION, _APPLICATION):
            raise _NotBelieved(f"it is of version {version}, and this release writes {VERSION}")
        for statement in _TABLES.split(";")[:-1]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        boot, now = _boot(), round(self._now() * SECOND)
        if connection.execute("SELECT boot FROM machine").fetchall() != [(boot,)]:
            connection.execute("DELETE FROM budgets")
            connection.execute("DELETE FROM machine")
            connection.execute("INSERT INTO machine VALUES (?)", (boot,))
        connection.execute("DELETE FROM budgets WHERE used < ? OR used > ?", (now - _KEPT, now + SECOND))

    def _rescue(self, error: Exception) -> None:
        """After a failure: begin anew with a file that cannot be believed, and open it again unless it is only busy."""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if isinstance(error, _NotBelieved) or name in _DAMAGED or name.startswith("SQLITE_CORRUPT"):
            self._set_aside(reason_of(error))
        elif name != "SQLITE_READONLY_DBMOVED":
            raise StoreLost(reason_of(error)) from None

    def _set_aside(self, reason: str) -> None:
        """Rename a file that is not to be used; all who have it open notice that it moved, and open the new one."""
        _log.warning("the file of the shared rate budget, %s, is replaced: %s", self._path, reason)
        try:
            self._path.replace(f"{self._path}.damaged")
            Path(f"{self._path}-journal").unlink(missing_ok=True)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise StoreLost(f"{reason}, and it cannot be replaced: {error.strerror}") from None


def _believed(blob: object) -> State:
    try:
        state = _decode(blob)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - what is not bytes raises
    except (msgspec.MsgspecError, TypeError):
        raise _NotBelieved("a budget in it is damaged") from None
    if state.version != VERSION:
        raise _NotBelieved(f"a budget in it is of version {state.version}")
    return state


def reason_of(error: Exception) -> str:
    """Why a file of SQLite cannot be used, in words for an error."""
    if isinstance(error, sqlite3.Error):
        return f"SQLite says {error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)


def _boot() -> str:
    """Which start of the machine it is; empty where nobody says."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
