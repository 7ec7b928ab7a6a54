"""Paginators: which page comes next, what was seen before, and when something is wrong.

Two ways lead through a list. `LinkPaginator` follows `links.next` as the server gives it, whether the server numbers
its pages or hands out cursors. That is what JSON:API asks of a client. But the list does not stand still meanwhile: a
record that is deleted shifts all that come after it one place forward, and one slips from a page not yet read to a page
already read. `KeysetPaginator` asks for what comes after the last id, in the order of ids, where nothing shifts.

Neither trusts the server to end. What has to be an error, and what only goes to the log:

    a link back to a page already read          error: following it would never end
    many pages in a row with nothing new        error: the same, under other URLs
    an empty page, all that is counted came     the end, whatever `links.next` says: some servers always give one
    three empty pages by number, no count       the end too, with a warning: what is beyond a page's number is empty
    far more records than the list counts       error: the same, with ever new records
    fewer records than the list counts          error if the count stood still: a page was cut short, or a link is gone
    fewer, and the count changed; duplicates    a warning: others changed the list while it was read
    a record twice, by keys                     error: the server did not filter or sort as it was asked to

A paginator only holds state and decides: it names the target to request, takes what was received, and makes the page.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from heapq import heappush, heappushpop
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, quote, urlencode
from zlib import crc32

import attrs

from .._http.origin import Origin
from .._markers import override, public
from .._reading.parameters import page_parameters, parameter
from .._text import describe
from ..errors import CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Links, MediaType, Resource
from ..service import Service

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_log: Final = logging.getLogger("commercelayer_async")

MAX_PAGES: Final = 100_000
"""Pages that one iteration reads at most: two and a half million records at the largest size."""
_MAX_SEEN: Final = 100_000
"""Ids that an iteration remembers, the last ones, in some 20 MB: enough to know each record of a list of that size.
As many again are remembered of a longer one, spread over all of it."""
_MAX_PAGES_WITHOUT_NEWS: Final = 50
"""Pages in a row that may hold nothing new: an empty page is not the end of a list, but a row of them has no end."""
_MOST_EMPTY_PAGES: Final = 3
"""Empty pages in a row, by their numbers, of a list that is not counted. One may be what a filter left of a page."""
_SLACK: Final = 1000
"""Records beyond twice what a list says it holds, before it counts as endless: it may grow while it is read."""
_MAX_TARGET: Final = 1900
"""Characters of a target at most: a link back to it, longer by the host, must not be too long to be followed."""
_MAX_CURSOR: Final = 2048
"""Characters of a cursor at most."""
_MAX_COUNT: Final = 10**15
"""More records than any list has."""
_MAX_DIGITS: Final = 15
"""Digits of a number of pages or records at most."""


@public("commercelayer_async")
@attrs.frozen
class Page(Generic[R_co]):
    """One page of a list."""

    items: tuple[R_co, ...]
    """The resources, in the server's order, without those that came on an earlier page of the same iteration."""
    meta: Mapping[str, Any]
    """The document's meta; `record_count` and `page_count` where the list is paged by numbers."""
    links: Links
    """The document's links, as the server gives them."""
    number: int | None
    """The page's number, from 1; None where the list is paged by cursors or keys."""
    cursor: str | None
    """Where to go on after this page, a short text to store; None if there is nothing after it.

    For a list it is what `start_from` takes, for a scan what `after` takes. It holds no token and no filter values.
    Where the link to the next page is wrong, which the next turn of the iteration raises, it leads back to this page.
    """
    duplicates: int = 0
    """Resources of the page that were left out because they had come before."""
    media_type: MediaType = attrs.field(factory=MediaType)
    """The `Content-Type` header, with the extensions and profiles that were applied to the document."""


@attrs.frozen
class ReceivedPage(Generic[R_co]):
    """A page as the server gave it."""

    items: tuple[R_co, ...]
    meta: Mapping[str, Any]
    links: Links
    url: str
    """The URL that it was read from, without the query."""
    count_member: str
    """The member of `meta` that says how many records the list holds."""
    media_type: MediaType = attrs.field(factory=MediaType)

    @property
    def count(self) -> int | None:
        """How many records the list says it holds; None if it says nothing, or nothing sensible."""
        count = self.meta.get(self.count_member)
        return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < _MAX_COUNT else None

    def require_count(self) -> int:
        """How many records the list says it holds.

        Raises:
            DecodeError: it does not say, or what it says cannot be a count.
        """
        if self.count is not None:
            return self.count
        given = self.meta
        got = describe(given[self.count_member]) if self.count_member in given else "nothing: this list is not counted"
        raise self.unexpected(f"/meta/{self.count_member}", "a number of records", got)

    def unexpected(self, pointer: str, expected: str, got: str) -> DecodeError:
        """Make the error for a page that is not as it has to be."""
        return DecodeError(expected=expected, got=got, pointer=pointer, url=self.url)


@attrs.frozen
class PagePosition:
    """A position in a list: before a page."""

    target: str
    """What to request for the page."""
    page: int
    """Which page of the list it is, from 1."""
    received: int
    """Records that the pages before it held."""
    cursor: str
    """The text that `ListQuery.resume` makes this position of."""


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


def _first_target(query: "ListQuery") -> str:
    # The first page by its number too: without one, the vendor's load balancer may answer from elsewhere.
    first = page_parameters(query.service.paging, number=1 if query.numbered else None, size=query.page_size)
    return f"{query.path}?{'&'.join((*query.parameters, *first))}"


@attrs.frozen
class ListQuery:
    """What is asked of a list: a path and a query, the latter as encoded `name=value` pairs."""

    origin: Origin
    service: Service = attrs.field(repr=False)
    path: str
    parameters: tuple[str, ...]
    page_size: int
    numbered: bool
    """False for a list that is paged by cursors."""
    target: str = attrs.field(init=False, default=attrs.Factory(_first_target, takes_self=True))
    """The target of the first page."""

    def with_parameters(self, *parameters: str) -> "ListQuery":
        """This query with further parameters."""
        return attrs.evolve(self, parameters=(*self.parameters, *parameters))

    def start(self) -> PagePosition:
        """The position before the first page."""
        return PagePosition(self.target, 1, 0, self._cursor(1, 0, ""))

    def position(self, target: str, *, page: int, received: int) -> PagePosition:
        """The position before a page with that target.

        A cursor holds four things, joined by `_`: a mark of the list it belongs to, the page, the records before it,
        and the parameters of the target that are not the query's own. These say which page it is. The others stay out:
        they may be long, and a filter's value may be nothing to store.
        """
        own = {name for name, _ in _pairs("&".join(self.parameters))}
        further = [pair for pair in _pairs(target.partition("?")[2]) if pair[0] not in own]
        return PagePosition(target, page, received, self._cursor(page, received, _encoded(further)))

    def resume(self, cursor: object) -> PagePosition:
        """The position that a cursor leads to.

        Raises:
            ConfigurationError: it is not a cursor, belongs to another list, or makes a target that is too long.
        """
        parts = cursor.split("_", 3) if isinstance(cursor, str) and len(cursor) <= _MAX_CURSOR else []
        numbers = [number for part in parts[1:3] if (number := _number(part)) is not None]
        if len(parts) != 4 or len(numbers) != 2 or not numbers[0]:  # noqa: PLR2004 - as `_cursor` writes them
            raise ConfigurationError("start_from is not a cursor; take it from a page of the list, or from its error")
        if parts[0] != self._mark:
            raise ConfigurationError(
                "start_from belongs to another list; resume with the organization, type, filter, sort, include and"
                " page_size that it was made with"
            )
        further = _pairs(parts[3])
        if not further:
            return self.start()
        # A link of the server's need not have repeated the size.
        sized = any(name == self.service.paging.size_parameter for name, _ in further)
        size = () if sized else page_parameters(self.service.paging, number=None, size=self.page_size)
        target = f"{self.path}?{'&'.join((*self.parameters, *size, _encoded(further)))}"
        require_sendable(target, "start_from")
        return PagePosition(target, numbers[0], numbers[1], str(cursor))

    @property
    def _mark(self) -> str:
        """A short text that differs for another list. It reveals nothing, and guards against mistakes alone."""
        return f"{crc32(f'{self.origin.url}{self.target}'.encode()):08x}"

    def _cursor(self, page: int, received: int, further: str) -> str:
        return f"{self._mark}_{page}_{received}_{further}"


class SeenIds:
    """The ids that came, to know one that comes again.

    Of a long list the last ones are kept, and of those before them as large a sample, by the smallest checksums. So
    memory is bounded, and a list that begins again is noticed when it comes to one of the sample, which is spread over
    all of it.
    """

    def __init__(self, remembered: int = _MAX_SEEN) -> None:
        self._ids: dict[str, None] = {}
        self._remembered = remembered
        self._sample: set[str] = set()
        self._largest: list[tuple[int, str]] = []
        """The sample as a heap, by its checksums made negative, so that the largest is first."""

    def add(self, id: str) -> bool:
        """Remember an id; True if it is new, as far as is remembered."""
        if id in self:
            return False
        self._ids[id] = None
        if len(self._ids) > self._remembered:
            oldest = next(iter(self._ids))
            del self._ids[oldest]
            self._keep(oldest)
        return True

    def __contains__(self, id: str) -> bool:
        return id in self._ids or id in self._sample

    def _keep(self, id: str) -> None:
        entry = (-crc32(id.encode(errors="replace")), id)
        self._sample.add(id)
        if len(self._largest) < self._remembered:
            heappush(self._largest, entry)
        else:
            self._sample.discard(heappushpop(self._largest, entry)[1])


class LinkPaginator(Paginator[R], Generic[R]):
    """Follows `links.next` from a position on."""

    def __init__(self, query: ListQuery, start: PagePosition) -> None:
        self._query = query
        self._next: PagePosition | None = start
        self._last = start
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
        try:
            self._next = self._position_after(received, position)
        except CommerceLayerError as error:
            self._next, self._failure = None, error
        cursor = self._next.cursor if self._next is not None else None
        if self._failure is not None:
            cursor = position.cursor
        number = self._number_of(position.target)
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
        link = received.links.next
        if link is None:
            self._require_all(received, total)
            return None
        target = self._query.origin.target_of(link.href, base=link.base)
        if self._is_past_the_end(target, total):
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
        most = 2 * self._count + _SLACK if self._count is not None else total
        if total > most or position.page >= MAX_PAGES:
            raise received.unexpected("/links/next", "a list that ends", f"{total} resources, and more to come")
        return self._query.position(target, page=position.page + 1, received=total)

    def _is_past_the_end(self, target: str, total: int) -> bool:
        """True if an empty page shows that there is no more, though it has a link to another page.

        A list that counts itself ends when all came, if it always counted the same: a count of the page alone would
        not. One that is paged by cursors may go on after any number of empty pages.
        """
        if not self._empty_pages:
            return False
        if self._count is not None and not self._count_changed:
            return total >= self._count
        if self._empty_pages < _MOST_EMPTY_PAGES or self._number_of(target) is None:
            return False
        _log.warning(
            "%s gave %d empty pages and a link to more: taken for its end", self._query.path, self._empty_pages
        )
        return True

    def _require_all(self, received: ReceivedPage[R], total: int) -> None:
        """At the end, refuse a list that gave fewer records than it counts, and warn of one that changed."""
        count, member = received.count, received.count_member
        # A full page, no links and no count: whether that is all of the list cannot be known.
        unknown = count is None and self._query.numbered and not received.links
        if unknown and len(received.items) >= self._query.page_size:
            raise received.unexpected(
                "/links", f"links, or a {member}", "neither: it cannot be known whether there is more"
            )
        short = count is not None and total < count
        if short and not self._count_changed:
            raise received.unexpected(f"/meta/{member}", f"as many resources, over all pages ({total})", f"{count}")
        if short or self._may_have_gaps:
            _log.warning(
                "%s changed while it was read page by page: records may be missing. session.scan() misses none",
                received.url,
            )

    def _number_of(self, target: str) -> int | None:
        parameters = dict(_pairs(target.partition("?")[2]))
        return _number(parameters.get(self._query.service.paging.number_parameter, ""))


class KeysetPaginator(Paginator[R], Generic[R]):
    """Asks for what comes after the last id, in the order of ids, until nothing does (keyset pagination).

    The end is an empty page, not a short one: a server may give fewer than were asked for. Nor is it a count by which
    nothing is left: it may be that of the page alone or of a moment ago, and the link to a next page may be lost. What
    was created meanwhile would be missed in silence; one request is the price of knowing.

    Ids are texts whose order is the server's affair, so what shows that it began anew is an id that came before, and
    what shows that it never ends is the number of pages, unless it has counted that many records.
    """

    def __init__(self, query: ListQuery, after: str | None) -> None:
        self._query = query
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
        return self._query.with_parameters(parameter(self._query.service.keys.after_filter, self._after)).target

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


def require_sendable(target: str, what: str) -> None:
    """Refuse a target that is too long for every server in between.

    Raises:
        ConfigurationError: it is; `what` is how the error calls what made it.
    """
    length = len(target)
    if length > _MAX_TARGET:
        raise ConfigurationError(
            f"the {what} makes a URL of {length} characters; {_MAX_TARGET} are safe; ask for less at a time, by"
            " session.get_many() for ids"
        )


def annotate(error: CommerceLayerError, page: int, cursor: str | None) -> None:
    """Add to an error on which page of a list it happened, and where to go on: its `start_from`."""
    # An error of a link is raised again by each further turn of the iteration, and annotated once.
    if "start_from" not in vars(error):
        error.start_from = cursor
        error.args = (f"{error.args[0]}, on page {page} of the list", *error.args[1:])


def _key_of(resource: Resource) -> str:
    """What makes a resource the same as another of one list, whose types may differ."""
    return f"{resource.type}/{resource.id}"


def _pairs(query: str) -> Sequence[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    encode: Callable[..., str] = urlencode
    return encode(pairs, quote_via=quote, safe="")


def _number(text: str) -> int | None:
    """Read a number of pages or records; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
