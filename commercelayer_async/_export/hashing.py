"""The length and the SHA-256 of files, as they are written, read, or found."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

_CHUNK: Final = 2**20


class Hash(Protocol):
    """The hash objects of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest so far."""
        ...


def hash_rest(file: BinaryIO, length: int | None = None) -> tuple[Hash, int]:
    """Hash an open file by SHA-256, from its position on, at most `length` bytes; also gives how many there were."""
    sha256, done = hashlib.sha256(), 0
    while length is None or done < length:
        data = file.read(_CHUNK if length is None else min(_CHUNK, length - done))
        if not data:
            break
        sha256.update(data)
        done += len(data)
    return sha256, done


class HashingFile:
    """An open file, with the length and the hash of all that goes through: lines that are read, or what is written."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = file

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal."""
        return self._hash.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self._count(line)
            yield line

    def write(self, data: bytes) -> int:
        """Write all of `data`."""
        self._count(data)
        return self._file.write(data)

    def tell(self) -> int:
        """How much was written."""
        return self.size

    def flush(self) -> None:
        """Hand all of it to the operating system."""
        self._file.flush()

    def _count(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)


def sha256_of(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal; None if there is no such file."""
    found = measure(path)
    return None if found is None else found[1]


def measure(path: Path) -> tuple[int, str] | None:
    """The length and the SHA-256 of a file; None if there is no such file."""
    try:
        with path.open("rb") as file:
            hashed, length = hash_rest(cast("BinaryIO", file))
    except FileNotFoundError:
        return None
    return length, hashed.hexdigest()
