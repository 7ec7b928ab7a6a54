"""From the bytes of a page to one JSON:API document for each record, with the resource objects included for it.

Records are cut out of the bytes as received, not made from decoded resources. So every member, number and name is kept,
even where a class would refuse it. The `included` of a page serves all of its records; the document of one record gets
the resource objects that linkage leads to from it (JSON:API 1.1, "Compound Documents", full linkage).
"""

from collections.abc import Iterator
from typing import Final

import attrs
import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..errors import DecodeError
from ..jsonapi._json import FAILURES

_LINE_SEPARATORS: Final = (
    (b"\xc2\x85", b"\\u0085"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)
"""Characters that JSON allows unescaped, and that some programs take for the end of a line."""


class _ListDocument(msgspec.Struct):
    """A document whose primary data is an array of resource objects."""

    data: list[Raw]
    included: list[Raw] | UnsetType | None = UNSET


class _Identifier(msgspec.Struct):
    type: str
    id: str = ""
    lid: str = ""


class _Relationship(msgspec.Struct):
    data: list[_Identifier] | _Identifier | UnsetType | None = UNSET


class _Object(msgspec.Struct):
    """The relationships of a resource object."""

    relationships: dict[str, _Relationship] | UnsetType | None = UNSET


_decode_list: Final = msgspec.json.Decoder(_ListDocument).decode
_decode_identity: Final = msgspec.json.Decoder(_Identifier).decode
_decode_object: Final = msgspec.json.Decoder(_Object).decode


@attrs.frozen
class RawRecord:
    """One record as received, as JSON on one line without white space."""

    data: bytes
    """The resource object."""
    included: tuple[bytes, ...] | None
    """The included resource objects that it leads to, nearest first; None where nothing was asked to be included."""

    @property
    def document(self) -> bytes:
        """The JSON:API document of this record alone."""
        if self.included is None:
            return b'{"data":%b}' % self.data
        return b'{"data":%b,"included":[%b]}' % (self.data, b",".join(self.included))


def records_of(body: bytes, *, compound: bool) -> Iterator[RawRecord]:
    """The records of a page, in its order.

    With `compound`, each has its included resource objects, even if there are none.

    Raises:
        DecodeError: it is not a document with an array of resource objects.
    """
    try:
        document = _decode_list(body)
    except FAILURES as error:
        raise DecodeError(expected="an array of resource objects", got="something else", pointer="/data") from error
    included = _Included(document.included or [])
    for raw in document.data:
        reached = included.reached_from(raw) if compound or document.included else None
        yield RawRecord(_line(raw), None if reached is None else tuple(map(_line, reached)))


class _Included:
    """The included resource objects of a page, and the linkage between them."""

    def __init__(self, raws: list[Raw]) -> None:
        self._raws = raws
        self._index_of: dict[tuple[str, str, str], int] = {}
        self._linkage: list[list[_Identifier] | None] = []
        for index, raw in enumerate(raws):
            self._linkage.append(_linkage(raw))
            identifier = _identity(raw)
            if identifier is not None:
                self._index_of.setdefault(_key(identifier), index)

    def reached_from(self, raw: Raw) -> list[Raw]:
        """The resource objects that linkage leads to from `raw`, nearest first (breadth-first search).

        All of them where some linkage on the way cannot be read: then nobody knows which do not belong to `raw`.
        """
        if not self._raws:
            return []
        queue = _linkage(raw)
        if queue is None:
            return self._raws
        reached: dict[int, None] = {}
        while queue:
            index = self._index_of.get(_key(queue.pop(0)))
            if index is None or index in reached:
                continue
            reached[index] = None
            further = self._linkage[index]
            if further is None:
                return self._raws
            queue.extend(further)
        return [self._raws[index] for index in reached]


def _key(identifier: _Identifier) -> tuple[str, str, str]:
    return identifier.type, identifier.id, "" if identifier.id else identifier.lid


def _identity(raw: Raw) -> _Identifier | None:
    try:
        return _decode_identity(raw)
    except FAILURES:
        return None


def _linkage(raw: Raw) -> list[_Identifier] | None:
    """The identifiers in all linkage of a resource object; None if it cannot be read."""
    try:
        relationships = _decode_object(raw).relationships or {}
    except FAILURES:
        return None
    identifiers: list[_Identifier] = []
    for relationship in relationships.values():
        linkage = relationship.data
        identifiers += linkage if isinstance(linkage, list) else [linkage] if isinstance(linkage, _Identifier) else []
    return identifiers


def _line(raw: Raw) -> bytes:
    # This removes white space only: every number and name stays as it was spelled.
    line = msgspec.json.format(bytes(raw), indent=-1)
    if not line.isascii():
        for char, escaped in _LINE_SEPARATORS:
            line = line.replace(char, escaped)
    return line
