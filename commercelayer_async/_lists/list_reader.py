"""Reads the pages of one list: what is requested, through what, and what may come back."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import attrs

from .._calls.context import SessionContext
from .._calls.response_info import ResponseInfo
from .._http.message import Response
from .._plain import plain_text
from .._rate_dialects import posix_time
from .._reading.parameters import encoded
from .._reading.reader import Send, counted_under
from .._reading.top_level import meta_and_links
from .._text import printable
from ..errors import CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Follow, GenericResource, Registry, Relationship, Resource, media_type
from ..jsonapi.links import links_from_json
from ..jsonapi.query import segment
from ..jsonapi.registry import type_of
from ..service import Paging, Service
from ..service.paging import NOTHING, found_at
from .filters import related_class
from .list_query import ListQuery
from .pages import Page, ReceivedPage
from .paginators import Paginator

R = TypeVar("R", bound=Resource)


@attrs.frozen(eq=False)
class ListReader(Generic[R]):
    """Reads the pages of lists at one path: what is requested, through what, and what may come back."""

    context: SessionContext
    send: Send
    follower: Follow
    """What the relationships of the resources are fetched through."""
    registry: Registry
    cls: type[R]
    """What every resource has to be an instance of."""
    resource_type: str | None
    """The type that every resource has to have; None where they may differ."""
    path: str
    path_query: tuple[str, ...] = ()
    """The parameters of the link that the path came from."""
    owner: str | None = None
    """The type of the resource that the list is related to; None for the list of a type."""
    linked: int = 0
    """How many records the linkage names of a relationship that it is the list of."""

    @property
    def service(self) -> Service:
        """The facts of the service that is read."""
        return self.context.service

    @property
    def type(self) -> str:
        """The type that says how the list is paged and counted.

        Where it is not known, the relationship is often called like the type.
        """
        return self.resource_type if self.resource_type is not None else self.path.rstrip("/").rpartition("/")[2]

    @property
    def paging(self) -> Paging:
        """How the list is cut into pages."""
        return self.service.paging_of(self.type)

    def query(self, *parameters: str, size: int | None, filtered: bool = False) -> ListQuery:
        """A query to this list, by encoded parameters and the size of its pages; None to let the service choose it."""
        return ListQuery(
            origin=self.context.origin,
            paging=self.paging,
            path=self.path,
            parameters=(*self.path_query, *parameters),
            page_size=size if self.paging.size is not None else None,
            linked=0 if filtered else self.linked,
        )

    @property
    def endpoint(self) -> str:
        """What requests for it are counted by."""
        if self.owner is None and self.resource_type is not None:
            return self.resource_type
        return counted_under(self.context, self.path, *([] if self.owner is None else [self.owner]))

    async def next_page(self, paginator: Paginator[R]) -> Page[R] | None:
        """Read the page that a paginator asks for next; None at its end."""
        try:
            target = paginator.target()
            return None if target is None else paginator.advance(await self._receive(target))
        except CommerceLayerError as error:
            paginator.annotate(error)
            raise

    async def count(self, *filters: str) -> int:
        """Ask how many records the list says it holds, of those that encoded filters leave.

        Raises:
            ConfigurationError: the service does not count such lists; nothing was sent.
        """
        return (await self._counted(filters))[0].require_count()

    async def count_if_known(self, *filters: str) -> tuple[int | None, float | None]:
        """Count as `count` does; None for more than the service counts. And when, in POSIX seconds of its own clock.

        Raises:
            ConfigurationError: the service does not count such lists; nothing was sent.
        """
        page, moment = await self._counted(filters)
        return (None if page.has_more_than_counted else page.require_count()), moment

    async def _counted(self, filters: Iterable[str]) -> tuple[ReceivedPage[R], float | None]:
        total = self.service.total_of(self.type)
        if total is None:
            raise ConfigurationError(f"{self.service.name} does not count lists of {self.type!r}; count what they give")
        asked = encoded([_pair(total.asked_by)]) if total.asked_by is not None else ()
        target = self.query(*filters, *asked, size=1).target

        def read(response: Response, _: ResponseInfo) -> tuple[ReceivedPage[R], float | None]:
            return self._received(response, ()), posix_time(response.headers.get("Date", ""))

        return await self.send(target, self.endpoint, read)

    async def items_at(self, target: str) -> tuple[R, ...]:
        """Read what one target gives, wherever in the list it is."""
        return (await self._receive(target)).items

    async def _receive(self, target: str) -> ReceivedPage[R]:
        def read(response: Response, info: ResponseInfo) -> ReceivedPage[R]:
            found = self.registry.read(
                response.body, url=response.url_without_query, follow=self.follower, response=info
            )
            if not isinstance(found, tuple):
                got = "null" if found is None else "one resource"
                raise DecodeError(
                    expected="an array of resources", got=got, pointer="/data", url=response.url_without_query
                )
            return self._received(response, tuple(self._checked(item, n, response) for n, item in enumerate(found)))

        return await self.send(target, self.endpoint, read)

    def _received(self, response: Response, items: tuple[R, ...]) -> ReceivedPage[R]:
        """A page with the document's meta and links, which are not decoded with its resources."""
        meta, links = meta_and_links(response)
        url = response.url_without_query
        applied = media_type(response.headers.get("Content-Type"))
        service = self.service
        withheld = service.withheld is not None and found_at(service.withheld, meta, links) not in (NOTHING, None)
        return ReceivedPage(
            items,
            meta,
            links_from_json(links, base=url),
            links,
            url,
            service.total_of(self.type),
            withheld,
            applied,
        )

    def _checked(self, item: Resource, n: int, response: Response) -> R:
        """Return a resource, if it is of the class and the type asked for."""
        type = self.resource_type
        if isinstance(item, self.cls) and (type is None or item.type == type):
            return item
        if type is not None and item.type != type and self.service.is_of(item.type, type):
            # It is of the class of its own type, which a caller who names none cannot know.
            kind: Any = item
            if self.cls is GenericResource or isinstance(item, self.cls):
                found: R = kind
                return found
        # A wrong type here may mean that responses got out of step on this connection: discard it.
        self.context.transport.discard_connections()
        raise DecodeError(
            expected=f"one of the {self.resource_type or 'resources'} asked for",
            got=f"{printable(item.type, 80)}/{printable(item.id, 80)}",
            pointer=f"/data/{n}",
            url=response.url_without_query,
        )


def list_reader_for(
    what: type[Resource] | str | Relationship, *, context: SessionContext, send: Send, follower: Follow
) -> ListReader[Any]:
    """Make the reader for lists of a class, of a type, or of what a to-many relationship leads to.

    Raises:
        ConfigurationError: it is none of these.
        LinkRefused: the link leaves the API.
    """
    if isinstance(what, Relationship):
        return _reader_for_related(what, context, send, follower)
    name = plain_text(what)
    if name is not None:
        type = segment(name, "type")
        registry = context.registry.without(type)
        return ListReader(context, send, follower, registry, GenericResource, type, context.paths.list(type))
    cls: Any = what
    type = segment(type_of(cls), "type")
    return ListReader(context, send, follower, context.registry.preferring(cls), cls, type, context.paths.list(type))


def _pair(query: str) -> tuple[str, str]:
    name, _, value = query.partition("=")
    return name, value


def _reader_for_related(
    relationship: Relationship, context: SessionContext, send: Send, follower: Follow
) -> ListReader[Resource]:
    owner, name = relationship.owner, relationship.name
    if relationship.to_many is False:
        raise ConfigurationError(f"{owner.type}.{name} leads to one resource at most: await it")
    link = relationship.links.related
    # Documents of old records leave relationships out whose route is served (docs, "Fetching relationships").
    if link is not None:
        target = context.origin.target_of(link.href, base=link.base)
    else:
        target = context.paths.related(owner.type, owner.id or "", name)
    path, _, query = target.partition("?")
    declared = related_class(owner.type, name, context.registry, context.service)
    type: str | None = getattr(declared, "type", None)
    path_query = tuple(query.split("&")) if query else ()
    return ListReader(
        context,
        send,
        follower,
        context.registry,
        Resource,
        type,
        path,
        path_query,
        owner=owner.type,
        linked=len(relationship.identifiers),
    )
