"""The Core API without its transport: what is asked in, a document out.

Four kinds of route: a list of a type, one record, what a relationship leads to, and its linkage.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from ..refusals import not_found, record_not_found
from ..world.schema import TYPES, Relationship, ResourceType
from ..world.table import Record
from ..world.world import World
from .documents import Composer, Object
from .filters import parse_condition
from .listing import Listing
from .paging import Page, PageLinks, cursor_page, numbered_page
from .query import Query, parse_query

_UNSERVED: Final = ("customer_payment_sources", "payment_source")


@attrs.frozen
class Ask:
    """A request, as far as documents depend on it."""

    origin: str
    """Scheme, host and port under which it came in; those of every link."""
    prefix: str
    """`/api`, or `/api` with a version."""
    path: str
    """Still percent-encoded, without query."""
    parameters: Sequence[tuple[str, str]]
    """Decoded."""


class Api:
    """Answers from a world.

    Args:
        world: where the records are.
        payment_source_route: whether a wallet's `/payment_source` is served. Its link is in every answer, but
            no published schema has the route.
    """

    def __init__(self, world: World, *, payment_source_route: bool) -> None:
        self._world = world
        self._listings = {type: Listing(table) for type, table in world.tables.items()}
        self._payment_source_route = payment_source_route

    def list(self, ask: Ask, type: str) -> Object:
        """`/api/{type}`."""
        if not _resource_type(ask, type).listed:
            raise not_found(ask.path)
        query = parse_query(ask.parameters, (type,))
        return self._page(ask, query, self._listings[type])

    def retrieve(self, ask: Ask, type: str, id: str) -> Object:
        """`/api/{type}/{id}`."""
        record = self._record(ask, type, id)
        return self._composer(ask, parse_query(ask.parameters, (type,))).one(record)

    def related(self, ask: Ask, type: str, id: str, name: str) -> Object:
        """`/api/{type}/{id}/{name}`."""
        record, relationship = self._relationship(ask, type, id, name)
        query = parse_query(ask.parameters, relationship.targets)
        references = self._world.related(record, name)
        if not relationship.many:
            return self._composer(ask, query).one(self._world.at(references[0]) if references else None)
        (target,) = relationship.targets
        if target not in self._world.tables:
            page = numbered_page((), query.page, _page_links(ask))
            return self._composer(ask, query).many((), page.meta, page.links)
        keys = [reference.key for reference in references]
        return self._page(ask, query, Listing(self._world.tables[target], keys), cursors=relationship.cursors)

    def linkage(self, ask: Ask, type: str, id: str, name: str) -> Object:
        """`/api/{type}/{id}/relationships/{name}`."""
        record, _ = self._relationship(ask, type, id, name)
        return self._composer(ask, parse_query((), ())).linkage(record, name)

    def _page(self, ask: Ask, query: Query, listing: Listing, *, cursors: bool = False) -> Object:
        page = self._cursor_page(ask, query, listing) if cursors else self._numbered_page(ask, query, listing)
        records = [listing.table.at(key) for key in page.keys]
        return self._composer(ask, query).many(records, page.meta, page.links)

    def _numbered_page(self, ask: Ask, query: Query, listing: Listing) -> Page:
        known = listing.table.attribute_names
        conditions = tuple(parse_condition(name, value, known) for name, value in query.filters.items())
        return numbered_page(listing.select(conditions, query.sort), query.page, _page_links(ask))

    def _cursor_page(self, ask: Ask, query: Query, listing: Listing) -> Page:
        """Neither filtered nor sorted: the API offers neither where it pages by cursors."""
        return cursor_page(listing.select((), ()), query.page, _page_links(ask))

    def _composer(self, ask: Ask, query: Query) -> Composer:
        return Composer(self._world, ask.origin + ask.prefix, query)

    def _record(self, ask: Ask, type: str, id: str) -> Record:
        _resource_type(ask, type)
        record = self._world.get(type, id)
        if record is None:
            raise record_not_found(id)
        return record

    def _relationship(self, ask: Ask, type: str, id: str, name: str) -> tuple[Record, Relationship]:
        relationship = _resource_type(ask, type).relationships.get(name)
        if relationship is None or ((type, name) == _UNSERVED and not self._payment_source_route):
            raise not_found(ask.path)
        return self._record(ask, type, id), relationship


def _resource_type(ask: Ask, type: str) -> ResourceType:
    if type not in TYPES:
        raise not_found(ask.path)
    return TYPES[type]


def _page_links(ask: Ask) -> PageLinks:
    return PageLinks(ask.origin + ask.path, dict(ask.parameters))
