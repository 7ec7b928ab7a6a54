"""The part: the file of the data so far, locked while a process writes it.

Bytes are hashed as they are written, so that what is published later can be compared with what was meant.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, cast

from .._text import printable
from ..errors import ExportError, ExportLocked
from .hashing import Hash, hash_rest
from .storage import closing_on_error, create, is_same_file, lock, os_errors_as, reopen, write_all

_LOCK_TRIES: Final = 5
"""How many times the part may vanish between being found and being opened."""


class Part:
    """The part of the export to `target`: `lock`, then `write` and `sync`, then `remove` or `close`."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self._target = target
        self._descriptor: int | None = None
        self._hash: Hash = sha256()
        self._unsynced = False

    def lock(self) -> bool:
        """Open and lock the part; True if it had to be created.

        Raises:
            ExportLocked: another export to the same file is under way.
            ExportError: the operating system does not allow it.
        """
        with os_errors_as("cannot open", self.path):
            for _ in range(_LOCK_TRIES):
                descriptor = reopen(self.path)
                created = descriptor is None
                if descriptor is None:
                    try:
                        descriptor = create(self.path)
                    except FileExistsError:
                        continue
                # Whatever fails from here on, the lock must not stay behind in this process.
                with closing_on_error(descriptor):
                    locked = lock(descriptor)
                    current = locked and is_same_file(descriptor, self.path)
                if current:
                    self._descriptor = descriptor
                    return created
                os.close(descriptor)
                if not locked:
                    break
                # The process that held the lock finished meanwhile, and removed the part.
        raise ExportLocked(
            f"another process is exporting to {printable(str(self._target))}; wait for it, or name another file",
            path=str(self._target),
        )

    @property
    def is_open(self) -> bool:
        """True if this process holds it."""
        return self._descriptor is not None

    @property
    def size(self) -> int:
        """Its length in bytes, with those that do not count."""
        return os.fstat(self._fd).st_size

    @property
    def sha256(self) -> str:
        """Of the bytes that count, in hexadecimal."""
        return self._hash.hexdigest()

    @property
    def is_in_place(self) -> bool:
        """True if its path still leads to the file that is open."""
        return is_same_file(self._fd, self.path)

    def begin(self) -> None:
        """Make it empty; a new file if a crash came after it got the export's name, which must keep its data."""
        if os.fstat(self._fd).st_nlink > 1:
            self.path.unlink()
            self.close()
            self.lock()
        self.cut_to(0)

    def hash_as(self, offset: int, sha256: str) -> bool:
        """Hash the first `offset` bytes, which later ones go on from; False if they are not those of `sha256`."""
        with self.reader() as file:
            hashed, length = hash_rest(file, offset)
        if length < offset or hashed.hexdigest() != sha256:
            return False
        self._hash = hashed
        return True

    def write(self, data: bytes, *, at: int) -> None:
        """Write bytes at its end, which is at `at`; if not all of them can be written, none stay.

        Raises:
            DiskFull: there is no room.
            ExportError: the operating system does not allow it.
        """
        with os_errors_as("cannot write to", self.path):
            try:
                write_all(self._fd, data)
            except BaseException:
                with suppress(OSError):
                    self.cut_to(at)
                raise
        self._hash.update(data)

    def cut_to(self, offset: int) -> None:
        """Remove all bytes after the first `offset`."""
        os.ftruncate(self._fd, offset)
        os.lseek(self._fd, offset, os.SEEK_SET)

    @property
    def can_be_synced(self) -> bool:
        """False once a sync has failed: nobody knows then which bytes are on disk, and a second sync does not tell."""
        return not self._unsynced

    def sync(self) -> None:
        """Bring what was written to the disk.

        Raises:
            DiskFull: there is no room.
            ExportError: the operating system does not allow it.
        """
        with os_errors_as("cannot write to", self.path):
            try:
                os.fsync(self._fd)
            except BaseException:
                self._unsynced = True
                raise

    def reader(self) -> BinaryIO:
        """Open it once more, at its beginning, whatever its path leads to."""
        file = cast("BinaryIO", os.fdopen(os.dup(self._fd), "rb"))
        file.seek(0)
        return file

    def remove(self) -> None:
        """Remove the file, which releases its lock; one that somebody put in its place stays."""
        if self.is_in_place:
            self.path.unlink()
        self.close()

    def close(self) -> None:
        """Close it, which releases its lock. A second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _fd(self) -> int:
        if self._descriptor is None:
            raise ExportError("the export has ended; begin another", path=str(self._target))
        return self._descriptor
