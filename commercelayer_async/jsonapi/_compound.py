"""The document behind decoded resources: what they share, decoded only when somebody asks.

Reading a page leaves each resource its attributes and one raw slice of relationships. Everything else that the
document says stays bytes until it is wanted: `included` is decoded at the first look-up of linkage, once, into one
table; links, meta and unknown members are found by a second pass over the body, also once. So what nobody reads costs
nothing, and what many read is linear.

The document refers to its primary resources weakly until somebody looks up linkage, so that a page which is only read
goes away with its last reference, without the help of the garbage collector.
"""

from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol
from weakref import ref

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ._json import FAILURES, loads
from .document import mapping, own_members

if TYPE_CHECKING:
    from cattrs import Converter

Key = tuple[str, str, str]
"""Type, "id" or "lid", value: what identifies a resource in a document."""

Members = dict[str, Raw]
"""The members of one object, each as its bytes."""

_decode_members: Final = msgspec.json.Decoder(Members).decode
_decode_objects: Final = msgspec.json.Decoder(list[Members]).decode
_decode_entries: Final = msgspec.json.Decoder(list[Raw]).decode


class Identified(Protocol):
    """A resource, as far as a document must know it."""

    type: ClassVar[str]

    @property
    def id(self) -> str:
        """The id; empty where a local id stands for it."""
        ...

    @property
    def key(self) -> Key:
        """Type, "id" or "lid", and its value."""
        ...


class ResourceDecoder(Protocol):
    """What a document asks of the registry that read it."""

    @property
    def converter(self) -> "Converter | None":
        """The caller's converter, if one was given."""
        ...

    def primary_of(self, document: "Compound") -> Sequence[Identified]:
        """Decode the primary resources anew."""
        ...

    def included_of(self, document: "Compound") -> Sequence[Identified]:
        """Decode the included resources."""
        ...


class Follower(Protocol):
    """What a document asks of a `Follow`, whose own signatures name the relationships that stand above this module."""

    def follow(self, relationship: Any, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        """Fetch what a relationship leads to."""
        ...

    def list(self, relationship: Any, /) -> Any:
        """Return the collection that a to-many relationship leads to."""
        ...


class Compound(msgspec.Struct, eq=False):
    """A document whose resources have been handed out."""

    included: Raw | UnsetType
    body: bytes
    url: str | None
    registry: ResourceDecoder
    follow: Follower | None
    response: object = None
    """The HTTP response that the document came in, whatever object the reader of documents gave for it; not pickled."""
    handed: list[ref[Identified]] | None = None
    """The primary resources as handed out; None for a single one that nobody has asked for relationships yet."""
    whole: bool = True
    """Whether all primary resources were handed out, and not some by unpickling."""
    index: dict[str, dict[str, Identified]] | None = None
    """The resources by type and id."""
    local: dict[Key, Identified] | None = None
    """Those that are known by a local id."""
    local_too: bool = False
    """Whether resources that have an id are known by their local ids too."""
    parts: dict[Key, tuple[str, Members]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (self.body, self.url, self.registry)

    def hand_out(self, resource: Identified) -> None:
        """Know a resource that is in somebody's hands."""
        if self.handed is None:
            self.handed = []
        self.handed.append(ref(resource))

    def find(self, type_: str, id_: str, lid: str | None = None) -> Identified | None:
        """The resource of that identity, None if the document does not hold it; by `lid` where `id_` is empty.

        Should a document hold two, primary data wins, then the first (JSON:API 1.1 allows one, "Compound Documents").
        """
        index = self.index
        if index is None:
            index = self.index = self._indexed()
        if not id_:
            return self._find_local(index, (type_, "lid", lid or ""))
        of_type = index.get(type_)
        return of_type.get(id_) if of_type is not None else None

    def _find_local(self, index: dict[str, dict[str, Identified]], key: Key) -> Identified | None:
        local = self.local or {}
        if key not in local and not self.local_too:
            self.local_too = True
            local = self.local = {**self._by_lid(index), **local}
        return local.get(key)

    def _indexed(self) -> dict[str, dict[str, Identified]]:
        handed = [resource() for resource in self.handed or ()]
        resources = [resource for resource in handed if resource is not None]
        if not self.whole or len(resources) < len(handed):
            resources += self.registry.primary_of(self)
        resources += self.registry.included_of(self)
        # A dict for each type and no tuple for each resource: the fewer objects, the less the garbage collector does.
        index: defaultdict[str, dict[str, Identified]] = defaultdict(dict)
        local: dict[Key, Identified] = {}
        # From the last to the first, so that the first of each identity stays.
        for resource in reversed(resources):
            if resource.id:
                index[resource.type][resource.id] = resource
            else:
                local[resource.key] = resource
        self.local = local
        return index

    def _by_lid(self, index: dict[str, dict[str, Identified]]) -> dict[Key, Identified]:
        found: dict[Key, Identified] = {}
        for (type_, by, id_), (_, members) in self._parts().items():
            if by == "id" and "lid" in members and id_ in index.get(type_, ()):
                lid = loads(members["lid"])
                if isinstance(lid, str):
                    found.setdefault((type_, "lid", lid), index[type_][id_])
        return found

    def part(self, key: Key, name: str) -> bytes | None:
        """One member of a resource object as bytes; None if the object lacks it."""
        raw = self._members(key).get(name)
        return None if raw is None else bytes(raw)

    def member(self, key: Key, name: str) -> dict[str, Any]:
        """One member of a resource object that is to be an object; empty if absent or null."""
        raw = self._members(key).get(name)
        value = None if raw is None else loads(raw, url=self.url)
        return mapping(value, f"{self.locate(key)}/{name}", self.url)

    def attributes(self, key: Key) -> Mapping[str, Any]:
        """The attributes as received, without @-members and those of extensions."""
        return own_members(self.member(key, "attributes"))

    def raw(self, key: Key) -> dict[str, Any]:
        """The resource object as received."""
        return {name: loads(value, url=self.url) for name, value in self._members(key).items()}

    def locate(self, key: Key) -> str:
        """The JSON pointer to the resource object; "" if the document does not hold it."""
        entry = self._parts().get(key)
        return entry[0] if entry is not None else ""

    def _members(self, key: Key) -> Members:
        entry = self._parts().get(key)
        return entry[1] if entry is not None else {}

    def _parts(self) -> dict[Key, tuple[str, Members]]:
        if self.parts is None:
            self.parts = _taken_apart(self.body)
        return self.parts


def _taken_apart(body: bytes) -> dict[Key, tuple[str, Members]]:
    """The members of each resource object by identity, with its pointer; the first of a pair wins."""
    parts: dict[Key, tuple[str, Members]] = {}
    document = members_of(body) or {}
    for name in ("data", "included"):
        for pointer, members in _objects(document.get(name), f"/{name}"):
            key = _key(members)
            if key is not None:
                parts.setdefault(key, (pointer, members))
    return parts


def _objects(raw: Raw | None, pointer: str) -> list[tuple[str, Members]]:
    """Each object of an array, or the one object that stands in its place; whatever else is there is left out."""
    if raw is None:
        return []
    single = members_of(raw)
    if single is not None:
        return [(pointer, single)]
    try:
        entries: list[Members] | list[Members | None] = _decode_objects(raw)
    except FAILURES:
        entries = [members_of(entry) for entry in entries_of(raw) or ()]
    return [(f"{pointer}/{n}", members) for n, members in enumerate(entries) if members is not None]


def _key(members: Members) -> Key | None:
    by = "id" if "id" in members else "lid"
    if "type" not in members or by not in members:
        return None
    type_, value = loads(members["type"]), loads(members[by])
    return (type_, by, value) if isinstance(type_, str) and isinstance(value, str) else None


def members_of(raw: bytes | Raw) -> Members | None:
    """The members of a JSON object; None if it is something else."""
    try:
        return _decode_members(raw)
    except FAILURES:
        return None


def entries_of(raw: bytes | Raw) -> list[Raw] | None:
    """The entries of a JSON array; None if it is something else."""
    try:
        return _decode_entries(raw)
    except FAILURES:
        return None


def response_of(resource: object) -> object | None:
    """Return the response that a resource came in; None if it was made by hand, unpickled, or read without one."""
    document: Compound | None = getattr(resource, "_document", None)
    return document.response if document is not None else None


def revive(body: bytes, url: str | None, registry: ResourceDecoder) -> Compound:
    """The document of `body` after pickling; it has no way to fetch more."""
    included = (members_of(body) or {}).get("included", UNSET)
    return Compound(included=included, body=body, url=url, registry=registry, follow=None, whole=False)
