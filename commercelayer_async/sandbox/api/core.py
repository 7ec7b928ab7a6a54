"""The routes of the Core API: the list of a type, one record, what a relationship leads to, and its linkage."""

from collections.abc import Sequence
from typing import Final

import attrs

from ..refusals import not_found, record_not_found
from ..viewer import Viewer
from ..world.schema import TYPES, RelationshipSchema, ResourceType
from ..world.table import WorldRecord
from ..world.world import World
from .documents import Composer, JsonObject
from .filters import parse_condition
from .listing import Listing
from .paging import ListPage, PageLinks, cursor_page, numbered_page
from .query import Query, parse_query

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

    Every route raises a `Refusal`: 404 if the type, the record or the relationship does not exist, 400 for a wrong
    parameter.

    Args:
        world: The records.
        payment_source_route: Whether a wallet's `/payment_source` is served. Documents show its link, but no published
            schema has the route.
    """

    def __init__(self, world: World, *, payment_source_route: bool) -> None:
        self._world = world
        self._listings = {type: Listing(table) for type, table in world.tables.items()}
        self._payment_source_route = payment_source_route

    def list(self, request: ApiRequest, type: str) -> JsonObject:
        """Serve `/api/{type}`: a page of all records of the type."""
        if not _resource_type(request, type).listed:
            raise not_found(request.path)
        query = parse_query(request.parameters, (type,))
        return self._page(request, query, self._listings[type])

    def retrieve(self, request: ApiRequest, type: str, id: str) -> JsonObject:
        """Serve `/api/{type}/{id}`: one record."""
        record = self._record(request, type, id)
        return self._composer(request, parse_query(request.parameters, (type,))).one(record)

    def related(self, request: ApiRequest, type: str, id: str, name: str) -> JsonObject:
        """Serve `/api/{type}/{id}/{name}`: the record, or a page of those, to which the relationship *name* points."""
        record, relationship = self._relationship(request, type, id, name)
        query = parse_query(request.parameters, relationship.targets)
        references = self._world.related(record, name)
        if not relationship.many:
            return self._composer(request, query).one(self._world.at(references[0]) if references else None)
        (target,) = relationship.targets
        if target not in self._world.tables:  # a type that is not modelled, such as orders: there are no records
            page = numbered_page((), query.page, _page_links(request))
            return self._composer(request, query).many((), page.meta, page.links)
        keys = [reference.key for reference in references]
        return self._page(request, query, Listing(self._world.tables[target], keys), cursors=relationship.cursors)

    def linkage(self, request: ApiRequest, type: str, id: str, name: str) -> JsonObject:
        """Serve `/api/{type}/{id}/relationships/{name}`: all identifiers in the relationship *name*."""
        record, _ = self._relationship(request, type, id, name)
        return self._composer(request, parse_query((), ())).linkage(record, name)

    def _page(self, request: ApiRequest, query: Query, listing: Listing, *, cursors: bool = False) -> JsonObject:
        page = self._cursor_page(request, query, listing) if cursors else self._numbered_page(request, query, listing)
        records = [listing.table.at(key) for key in page.keys]
        return self._composer(request, query).many(records, page.meta, page.links)

    def _numbered_page(self, request: ApiRequest, query: Query, listing: Listing) -> ListPage:
        known = listing.table.attribute_names
        conditions = tuple(parse_condition(name, value, known) for name, value in query.filters.items())
        return numbered_page(listing.select(conditions, query.sort), query.page, _page_links(request))

    def _cursor_page(self, request: ApiRequest, query: Query, listing: Listing) -> ListPage:
        """Cut a page without filters and sort: the API has neither of them for lists that are paged by cursors."""
        return cursor_page(listing.select((), ()), query.page, _page_links(request))

    def _composer(self, request: ApiRequest, query: Query) -> Composer:
        return Composer(self._world, request.origin + request.prefix, query)

    def _record(self, request: ApiRequest, type: str, id: str) -> WorldRecord:
        _resource_type(request, type)
        record = self._world.get(type, id)
        if record is None:
            raise record_not_found(id)
        return record

    def _relationship(
        self, request: ApiRequest, type: str, id: str, name: str
    ) -> tuple[WorldRecord, RelationshipSchema]:
        relationship = _resource_type(request, type).relationships.get(name)
        if relationship is None or ((type, name) == _UNDOCUMENTED_ROUTE and not self._payment_source_route):
            raise not_found(request.path)
        return self._record(request, type, id), relationship


def _resource_type(request: ApiRequest, type: str) -> ResourceType:
    if type not in TYPES:
        raise not_found(request.path)
    return TYPES[type]


def _page_links(request: ApiRequest) -> PageLinks:
    return PageLinks(request.origin + request.path, dict(request.parameters))
