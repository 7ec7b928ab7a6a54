"""JSON:API documents from records: resource objects with their links, `include`, sparse fieldsets.

Members stand in the order in which the documentation of the API shows them.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ..world.schema import TYPES
from ..world.table import Reference, WorldRecord
from ..world.world import World
from .access import Access
from .query import IncludeTree, Query

JsonObject = dict[str, object]


class Composer:
    """A writer of one document.

    First it walks along `include` and notes for every record which of its relationships have to show their linkage. So
    a record that is reached on several paths is included once, with the linkage that each of them asks for. Then it
    writes the resource objects.

    Args:
        world: The records.
        access: Which of them there are for who asks.
        base: The URL below which resources are, as in `http://127.0.0.1:8080/api`.
        query: `include` and `fields` of the request.
    """

    def __init__(self, world: World, access: Access, base: str, query: Query) -> None:
        self._world = world
        self._access = access
        self._base = base
        self._query = query
        self._expanded = dict[Reference, dict[str, None]]()

    def one(self, record: WorldRecord | None) -> JsonObject:
        """Write a document whose primary data is *record*, or null."""
        if record is None:
            return {"data": None}
        included = self._included([record])
        return {"data": self._resource(record)} | included

    def many(self, records: Sequence[WorldRecord], meta: Mapping[str, object], links: Mapping[str, str]) -> JsonObject:
        """Write a document whose primary data is the list *records*."""
        included = self._included(records)
        resources = [self._resource(record) for record in records]
        return {"data": resources, "meta": meta, "links": links} | included

    def linkage(self, record: WorldRecord, name: str) -> JsonObject:
        """Write a document whose primary data is the linkage of the relationship *name* of *record*."""
        return {"data": self._identifiers(record, name), "links": _links(self._url(record), name)}

    def _included(self, primary: Sequence[WorldRecord]) -> JsonObject:
        first = {record.reference for record in primary}
        for record in primary:
            self._walk(record, self._query.include)
        included = [self._resource(self._world.at(reference)) for reference in self._expanded if reference not in first]
        return {"included": included} if included else {}

    def _walk(self, record: WorldRecord, tree: IncludeTree) -> None:
        expanded = self._expanded.setdefault(record.reference, {})
        if not tree.children:
            return
        for name in self._shown(record):
            if name in tree.children:
                expanded[name] = None
                for reference in self._access.related(record.reference, name):
                    self._walk(self._world.at(reference), tree.children[name])

    def _shown(self, record: WorldRecord) -> Sequence[str]:
        """List the relationships of *record* that its sparse fieldset leaves. `include` follows only these."""
        fields = self._query.fields.get(record.type)
        if fields is None:
            return record.relationships
        return [name for name in record.relationships if name in fields]

    def _resource(self, record: WorldRecord) -> JsonObject:
        url = self._url(record)
        resource: JsonObject = {
            "id": record.id,
            "type": record.type,
            "links": {"self": url if record.linked else None},
        }
        resource["attributes"] = self._attributes(record)
        if shown := self._shown(record):
            resource["relationships"] = self._relationships(record, url, shown)
        return resource | {"meta": record.meta}

    def _url(self, record: WorldRecord) -> str:
        id = record.id if record.id.isalnum() and record.id.isascii() else quote(record.id, safe="")
        return f"{self._base}/{record.type}/{id}"

    def _attributes(self, record: WorldRecord) -> Mapping[str, object]:
        fields = self._query.fields.get(record.type)
        if fields is None:
            return record.attributes
        return {name: value for name, value in record.attributes.items() if name in fields}

    def _relationships(self, record: WorldRecord, url: str, shown: Sequence[str]) -> Mapping[str, JsonObject]:
        relationships = dict[str, JsonObject]()
        for name in shown:
            relationships[name] = {"links": _links(url, name)}
        for name in self._expanded.get(record.reference, ()):
            relationships[name]["data"] = self._identifiers(record, name)
        return relationships

    def _identifiers(self, record: WorldRecord, name: str) -> object:
        related = self._access.related(record.reference, name)
        identifiers = [{"type": reference.type, "id": self._world.id_of(reference)} for reference in related]
        if TYPES[record.type].relationships[name].many:
            return identifiers
        return identifiers[0] if identifiers else None


def _links(url: str, name: str) -> JsonObject:
    return {"self": f"{url}/relationships/{name}", "related": f"{url}/{name}"}
