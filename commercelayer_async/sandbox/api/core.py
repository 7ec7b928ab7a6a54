"""The routes of the Core API: the list of a type, one record, what a relationship leads to, and its linkage."""

from collections.abc import Sequence
from typing import Final

import attrs

from ..refusals import access_denied, not_found, record_not_found
from ..viewer import Viewer
from ..world.schema import ABSTRACT, TYPES, RelationshipSchema
from ..world.table import WorldRecord
from ..world.world import World
from .access import Access
from .documents import Composer, JsonObject
from .filters import Matcher, parse_conditions
from .listing import Listing
from .paging import PageLinks, cursor_page, numbered_page
from .query import CURSOR_LIST, LINKAGE, LIST, RECORD, Query, parse_query

_UNDOCUMENTED_ROUTE: Final = ("customer_payment_sources", "payment_source")


@attrs.frozen
class ApiRequest:
    """A request of the Core API, as far as its document depends on it."""

    origin: str
    """Scheme, host and port to which it was sent. All links begin with them."""
    prefix: str
    """`/api`, or `/api` with a version."""
    path: str
    """As it was sent, still percent-encoded, without the query."""
    parameters: Sequence[tuple[str, str]]
    """The query, decoded."""
    viewer: Viewer
    """Who asks."""


class Api:
    """The Core API of a world: a method for each route, which gives the document.

    Every route raises a `Refusal`: 404 if the type, the record or the relationship does not exist, 401 if it is not for
    who asks, 400 for a wrong parameter.

    Args:
        world: The records.
        payment_source_route: Whether a wallet's `/payment_source` is served. Documents show its link, but no published
            schema has the route.
    """

    def __init__(self, world: World, *, payment_source_route: bool) -> None:
        self._world = world
        self._listings = dict[tuple[Viewer, str], Listing]()
        self._payment_source_route = payment_source_route

    def list(self, request: ApiRequest, type: str) -> JsonObject:
        """Serve `/api/{type}`: a page of all records of the type, or the record of a singleton."""
        with self._world.lock:
            return self._list(request, type)

    def retrieve(self, request: ApiRequest, type: str, id: str) -> JsonObject:
        """Serve `/api/{type}/{id}`: one record."""
        with self._world.lock:
            return self._retrieve(request, type, id)

    def related(self, request: ApiRequest, type: str, id: str, name: str) -> JsonObject:
        """Serve `/api/{type}/{id}/{name}`: the record, or a page of those, to which the relationship *name* points."""
        with self._world.lock:
            return self._related(request, type, id, name)

    def linkage(self, request: ApiRequest, type: str, id: str, name: str) -> JsonObject:
        """Serve `/api/{type}/{id}/relationships/{name}`: all identifiers in the relationship *name*."""
        with self._world.lock:
            access = Access(self._world, request.viewer)
            record, _ = self._relationship(request, access, type, id, name)
            return self._composer(request, access, parse_query(request.parameters, (), LINKAGE)).linkage(record, name)

    def _list(self, request: ApiRequest, type: str) -> JsonObject:
        types = _concrete_types(request, type)
        if TYPES[types[0]].singleton:
            return self._retrieve(request, type, Access(self._world, request.viewer).singleton_id(type))
        if not TYPES[types[0]].listed:
            raise not_found(request.path)
        access = Access(self._world, request.viewer)
        access.require_type(*types)
        query = parse_query(request.parameters, types, LIST)
        return self._page(request, access, query, types, self._listing(access, request.viewer, type))

    def _retrieve(self, request: ApiRequest, type: str, id: str) -> JsonObject:
        access = Access(self._world, request.viewer)
        record = self._record(request, access, type, id)
        return self._composer(request, access, parse_query(request.parameters, (record.type,), RECORD)).one(record)

    def _related(self, request: ApiRequest, type: str, id: str, name: str) -> JsonObject:
        access = Access(self._world, request.viewer)
        record, relationship = self._relationship(request, access, type, id, name)
        references = access.related(record.reference, name)
        if not relationship.many:
            query = parse_query(request.parameters, relationship.targets, RECORD)
            return self._composer(request, access, query).one(self._world.at(references[0]) if references else None)
        query = parse_query(request.parameters, relationship.targets, CURSOR_LIST if relationship.cursors else LIST)
        (target,) = relationship.targets
        if target not in self._world.tables:  # a type that is not modelled, such as orders: there are no records
            parse_conditions(query.filters, relationship.targets, self._world)
            page = numbered_page((), query.page, _page_links(request))
            return self._composer(request, access, query).many((), page.meta, page.links)
        keys = [reference.key for reference in references]
        listing = Listing(self._world, self._world.tables[target], Matcher(self._world, access), keys)
        return self._page(request, access, query, relationship.targets, listing)

    def _listing(self, access: Access, viewer: Viewer, type: str) -> Listing:
        """Give the list of a type, with what it found before, if the viewer sees all of it."""
        table, keys = self._world.unions.get(type) or self._world.tables[type], access.keys(type)
        if keys is not None:
            return Listing(self._world, table, Matcher(self._world, access), keys)
        kept = self._listings.get((viewer, type))
        if kept is None:
            kept = self._listings[viewer, type] = Listing(self._world, table, Matcher(self._world, access))
        return kept

    def _page(
        self, request: ApiRequest, access: Access, query: Query, types: tuple[str, ...], listing: Listing
    ) -> JsonObject:
        conditions = parse_conditions(query.filters, types, self._world)
        cut = cursor_page if types == ("event_stores",) else numbered_page
        page = cut(listing.select(conditions, query.sort), query.page, _page_links(request))
        records = [listing.table.at(key) for key in page.keys]
        return self._composer(request, access, query).many(records, page.meta, page.links)

    def _composer(self, request: ApiRequest, access: Access, query: Query) -> Composer:
        return Composer(self._world, access, request.origin + request.prefix, query)

    def _record(self, request: ApiRequest, access: Access, type: str, id: str) -> WorldRecord:
        access.require_type(*_concrete_types(request, type))
        record = self._world.get(type, id)
        if record is None or not access.is_of_its_mode(record.reference):
            raise record_not_found(id)
        if not access.sees(record.reference):
            raise access_denied(f"the record {id}")
        return record

    def _relationship(
        self, request: ApiRequest, access: Access, type: str, id: str, name: str
    ) -> tuple[WorldRecord, RelationshipSchema]:
        record = self._record(request, access, type, id)
        relationship = TYPES[record.type].relationships.get(name)
        if relationship is None or ((type, name) == _UNDOCUMENTED_ROUTE and not self._payment_source_route):
            raise not_found(request.path)
        access.require_type(*relationship.targets)
        return record, relationship


def _concrete_types(request: ApiRequest, type: str) -> tuple[str, ...]:
    types = ABSTRACT.get(type, (type,))
    if types[0] not in TYPES:
        raise not_found(request.path)
    return types


def _page_links(request: ApiRequest) -> PageLinks:
    return PageLinks(request.origin + request.path, dict(request.parameters))
