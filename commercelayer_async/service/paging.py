"""How a service cuts lists into pages, and how it counts them.

JSON:API gives a list links to its other pages (1.1, "Pagination") and says nothing of the parameters behind them. So
whatever a list's parameters are called, the next page is where `links.next` leads, sent back as it was given; names are
needed to ask for a size, to begin somewhere, and where a service gives no links.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import attrs

from .._checks import require_whole_number
from .._markers import public
from ..errors import ConfigurationError
from .by_type import ByType, of_type, values_of

_MOST: Final = 1_000_000
"""Resources of a page, and rows of a list, that may be declared at most."""
_POINTER: Final = re.compile(r"(meta|links)(\.[A-Za-z0-9_-]+)+")
_MAX_COUNT: Final = 10**15
"""More records than any list has."""

NOTHING: Final = object()
"""What stands where a document has no such member."""


def found_at(pointer: str, meta: Mapping[str, Any], links: Mapping[str, Any]) -> object:
    """What a document has at a place, given by members with dots; `NOTHING` where it has nothing."""
    found: object = {"meta": meta, "links": links}
    for member in pointer.split("."):
        found = cast("Mapping[str, object]", found).get(member, NOTHING) if isinstance(found, Mapping) else NOTHING
    return found


def _check_sizes(_: object, attribute: "attrs.Attribute[Any]", given: Any) -> None:
    for value in values_of(given):
        if value is not None:
            require_whole_number(attribute.name, value, 1, _MOST)


def _check_name(_: object, attribute: "attrs.Attribute[Any]", given: object) -> None:
    if given is not None and (not isinstance(given, str) or not given):
        raise ConfigurationError(f"{attribute.name} must be the name of a query parameter")


def _check_pointer(_: object, attribute: "attrs.Attribute[Any]", given: object) -> None:
    if given is not None and (not isinstance(given, str) or not _POINTER.fullmatch(given)):
        raise ConfigurationError(
            f"{attribute.name} must say where in a document's meta or links it is, such as 'meta.page.total'"
        )


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Paging:
    """What all ways of paging have; `Links`, `Numbers`, `Offsets` and `Cursor` are the ways."""

    size: str | None = attrs.field(default=None, validator=_check_name)
    """The query parameter for the resources of a page; None where they cannot be chosen."""
    most: ByType[int | None] = attrs.field(default=None, validator=_check_sizes)
    """Resources of a page at most, for all types or by type; None where it is not known."""
    usual: ByType[int | None] = attrs.field(default=None, validator=_check_sizes)
    """The size to ask for where a caller names none; None to ask for none, so that the service chooses."""
    deepest: int | None = attrs.field(default=None, validator=_check_sizes)
    """The last row that the service gives, whatever a list holds; None where there is no such row."""

    def most_of(self, type: str | None) -> int | None:
        """The resources of a page of this type at most; None where it is not known."""
        found: int | None = of_type(self.most, type)
        return found

    def usual_of(self, type: str | None) -> int | None:
        """The size to ask for where the caller names none; None to ask for none."""
        found: int | None = of_type(self.usual, type)
        return found

    def largest_of(self, type: str | None) -> int | None:
        """The size to ask for where many are wanted; None to ask for none."""
        return (self.most_of(type) or self.usual_of(type)) if self.size is not None else None

    def first_page(self, size: int | None) -> tuple[tuple[str, str], ...]:
        """The parameters of a list's first page, names and values, not encoded; without a size where none is asked."""
        return () if size is None or self.size is None else ((self.size, str(size)),)

    @property
    def expects_links(self) -> bool:
        """True if a list that has more pages is sure to have links to them."""
        return False

    @property
    def is_numbered(self) -> bool:
        """True if a page has a place that a number names; False where only a link or a cursor leads to it."""
        return False


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Links(Paging):
    """Pages are what `links.next` leads to, until it is absent or null; nothing is sent that was not asked for."""


def _plain_first(paging: "Numbers") -> None:
    require_whole_number("first", paging.first, 0, 1)


@attrs.frozen(kw_only=True)
class _Placed(Paging):
    """Pages have places in the list: `Numbers` and `Offsets`."""

    gives_links: bool = True
    """False for a service without page links: the next page is found by counting, until one is empty or all came."""

    @property
    def expects_links(self) -> bool:
        """See `Paging`."""
        return self.gives_links

    @property
    def is_numbered(self) -> bool:
        """See `Paging`."""
        return True


@public("commercelayer_async.service")
@attrs.frozen
class Numbers(_Placed):
    """Pages have numbers: `Numbers("page[number]", size="page[size]", most=100)`."""

    number: str = attrs.field(validator=_check_name)
    """The query parameter for a page's number."""
    first: int = attrs.field(default=1, kw_only=True)
    """The number of the first page, 0 or 1."""
    asks_for_first: bool = attrs.field(default=False, kw_only=True)
    """Whether the first page is asked for by its number too."""

    def __attrs_post_init__(self) -> None:
        _plain_first(self)

    def first_page(self, size: int | None) -> tuple[tuple[str, str], ...]:
        """The parameters of a list's first page."""
        number = ((self.number, str(self.first)),) if self.asks_for_first or not self.gives_links else ()
        return (*number, *Paging.first_page(self, size))


@public("commercelayer_async.service")
@attrs.frozen
class Offsets(_Placed):
    """Pages begin at rows: `Offsets("page[offset]", size="page[limit]", most=50)`.

    While others change a list, a row may come twice, or not at all, as rows shift.
    """

    offset: str = attrs.field(validator=_check_name)
    """The query parameter for how many rows stand before a page."""


@public("commercelayer_async.service")
@attrs.frozen
class Cursor(Paging):
    """Pages follow an opaque cursor, in the service's order: `Cursor("page[cursor]", size="page[size]", most=100)`."""

    cursor: str | None = attrs.field(default=None, validator=_check_name)
    """The query parameter for the cursor; None where only links have it."""
    next: str | None = attrs.field(default=None, kw_only=True, validator=_check_pointer)
    """Where in a document the next page's cursor is, such as `"meta.cursors.next"`; None for `links.next`."""
    is_exact: bool = attrs.field(default=False, kw_only=True)
    """True if the cursor walks the whole list with no record twice or missed, also while others change it."""


@public("commercelayer_async.service")
@attrs.frozen
class Total:
    """Where a list says how many records it holds: `Total("meta.record_count")`."""

    pointer: str = attrs.field(validator=_check_pointer)
    """Where in a document the number is."""
    asked_by: str | None = attrs.field(default=None, kw_only=True)
    """The query that asks for it, such as `"stats[total]=count"`; None where it is always there."""
    most: int | None = attrs.field(default=None, kw_only=True, validator=_check_sizes)
    """The number that the service does not count beyond: one that is not smaller says only that there are so many."""

    @classmethod
    def of(cls, given: "Total | str | None") -> "Total | None":
        """The total that a service was given: itself, or by the pointer alone."""
        return cls(given) if isinstance(given, str) else given

    @property
    def json_pointer(self) -> str:
        """Where it is, as a JSON pointer (RFC 6901)."""
        return f"/{self.pointer.replace('.', '/')}"

    def count(self, meta: Mapping[str, Any], links: Mapping[str, Any]) -> int | None:
        """How many records a list holds; None if its document says nothing, or nothing sensible."""
        count = found_at(self.pointer, meta, links)
        most = _MAX_COUNT if self.most is None else self.most
        return count if type(count) is int and 0 <= count < most else None
