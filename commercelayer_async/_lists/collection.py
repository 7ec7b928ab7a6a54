"""Lists of resources: one object that is awaited for a page, or iterated over for all of them.

While the consumer works on one page, the next is read ahead, by one task and no further. So the order is the server's,
memory holds two pages, and a consumer that is slower than the server holds the server back. The task belongs to the
iterator: closing the iterator ends it, and so does dropping it.
"""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, Self, TypeVar

import attrs

from .._calls.context import SessionContext
from .._calls.response_info import ResponseInfo
from .._checks import require_whole_number
from .._http.message import Response
from .._markers import override, public
from .._plain import plain, plain_text
from .._reading.parameters import parameter
from .._reading.reader import Send, endpoint_of
from .._tasks import cancel_and_wait, consume_exception
from .._text import json_type_name, printable
from ..errors import CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Follow, GenericResource, Links, Registry, Relationship, Resource, media_type
from ..jsonapi._compound import members_of
from ..jsonapi._json import loads
from ..jsonapi.document import mapping
from ..jsonapi.query import include_paths, parameters_of, path_of, segment
from ..jsonapi.registry import type_of
from ..service import Service
from .filters import QueryCapabilities, filter_name_of, filter_parameters, related_class, sort_keys
from .paginators import (
    KeysetPaginator,
    LinkPaginator,
    ListQuery,
    Page,
    PagePosition,
    Paginator,
    ReceivedPage,
    require_sendable,
)

R = TypeVar("R", bound=Resource)

_LONGEST_ID: Final = "x" * 64


class Items(Generic[R]):
    """The resources of a list, one by one: what `aiter(collection)` gives.

    `aclose()` ends the iteration, and `contextlib.aclosing` calls it at the end of a block. Several tasks may take from
    one iterator: each resource goes to one of them.
    """

    def __init__(self, pages: "Pages[R]") -> None:
        self._pages = pages
        self._page: Iterator[R] = iter(())
        """What is left of the page that was read last."""
        self._lock = asyncio.Lock()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        item = next(self._page, None)
        if item is None:
            async with self._lock:
                # Looked at again: another task may have read the next page while this one waited for the lock.
                while (item := next(self._page, None)) is None:
                    self._page = iter((await anext(self._pages)).items)
        return item

    async def aclose(self) -> None:
        """End the iteration; no request is under way when this returns. Twice is fine."""
        self._page = iter(())
        await self._pages.aclose()


class Pages(Generic[R]):
    """The pages of a list, one by one: what `collection.pages()` gives.

    `aclose()` ends the iteration, and `contextlib.aclosing` calls it at the end of a block. After an error, or where
    waiting was cancelled, the next turn asks for the same page again. Several tasks may take from one iterator: each
    page goes to one of them.
    """

    def __init__(self, reader: "ListReader[R]", paginator: Paginator[R], *, read_ahead: int) -> None:
        self._reader = reader
        self._paginator = paginator
        self._read_ahead = read_ahead
        self._ahead: asyncio.Task[Page[R] | None] | None = None
        """The task that reads the next page."""
        self._lock = asyncio.Lock()
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[R]:
        async with self._lock:
            page = None if self._closed else await self._next()
            if page is None:
                raise StopAsyncIteration
            if self._read_ahead and self._paginator.more and not self._closed:
                # The task knows the paginator and not this object, which may be dropped while it runs.
                self._ahead = asyncio.create_task(self._reader.next_page(self._paginator))
                self._ahead.add_done_callback(consume_exception)
            return page

    async def _next(self) -> Page[R] | None:
        task = self._ahead
        if task is None:
            return await self._reader.next_page(self._paginator)
        try:
            page = await task
        except BaseException as error:
            if task.cancelled() or task.exception() is not None:
                self._ahead = None
            # Else we were cancelled in the moment when the page came; it is kept for the next turn.
            if self._closed and isinstance(error, asyncio.CancelledError) and not _is_cancelled():
                # It was `aclose` that cancelled the task, and not somebody who cancelled us: the iteration is over.
                return None
            raise
        finally:
            # It holds the exception that leads to this frame.
            del task
        self._ahead = None
        return page

    async def aclose(self) -> None:
        """End the iteration; no request is under way when this returns. Twice is fine."""
        self._closed = True
        task, self._ahead = self._ahead, None
        if task is not None:
            await cancel_and_wait([task])

    def __del__(self) -> None:
        task = self._ahead
        if task is not None and not task.done() and not task.get_loop().is_closed():
            # Whatever thread the garbage collector runs in.
            task.get_loop().call_soon_threadsafe(task.cancel)


@public("commercelayer_async")
class ResourceCollection(Generic[R]):
    """A list of resources that is read when it is asked for, and asked for anew each time.

        first_page = await wallets                      # a tuple of at most `page_size`
        async for wallet in wallets: ...                # every one, page by page
        async for page in wallets.pages(): ...          # the same, with meta, links and a cursor
        newest = await wallets.first()                  # one, or None
        total = await wallets.count()

    Pages are followed by the server's own links, and each resource is delivered once in an iteration. While a list
    is read, others may change it. Then records may be missed, which the log says, or the iteration ends with a
    `DecodeError`. `session.scan()` misses none.

    An error of an iteration names the page. Its `start_from` leads back to that page: hand it to `session.list` under
    that name. To leave a loop early and be sure that nothing goes on, close the iterator:

        async with contextlib.aclosing(aiter(wallets)) as each:
            async for wallet in each:
                if wallet.name == "wanted":
                    break
    """

    def __init__(
        self, reader: "ListReader[R]", *, filters: tuple[str, ...], other: tuple[str, ...], options: "ListOptions"
    ) -> None:
        """Describe a list by its query parameters: `filters`, which change what it holds, and `other` ones."""
        self._reader = reader
        self._filters = filters
        self._other = other
        self._options = options
        self._query = reader.query(*other, *filters, size=options.page_size)
        require_sendable(self._query.target, "filter")
        self._start = self._query.start()
        if options.start_from is not None:
            self._start = self._query.resume(options.start_from)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._reader.path}>"

    def __await__(self) -> Generator[Any, Any, tuple[R, ...]]:
        return self._first_page().__await__()

    def __aiter__(self) -> Items[R]:
        return Items(self.pages())

    def pages(self) -> Pages[R]:
        """Iterate over the pages, in order."""
        return Pages(self._reader, LinkPaginator(self._query, self._start), read_ahead=self._options.read_ahead)

    async def first(self) -> R | None:
        """Read the first resource, None if there is none: one request for one resource, whatever `start_from` says."""
        query = self._reader.query(*self._other, *self._filters, size=1)
        return next(iter(await self._items_at(query, query.start())), None)

    async def count(self) -> int:
        """Ask how many there are, as the server counts them: one request for one resource.

        Raises:
            DecodeError: the server does not say; it never does for event stores.
        """
        # Neither order nor relationships change how many there are.
        return await self._reader.count(self._reader.query(*self._filters, size=1).target)

    async def _first_page(self) -> tuple[R, ...]:
        return await self._items_at(self._query, self._start)

    async def _items_at(self, query: ListQuery, start: PagePosition) -> tuple[R, ...]:
        page = await self._reader.next_page(LinkPaginator(query, start))
        return page.items if page is not None else ()


@public("commercelayer_async")
class Scan(Items[R]):
    """Every record of a type exactly once, whatever is created and deleted meanwhile; iterate over it once.

    Records come in the order of their ids, which is that of their creation. `cursor` is where to go on after the last
    one that was taken: store it, and hand it to `session.scan(..., after=cursor)`. Records that are created while the
    scan goes on are delivered if their ids come later.
    """

    def __init__(self, reader: "ListReader[R]", query: ListQuery, after: str | None, *, read_ahead: int) -> None:
        self._reader = reader
        self._query = query
        self._read_ahead = read_ahead
        self.cursor: str | None = after
        """The id of the last resource that was taken; None before the first."""
        super().__init__(self.pages())

    def __repr__(self) -> str:
        return f"<Scan {self._reader.path}, after {printable(repr(self.cursor), 80)}>"

    @override
    async def __anext__(self) -> R:
        item = await super().__anext__()
        self.cursor = item.id
        return item

    def pages(self) -> Pages[R]:
        """Iterate over the pages from the cursor on, each with a cursor of its own; the last one is empty."""
        return Pages(self._reader, KeysetPaginator(self._query, self.cursor), read_ahead=self._read_ahead)


@attrs.frozen
class ListOptions:
    """How a list is read, whatever it holds."""

    page_size: int
    start_from: str | None
    read_ahead: int

    @classmethod
    def checked(cls, page_size: int, start_from: str | None, read_ahead: int, *, service: Service) -> "ListOptions":
        """Make options of a caller's arguments.

        Raises:
            ConfigurationError: one is out of its range.
        """
        return cls(
            require_whole_number("page_size", page_size, 1, service.paging.max_size),
            plain(start_from),
            require_whole_number("read_ahead", read_ahead, 0, 1),
        )


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

    @property
    def service(self) -> Service:
        """The facts of the service that is read."""
        return self.context.service

    @property
    def numbered(self) -> bool:
        """True if the list is paged by numbers, and not by cursors.

        That is a matter of its type. Where that is not known, the relationship is often called like the type.
        """
        type = self.resource_type if self.resource_type is not None else self.path.rstrip("/").rpartition("/")[2]
        return type not in self.service.paging.cursor_types

    def query(self, *parameters: str, size: int) -> ListQuery:
        """A query to this list, by encoded parameters and the size of its pages."""
        return ListQuery(
            origin=self.context.origin,
            service=self.service,
            path=self.path,
            parameters=(*self.path_query, *parameters),
            page_size=size,
            numbered=self.numbered,
        )

    async def next_page(self, paginator: Paginator[R]) -> Page[R] | None:
        """Read the page that a paginator asks for next; None at its end."""
        try:
            target = paginator.target()
            return None if target is None else paginator.advance(await self._receive(target))
        except CommerceLayerError as error:
            paginator.annotate(error)
            raise

    async def count(self, target: str) -> int:
        """Ask how many records the list says it holds."""

        def read(response: Response, _: ResponseInfo) -> int:
            return self._received(response, ()).require_count()

        return await self.send(target, endpoint_of(target, self.context.origin.api), read)

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

        return await self.send(target, endpoint_of(target, self.context.origin.api), read)

    def _received(self, response: Response, items: tuple[R, ...]) -> ReceivedPage[R]:
        """A page with the document's meta and links, which are not decoded with its resources."""
        url = response.url_without_query
        members = members_of(response.body)
        if members is None:
            got = json_type_name(loads(response.body, url=url))
            raise DecodeError(expected="a JSON:API document (an object)", got=got, url=url)
        meta, links = (
            mapping(loads(members[name], url=url), f"/{name}", url) if name in members else {}
            for name in ("meta", "links")
        )
        applied = media_type(response.headers.get("Content-Type"))
        return ReceivedPage(items, meta, Links(links, base=url), url, self.service.paging.count_member, applied)

    def _checked(self, item: Resource, n: int, response: Response) -> R:
        """Return a resource, if it is of the class and the type asked for."""
        if isinstance(item, self.cls) and (self.resource_type is None or item.type == self.resource_type):
            return item
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
    api = context.origin.api
    if isinstance(what, Relationship):
        return _reader_for_related(what, context, send, follower)
    name = plain_text(what)
    if name is not None:
        type = segment(name, "type")
        registry = context.registry.without(type)
        return ListReader(context, send, follower, registry, GenericResource, type, f"{api}/{type}")
    cls: Any = what
    type = segment(type_of(cls), "type")
    return ListReader(context, send, follower, context.registry.preferring(cls), cls, type, f"{api}/{type}")


def _reader_for_related(
    relationship: Relationship, context: SessionContext, send: Send, follower: Follow
) -> ListReader[Resource]:
    owner, name = relationship.owner, relationship.name
    if relationship.to_many is False:
        raise ConfigurationError(f"{owner.type}.{name} leads to one resource at most: await it")
    link = relationship.links.related
    # Documents of old records leave relationships out whose route is served (docs, "Fetching relationships").
    href = f"{context.origin.api}{path_of(owner.type, owner.id or '')}/{segment(name, 'relationship')}"
    target = context.origin.target_of(link.href, base=link.base) if link is not None else href
    path, _, query = target.partition("?")
    declared = related_class(owner.type, name, context.registry, context.service)
    type: str | None = getattr(declared, "type", None)
    path_query = tuple(query.split("&")) if query else ()
    return ListReader(context, send, follower, context.registry, Resource, type, path, path_query)


def collection_of(
    reader: ListReader[R],
    *,
    filter: Mapping[str, Any] | None,
    sort: str | Iterable[str],
    include: str | Iterable[str],
    options: ListOptions,
) -> ResourceCollection[R]:
    """Make the list that the arguments of `Session.list` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    capabilities = _capabilities_of(reader)
    id = reader.service.keys.id_attribute
    keys = sort_keys(sort, capabilities)
    if reader.numbered and not any(key in (id, f"-{id}") for key in keys):
        # Without an order that is total, a record may be on two pages, and another on none.
        keys = (*keys, id)
    other = [*_parameters(reader, include), *([f"sort={','.join(keys)}"] if keys else [])]
    filters = filter_parameters({} if filter is None else filter, capabilities)
    return ResourceCollection(reader, filters=filters, other=tuple(other), options=options)


def scan_of(
    reader: ListReader[R],
    *,
    filter: Mapping[str, Any] | None,
    include: str | Iterable[str],
    after: str | None,
    options: ListOptions,
) -> Scan[R]:
    """Make the scan that the arguments of `Session.scan` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    if not reader.numbered:
        type = reader.resource_type
        raise ConfigurationError(f"{type} cannot be scanned: the API neither sorts nor filters them; list them")
    keys = reader.service.keys
    filters = filter_parameters({} if filter is None else filter, _capabilities_of(reader))
    if any(one.startswith(parameter(keys.after_filter, "")) for one in filters):
        name = filter_name_of(keys.after_filter, reader.service.filtering)
        raise ConfigurationError(f"filter: a scan asks for {name!r} itself; say where it starts by after=")
    after = None if after is None else segment(after, "after")
    query = reader.query(*_parameters(reader, include), *filters, f"sort={keys.id_attribute}", size=options.page_size)
    # Each page but the first is asked for by the id before it, however long that will be.
    require_sendable(query.with_parameters(parameter(keys.after_filter, _LONGEST_ID)).target, "filter")
    return Scan(reader, query, after, read_ahead=options.read_ahead)


def _capabilities_of(reader: ListReader[Any]) -> QueryCapabilities:
    return QueryCapabilities(_described(reader), reader.context.registry, reader.service)


def _described(reader: ListReader[Any]) -> type[Resource]:
    """The class that says what can be asked of a list: the session's own for its type where the caller named none."""
    unnamed = reader.cls is Resource or reader.cls is GenericResource
    return reader.context.registry.get(reader.resource_type) if unnamed and reader.resource_type else reader.cls


def _parameters(reader: ListReader[Any], include: str | Iterable[str]) -> list[str]:
    """The parameters for what is included, and for the fields of sparse classes."""
    cls = _described(reader)
    paths = include_paths(include, cls if reader.cls is not GenericResource else GenericResource, reader.registry)
    return [*parameters_of(None if cls is Resource else (cls,), paths, reader.registry)]


def _is_cancelled() -> bool:
    """True if somebody cancelled the current task, and not only what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
