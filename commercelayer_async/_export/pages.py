"""The pages of an export: read, found to be of the right world, and made lines of."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import attrs

from .._access import BulkAccess, RawItem
from .._auth.principal import Principal
from .._text import printable
from ..errors import ExportMismatch
from .plan import Plan
from .provenance import Provenance, provenance_after
from .records import records_of

if TYPE_CHECKING:
    from .. import Page

_AGAIN: Final = "resume it with the credentials that it was begun with, or overwrite it, which begins anew"


@attrs.frozen
class Lines:
    """A page as it is written."""

    data: bytes = attrs.field(repr=False)
    invalid_records: int
    """How many of its records do not fit their class."""
    provenance: Provenance
    """What is known after it of the world that the records are from."""


class PageReader:
    """Reads the pages of an export with one token's principal, and no other."""

    def __init__(self, access: BulkAccess, plan: Plan, filter: Mapping[str, Any] | None, *, path: str) -> None:
        self._access = access
        self._plan = plan
        self._filter = filter
        self._path = path
        self._principal = Principal()
        self._members = access.service.provenance_members
        self._count_member = access.service.paging.count_member
        access.scan(plan.scanned, filter=filter, include=plan.include)  # raises for what cannot be scanned

    async def identify(self) -> Principal:
        """Learn whom the session's token speaks for; from here on no request is sent for another one.

        Raises:
            AuthError, SessionError, TransportError: there is no token to be had.
        """
        self._principal = await self._access.principal()
        self._access.require(self._require_same)
        return self._principal

    def _require_same(self, principal: Principal) -> None:
        differing = self._principal.differences(principal)
        if differing:
            raise ExportMismatch(
                f"the session has the token of another one now: it differs in {', '.join(differing)}; nothing was sent"
                f" with it; {_AGAIN}",
                path=self._path,
            )

    async def pages(self, after: str | None) -> "AsyncGenerator[Page[Any]]":
        """The pages after a record, each with `RawItem`s."""
        scan = self._access.scan(self._plan.scanned, filter=self._filter, include=self._plan.include, after=after)
        async with aclosing(scan.pages()) as pages:
            async for page in pages:
                if not page.items:
                    break
                yield page

    def lines(self, page: "Page[Any]", provenance: Provenance) -> Lines:
        """The lines of a page that comes after others, of which `provenance` are known.

        Raises:
            DecodeError: a record cannot be taken out of it.
            ExportMismatch: it has records of another world.
        """
        item: RawItem = page.items[0]
        known = self._provenance_after(item.body, provenance)
        records = list(records_of(item.body, compound=bool(self._plan.include)))
        return Lines(self._plan.writer.lines(records), self._plan.check.count_invalid(item.body, records), known)

    def _provenance_after(self, body: bytes, provenance: Provenance) -> Provenance:
        by_token = {name: getattr(self._principal, name) for name in self._members}
        known = {**{name: value for name, value in by_token.items() if value is not None}, **provenance}
        found = provenance_after(body, self._members, known)
        if not isinstance(found, tuple):
            return found
        pointer, was, said = found
        raise ExportMismatch(
            f"records of another world came: {pointer} is {printable(said, 60)!r} where it was {printable(was, 60)!r};"
            f" nothing of that page was written; {_AGAIN}",
            path=self._path,
        )

    def left(self, page: "Page[Any]") -> int | None:
        """How many records the server counted before a page, its own included; None if it does not say."""
        left = page.meta.get(self._count_member)
        return left if isinstance(left, int) and left >= len(page.items) else None
