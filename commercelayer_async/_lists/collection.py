"""Lists of resources: one object that is awaited for a page, or iterated over for all of them.

While the consumer works on one page, the next is read ahead, by one task and no further; so order is the server's,
memory holds two pages, and a consumer that is slower than the server holds the server back. The task belongs to the
iterator: closing that ends it, and so does dropping it.
"""

import asyncio
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Final, Generic, Self, TypeVar

import attrs

from .._calls.context import SessionContext
from .._calls.response_info import ResponseInfo
from .._http.message import Response
from .._reading.reader import Send, endpoint_of
from .._text import describe, json_type_name, printable
from ..errors import CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Follow, GenericResource, Links, Registry, Relationship, Resource
from ..jsonapi._compound import members_of
from ..jsonapi._json import loads
from ..jsonapi.document import mapping
from ..jsonapi.query import include_paths, path_of, query_of, segment
from .filters import Asked, filter_parameters, sort_keys, target_class
from .paginators import KeyWalk, LinkWalk, Page, Place, Question, Received, Walk, require_count

R = TypeVar("R", bound=Resource)

MOST: Final = 25
"""Resources of a page at most (docs.commercelayer.io, "Pagination")."""

_BY_CURSOR: Final = "event_stores"
"""The one list that is paged by cursors: neither numbered nor counted, nor sorted."""
_LONGEST: Final = 1900
"""Characters of a target at most: links back to it, longer by the host, must be fit to be followed."""


class Items(Generic[R]):
    """The resources of a list, one by one; `aclose()` ends it, which `contextlib.aclosing` does at the end of a block.

    Several tasks may take from one iterator: each resource goes to one of them.
    """

    def __init__(self, pages: "Pages[R]") -> None:
        self._pages = pages
        self._left: Iterator[R] = iter(())
        self._lock = asyncio.Lock()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        item = next(self._left, None)
        if item is None:
            async with self._lock:
                while (item := next(self._left, None)) is None:
                    self._left = iter((await anext(self._pages)).items)
        return item

    async def aclose(self) -> None:
        """Stop; no request goes on when this returns. Twice is fine."""
        self._left = iter(())
        await self._pages.aclose()


class Pages(Generic[R]):
    """The pages of a list, one by one; `aclose()` ends it, which `contextlib.aclosing` does at the end of a block.

    After an error, or where waiting was cancelled, the next turn asks for the same page again.
    """

    def __init__(self, source: "Source[R]", walk: Walk[R], *, read_ahead: int) -> None:
        self._source = source
        self._walk = walk
        self._read_ahead = read_ahead
        self._ahead: asyncio.Task[Page[R] | None] | None = None
        self._lock = asyncio.Lock()
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[R]:
        async with self._lock:
            page = None if self._closed else await self._next()
            if page is None:
                raise StopAsyncIteration
            if self._read_ahead and self._walk.more and not self._closed:
                # The task knows the walk and not this object, which may be dropped while it runs.
                self._ahead = asyncio.create_task(self._source.step(self._walk))
                self._ahead.add_done_callback(_seen)
            return page

    async def _next(self) -> Page[R] | None:
        task = self._ahead
        if task is None:
            return await self._source.step(self._walk)
        try:
            page = await task
        except BaseException as error:
            if task.cancelled() or task.exception() is not None:
                self._ahead = None
            # Else we were cancelled in the moment when the page came; it is kept for the next turn.
            if self._closed and isinstance(error, asyncio.CancelledError) and not _cancelling():
                return None
            raise
        self._ahead = None
        return page

    async def aclose(self) -> None:
        """Stop; no request goes on when this returns. Twice is fine."""
        self._closed = True
        task, self._ahead = self._ahead, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def __del__(self) -> None:
        task = self._ahead
        if task is not None and not task.done() and not task.get_loop().is_closed():
            # Whatever thread the garbage collector runs in.
            task.get_loop().call_soon_threadsafe(task.cancel)


class ResourceCollection(Generic[R]):
    """A list of resources that is read when it is asked for, and asked for anew each time.

        first_page = await wallets                      # a tuple of at most `page_size`
        async for wallet in wallets: ...                # every one, page by page
        async for page in wallets.pages(): ...          # the same, with meta, links and a cursor
        newest = await wallets.first()                  # one, or None
        total = await wallets.count()

    Pages are followed by the server's own links, and each resource is delivered once in an iteration. While a list
    is read, others may change it; then records may be missed, which the log says, or the end of the iteration, as a
    `DecodeError`. `session.scan()` misses none.

    An error of an iteration names the page, and its `start_from` leads back to it: what `session.list` takes under that
    name. To leave a loop early and be sure that nothing goes on, close the iterator:

        async with contextlib.aclosing(aiter(wallets)) as each:
            async for wallet in each:
                if wallet.name == "wanted":
                    break
    """

    def __init__(
        self, source: "Source[R]", *, filters: tuple[str, ...], own: tuple[str, ...], options: "Options"
    ) -> None:
        self._source = source
        self._filters = filters
        self._own = own
        self._options = options
        self._question = source.question(*own, *filters, size=options.page_size)
        if len(self._question.target) > _LONGEST:
            raise ConfigurationError(
                f"the filter makes a URL of {len(self._question.target)} characters, {_LONGEST} are safe: ask for less"
                " at a time; session.get_many() does so for ids"
            )
        self._start = self._question.start()
        if options.start_from is not None:
            self._start = self._question.resume(options.start_from)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._source.path}>"

    def __await__(self) -> Generator[Any, Any, tuple[R, ...]]:
        return self._first_page().__await__()

    def __aiter__(self) -> Items[R]:
        return Items(self.pages())

    def pages(self) -> Pages[R]:
        """The pages, in order."""
        return Pages(self._source, self._walk(self._question, self._start), read_ahead=self._options.read_ahead)

    async def first(self) -> R | None:
        """The first resource, None if there is none: one request for one resource, whatever `start_from` says."""
        question = self._source.question(*self._own, *self._filters, size=1)
        page = await self._source.step(self._walk(question, question.start()))
        return next(iter(page.items), None) if page is not None else None

    async def count(self) -> int:
        """How many there are, as the server counts them: one request for one resource.

        Raises:
            DecodeError: the server does not say; it never does for event stores.
        """
        # Neither order nor relationships change how many there are.
        return await self._source.count(self._source.question(*self._filters, size=1).target)

    async def _first_page(self) -> tuple[R, ...]:
        page = await self._source.step(self._walk(self._question, self._start))
        return page.items if page is not None else ()

    def _walk(self, question: Question, place: Place) -> LinkWalk[R]:
        return LinkWalk(question, place, page_size=self._options.page_size, counted=self._source.numbered)


class Scan(Items[R]):
    """Every record of a type exactly once, whatever is created and deleted meanwhile; iterate over it once.

    Records come in the order of their ids, which is that of their creation. `cursor` is where to go on after the last
    one that was taken: store it, and hand it to `session.scan(..., after=cursor)`. Records that are created while the
    scan goes on are delivered if their ids come later.
    """

    def __init__(self, source: "Source[R]", question: Question, after: str | None, *, read_ahead: int) -> None:
        self._source = source
        self._question = question
        self._read_ahead = read_ahead
        self.cursor: str | None = after
        """The id of the last resource that was taken; None before the first."""
        super().__init__(self.pages())

    def __repr__(self) -> str:
        return f"<Scan {self._source.path}, after {printable(repr(self.cursor), 80)}>"

    async def __anext__(self) -> R:
        item = await super().__anext__()
        self.cursor = item.id
        return item

    def pages(self) -> Pages[R]:
        """The pages from the cursor on, each with a cursor of its own; the last one is empty."""
        return Pages(self._source, KeyWalk(self._question, self.cursor), read_ahead=self._read_ahead)


@attrs.frozen
class Options:
    """How a list is read."""

    page_size: int
    start_from: str | None
    read_ahead: int

    def __attrs_post_init__(self) -> None:
        _require_between("page_size", self.page_size, 1, MOST)
        _require_between("read_ahead", self.read_ahead, 0, 1)


@attrs.frozen(eq=False)
class Source(Generic[R]):
    """Where lists of one kind are read: the path, the class, and what they are read through."""

    context: SessionContext
    send: Send
    through: Follow
    registry: Registry
    cls: type[R]
    """What every resource has to be an instance of."""
    type_: str | None
    """The type that every resource has to have; None where they may differ."""
    path: str
    query: tuple[str, ...] = ()
    """Pairs that the path came with."""

    @property
    def numbered(self) -> bool:
        """Whether the list is paged by numbers."""
        return self.path.rpartition("/")[2] != _BY_CURSOR

    def question(self, *parameters: str, size: int) -> Question:
        """A question to this list."""
        # The first page by its number too: without one, the vendor's load balancer may answer from elsewhere.
        paging = ("page%5Bnumber%5D=1",) if self.numbered else ()
        return Question(self.context.origin, self.path, (*self.query, *parameters), (*paging, f"page%5Bsize%5D={size}"))

    async def step(self, walk: Walk[R]) -> Page[R] | None:
        """The next page of a walk; None at its end."""
        try:
            target = walk.target()
            return None if target is None else walk.take(await self._page(target))
        except CommerceLayerError as error:
            walk.locate(error)
            raise

    async def count(self, target: str) -> int:
        """How many records the list says it holds."""

        def read(response: Response, _: ResponseInfo) -> int:
            return require_count(_received(response, ()))

        return await self.send(target, endpoint_of(target, self.context.origin.api), read)

    async def _page(self, target: str) -> Received[R]:
        def read(response: Response, answer: ResponseInfo) -> Received[R]:
            found = self.registry.read(
                response.body, url=response.url_without_query, follow=self.through, response=answer
            )
            if not isinstance(found, tuple):
                got = "null" if found is None else "one resource"
                raise DecodeError(
                    expected="an array of resources", got=got, pointer="/data", url=response.url_without_query
                )
            return _received(response, tuple(self._fit(item, n, response) for n, item in enumerate(found)))

        return await self.send(target, endpoint_of(target, self.context.origin.api), read)

    def _fit(self, item: Resource, n: int, response: Response) -> R:
        """A resource, if it is one of those asked for."""
        if isinstance(item, self.cls) and (self.type_ is None or item.type == self.type_):
            return item
        # Perhaps the answer to somebody else's question.
        self.context.transport.discard_connections()
        raise DecodeError(
            expected=f"one of the {self.type_ or 'resources'} asked for",
            got=f"{printable(item.type, 80)}/{printable(item.id, 80)}",
            pointer=f"/data/{n}",
            url=response.url_without_query,
        )


def source_of(
    what: type[Resource] | str | Relationship,
    *,
    context: SessionContext,
    send: Send,
    through: Follow,
) -> Source[Any]:
    """Where lists of a class, of a type, or of what a to-many relationship leads to are read.

    Raises:
        ConfigurationError: it is none of these.
        LinkRefused: the link leaves the API.
    """
    api = context.origin.api
    if isinstance(what, Relationship):
        return _related(what, context, send, through)
    if isinstance(what, str):
        type_ = segment(what, "type")
        registry = context.registry.without(type_)
        return Source(context, send, through, registry, GenericResource, type_, f"{api}/{type_}")
    Registry(what)  # refuses what is no resource class
    registry = context.registry.preferring(what)
    return Source(context, send, through, registry, what, what.type, f"{api}/{segment(what.type, 'type')}")


def _related(relationship: Relationship, context: SessionContext, send: Send, through: Follow) -> Source[Resource]:
    owner, name = relationship.owner, relationship.name
    if relationship.to_many is False:
        raise ConfigurationError(f"{owner.type}.{name} leads to one resource at most: await it")
    link = relationship.links.related
    # Documents of old records leave relationships out whose route is served (docs, "Fetching relationships").
    href = f"{context.origin.api}{path_of(owner.type, owner.id or '')}/{segment(name, 'relationship')}"
    target = context.origin.target_of(link.href, base=link.base) if link is not None else href
    path, _, query = target.partition("?")
    declared = target_class(owner.type, name, context.registry)
    type_: str | None = getattr(declared, "type", None)
    return Source(
        context, send, through, context.registry, Resource, type_, path, tuple(query.split("&")) if query else ()
    )


def collection_of(
    source: Source[R],
    *,
    filter: Mapping[str, Any] | None,
    sort: str | Iterable[str],
    include: str | Iterable[str],
    options: Options,
) -> ResourceCollection[R]:
    """The list that the arguments of `Session.list` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    asked = Asked(_described(source), source.context.registry)
    keys = sort_keys(sort, asked)
    if source.numbered and not any(key in ("id", "-id") for key in keys):
        # Without an order that is total, a record may be on two pages, and another on none.
        keys = (*keys, "id")
    own = [*_parameters(source, include), *([f"sort={','.join(keys)}"] if keys else [])]
    return ResourceCollection(
        source, filters=filter_parameters({} if filter is None else filter, asked), own=tuple(own), options=options
    )


def scan_of(
    source: Source[R],
    *,
    filter: Mapping[str, Any] | None,
    include: str | Iterable[str],
    after: str | None,
    options: Options,
) -> Scan[R]:
    """The scan that the arguments of `Session.scan` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    if not source.numbered:
        raise ConfigurationError(f"{_BY_CURSOR} cannot be scanned: the API neither sorts nor filters them; list them")
    filters = filter_parameters({} if filter is None else filter, Asked(_described(source), source.context.registry))
    if any(parameter.startswith("filter%5Bq%5D%5Bid_gt%5D=") for parameter in filters):
        raise ConfigurationError("filter: a scan asks for 'id_gt' itself; say where it starts by after=")
    if after is not None:
        segment(after, "after")
    question = source.question(*_parameters(source, include), *filters, "sort=id", size=options.page_size)
    return Scan(source, question, after, read_ahead=options.read_ahead)


def _described(source: Source[Any]) -> type[Resource]:
    """The class that says what may be asked of a list."""
    unnamed = source.cls is Resource or source.cls is GenericResource
    return source.context.registry.get(source.type_) if unnamed and source.type_ else source.cls


def _parameters(source: Source[Any], include: str | Iterable[str]) -> list[str]:
    """Pairs for what is included, and for the fields of a sparse class."""
    cls = source.cls if source.cls is not Resource else _described(source)
    query = query_of(cls, include_paths(include, cls))
    return query.removeprefix("?").split("&") if query else []


def _received(response: Response, items: tuple[R, ...]) -> Received[R]:
    """A page with the document's meta and links, which decoding its resources leaves aside."""
    members = members_of(response.body)
    if members is None:
        got = json_type_name(loads(response.body, url=response.url_without_query))
        raise DecodeError(expected="a JSON:API document (an object)", got=got, url=response.url_without_query)
    meta, links = (
        mapping(loads(members[name], url=response.url_without_query), f"/{name}", response.url_without_query)
        if name in members
        else {}
        for name in ("meta", "links")
    )
    return Received(items, meta, Links(links, base=response.url_without_query), response.url_without_query)


def _seen(task: "asyncio.Task[Any]") -> None:
    """Look at how a task ended, should nobody else."""
    if not task.cancelled():
        task.exception()


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _require_between(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most}, not {describe(value)}")
