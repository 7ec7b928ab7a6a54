"""Tokens in a file of this machine: SQLite, a row for each, an exclusive transaction for each operation.

The file is opened for each operation, as there are a few at the start and at each renewal: so nothing has to be closed,
and whoever deletes the file, replaces it or forks does no harm. A change is all there or not at all, whoever is killed;
what is replaced is overwritten with zeros. A file that cannot be believed is removed, as it may hold secrets.
"""

import asyncio
import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, TypeVar

from .._shared.file_store import reason_of
from .._shared.runtime_folder import require_local, require_own
from ..errors import ConfigurationError, TokenStoreError
from .shared_store import Entry

T = TypeVar("T")

_log: Final = logging.getLogger("commercelayer_async")

_PATIENCE: Final = 0.4
"""Seconds after which a file that somebody holds cannot be reached: a session waits for half a second."""
_SHORTEST_WAIT: Final = 0.0005
_LONGEST_WAIT: Final = 0.004
_KEPT: Final = 30 * 24 * 3600.0
"""Seconds after which a token that nobody saved again is forgotten: twice what refresh tokens live."""
_VERSION: Final = 1
_APPLICATION: Final = 0x434C544B
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_SCHEMA", "SQLITE_ERROR")
"""The last one is raised where a table is not as it was made."""
_SHARED: Final = ("BEGIN",)
_QUICK: Final = ("PRAGMA synchronous = OFF", "BEGIN EXCLUSIVE")
"""Not IMMEDIATE: then the commit itself may find the file busy, with the lock in hand."""
_SYNCED: Final = ("BEGIN EXCLUSIVE",)
"""For what is saved: a refresh token that a loss of power takes is lost. A lock or a removal is worth no sync, as all
others wait for it."""
_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS tokens (
        name TEXT PRIMARY KEY,
        data BLOB,
        data_turn INTEGER NOT NULL DEFAULT 0,
        turn INTEGER NOT NULL DEFAULT 0,
        holder TEXT,
        until REAL NOT NULL DEFAULT 0,
        used REAL NOT NULL
    ) WITHOUT ROWID
"""
_LOCK: Final = """
    INSERT INTO tokens (name, turn, holder, until, used) VALUES (:name, 1, :holder, :now + :seconds, :used)
    ON CONFLICT (name) DO UPDATE SET
        turn = CASE WHEN holder IS :holder THEN turn ELSE max(turn, data_turn) + 1 END,
        holder = :holder, until = :now + :seconds
    WHERE holder IS :holder OR holder IS NULL OR until <= :now OR until > :now + :seconds
"""
"""A lock that ends later than anybody's can is of an earlier start of the machine, whose clock began anew."""
_WRITE: Final = """
    INSERT INTO tokens (name, data, data_turn, used) VALUES (:name, :data, :turn, :used)
    ON CONFLICT (name) DO UPDATE SET data = :data, data_turn = :turn, used = :used WHERE data_turn <= :turn
"""


class _NotBelieved(Exception):
    """The file is not what this release wrote."""


class TokenFile:
    """The tokens of a file."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path
        require_own(path.parent)
        require_local(path.parent)

    async def read(self, name: str) -> Entry:
        """What is kept under a name."""

        def read(connection: sqlite3.Connection) -> Entry:
            row = connection.execute("SELECT data, data_turn FROM tokens WHERE name = ?", (name,)).fetchone()
            data, turn = row if row is not None else (None, 0)
            if not (data is None or isinstance(data, bytes)) or not isinstance(turn, int):
                raise _NotBelieved("a row in it is damaged")
            return Entry(data, turn)

        return await self._run(read, _SHARED)

    async def write(self, name: str, data: bytes | None, turn: int) -> None:
        """Keep something, unless what is kept has a higher number."""
        used = time.time()
        members = {"name": name, "data": data, "turn": turn, "used": used}

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_WRITE, members)
            connection.execute("DELETE FROM tokens WHERE used < ?", (used - _KEPT,))

        await self._run(write, _SYNCED if data is not None else _QUICK)

    async def lock(self, name: str, holder: str, seconds: float) -> int:
        """The number of the turn, or 0."""

        def lock(connection: sqlite3.Connection) -> int:
            # Only here, where nobody else takes it: whoever waited for the file would go by an earlier moment, in which
            # a lock that was taken meanwhile ends later than anybody's can.
            now = time.monotonic()
            members = {"name": name, "holder": holder, "seconds": seconds, "now": now, "used": time.time()}
            if not connection.execute(_LOCK, members).rowcount:
                return 0
            (turn,) = connection.execute("SELECT turn FROM tokens WHERE name = ?", (name,)).fetchone()
            return int(turn)

        return await self._run(lock, _QUICK)

    async def unlock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        statement = "UPDATE tokens SET holder = NULL, until = 0 WHERE name = ? AND holder = ?"
        await self._run(lambda connection: connection.execute(statement, (name, holder)), _QUICK)

    async def _run(self, operation: Callable[[sqlite3.Connection], T], begin: tuple[str, ...]) -> T:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._once(operation, begin)
            except (sqlite3.Error, OSError, _NotBelieved, ConfigurationError) as error:
                if not self._can_go_on(error) or time.monotonic() > until:
                    raise TokenStoreError(
                        f"the token file {self.path} cannot be used: {reason_of(error)}", store="file"
                    ) from None
            await asyncio.sleep(random.uniform(_SHORTEST_WAIT, _LONGEST_WAIT))  # noqa: S311 - spreads waits

    def _once(self, operation: Callable[[sqlite3.Connection], T], begin: tuple[str, ...]) -> T:
        require_own(self.path.parent)
        with suppress(FileExistsError):
            # SQLite would make it for everybody.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            for statement in begin:
                connection.execute(statement)
            try:
                _prepare(connection)
                result = operation(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return result

    def _can_go_on(self, error: Exception) -> bool:
        """True if the file was only busy, or begins anew."""
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return True
        if not isinstance(error, _NotBelieved) and not name.startswith(_DAMAGED):
            return False
        _log.warning("the token file %s begins anew: %s", self.path, reason_of(error))
        try:
            self.path.unlink(missing_ok=True)
            Path(f"{self.path}-journal").unlink(missing_ok=True)
        except OSError:
            return False
        return True


def _prepare(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if (version, application) == (_VERSION, _APPLICATION):
        return
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables:
        raise _NotBelieved(f"it is of version {version}, and this release writes {_VERSION}")
    connection.execute(_TABLE)
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
