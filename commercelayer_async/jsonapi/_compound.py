"""The document behind decoded resources: what they share, decoded on demand.

Reading a page gives each resource its attributes and one raw slice of relationships. Everything else that the document
holds stays bytes until it is asked for: `included` is decoded at the first look-up of linkage, once, into one table;
links, meta and unknown members are found by a second pass over the body, also once. What nobody reads costs nothing,
and reading all of it takes time linear in the size of the document.

The document refers to its primary resources weakly until linkage is looked up, so reference counting alone frees a page
whose relationships nobody looked up. From then on the table and its resources refer to each other, and it takes the
garbage collector.
"""

from collections import defaultdict
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol
from weakref import ref

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._markers import public
from ._json import FAILURES, loads, require_utf8
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
_decode_text: Final = msgspec.json.Decoder(str).decode

NOT_UTF8: Final = b'"\xff"'
"""Stands for what a document hides by a name that is not UTF-8: it is refused for the same reason."""


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

    @property
    def linkage_total(self) -> str | None:
        """Where the meta of a relationship says how many targets it has; None if it does not."""
        ...

    def target_of(self, type: str, relationship: str, /) -> "tuple[type[Identified], ...] | None":
        """Return the classes that a declared relationship may lead to; None if unknown."""
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
    """A document whose primary resources are in the caller's hands, and what else it holds, decoded on demand."""

    included: Raw | UnsetType
    body: bytes
    url: str | None
    registry: ResourceDecoder
    follow: Follower | None
    response: object = None
    """The HTTP response that the document came in, as whoever read it gave it; not pickled."""
    live_primary: list[ref[Identified]] | None = None
    """Weak references to the primary resources; None for a single one of which no linkage was looked at yet."""
    has_all_primary: bool = True
    """True if `live_primary` began with all primary resources, False if only unpickling adds them, one by one."""
    index: dict[str, dict[str, Identified]] | None = None
    """The resources by type and id."""
    by_lid: dict[Key, Identified] | None = None
    """The resources that are known by a local id."""
    _lids_indexed: bool = False
    """True once `by_lid` also holds the local ids of resources that have an id."""
    _members_by_key: dict[Key, tuple[str, Members]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_document, (self.body, self.url, self.registry)

    def track(self, resource: Identified) -> None:
        """Remember, weakly, a primary resource that the caller holds."""
        if self.live_primary is None:
            self.live_primary = []
        self.live_primary.append(ref(resource))

    def find(self, type: str, id: str, lid: str | None = None) -> Identified | None:
        """Return the resource of that identity, None if the document does not hold it; by `lid` if `id` is empty.

        Should a document hold two, primary data wins, then the first (JSON:API 1.1 allows one, "Compound Documents").
        """
        index = self.index
        if index is None:
            index = self.index = self._build_index()
        if not id:
            return self._find_by_lid(index, (type, "lid", lid or ""))
        of_type = index.get(type)
        return of_type.get(id) if of_type is not None else None

    def _find_by_lid(self, index: dict[str, dict[str, Identified]], key: Key) -> Identified | None:
        by_lid = self.by_lid or {}
        if key not in by_lid and not self._lids_indexed:
            # JSON:API 1.1 lets a resource object have both, and linkage name either. Decoding keeps no `lid` where
            # there is an id, so this takes the second pass over the body, once, for documents that do so.
            self._lids_indexed = True
            by_lid = self.by_lid = {**self._index_lids(index), **by_lid}
        return by_lid.get(key)

    def _build_index(self) -> dict[str, dict[str, Identified]]:
        live_primary = [resource() for resource in self.live_primary or ()]
        resources = [resource for resource in live_primary if resource is not None]
        # The instances in the caller's hands come first, so that linkage leads back to them and not to doubles. If
        # some are gone, or never were here (a pickle brings back only what was pickled), all are decoded anew, and the
        # doubles of the living lose below.
        if not self.has_all_primary or len(resources) < len(live_primary):
            resources += self.registry.primary_of(self)
        resources += self.registry.included_of(self)
        # A dict for each type and no tuple for each resource: the fewer objects, the less the garbage collector does.
        index: defaultdict[str, dict[str, Identified]] = defaultdict(dict)
        by_lid: dict[Key, Identified] = {}
        # From the last to the first, so that the first of each identity stays.
        for resource in reversed(resources):
            if resource.id:
                index[resource.type][resource.id] = resource
            else:
                by_lid[resource.key] = resource
        self.by_lid = by_lid
        return index

    def _index_lids(self, index: dict[str, dict[str, Identified]]) -> dict[Key, Identified]:
        found: dict[Key, Identified] = {}
        for (type, by, id), (_, members) in self._all_members().items():
            if by == "id" and "lid" in members and id in index.get(type, ()):
                lid = _text_of(members["lid"])
                if lid is not None:
                    found.setdefault((type, "lid", lid), index[type][id])
        return found

    def member_bytes(self, key: Key, name: str) -> bytes | None:
        """Return one member of a resource object as bytes; None if the object lacks it.

        `NOT_UTF8` where names that are not hide the object: whoever reads these bytes is told so.
        """
        entry = self._all_members().get(key)
        if entry is None:
            return None if _is_utf8(self.body) else NOT_UTF8
        raw = entry[1].get(name)
        return None if raw is None else bytes(raw)

    def member(self, key: Key, name: str) -> dict[str, Any]:
        """Return one member of a resource object that must be an object; empty if absent or null."""
        raw = self._members(key).get(name)
        value = None if raw is None else loads(raw, url=self.url)
        return mapping(value, f"{self.locate(key)}/{name}", self.url)

    def attributes(self, key: Key) -> Mapping[str, Any]:
        """Return the attributes as received, without @-members and those of extensions."""
        return own_members(self.member(key, "attributes"))

    def raw(self, key: Key) -> dict[str, Any]:
        """Return the resource object as received."""
        return {name: loads(value, url=self.url) for name, value in self._members(key).items()}

    def locate(self, key: Key) -> str:
        """Return the JSON pointer to the resource object; "" if the document does not hold it."""
        entry = self._all_members().get(key)
        return entry[0] if entry is not None else ""

    def _members(self, key: Key) -> Members:
        entry = self._all_members().get(key)
        if entry is None:
            # What was read of it, msgspec read without its names.
            require_utf8(self.body, url=self.url)
            return {}
        return entry[1]

    def _all_members(self) -> dict[Key, tuple[str, Members]]:
        if self._members_by_key is None:
            self._members_by_key = _split(self.body)
        return self._members_by_key


def response_of(resource: object) -> object | None:
    """Return the response that a resource came in; None if it was made by hand, unpickled, or read without one."""
    document: Compound | None = getattr(resource, "_document", None)
    return document.response if document is not None else None


@public("commercelayer_async.jsonapi")
def _restore_document(body: bytes, url: str | None, registry: ResourceDecoder) -> Compound:
    """Make the document of a pickle: it has nothing to follow relationships through, and came in no response."""
    members = members_of(body)
    included = members.get("included", UNSET) if members is not None else Raw(NOT_UTF8)
    return Compound(included=included, body=body, url=url, registry=registry, follow=None, has_all_primary=False)


def _split(body: bytes) -> dict[Key, tuple[str, Members]]:
    """Return the pointer and the members of each resource object, by identity; of two of one identity, the first."""
    split: dict[Key, tuple[str, Members]] = {}
    document = members_of(body) or {}
    for name in ("data", "included"):
        for pointer, members in _objects(document.get(name), f"/{name}"):
            key = _key(members)
            if key is not None:
                split.setdefault(key, (pointer, members))
    return split


def _objects(raw: Raw | None, pointer: str) -> list[tuple[str, Members]]:
    """Return each object of an array with its pointer, or the one object in the array's stead; skip anything else."""
    if raw is None:
        return []
    single = members_of(raw)
    if single is not None:
        return [(pointer, single)]
    # All at once where each entry is an object, else one by one: a malformed neighbour must not hide the others.
    try:
        entries: list[Members] | list[Members | None] = _decode_objects(raw)
    except FAILURES:
        entries = [members_of(entry) for entry in entries_of(raw) or ()]
    return [(f"{pointer}/{n}", members) for n, members in enumerate(entries) if members is not None]


def _key(members: Members) -> Key | None:
    by = "id" if "id" in members else "lid"
    if "type" not in members or by not in members:
        return None
    type, value = _text_of(members["type"]), _text_of(members[by])
    return (type, by, value) if type is not None and value is not None else None


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text_of(raw: Raw) -> str | None:
    """Return a JSON string; None if it is something else, also one that is not UTF-8, which nothing can name."""
    try:
        return _decode_text(raw)
    except FAILURES:
        return None


def members_of(raw: bytes | Raw) -> Members | None:
    """Return the members of a JSON object; None if it is something else."""
    try:
        return _decode_members(raw)
    except FAILURES:
        return None


def entries_of(raw: bytes | Raw) -> list[Raw] | None:
    """Return the entries of a JSON array; None if it is something else."""
    try:
        return _decode_entries(raw)
    except FAILURES:
        return None
