"""A page of a list: as it was received, and as a program gets it."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import attrs

from .._markers import public
from .._text import describe
from ..errors import DecodeError
from ..jsonapi import Links, MediaType, Resource
from ..service import Total
from ..service.paging import NOTHING, found_at

R_co = TypeVar("R_co", bound=Resource, covariant=True)


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
    raw_links: Mapping[str, Any]
    """The same as the JSON had them."""
    url: str
    """The URL that it was read from, without the query."""
    total: Total | None
    """Where the document says how many records the list holds; None if it does not."""
    withheld: bool = False
    """True if the document says that rows were left out of it."""
    media_type: MediaType = attrs.field(factory=MediaType)

    @property
    def count(self) -> int | None:
        """How many records the list says it holds; None if it says nothing, or nothing sensible."""
        return self.total.count(self.meta, self.raw_links) if self.total is not None else None

    @property
    def has_more_than_counted(self) -> bool:
        """True if the list says only that it holds as many records as the service counts, or more."""
        total = self.total
        if total is None or total.most is None:
            return False
        told = found_at(total.pointer, self.meta, self.raw_links)
        return type(told) is int and told >= total.most

    def require_count(self) -> int:
        """How many records the list says it holds.

        Raises:
            DecodeError: it does not say, or what it says cannot be a count.
        """
        count, total = self.count, self.total
        if count is not None:
            return count
        told = found_at(total.pointer, self.meta, self.raw_links) if total is not None else NOTHING
        got = describe(told) if told is not NOTHING else "nothing: this list is not counted"
        most = f" below {total.most:,}, beyond which is not counted" if total is not None and total.most else ""
        raise self.unexpected(self.count_pointer, f"a number of records{most}", got)

    @property
    def count_member(self) -> str:
        """The member that says how many there are, without those that it stands in."""
        return self.total.pointer.rpartition(".")[2] if self.total is not None else "count"

    @property
    def count_pointer(self) -> str:
        """Where the number stands, as a JSON pointer."""
        return self.total.json_pointer if self.total is not None else "/meta"

    def unexpected(self, pointer: str, expected: str, got: str) -> DecodeError:
        """Make the error for a page that is not as it has to be."""
        return DecodeError(expected=expected, got=got, pointer=pointer, url=self.url)
