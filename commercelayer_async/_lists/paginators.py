"""Paginators: which page comes next, what was seen before, and when something is wrong.

Two ways lead through a list. `LinkPaginator` follows `links.next` as the server gives it, whether the server numbers
its pages or hands out cursors. That is what JSON:API asks of a client. But the list does not stand still meanwhile: a
record that is deleted shifts all that come after it one place forward, and one slips from a page not yet read to a page
already read. `KeysetPaginator` asks for what comes after the last id, in the order of ids, where nothing shifts.

Neither trusts the server to end. What has to be an error, and what only goes to the log:

    a link back to a page already read          error: following it would never end
    many pages in a row with nothing new        error: the same, under other URLs
    an empty page, all that is counted came     the end, whatever `links.next` says: some servers always give one
    three empty pages by number, no count       the end too, with a warning, of a service that counts other lists
    far more records than the list counts       error: the same, with ever new records
    fewer records than the list counts          error if the count stood still: a page was cut short, or a link is gone
    fewer, and the count changed; duplicates    a warning: others changed the list while it was read
    a record twice, by keys                     error: the server did not filter or sort as it was asked to

A paginator only holds state and decides: it names the target to request, takes what was received, and makes the page.
"""

import logging
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from .._markers import override
from .._text import describe
from ..errors import CommerceLayerError
from ..jsonapi import Resource
from ..service import Cursor
from ..service.paging import NOTHING, found_at
from .list_query import ListQuery, PagePosition
from .pages import Page, ReceivedPage
from .seen_ids import SeenIds

R = TypeVar("R", bound=Resource)

_log: Final = logging.getLogger("commercelayer_async")

MAX_PAGES: Final = 100_000
"""Pages that one iteration reads at most: two and a half million records at the largest size."""
_MAX_PAGES_WITHOUT_NEWS: Final = 50
"""Pages in a row that may hold nothing new: an empty page is not the end of a list, but a row of them has no end."""
_MOST_EMPTY_PAGES: Final = 3
"""Empty pages in a row, by their numbers, of a list that is not counted. One may be what a filter left of a page."""
_SLACK: Final = 1000
"""Records beyond twice what a list says it holds, before it counts as endless: it may grow while it is read."""


class Paginator(Protocol[R]):
    """The state of one iteration over a list."""

    @property
    def more(self) -> bool:
        """True if there is another page to request, as far as is known."""
        ...

    def target(self) -> str | None:
        """What to request next; None at the end.

        Raises:
            CommerceLayerError: there has to be another page, but no usable link leads to it.
        """
        ...

    def advance(self, received: ReceivedPage[R]) -> Page[R]:
        """Take what the server gave for the target, go on to the next target, and return the page."""
        ...

    def annotate(self, error: CommerceLayerError) -> None:
        """Add to an error on which page it happened, and where to go on."""
        ...


class LinkPaginator(Paginator[R], Generic[R]):
    """Follows `links.next` from a position on."""

    def __init__(self, query: ListQuery, start: PagePosition | None, *, names_end: bool = False) -> None:
        """Begin at a position, None for the end; with `names_end` the last page has a cursor too, which leads there."""
        self._query = query
        self._names_end = names_end
        self._next: PagePosition | None = start
        self._last = start if start is not None else query.start()
        self._visited: set[str] = set()
        self._seen = SeenIds()
        self._pages_without_news = 0
        """Pages in a row, up to the last, that held nothing new."""
        self._empty_pages = 0
        """Pages in a row, up to the last, that held nothing."""
        self._count: int | None = None
        """How many records the list said it holds, when it last said so."""
        self._count_changed = False
        """True if the list did not always say the same."""
        self._may_have_gaps = False
        """True if the list changed in a way that may have hidden records."""
        self._withheld = False
        """True if a page said that rows were left out of it."""
        self._failure: CommerceLayerError | None = None
        """What is wrong with the link to the next page; raised when that page is asked for, as this one is whole."""

    @property
    @override
    def more(self) -> bool:
        return self._next is not None

    @override
    def target(self) -> str | None:
        if self._failure is not None:
            raise self._failure
        return self._next.target if self._next is not None else None

    @override
    def annotate(self, error: CommerceLayerError) -> None:
        # Where the link to the next page is wrong, the page that holds it is the one to read again.
        position = self._next or self._last
        annotate(error, position.page, position.cursor)

    @override
    def advance(self, received: ReceivedPage[R]) -> Page[R]:
        position = self._last = self._next or self._last
        self._visited.add(position.target)
        items = tuple(item for item in received.items if self._seen.add(_key_of(item)))
        duplicates = len(received.items) - len(items)
        self._pages_without_news = 0 if items else self._pages_without_news + 1
        self._empty_pages = 0 if received.items else self._empty_pages + 1
        self._note_changes(received.count, duplicates)
        self._withheld = self._withheld or received.withheld
        try:
            self._next = self._position_after(received, position)
        except CommerceLayerError as error:
            self._next, self._failure = None, error
        cursor = self._next.cursor if self._next is not None else None
        if self._failure is not None:
            cursor = position.cursor
        elif cursor is None and self._names_end:
            cursor = self._query.end_cursor(position.page, position.received + len(received.items))
        number = self._query.number_of(position.target)
        return Page(items, received.meta, received.links, number, cursor, duplicates, received.media_type)

    def _note_changes(self, count: int | None, duplicates: int) -> None:
        # A duplicate shows that pages shifted back, because a record before it was created or moved there. What was
        # created is not missed, but what moved may have been.
        self._may_have_gaps = self._may_have_gaps or duplicates > 0
        if count is None:
            return
        if self._count is not None:
            self._count_changed = self._count_changed or count != self._count
            # A lower count is a deletion: pages shift forward, and a record may have slipped to a page already read.
            self._may_have_gaps = self._may_have_gaps or count < self._count
        self._count = count

    def _position_after(self, received: ReceivedPage[R], position: PagePosition) -> PagePosition | None:
        """Where `links.next` leads; None at the end.

        Raises:
            DecodeError: it leads in circles, or nowhere though there have to be more records.
            LinkRefused: it leaves the API.
        """
        total = position.received + len(received.items)
        target = self._target_after(received, position, total)
        if target is None:
            self._require_all(received, total)
            return None
        if self._is_past_the_end(received, target, total):
            self._require_all(received, total)
            return None
        if target in self._visited:
            raise received.unexpected("/links/next", "a link to a page that was not read before", "a link back")
        # Links that always differ and lead to the same records, or to none, are an endless list too.
        if self._pages_without_news >= _MAX_PAGES_WITHOUT_NEWS:
            raise received.unexpected(
                "/data", "resources that did not come before", f"none on {self._pages_without_news} pages"
            )
        # Twice, as a list may grow while it is read. An uncounted list ends with the number of its pages alone.
        deepest = self._query.paging.deepest
        if deepest is not None and total >= deepest:
            raise received.unexpected(
                "/links/next", f"a list of at most {deepest:,} records", "more than the service gives"
            )
        most = 2 * self._count + _SLACK if self._count is not None else total
        if total > most or position.page >= MAX_PAGES:
            raise received.unexpected("/links/next", "a list that ends", f"{total} resources, and more to come")
        return self._query.position(target, page=position.page + 1, received=total)

    def _target_after(self, received: ReceivedPage[R], position: PagePosition, total: int) -> str | None:
        """What the next page is asked for by: its link; else, where the service gives none, its number or its cursor.

        None where there is no other page.
        """
        paging = self._query.paging
        if isinstance(paging, Cursor) and paging.cursor is not None and paging.next is not None:
            cursor = found_at(paging.next, received.meta, received.raw_links)
            if cursor in (NOTHING, None, ""):
                return None
            if not isinstance(cursor, str | int) or isinstance(cursor, bool):
                raise received.unexpected(f"/{paging.next.replace('.', '/')}", "a cursor", describe(cursor))
            return self._query.at_cursor(position.target, paging.cursor, str(cursor))
        if received.links.next is not None:
            link = received.links.next
            return self._query.origin.target_of(link.href, base=link.base)
        if not received.items or (self._count is not None and not self._count_changed and total >= self._count):
            return None
        return self._query.counted_up(position.target, received=total)

    def _is_past_the_end(self, received: ReceivedPage[R], target: str, total: int) -> bool:
        """True if an empty page shows that there is no more, though it has a link to another page.

        A list that counts itself ends when all came, if it always counted the same: a count of the page alone would
        not. One that is paged by cursors may go on after any number of empty pages, and so may one of a service that
        never counts: it may filter each page after it cut it.
        """
        if not self._empty_pages or received.total is None:
            return False
        if self._count is not None and not self._count_changed:
            return total >= self._count
        if self._empty_pages < _MOST_EMPTY_PAGES or not self._query.has_place(target):
            return False
        _log.warning(
            "%s gave %d empty pages and a link to more: taken for its end", self._query.path, self._empty_pages
        )
        return True

    def _require_all(self, received: ReceivedPage[R], total: int) -> None:
        """At the end, refuse a list that gave fewer records than it counts, and warn of one that changed."""
        count, size = received.count, self._query.page_size
        # A full page, no links and no count: whether that is all of the list cannot be known.
        unknown = count is None and self._query.paging.expects_links and not received.links
        if unknown and size is not None and len(received.items) >= size:
            counted = f"links, or a {received.count_member}" if received.total is not None else "links"
            raise received.unexpected("/links", counted, "neither: it cannot be known whether there is more")
        short = count is not None and total < count
        if short and self._withheld:
            _log.warning("%s gave fewer records than it counts, as it withholds some", received.url)
            return
        if short and not self._count_changed:
            raise received.unexpected(
                received.count_pointer, f"as many resources, over all pages ({total})", f"{count}"
            )
        if count is None and total < self._query.linked:
            _log.warning("%s gave %d records, and linkage names %d", received.url, total, self._query.linked)
        if short or self._may_have_gaps:
            _log.warning(
                "%s changed while it was read page by page: records may be missing. session.scan() misses none",
                received.url,
            )


class KeysetPaginator(Paginator[R], Generic[R]):
    """Asks for what comes after the last id, in the order of ids, until nothing does (keyset pagination).

    The end is an empty page, not a short one: a server may give fewer than were asked for. Nor is it a count by which
    nothing is left: it may be that of the page alone or of a moment ago, and the link to a next page may be lost. What
    was created meanwhile would be missed in silence; one request is the price of knowing.

    Ids are texts whose order is the server's affair, so what shows that it began anew is an id that came before, and
    what shows that it never ends is the number of pages, unless it has counted that many records.
    """

    def __init__(self, query: ListQuery, after: str | None, target_after: Callable[[str], str]) -> None:
        """Begin after an id; `target_after` makes the target for what comes after one."""
        self._query = query
        self._target_after = target_after
        self._after = after
        self._page = 1
        self._ended = False
        self._seen = SeenIds()
        self._total = 0
        self._most_counted = 0
        """The most records that a page said are left."""

    @property
    @override
    def more(self) -> bool:
        return not self._ended

    @override
    def target(self) -> str | None:
        if self._ended:
            return None
        if self._after is None:
            return self._query.target
        return self._target_after(self._after)

    @override
    def annotate(self, error: CommerceLayerError) -> None:
        annotate(error, self._page, self._after)

    @override
    def advance(self, received: ReceivedPage[R]) -> Page[R]:
        ids = [item.id for item in received.items]
        # Ids are not compared by order: how the server sorts them is its own affair. But a filter that it ignores, or
        # another order than by ids, brings a record again sooner or later, and before that it hides others.
        repeated = next((n for n, id in enumerate(ids) if id in self._seen or id == self._after), None)
        if repeated is not None or len(set(ids)) < len(ids):
            raise received.unexpected(
                f"/data/{repeated}/id" if repeated is not None else "/data",
                "ids that come after those before, as was asked for",
                "one that came before",
            )
        self._total += len(ids)
        self._most_counted = max(self._most_counted, received.count or 0)
        if ids and self._page >= MAX_PAGES and self._total > 2 * self._most_counted + _SLACK:
            raise received.unexpected("/data", "a list that ends", f"{self._total} resources, and more to come")
        for id in ids:
            self._seen.add(id)
        self._after = ids[-1] if ids else self._after
        self._ended = not ids
        self._page += 1
        return Page(received.items, received.meta, received.links, None, self._after, media_type=received.media_type)


def annotate(error: CommerceLayerError, page: int, cursor: str | None) -> None:
    """Add to an error on which page of a list it happened, and where to go on: its `start_from`."""
    # An error of a link is raised again by each further turn of the iteration, and annotated once.
    if "start_from" not in vars(error):
        error.start_from = cursor
        error.args = (f"{error.args[0]}, on page {page} of the list", *error.args[1:])


def _key_of(resource: Resource) -> str:
    """What makes a resource the same as another of one list, whose types may differ."""
    return f"{resource.type}/{resource.id}"
