"""How bytes go into the part: as they are, or compressed by gzip.

A gzip file is a row of members, each complete in itself (RFC 1952, 2.2). Each checkpoint ends one, so a file that is
cut off there is whole, and can be appended to.
"""

import zlib
from typing import Final, Protocol

from .._markers import override

_GZIP: Final = 16 + zlib.MAX_WBITS
"""Asks zlib for the header and the checksum of gzip; its time stays 0."""


class Encoding(Protocol):
    """An encoding of what is appended to a file.

    A step gives bytes to write, and counts once `commit` says that they are written.
    """

    def add(self, data: bytes) -> bytes:
        """Encode further data."""
        ...

    def end(self) -> bytes:
        """What makes the file whole as it stands."""
        ...

    def commit(self) -> None:
        """Go on after what was given last."""
        ...


class _Compressor(Protocol):
    """What `zlib.compressobj` gives; zlib has no public name for it."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...
    def copy(self) -> "_Compressor": ...


class Identity(Encoding):
    """Bytes as they are."""

    @override
    def add(self, data: bytes) -> bytes:
        return data

    @override
    def end(self) -> bytes:
        return b""

    @override
    def commit(self) -> None:
        pass


class Gzip(Encoding):
    """Bytes compressed by gzip."""

    def __init__(self) -> None:
        self._member: _Compressor | None = None
        """The member that was begun; None between two."""
        self._next: _Compressor | None = None

    @override
    def add(self, data: bytes) -> bytes:
        # Without data too: a file without a byte is no gzip file.
        # A copy: if the bytes cannot be written, the file is cut back to where this one stands.
        self._next = zlib.compressobj(wbits=_GZIP) if self._member is None else self._member.copy()
        return self._next.compress(data) + self._next.flush(zlib.Z_SYNC_FLUSH)

    @override
    def end(self) -> bytes:
        self._next = None
        return b"" if self._member is None else self._member.copy().flush()

    @override
    def commit(self) -> None:
        self._member = self._next
