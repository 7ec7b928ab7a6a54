"""The document behind decoded resources: what they share, decoded only when somebody asks.

Reading a page leaves each resource its attributes and one raw slice of relationships. Everything else that the
document says stays bytes until it is wanted: `included` is decoded at the first look-up of linkage, once, into one
table; links, meta and unknown members are found by a second pass over the body, also once. So what nobody reads costs
nothing, and what many read is linear.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ._json import loads
from .document import mapping, own_members
from .objects import ResourceIdentifier

if TYPE_CHECKING:
    from .registry import Registry
    from .resource import Resource

Key = tuple[str, str, str]
"""Type, "id" or "lid", value: what identifies a resource in a document."""


class Compound(msgspec.Struct):
    """A document whose resources have been handed out.

    The wire fields of subclasses add `data` in the types of a registry; it is emptied when the resources are handed
    out, so that no cycle keeps a page alive which nobody looks up in. The rest is set by the decoder, whatever a
    document may have put there.
    """

    included: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET
    body: Any = b""
    url: Any = None
    registry: Any = None
    follow: Any = None
    primary: Any = ()
    index: Any = None
    parts: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (self.body, self.url, self.registry)

    def find(self, key: Key) -> "Resource | None":
        """The resource of that identity, None if the document does not hold it.

        Should a document hold two, primary data wins, then the first (JSON:API 1.1 allows one, "Compound Documents").
        """
        if self.index is None:
            self.index = self._build_index()
        found: Resource | None = self.index.get(key)
        return found

    def _build_index(self) -> dict[Key, "Resource"]:
        index: dict[Key, Resource] = {}
        registry: Registry = self.registry
        primary = registry.primary_of(self) if self.primary is None else self.primary
        for resource in (*primary, *registry.included_of(self)):
            index.setdefault((resource.type, "id", resource.id), resource)
        return index

    def part(self, resource: "Resource", name: str) -> bytes | None:
        """One member of the resource object as bytes; None if the object lacks it."""
        raw = self._members(resource).get(name)
        return None if raw is None else bytes(raw)

    def member(self, resource: "Resource", name: str) -> dict[str, Any]:
        """One member of the resource object that is to be an object; empty if absent or null."""
        raw = self._members(resource).get(name)
        value = None if raw is None else loads(raw, url=self.url)
        return mapping(value, f"{self.locate(resource)}/{name}", self.url)

    def attributes(self, resource: "Resource") -> Mapping[str, Any]:
        """The attributes as received, without @-members and those of extensions."""
        return own_members(self.member(resource, "attributes"))

    def raw(self, resource: "Resource") -> dict[str, Any]:
        """The resource object as received."""
        return {name: loads(value, url=self.url) for name, value in self._members(resource).items()}

    def locate(self, identified: "Resource | ResourceIdentifier") -> str:
        """The JSON pointer to the resource object; "" if the document does not hold it."""
        entry = self._parts().get((identified.type, identified.id or ""))
        return entry[0] if entry is not None else ""

    def _members(self, resource: "Resource") -> dict[str, Raw]:
        entry = self._parts().get((resource.type, resource.id))
        return entry[1] if entry is not None else {}

    def _parts(self) -> dict[tuple[str, str], tuple[str, dict[str, Raw]]]:
        if self.parts is None:
            self.parts = _take_apart(self.body)
        parts: dict[tuple[str, str], tuple[str, dict[str, Raw]]] = self.parts
        return parts


class _Apart(msgspec.Struct, gc=False):
    """A document taken apart into the members of its resource objects."""

    data: dict[str, Raw] | list[dict[str, Raw]] | None = None
    included: list[dict[str, Raw]] | None = None


_apart: Final = msgspec.json.Decoder(_Apart).decode


def _take_apart(body: bytes) -> dict[tuple[str, str], tuple[str, dict[str, Raw]]]:
    """The members of each resource object by type and id, with its pointer; the first of a pair wins."""
    document = _apart(body)
    parts: dict[tuple[str, str], tuple[str, dict[str, Raw]]] = {}
    primary = document.data
    places = [("/data", primary)] if isinstance(primary, dict) else _places("/data", primary)
    for pointer, members in [*places, *_places("/included", document.included)]:
        if "type" in members and "id" in members:
            parts.setdefault((loads(members["type"]), loads(members["id"])), (pointer, members))
    return parts


def _places(pointer: str, entries: list[dict[str, Raw]] | None) -> list[tuple[str, dict[str, Raw]]]:
    return [(f"{pointer}/{n}", members) for n, members in enumerate(entries or ())]


class _Included(msgspec.Struct):
    included: Raw | UnsetType = UNSET


_included: Final = msgspec.json.Decoder(_Included).decode


def revive(body: bytes, url: str | None, registry: "Registry") -> Compound:
    """The document of `body` after pickling: its resources are in other hands, and it has no way to fetch more."""
    return Compound(body=body, url=url, registry=registry, included=_included(body).included, primary=None)
