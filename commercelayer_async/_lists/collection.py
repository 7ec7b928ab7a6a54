"""Lists of resources: one object that is awaited for a page, or iterated over for all of them.

While the consumer works on one page, the next is read ahead, by one task and no further. So the order is the server's,
memory holds two pages, and a consumer that is slower than the server holds the server back. The task belongs to the
iterator: closing the iterator ends it, and so does dropping it.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator
from typing import Any, Final, Generic, Self, TypeVar

import attrs

from .._checks import require_whole_number
from .._markers import override, public
from .._plain import plain
from .._tasks import cancel_and_wait, consume_exception, is_cancelled
from .._text import printable
from ..errors import ConfigurationError
from ..jsonapi import Resource
from ..service import Paging
from .list_query import ListQuery, PagePosition, require_sendable
from .list_reader import ListReader
from .pages import Page
from .paginators import KeysetPaginator, LinkPaginator, Paginator

R = TypeVar("R", bound=Resource)


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
                    page = await anext(self._pages)
                    self._on_page(page)
                    self._page = iter(page.items)
        return item

    def _on_page(self, page: Page[R]) -> None:
        """Learn of a page whose resources are taken next."""

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

    def __init__(self, reader: ListReader[R], paginator: Paginator[R], *, read_ahead: int) -> None:
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
            if self._closed and isinstance(error, asyncio.CancelledError) and not is_cancelled():
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
        self, reader: ListReader[R], *, filters: tuple[str, ...], other: tuple[str, ...], options: "ListOptions"
    ) -> None:
        """Describe a list by its query parameters: `filters`, which change what it holds, and `other` ones."""
        self._reader = reader
        self._filters = filters
        self._other = other
        self._options = options
        self._query = reader.query(*other, *filters, size=options.page_size, filtered=bool(filters))
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
        return await self._reader.count(*self._filters)

    async def _first_page(self) -> tuple[R, ...]:
        return await self._items_at(self._query, self._start)

    async def _items_at(self, query: ListQuery, start: PagePosition) -> tuple[R, ...]:
        page = await self._reader.next_page(LinkPaginator(query, start))
        return page.items if page is not None else ()


@public("commercelayer_async")
class Scan(Items[R]):
    """Every record of a type exactly once, whatever is created and deleted meanwhile; iterate over it once.

    Where the service is asked for what comes after an id, records come in the order of their ids, which is that of
    their creation. Where it hands out cursors that walk a list exactly, they come in its own order.

    `cursor` is where to go on after the last one that was taken: store it, and hand it to
    `session.scan(..., after=cursor)`. Of a service's own cursor it leads to the page that the last one was taken from,
    until all of that page was taken, so a scan that goes on in the middle of a page gives its records again. Records
    that are created while the scan goes on are delivered if they come later.
    """

    cursor: str | None
    """Where to go on after the last resource that was taken; None before the first."""

    def __init__(self, reader: ListReader[R], query: ListQuery, cursor: str | None, *, read_ahead: int) -> None:
        self._reader = reader
        self._query = query
        self._read_ahead = read_ahead
        self.cursor = cursor
        super().__init__(self.pages())

    def __repr__(self) -> str:
        return f"<Scan {self._reader.path}, after {printable(repr(self.cursor), 80)}>"

    def pages(self) -> Pages[R]:
        """Iterate over the pages from the cursor on, each with a cursor of its own; the last one may be empty."""
        return Pages(self._reader, self._paginator(), read_ahead=self._read_ahead)

    @property
    def beginning(self) -> str | None:
        """The cursor that a page has which leads back to the first one; None where no page leads back."""
        return None

    def _paginator(self) -> Paginator[R]:
        raise NotImplementedError


class KeysetScan(Scan[R]):
    """A scan that asks for what comes after an id."""

    def __init__(
        self,
        reader: ListReader[R],
        query: ListQuery,
        after: str | None,
        *,
        target_after: Callable[[str], str],
        read_ahead: int,
    ) -> None:
        """Read what comes after an id; `target_after` makes the target for what comes after one."""
        self._target_after = target_after
        super().__init__(reader, query, after, read_ahead=read_ahead)

    @override
    async def __anext__(self) -> R:
        item = await super().__anext__()
        self.cursor = item.id
        return item

    @override
    def _paginator(self) -> Paginator[R]:
        return KeysetPaginator(self._query, self.cursor, self._target_after)


class CursorScan(Scan[R]):
    """A scan that follows the service's own cursor, which walks a list exactly."""

    def __init__(self, reader: ListReader[R], query: ListQuery, after: str | None, *, read_ahead: int) -> None:
        """Begin at a position that a scan's `cursor` named.

        Raises:
            ConfigurationError: it names none of this list.
        """
        if after is not None:
            query.resume_or_end(after)
        self._left = 0
        """Resources of the page that have not been taken."""
        self._behind: str | None = after
        """Where to go on when all of the page was taken."""
        super().__init__(reader, query, after, read_ahead=read_ahead)

    @override
    async def __anext__(self) -> R:
        item = await super().__anext__()
        self._left -= 1
        if not self._left:
            self.cursor = self._behind
        return item

    @property
    @override
    def beginning(self) -> str | None:
        return self._query.start().cursor

    @override
    def _on_page(self, page: Page[R]) -> None:
        self._left = len(page.items)
        self._behind = page.cursor

    @override
    def _paginator(self) -> Paginator[R]:
        start = self._query.start() if self.cursor is None else self._query.resume_or_end(self.cursor)
        return LinkPaginator(self._query, start, names_end=True)


@attrs.frozen
class ListOptions:
    """How a list is read, whatever it holds."""

    page_size: int | None
    """Resources of a page; None to let the service choose."""
    start_from: str | None
    read_ahead: int

    @classmethod
    def checked(
        cls, page_size: int | None, start_from: str | None, read_ahead: int, *, paging: Paging, type: str
    ) -> "ListOptions":
        """Make options of a caller's arguments, for lists of a type that are paged so.

        Raises:
            ConfigurationError: one is out of its range.
        """
        return cls(
            _page_size(page_size, paging, type),
            plain(start_from),
            require_whole_number("read_ahead", read_ahead, 0, 1),
        )


_MOST: Final = 1_000_000
"""Resources of a page that may be asked for where the service does not say how many it gives."""


def _page_size(given: object, paging: Paging, type: str) -> int | None:
    """The size to ask for: the caller's, else the service's usual one.

    Raises:
        ConfigurationError: it is out of range, or pages of this list have the size that the service chooses.
    """
    if given is None:
        return paging.usual_of(type)
    size = require_whole_number("page_size", given, 1, paging.most_of(type) or _MOST)
    if paging.size is None:
        raise ConfigurationError(f"page_size: the service chooses the size of pages of {type!r}; leave it out")
    return size
