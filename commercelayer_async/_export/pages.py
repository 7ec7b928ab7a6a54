"""The pages of an export: read, found to be of the right world, and made lines of."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import attrs

from .._access import BulkAccess, RawItem
from .._auth.principal import Principal
from .._lists.collection import KeysetScan
from .._text import printable
from ..errors import ExportMismatch
from .plan import Plan
from .provenance import Provenance, provenance_after
from .records import RawRecord, records_of

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
        self._service = access.service
        self._counts_rest = True
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
        """The pages after a cursor, each with `RawItem`s."""
        scan = self._access.scan(self._plan.scanned, filter=self._filter, include=self._plan.include, after=after)
        self._counts_rest = isinstance(scan, KeysetScan)
        after = after if after is not None else scan.beginning
        async with aclosing(scan.pages()) as pages:
            async for page in pages:
                # A page whose link onwards is wrong leads back to itself: it would be written twice after a resumption.
                # The next turn raises what is wrong. Of cursors, pages may be empty before the end.
                leads_back, after = page.cursor == after, page.cursor
                if page.items and not leads_back:
                    yield page

    def lines(self, page: "Page[Any]", provenance: Provenance) -> Lines:
        """The lines of a page that comes after others, of which `provenance` are known.

        Raises:
            DecodeError: a record cannot be taken out of it.
            ExportMismatch: it has records of another world.
        """
        items: Sequence[RawItem] = page.items
        item = items[0]
        known = self._provenance_after(item.body, provenance)
        received = list(records_of(item.body, compound=bool(self._plan.include)))
        # Without those that came on an earlier page.
        records: list[RawRecord] = [received[item.place] for item in items]
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

    def total(self, page: "Page[Any]", before: int) -> int | None:
        """How many records there will be, by what the server counted, if `before` were written before a page.

        None if it does not say, or if that cannot be.
        """
        total = self._service.total_of(self._plan.resource_type)
        count = total.count(page.meta, {}) if total is not None else None
        if count is None:
            return None
        # What is asked for after an id is counted from there; a list that is walked by cursors is counted as a whole.
        written = before if self._counts_rest else 0
        return written + count if written + count >= before + len(page.items) else None
