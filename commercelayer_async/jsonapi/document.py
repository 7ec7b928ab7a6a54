"""Documents as received: every member of JSON:API 1.1, checked for structure alone."""

from collections.abc import Mapping, Sized
from typing import Any, Final

import attrs

from .._markers import public
from .._plain import plain_text
from .._text import describe, json_type_name
from ._json import as_array, as_object, as_text, loads
from .errors import DecodeError
from .links import Links, links_from_json
from .media_type import MediaType, media_type
from .objects import ErrorObject, ResourceIdentifier, errors_from_json

MAX_RESOURCES: Final = 100_000
"""The default limit of resource objects in `data`, and in `included`."""

_TOP_LEVEL: Final = frozenset({"data", "errors", "meta", "links", "included", "jsonapi"})


@public("commercelayer_async.jsonapi")
@attrs.frozen
class ResourceObject:
    """A resource object as received (JSON:API 1.1, "Resource Objects").

    @-members and members of extensions are not attributes; they are in `raw`, as is everything else.
    """

    type: str
    id: str | None
    """None for a resource object that has only a `lid`."""
    lid: str | None = None
    """Identity local to this document (1.1); never an id."""
    attributes: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    relationships: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """Relationship objects as received, by name."""
    links: Links = attrs.field(factory=Links, repr=False)
    meta: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    raw: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    """The whole object, member for member in the order received."""

    @property
    def identifier(self) -> ResourceIdentifier:
        """Its identity, with `meta`; a request for linkage gives identifiers in the form of resource objects."""
        return ResourceIdentifier(type=self.type, id=self.id, lid=self.lid, meta=self.meta)


@public("commercelayer_async.jsonapi")
@attrs.frozen
class Document:
    """A JSON:API document as received (JSON:API 1.1, "Document Structure")."""

    data: ResourceObject | tuple[ResourceObject, ...] | None = None
    """Primary data: None for `null` and for a missing member; `has_data` tells them apart."""
    has_data: bool = False
    included: tuple[ResourceObject, ...] = attrs.field(default=(), repr=False)
    errors: tuple[ErrorObject, ...] = ()
    has_errors: bool = False
    """True where the document has an `errors` member.

    An empty one beside data counts as none, as null and empty members do everywhere: some serializers write them all.
    """
    meta: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    links: Links = attrs.field(factory=Links)
    jsonapi: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """The server's implementation, `ext` and `profile` included; informative only."""
    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """Top-level members that the specification does not define: those of extensions, @-members, and others."""
    url: str | None = None
    """The URL it was received from, which links are resolved against; None if unknown."""
    media_type: MediaType = attrs.field(factory=MediaType)
    """The `Content-Type` header; its `ext` and `profile` are those applied, whatever `jsonapi` lists."""
    body: bytes = attrs.field(default=b"", repr=False)
    """The bytes it was read from."""


@public("commercelayer_async.jsonapi")
def parse(
    body: bytes, url: str | None = None, *, content_type: str | None = None, max_resources: int = MAX_RESOURCES
) -> Document:
    """Parse a JSON:API document.

    Args:
        body: JSON in UTF-8.
        url: Where it came from, which its links are resolved against.
        content_type: The header of that name, for the extensions and profiles it lists.
        max_resources: How many resource objects `data` and `included` may hold, each.

    Raises:
        DecodeError: the bytes are not JSON, or not a JSON:API document.
    """
    url = plain_text(url)
    root = loads(body, url=url)
    members = as_object(root)
    if members is None:
        raise DecodeError(expected="a JSON:API document (an object)", got=json_type_name(root), url=url)
    extra = {name: value for name, value in members.items() if name not in _TOP_LEVEL}
    if not any(name in members for name in ("data", "errors", "meta")) and not any(map(_of_extension, extra)):
        raise DecodeError(expected="one of data, errors and meta", got="none of them", url=url)
    has_errors = "errors" in members and ("data" not in members or bool(members["errors"]))
    return Document(
        data=_primary(members.get("data"), url, max_resources),
        has_data="data" in members,
        included=_included(members.get("included"), url, max_resources),
        errors=errors_from_json(members["errors"], base=url) if has_errors else (),
        has_errors=has_errors,
        meta=mapping(members.get("meta"), "/meta", url),
        links=links_from_json(mapping(members.get("links"), "/links", url), base=url),
        jsonapi=mapping(members.get("jsonapi"), "/jsonapi", url),
        extra=extra,
        url=url,
        media_type=media_type(content_type),
        body=body,
    )


def mapping(value: object, pointer: str, url: str | None) -> dict[str, Any]:
    """Return `value` if it is an object; empty for an absent member, and for what some servers send instead.

    That is null and `[]`: PHP tells no empty object from an empty array. Nothing is lost by either.

    Raises:
        DecodeError: it is something else.
    """
    return {} if value == [] else strict_mapping(value, pointer, url)


def strict_mapping(value: object, pointer: str, url: str | None) -> dict[str, Any]:
    """Return `value` if it is an object, and empty for null and an absent member; where less must not pass for empty.

    The links of a page are such a place: a list that takes none for the end loses records.

    Raises:
        DecodeError: it is something else.
    """
    if value is None:
        return {}
    members = as_object(value)
    if members is not None:
        return members
    raise DecodeError(expected="an object", got=json_type_name(value), pointer=pointer, url=url)


def resource_object(value: object, pointer: str, url: str | None) -> ResourceObject:
    """Parse a resource object.

    Raises:
        DecodeError: it is malformed; the pointer names the member.
    """
    raw = as_object(value)
    if raw is None:
        raise DecodeError(expected="a resource object", got=json_type_name(value), pointer=pointer, url=url)
    type, id, lid = identity(raw, pointer, url)
    return ResourceObject(
        type=type,
        id=id,
        lid=lid,
        attributes=own_members(mapping(raw.get("attributes"), f"{pointer}/attributes", url)),
        relationships=own_members(mapping(raw.get("relationships"), f"{pointer}/relationships", url)),
        links=links_from_json(mapping(raw.get("links"), f"{pointer}/links", url), pointer=f"{pointer}/links", base=url),
        meta=mapping(raw.get("meta"), f"{pointer}/meta", url),
        raw=raw,
    )


def identity(members: Mapping[str, Any], pointer: str, url: str | None) -> tuple[str, str | None, str | None]:
    """Return type, id and local id of a resource object or identifier; the id is None if there is only a local id.

    Raises:
        DecodeError: one is missing, empty or not a string.
    """
    type = _text(members, "type", pointer, url)
    if "lid" not in members:
        return type, _text(members, "id", pointer, url), None
    if "id" not in members:
        return type, None, _text(members, "lid", pointer, url)
    return type, _text(members, "id", pointer, url), as_text(members["lid"])


def own_members(members: dict[str, Any]) -> dict[str, Any]:
    """Return `members` without @-members and those of extensions, which are neither attributes nor relationships."""
    # One look at all names first: few documents have such members, and this runs for each resource.
    names = " ".join(members)
    if "@" in names or ":" in names:
        return {name: value for name, value in members.items() if name[:1] != "@" and ":" not in name}
    return members


def _of_extension(name: str) -> bool:
    return ":" in name and name[:1] != "@"


def _text(members: Mapping[str, Any], name: str, pointer: str, url: str | None) -> str:
    value = members.get(name)
    if isinstance(value, str) and value:
        return value
    got = "nothing" if name not in members else "an empty string" if value == "" else describe(value)
    raise DecodeError(expected="a string that is not empty", got=got, pointer=f"{pointer}/{name}", url=url)


def _primary(value: object, url: str | None, limit: int) -> ResourceObject | tuple[ResourceObject, ...] | None:
    if value is None:
        return None
    entries = as_array(value)
    return resource_object(value, "/data", url) if entries is None else _objects(entries, "/data", url, limit)


def _included(value: object, url: str | None, limit: int) -> tuple[ResourceObject, ...]:
    # Null in place of an empty array is not legal, but harmless.
    entries = [] if value is None else as_array(value)
    if entries is None:
        raise DecodeError(
            expected="an array of resource objects", got=json_type_name(value), pointer="/included", url=url
        )
    return _objects(entries, "/included", url, limit)


def _objects(entries: list[Any], pointer: str, url: str | None, limit: int) -> tuple[ResourceObject, ...]:
    require_few(entries, pointer, url, limit)
    return tuple(resource_object(entry, f"{pointer}/{n}", url) for n, entry in enumerate(entries))


def require_few(entries: Sized, pointer: str, url: str | None, limit: int) -> None:
    """Refuse more than `limit` resource objects.

    Raises:
        DecodeError: there are more.
    """
    if len(entries) > limit:
        raise DecodeError(expected=f"at most {limit} resources", got=str(len(entries)), pointer=pointer, url=url)
