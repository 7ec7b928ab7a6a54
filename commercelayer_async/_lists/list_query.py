"""What is asked of a list: its target, and a position in it as a text to store."""

from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode
from zlib import crc32

import attrs

from .._http.origin import Origin
from .._reading.parameters import page_parameters
from ..errors import ConfigurationError
from ..service import Service

_MAX_TARGET: Final = 1900
"""Characters of a target at most: a link back to it, longer by the host, must not be too long to be followed."""
_MAX_CURSOR: Final = 2048
"""Characters of a cursor at most."""
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

    def number_of(self, target: str) -> int | None:
        """The number of the page that a target asks for; None where it asks for none by number."""
        parameters = dict(_pairs(target.partition("?")[2]))
        return _number(parameters.get(self.service.paging.number_parameter, ""))

    @property
    def _mark(self) -> str:
        """A short text that differs for another list. It reveals nothing, and guards against mistakes alone."""
        return f"{crc32(f'{self.origin.url}{self.target}'.encode()):08x}"

    def _cursor(self, page: int, received: int, further: str) -> str:
        return f"{self._mark}_{page}_{received}_{further}"


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
