"""From a page's bytes to one JSON:API document a record, with what was included for it.

Records are taken from the bytes as they came and not from decoded resources, so that every member, number and name is
kept, also where a class would not take it. What is included on a page serves all of its records; each record's document
gets those that linkage leads to from it (JSON:API 1.1, "Compound Documents", full linkage).
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
"""Characters that JSON takes unescaped and that some readers of lines take for the end of one."""


class _Page(msgspec.Struct):
    """A document with a list of resource objects."""

    data: list[Raw]
    included: list[Raw] | UnsetType | None = UNSET


class _Identifier(msgspec.Struct):
    type: str
    id: str = ""
    lid: str = ""


class _Relationship(msgspec.Struct):
    data: list[_Identifier] | _Identifier | UnsetType | None = UNSET


class _Object(msgspec.Struct):
    """What a resource object says of others."""

    relationships: dict[str, _Relationship] | UnsetType | None = UNSET


_decode_page: Final = msgspec.json.Decoder(_Page).decode
_decode_identity: Final = msgspec.json.Decoder(_Identifier).decode
_decode_object: Final = msgspec.json.Decoder(_Object).decode


@attrs.frozen
class Record:
    """One record as it came, compact, on one line."""

    data: bytes
    """The resource object."""
    included: tuple[bytes, ...] | None
    """The included resource objects that it leads to, nearest first; None where the page came without any."""

    @property
    def document(self) -> bytes:
        """A JSON:API document of this record alone."""
        if self.included is None:
            return b'{"data":%b}' % self.data
        return b'{"data":%b,"included":[%b]}' % (self.data, b",".join(self.included))


def records_of(body: bytes, *, compound: bool) -> Iterator[Record]:
    """The records of a page, in its order; with `compound`, each has its included resource objects, be they none.

    Raises:
        DecodeError: it is no document with an array of resource objects.
    """
    try:
        page = _decode_page(body)
    except FAILURES as error:
        raise DecodeError(expected="an array of resource objects", got="something else", pointer="/data") from error
    included = _Included(page.included or [])
    for raw in page.data:
        found = included.reached_from(raw) if compound or page.included else None
        yield Record(_line(raw), None if found is None else tuple(map(_line, found)))


class _Included:
    """The included resource objects of a page, and the way to them."""

    def __init__(self, raws: list[Raw]) -> None:
        self._raws = raws
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._leads_to: list[list[_Identifier] | None] = []
        for number, raw in enumerate(raws):
            self._leads_to.append(_linkage(raw))
            found = _identity(raw)
            if found is not None:
                self._numbers.setdefault((found.type, found.id, "" if found.id else found.lid), number)

    def reached_from(self, raw: Raw) -> list[Raw]:
        """What linkage leads to from a resource object. Where linkage cannot be read, that may be all there is."""
        if not self._raws:
            return []
        queue = _linkage(raw)
        reached: dict[int, None] = {}
        while queue:
            one = queue.pop(0)
            number = self._numbers.get((one.type, one.id, "" if one.id else one.lid))
            if number is None or number in reached:
                continue
            reached[number] = None
            further = self._leads_to[number]
            if further is None:
                return self._raws
            queue.extend(further)
        return self._raws if queue is None else [self._raws[number] for number in reached]


def _identity(raw: Raw) -> _Identifier | None:
    try:
        return _decode_identity(raw)
    except FAILURES:
        return None


def _linkage(raw: Raw) -> list[_Identifier] | None:
    """Every identifier that a resource object names; None if it cannot be read."""
    try:
        found = _decode_object(raw)
    except FAILURES:
        return None
    named: list[_Identifier] = []
    for relationship in (found.relationships or {}).values():
        linkage = relationship.data
        named += linkage if isinstance(linkage, list) else [linkage] if isinstance(linkage, _Identifier) else []
    return named


def _line(raw: Raw) -> bytes:
    # Only white space goes: every number and name stays as it was spelled.
    line = msgspec.json.format(bytes(raw), indent=-1)
    if not line.isascii():
        for char, escaped in _LINE_SEPARATORS:
            line = line.replace(char, escaped)
    return line
