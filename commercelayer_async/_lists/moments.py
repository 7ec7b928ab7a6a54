"""Where a list is cut by the moment of creation, found by counting what lies between two moments; pure.

A range that holds too many records is cut in the middle of its time, again and again, until each holds at most as many
as are wanted or is one moment; then neighbours are joined that fit together. Only left halves are counted. Ranges are
half-open, so whatever precision the service keeps, each record is in one of them; the first is open below.

Moments are whole milliseconds since 1970, as the API writes them.
"""

from collections.abc import Generator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = timedelta(milliseconds=1)
_MANY: Final = 10**9
"""Stands for more records than a service counts."""

Counting = Generator[tuple[int | None, int], int | None, tuple["Span", ...]]
"""Yields two moments, takes how many records lie between, and returns the ranges."""


@attrs.frozen
class Span:
    """A range of moments, and what it holds."""

    since: int | None
    """The first moment in it; None for the beginning of time."""
    before: int
    """The first moment behind it."""
    records: int | None
    """None for more than the service counts."""

    @property
    def middle(self) -> int | None:
        """Where it is cut; None if it is but one moment."""
        since = min(0, self.before) if self.since is None else self.since
        return (since + self.before) // 2 if self.before - since > 1 else None


def halved(whole: Span, most: int) -> Counting:
    """Cut a range into ranges of at most so many records, in the order of time; one moment is never cut."""
    found: list[Span] = []
    waiting = [whole]
    while waiting:
        span = waiting.pop()
        middle = span.middle
        if middle is None or (span.records is not None and span.records <= most):
            found.append(span)
            continue
        left = yield span.since, middle
        if span.records is None or left is None:
            right = yield middle, span.before
        else:
            # Not below nothing: records may be deleted, or come late, between two counts.
            right = max(0, span.records - left)
        waiting += [Span(middle, span.before, right), Span(span.since, middle, left)]
    return joined(found, most)


def joined(spans: Iterable[Span], most: int) -> tuple[Span, ...]:
    """Join neighbours that hold at most so many records together; an empty one joins any."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and _fit_together(last, span, most):
            total = None if last.records is None or span.records is None else last.records + span.records
            found[-1] = Span(last.since, span.before, total)
        else:
            found.append(span)
    return tuple(found)


def _fit_together(one: Span, other: Span, most: int) -> bool:
    if 0 in (one.records, other.records):
        return True
    return one.records is not None and other.records is not None and one.records + other.records <= most


def joined_to(spans: tuple[Span, ...], parts: int) -> tuple[Span, ...]:
    """Join neighbours until there are at most so many ranges, of as equal a size as they allow."""
    spans = tuple(attrs.evolve(span, records=_MANY) if span.records is None else span for span in spans)
    most = 1
    while len(spans) > parts:
        most = max(most + 1, most * 9 // 8)
        spans = joined(spans, most)
    return spans


def moment_of(milliseconds: int) -> datetime:
    """A moment as a filter takes it."""
    return EPOCH + milliseconds * _MOMENT


def milliseconds_of(moment: datetime) -> int:
    """A moment in milliseconds; one between two of these is the earlier one."""
    return (moment - EPOCH) // _MOMENT
