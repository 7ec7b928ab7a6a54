"""A page of a list: as it was received, and as a program gets it."""

from collections.abc import Mapping
from typing import Any, Final, Generic, TypeVar

import attrs

from .._markers import public
from .._text import describe
from ..errors import DecodeError
from ..jsonapi import Links, MediaType, Resource

R_co = TypeVar("R_co", bound=Resource, covariant=True)

_MAX_COUNT: Final = 10**15
"""More records than any list has."""


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
