"""Relationship objects as msgspec structs: decoded in one pass if well-formed, else member by member."""

from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._text import json_type_name
from ._json import FAILURES, as_array, as_object, as_text, exact, loads
from .document import identity, mapping
from .errors import DecodeError
from .links import Links
from .objects import ResourceIdentifier

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Identifier(msgspec.Struct, gc=False):
    """A resource identifier object."""

    type: _Text
    id: _Text
    meta: dict[str, Any] | None = None
    lid: Any = None


class RelationshipObject(msgspec.Struct, gc=False):
    """A relationship object (JSON:API 1.1, "Relationship Objects")."""

    data: Identifier | list[Identifier] | UnsetType | None = UNSET
    links: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class UsualRelationshipObject(msgspec.Struct, gc=False):
    """A relationship object whose links are strings, of the specification's own names: msgspec makes the `Links`."""

    data: Identifier | list[Identifier] | UnsetType | None = UNSET
    links: Links | None = None
    meta: dict[str, Any] | None = None


AnyRelationshipObject = RelationshipObject | UsualRelationshipObject

_decode_object: Final = msgspec.json.Decoder(RelationshipObject, float_hook=exact).decode
decode_usual: Final = msgspec.json.Decoder(dict[str, UsualRelationshipObject], float_hook=exact).decode
"""Decodes the members of `relationships`, if all of them are as most servers send them."""
_DECODE_MEMBERS: Final = tuple(
    msgspec.json.Decoder(members, float_hook=exact).decode
    for members in (dict[str, UsualRelationshipObject], dict[str, RelationshipObject], dict[str, Raw])
)
UNREAD: Final = frozenset({RelationshipObject, UsualRelationshipObject, Raw})
"""What a member of `relationships` is until somebody reads it."""
ABSENT: Final = RelationshipObject()
"""The relationship object of a member that the document lacks; compared by identity."""


def read_relationship(raw: Raw, at: str, url: str | None) -> RelationshipObject:
    """Decode the relationship object at the pointer `at`: with local ids, and null in place of empty members.

    Raises:
        DecodeError: it is malformed; the pointer names the member.
    """
    try:
        return _decode_object(raw)
    except FAILURES:
        pass
    members = mapping(loads(raw, url=url), at, url)
    relationship = RelationshipObject()
    if "links" in members:
        relationship.links = mapping(members["links"], f"{at}/links", url)
    if members.get("meta") is not None:
        relationship.meta = mapping(members["meta"], f"{at}/meta", url)
    if "data" in members:
        linkage = members["data"]
        entries = as_array(linkage)
        if entries is not None:
            relationship.data = [_identifier(entry, f"{at}/data/{n}", url) for n, entry in enumerate(entries)]
        else:
            relationship.data = _identifier(linkage, f"{at}/data", url) if linkage is not None else None
    return relationship


def decode_members(raw: bytes | Raw) -> dict[str, Any] | None:
    """Return the members of `relationships`, each decoded or still bytes; None if it is not an object."""
    # If one member is malformed, all stay bytes, and the error shows when that one is read.
    for decode in _DECODE_MEMBERS:
        try:
            return cast("dict[str, Any]", decode(raw))
        except FAILURES:
            continue
    return None


def identifier_of(linkage: Identifier) -> ResourceIdentifier:
    """Return the public form of an identifier."""
    return ResourceIdentifier(linkage.type, linkage.id or None, as_text(linkage.lid), linkage.meta or {})


def _identifier(value: object, pointer: str, url: str | None) -> Identifier:
    members = as_object(value)
    if members is None:
        raise DecodeError(expected="a resource identifier", got=json_type_name(value), pointer=pointer, url=url)
    type, id, lid = identity(members, pointer, url)
    meta = mapping(members.get("meta"), f"{pointer}/meta", url)
    # The empty id stands for a missing one: no document can hold it.
    return Identifier(type, id or "", meta, lid)
