"""What is asked of a list: its target, and a position in it as a text to store."""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode
from zlib import crc32

import attrs

from .._http.origin import Origin
from .._reading.parameters import encoded
from ..errors import ConfigurationError
from ..service import Numbers, Offsets, Paging

_MAX_TARGET: Final = 1900
"""Characters of a target at most: a link back to it, longer by the host, must not be too long to be followed."""
_MAX_CURSOR: Final = 2048
"""Characters of a cursor at most."""
_END: Final = "!"
"""What a cursor ends in that leads to the end: no encoded parameter does."""
_MAX_DIGITS: Final = 15
"""Digits of a number of pages or records at most."""


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


def _first_target(query: "ListQuery") -> str:
    return _with_query(query.path, *query.parameters, *encoded(query.paging.first_page(query.page_size)))


@attrs.frozen
class ListQuery:
    """What is asked of a list: a path and a query, the latter as encoded `name=value` pairs."""

    origin: Origin
    paging: Paging = attrs.field(repr=False)
    """How the list is cut into pages."""
    path: str
    parameters: tuple[str, ...]
    page_size: int | None
    """Resources of a page, as asked for; None where the service chooses."""
    linked: int = 0
    """How many records linkage names that the list should hold at least."""
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
        sized = self.page_size is None or any(name == self.paging.size for name, _ in further)
        size = () if sized else encoded([(self.paging.size or "", str(self.page_size))])
        target = _with_query(self.path, *self.parameters, *size, _encoded(further))
        require_sendable(target, "start_from")
        return PagePosition(target, numbers[0], numbers[1], str(cursor))

    def end_cursor(self, page: int, received: int) -> str:
        """A cursor for the end of the list, behind that page."""
        return self._cursor(page, received, _END)

    def resume_or_end(self, cursor: str) -> PagePosition | None:
        """The position that a cursor leads to; None for that of the end.

        Raises:
            ConfigurationError: see `resume`.
        """
        position = self.resume(cursor.removesuffix(_END))
        return None if cursor.endswith(f"_{_END}") else position

    def number_of(self, target: str) -> int | None:
        """The number of the page that a target asks for; None where it asks for none by number."""
        if not isinstance(self.paging, Numbers):
            return None
        return _number(dict(_pairs(target.partition("?")[2])).get(self.paging.number, ""))

    def has_place(self, target: str) -> bool:
        """True if a target asks for a page by its number or its first row, and not by a cursor."""
        if isinstance(self.paging, Offsets):
            return any(name == self.paging.offset for name, _ in _pairs(target.partition("?")[2]))
        return self.number_of(target) is not None

    def counted_up(self, target: str, *, received: int) -> str | None:
        """The target of the page after one, by its number or its first row; None where only links lead there.

        `received` are the records of the list up to and with that page.
        """
        paging = self.paging
        if isinstance(paging, Numbers) and not paging.gives_links:
            number = self.number_of(target)
            return self._replaced(target, paging.number, str((paging.first if number is None else number) + 1))
        if isinstance(paging, Offsets) and not paging.gives_links:
            return self._replaced(target, paging.offset, str(received))
        return None

    def at_cursor(self, target: str, name: str, cursor: str) -> str:
        """The target of the page at a cursor that a document names."""
        return self._replaced(target, name, cursor)

    def _replaced(self, target: str, name: str, value: str) -> str:
        """A target with another value of a parameter, all else as it was."""
        path, _, query = target.partition("?")
        others = [part for part in query.split("&") if part and unquote(part.partition("=")[0]) != name]
        return _with_query(path, *others, *encoded([(name, value)]))

    @property
    def _mark(self) -> str:
        """A short text that differs for another list. It reveals nothing, and guards against mistakes alone."""
        return f"{crc32(f'{self.origin.url}{self.target}'.encode()):08x}"

    def _cursor(self, page: int, received: int, further: str) -> str:
        return f"{self._mark}_{page}_{received}_{further}"


def _with_query(path: str, *parameters: str) -> str:
    return f"{path}?{'&'.join(parameters)}" if parameters else path


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


def _pairs(query: str) -> Sequence[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    encode: Callable[..., str] = urlencode
    return encode(pairs, quote_via=quote, safe="")


def _number(text: str) -> int | None:
    """Read a number of pages or records; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
