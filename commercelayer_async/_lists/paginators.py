"""From page to page: where the next one is, what was seen before, and when something is wrong.

Two ways lead through a list. `LinkWalk` follows `links.next` as the server gives it, whether it counts pages or hands
out cursors. That is what JSON:API asks of a client, but the list does not stand still meanwhile: what is deleted on the
way shifts the pages, and records slip through between two of them. `KeyWalk` asks for what comes after the last id, in
the order of ids; nothing shifts there.

Neither trusts the server to end. A page that was read before, many pages in a row without anything new, and far more
records than the list says it holds are errors. So are too few, where the count stood still. Where it fell, or records
came twice, the list has changed while it was read, and the log says so.

A walk is a state and no more: it names the target to ask for, takes what was received, and gives the page.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, quote, urlencode
from zlib import crc32

import attrs

from .._http.origin import Origin
from .._text import describe
from ..errors import CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Links, Resource

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_log: Final = logging.getLogger("commercelayer_async")

MOST_PAGES: Final = 100_000
"""Pages that one walk reads at most: two and a half million records."""
_REMEMBERED: Final = 100_000
"""Ids that a walk remembers, the last ones, in some 20 MB: enough to know each record of a list of that size."""
_MOST_BARREN: Final = 50
"""Pages in a row that may hold nothing new."""
_SLACK: Final = 1000
"""Records beyond twice what a list says it holds, before it counts as endless."""
_CURSOR_LIMIT: Final = 2048
_SANE: Final = 10**15
"""More records than any list has."""


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
    Where the way on from this page is wrong, which the next turn says, it leads back to this page.
    """
    duplicates: int = 0
    """Resources of the page that were left out because they had come before."""


@attrs.frozen
class Received(Generic[R_co]):
    """A page as the server gave it."""

    items: tuple[R_co, ...]
    meta: Mapping[str, Any]
    links: Links
    url: str
    """Where it came from, without the query."""

    @property
    def count(self) -> int | None:
        """How many records the list says it holds; None if it says nothing sane."""
        count = self.meta.get("record_count")
        return count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < _SANE else None


@attrs.frozen
class Place:
    """A place in a list: before a page."""

    target: str
    page: int
    """Which page of the walk, from 1."""
    received: int
    """Records that the pages before it held."""
    cursor: str
    """The text that leads here."""


class Walk(Protocol[R]):
    """A way through a list."""

    @property
    def more(self) -> bool:
        """Whether there is another page to ask for, as far as is known."""
        ...

    def target(self) -> str | None:
        """What to ask for next; None at the end.

        Raises:
            CommerceLayerError: there ought to be something, but no way leads there.
        """
        ...

    def take(self, received: Received[R]) -> Page[R]:
        """The page for what was received from the target; the walk is past it then."""
        ...

    def locate(self, error: CommerceLayerError) -> None:
        """Tell an error where it happened, and where to go on."""
        ...


@attrs.frozen
class Question:
    """What is asked of a list: path and query, the latter as encoded `name=value` pairs."""

    origin: Origin
    path: str
    parameters: tuple[str, ...]
    paging: tuple[str, ...]
    """The pairs that tell which page."""

    @property
    def target(self) -> str:
        """The target of the first page."""
        return f"{self.path}?{'&'.join((*self.parameters, *self.paging))}"

    def asking(self, *parameters: str) -> "Question":
        """This question with further parameters."""
        return attrs.evolve(self, parameters=(*self.parameters, *parameters))

    def start(self) -> Place:
        """The place before the first page."""
        return Place(self.target, 1, 0, self._cursor(1, 0, ""))

    def place(self, target: str, *, page: int, received: int) -> Place:
        """The place before a page with that target.

        Its cursor holds only what the target asks for beyond the question: which page, as a rule.
        """
        own = {name for name, _ in _pairs("&".join(self.parameters))}
        further = [pair for pair in _pairs(target.partition("?")[2]) if pair[0] not in own]
        return Place(target, page, received, self._cursor(page, received, _encoded(further)))

    def resume(self, cursor: object) -> Place:
        """The place that a cursor leads to.

        Raises:
            ConfigurationError: it is none, or belongs to another question.
        """
        parts = cursor.split("_", 3) if isinstance(cursor, str) and len(cursor) <= _CURSOR_LIMIT else []
        numbers = [int(part) for part in parts[1:3] if part.isascii() and part.isdigit() and len(part) < 16]  # noqa: PLR2004 - as `_SANE`
        if len(parts) != 4 or len(numbers) != 2 or not numbers[0]:  # noqa: PLR2004 - as `_cursor` writes them
            raise ConfigurationError("start_from is no cursor; take it from a page of the list, or from its error")
        if parts[0] != self._mark:
            raise ConfigurationError(
                "start_from belongs to another list; resume with the organization, type, filter, sort, include and"
                " page_size that it was made with"
            )
        further = _pairs(parts[3])
        if not further:
            return self.start()
        names = {name for name, _ in further}
        kept = [pair for pair in self.paging if pair.startswith("page%5Bsize%5D=") and "page[size]" not in names]
        target = f"{self.path}?{'&'.join((*self.parameters, *kept, _encoded(further)))}"
        return Place(target, numbers[0], numbers[1], str(cursor))

    @property
    def _mark(self) -> str:
        """A short text that is another for another question. It reveals nothing, and guards against mistakes alone."""
        return f"{crc32(f'{self.origin.url}{self.target}'.encode()):08x}"

    def _cursor(self, page: int, received: int, further: str) -> str:
        return f"{self._mark}_{page}_{received}_{further}"


class Seen:
    """The last ids that came, and whether one of them comes again."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._ids: dict[str, None] = {}
        self._remembered = remembered

    def add(self, id_: str) -> bool:
        """Whether an id is new; it is known from now on."""
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > self._remembered:
            del self._ids[next(iter(self._ids))]
        return True

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids


def key_of(resource: Resource) -> str:
    """What tells a resource from others in one list, whose types may differ."""
    return f"{resource.type}/{resource.id}"


class LinkWalk(Generic[R]):
    """Follows `links.next` from a place on."""

    def __init__(self, question: Question, place: Place, *, page_size: int, counted: bool) -> None:
        """A walk that asks for `place` next; `counted` says that the list tells how many records it holds."""
        self._question = question
        self._next: Place | None = place
        self._last = place
        self._page_size = page_size
        self._counted = counted
        self._visited: set[str] = set()
        self._seen = Seen()
        self._barren = 0
        self._counts: list[int] = []
        """What the list said it holds: at first, and last; no more than two."""
        self._moved = False
        """Whether the count was not always the same."""
        self._lossy = False
        """Whether the list changed so that records may have been missed."""
        self._failure: CommerceLayerError | None = None

    @property
    def more(self) -> bool:
        """See `Walk`."""
        return self._next is not None

    def target(self) -> str | None:
        """See `Walk`."""
        if self._failure is not None:
            raise self._failure
        return self._next.target if self._next is not None else None

    def locate(self, error: CommerceLayerError) -> None:
        """See `Walk`; where the way from a page on is wrong, that page is where to go on."""
        place = self._next or self._last
        locate(error, place.page, place.cursor)

    def take(self, received: Received[R]) -> Page[R]:
        """See `Walk`."""
        place = self._last = self._next or self._last
        self._visited.add(place.target)
        items = tuple(item for item in received.items if self._seen.add(key_of(item)))
        duplicates = len(received.items) - len(items)
        self._barren = 0 if items else self._barren + 1
        self._note(received.count, duplicates)
        try:
            self._next = self._after(received, place)
        except CommerceLayerError as error:
            self._next, self._failure = None, error
        cursor = place.cursor if self._failure is not None else self._next.cursor if self._next is not None else None
        return Page(items, received.meta, received.links, _number_in(place.target), cursor, duplicates)

    def _note(self, count: int | None, duplicates: int) -> None:
        self._lossy = self._lossy or duplicates > 0
        if count is None:
            return
        if self._counts:
            self._moved = self._moved or count != self._counts[-1]
            self._lossy = self._lossy or count < self._counts[-1]
        self._counts = [*self._counts[:1], count]

    def _after(self, received: Received[R], place: Place) -> Place | None:
        """Where `links.next` leads; None at the end.

        Raises:
            DecodeError: it leads in circles, or nowhere though there ought to be more.
            LinkRefused: it leaves the API.
        """
        total = place.received + len(received.items)
        link = received.links.next
        if link is None:
            self._require_all(received, total)
            return None
        target = self._question.origin.target_of(link.href, base=link.base)
        if target in self._visited:
            raise _odd(received, "/links/next", "a link to a page that was not read before", "a link back")
        if self._barren >= _MOST_BARREN:
            raise _odd(received, "/data", "resources that did not come before", f"none on {self._barren} pages")
        most = 2 * self._counts[-1] + _SLACK if self._counts else total
        if total > most or place.page >= MOST_PAGES:
            raise _odd(received, "/links/next", "a list that ends", f"{total} resources, and more to come")
        return self._question.place(target, page=place.page + 1, received=total)

    def _require_all(self, received: Received[R], total: int) -> None:
        """At the end: refuse a list that gave fewer records than it says it holds; tell of one that changed."""
        count = received.count
        if count is None and self._counted and not received.links and len(received.items) >= self._page_size:
            raise _odd(received, "/links", "links, or a record_count", "neither: nothing tells whether there is more")
        short = count is not None and total < count
        if short and not self._moved:
            raise _odd(received, "/meta/record_count", f"as many resources, over all pages ({total})", f"{count}")
        if short or self._lossy:
            _log.warning(
                "%s changed while it was read page by page: records may be missing. session.scan() misses none",
                received.url,
            )


class KeyWalk(Generic[R]):
    """Asks for what comes after the last id, in the order of ids, until nothing does."""

    def __init__(self, question: Question, after: str | None) -> None:
        self._question = question
        self._after = after
        self._page = 1
        self._ended = False
        self._seen = Seen()

    @property
    def more(self) -> bool:
        """See `Walk`."""
        return not self._ended

    def target(self) -> str | None:
        """See `Walk`."""
        if self._ended:
            return None
        if self._after is None:
            return self._question.target
        return self._question.asking(f"filter%5Bq%5D%5Bid_gt%5D={quote(self._after, safe='')}").target

    def locate(self, error: CommerceLayerError) -> None:
        """See `Walk`."""
        locate(error, self._page, self._after)

    def take(self, received: Received[R]) -> Page[R]:
        """See `Walk`.

        Raises:
            DecodeError: a record came that had come before, so the server does not go by ids.
        """
        ids = [item.id for item in received.items]
        repeated = next((n for n, id_ in enumerate(ids) if id_ in self._seen or id_ == self._after), None)
        if repeated is not None or len(set(ids)) < len(ids):
            raise _odd(
                received,
                f"/data/{repeated}/id" if repeated is not None else "/data",
                "ids that come after those before, as was asked for",
                "one that came before",
            )
        for id_ in ids:
            self._seen.add(id_)
        self._after = ids[-1] if ids else self._after
        self._ended = not ids
        self._page += 1
        return Page(received.items, received.meta, received.links, None, self._after)


def locate(error: CommerceLayerError, page: int, cursor: str | None) -> None:
    """Tell an error on which page it happened, and where to go on: its `start_from`."""
    if "start_from" not in vars(error):
        error.start_from = cursor
        error.args = (f"{error.args[0]}, on page {page} of the list", *error.args[1:])


def require_count(received: Received[Any]) -> int:
    """How many records a list says it holds.

    Raises:
        DecodeError: it does not say, or says what cannot be.
    """
    count = received.count
    if count is not None:
        return count
    said = received.meta
    got = describe(said["record_count"]) if "record_count" in said else "nothing: this list is not counted"
    raise _odd(received, "/meta/record_count", "a number of records", got)


def _odd(received: Received[Any], pointer: str, expected: str, got: str) -> DecodeError:
    return DecodeError(expected=expected, got=got, pointer=pointer, url=received.url)


def _pairs(query: str) -> Sequence[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    encode: Callable[..., str] = urlencode
    return encode(pairs, quote_via=quote, safe="")


def _number_in(target: str) -> int | None:
    text = dict(_pairs(target.partition("?")[2])).get("page[number]", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - as `_SANE`
