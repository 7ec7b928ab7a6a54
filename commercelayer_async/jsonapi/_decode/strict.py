"""Split a document into raw resource objects one at a time, after decoding all at once was refused.

Legal but rare documents pass: local ids, and null for an absent member. Of any other, the error has a JSON pointer.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..._text import json_type_name
from .._compound import entries_of, members_of
from .._json import as_array, loads
from ..document import identity
from ..errors import DecodeError

NO_ATTRIBUTES: Final = Raw(b"{}")
NO_RELATIONSHIPS: Final = Raw(b"null")

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class RawResourceObject(msgspec.Struct, gc=False):
    """A resource object of any type, its attributes still bytes."""

    type: _Text
    id: _Text
    attributes: Raw = NO_ATTRIBUTES
    relationships: Raw = NO_RELATIONSHIPS

    lid = ""
    """Empty if the resource object has an id."""


class RawLocalResourceObject(RawResourceObject, gc=False, kw_only=True):
    """A resource object without an id, known by its local id."""

    lid: str


class RawDocument(msgspec.Struct, gc=False):
    """A document, the attributes of its resource objects still bytes."""

    data: RawResourceObject | list[RawResourceObject] | UnsetType | None = UNSET
    included: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


def raw_document(body: bytes, url: str | None) -> RawDocument:
    """Split the primary data of a document.

    Raises:
        DecodeError: the bytes are not JSON, not a document, or hold a malformed resource object.
    """
    members = members_of(body)
    if members is None:
        raise DecodeError(expected="a JSON:API document (an object)", got=json_type_name(loads(body, url=url)), url=url)
    document = RawDocument(included=members.get("included", UNSET), errors=members.get("errors", UNSET))
    raw = members.get("data")
    if raw is None or (document.errors is not UNSET and loads(members["errors"], url=url)):
        return document
    data = loads(raw, url=url)
    if data is None:
        document.data = None
    elif as_array(data) is not None:
        document.data = [_primary(entry, f"/data/{n}", url) for n, entry in enumerate(entries_of(raw) or ())]
    else:
        document.data = _primary(raw, "/data", url)
    return document


def raw_included(raw: Raw, url: str | None) -> list[RawResourceObject]:
    """Split the `included` member, where resource objects may have only a local id; null counts as an empty array.

    Raises:
        DecodeError: it is not an array, or holds a malformed resource object.
    """
    entries = entries_of(raw)
    if entries is not None:
        return [_raw_object(entry, f"/included/{n}", url) for n, entry in enumerate(entries)]
    value = loads(raw, url=url)
    if value is None:
        return []
    raise DecodeError(expected="an array of resource objects", got=json_type_name(value), pointer="/included", url=url)


def _primary(raw: Raw, pointer: str, url: str | None) -> RawResourceObject:
    resource_object = _raw_object(raw, pointer, url)
    if resource_object.lid:
        # A local id is for a resource that the server has not given an id yet; primary data was requested by one.
        raise DecodeError(expected="the id of a resource", got="a local id", pointer=f"{pointer}/id", url=url)
    return resource_object


def _raw_object(raw: Raw, pointer: str, url: str | None) -> RawResourceObject:
    members = members_of(raw)
    if members is None:
        raise DecodeError(
            expected="a resource object", got=json_type_name(loads(raw, url=url)), pointer=pointer, url=url
        )
    texts: dict[str, Any] = {name: loads(members[name], url=url) for name in ("type", "id", "lid") if name in members}
    type, id, lid = identity(texts, pointer, url)
    attributes = members.get("attributes", NO_ATTRIBUTES)
    relationships = members.get("relationships", NO_RELATIONSHIPS)
    if lid is not None and id is None:
        return RawLocalResourceObject(type=type, id="", attributes=attributes, relationships=relationships, lid=lid)
    return RawResourceObject(type=type, id=id or "", attributes=attributes, relationships=relationships)
