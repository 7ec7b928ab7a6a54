"""Relationship objects on the wire: linkage, links and meta, read fast where they are as usual, else one by one."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._text import json_type_name
from ._json import FAILURES, as_array, as_object, as_text, exact, loads
from .document import identity, mapping
from .errors import DecodeError
from .objects import ResourceIdentifier

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Identifier(msgspec.Struct, gc=False):
    """Linkage on the wire."""

    type: _Text
    id: _Text
    meta: dict[str, Any] | None = None
    lid: Any = None


class Wire(msgspec.Struct, gc=False):
    """A relationship object on the wire."""

    data: Identifier | list[Identifier] | UnsetType | None = UNSET
    links: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


_decode_wire: Final = msgspec.json.Decoder(Wire, float_hook=exact).decode
_decode_wires: Final = msgspec.json.Decoder(dict[str, Wire], float_hook=exact).decode
_decode_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
NOTHING: Final = Wire()


def read_relationship(raw: Raw, at: str, url: str | None) -> Wire:
    """The relationship object at the pointer `at`: local ids, what null stands for, or the error with its pointer."""
    try:
        return _decode_wire(raw)
    except FAILURES:
        pass
    members = mapping(loads(raw, url=url), at, url)
    wire = Wire()
    if "links" in members:
        wire.links = mapping(members["links"], f"{at}/links", url)
    if members.get("meta") is not None:
        wire.meta = mapping(members["meta"], f"{at}/meta", url)
    if "data" in members:
        linkage = members["data"]
        entries = as_array(linkage)
        if entries is not None:
            wire.data = [_identified(entry, f"{at}/data/{n}", url) for n, entry in enumerate(entries)]
        else:
            wire.data = _identified(linkage, f"{at}/data", url) if linkage is not None else None
    return wire


def open_members(raw: bytes | Raw) -> dict[str, Any] | None:
    """The members of `relationships`, each read or still its bytes; None if it is no object."""
    for decode in (_decode_wires, _decode_members):
        try:
            return decode(raw)
        except FAILURES:
            continue
    return None


def identifier_of(wire: Identifier) -> ResourceIdentifier:
    return ResourceIdentifier(wire.type, wire.id or None, as_text(wire.lid), wire.meta or {})


def _identified(value: object, pointer: str, url: str | None) -> Identifier:
    members = as_object(value)
    if members is None:
        raise DecodeError(expected="a resource identifier", got=json_type_name(value), pointer=pointer, url=url)
    type_, id_, lid = identity(members, pointer, url)
    meta = mapping(members.get("meta"), f"{pointer}/meta", url)
    # Without an id, the empty one stands for none: no document can hold it.
    return Identifier(type_, id_ or "", meta, lid)
