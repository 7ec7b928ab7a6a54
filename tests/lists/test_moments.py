"""Where a list is cut by the moment of creation: every record in one range, and few counts."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async._lists.moments import Span, halved, joined_to, milliseconds_of, moment_of

UNTIL = milliseconds_of(datetime(2026, 6, 1, tzinfo=UTC))
YEAR = 365 * 24 * 3600 * 1000


def cut(moments: list[int], most: int, *, counts_to: int | None = None) -> tuple[tuple[Span, ...], int]:
    """The ranges of sorted moments, and how many counts it took to find them."""

    def between(since: int | None, before: int) -> int | None:
        records = bisect_left(moments, before) - (0 if since is None else bisect_left(moments, since))
        return None if counts_to is not None and records >= counts_to else records

    counting = halved(Span(None, UNTIL, between(None, UNTIL)), most)
    counts = 0
    try:
        asked = next(counting)
        while True:
            counts += 1
            asked = counting.send(between(*asked))
    except StopIteration as done:
        return done.value, counts


def members(span: Span, moments: list[int]) -> list[int]:
    return [moment for moment in moments if (span.since is None or moment >= span.since) and moment < span.before]


even = st.integers(UNTIL - YEAR, UNTIL - 1)
burst = st.integers(UNTIL - 2000, UNTIL - 1900)
tie = st.sampled_from([UNTIL - 1, UNTIL - YEAR, UNTIL - 777, 0, 1])
early = st.integers(-YEAR, YEAR)
lists = st.lists(st.one_of(even, burst, tie, early), max_size=300).map(sorted)


@given(lists, st.integers(1, 60), st.one_of(st.none(), st.integers(1, 100)))
def test_every_record_is_in_one_range_and_none_has_too_many_but_of_one_moment(
    moments: list[int], most: int, counts_to: int | None
) -> None:
    """With ties, bursts and empty stretches, and where the service counts no further than some number."""
    spans, _ = cut(moments, most, counts_to=counts_to)

    assert spans[0].since is None
    assert spans[-1].before == UNTIL
    assert all(one.before == other.since for one, other in pairwise(spans))
    assert [moment for span in spans for moment in members(span, moments)] == moments
    for span in spans:
        found = members(span, moments)
        assert span.records in (len(found), None)
        # What was created before 1970 is not cut.
        assert len(found) <= most or len({moment for moment in found if moment >= 0}) <= 1


@given(lists, st.integers(1, 60))
def test_no_two_neighbours_would_fit_together(moments: list[int], most: int) -> None:
    spans, _ = cut(moments, most)

    assert all((one.records or 0) + (other.records or 0) > most for one, other in pairwise(spans))


@given(lists, st.integers(1, 20))
def test_ranges_are_joined_to_as_many_as_are_wanted(moments: list[int], parts: int) -> None:
    spans, _ = cut(moments, max(1, len(moments) // (4 * parts)))

    found = joined_to(spans, parts)

    assert 1 <= len(found) <= parts
    assert [moment for span in found for moment in members(span, moments)] == moments


@given(lists, st.integers(1, 60), st.randoms(use_true_random=False))
def test_counts_that_change_while_it_is_cut_leave_no_gap(moments: list[int], most: int, random: Any) -> None:
    """Records are deleted between two counts, so halves may hold more or fewer than the whole did."""
    counting = halved(Span(None, UNTIL, len(moments)), most)
    left = list(moments)
    try:
        since, before = next(counting)
        while True:
            left = [moment for moment in left if random.random() < 0.9]
            since, before = counting.send(sum((since is None or one >= since) and one < before for one in left))
    except StopIteration as done:
        spans: tuple[Span, ...] = done.value

    assert spans[0].since is None
    assert spans[-1].before == UNTIL
    assert all(one.before == other.since for one, other in pairwise(spans))


@pytest.mark.parametrize(
    ("moments", "most", "counts"),
    [
        ([], 1000, 0),
        ([UNTIL - YEAR + n * YEAR // 20_000 for n in range(20_000)], 1000, 45),
        ([UNTIL - YEAR] * 10_000 + [UNTIL - YEAR + n * YEAR // 10_000 for n in range(10_000)], 1000, 70),
    ],
)
def test_it_takes_few_counts(moments: list[int], most: int, counts: int) -> None:
    """Of 20,000 records, which are 800 requests to read."""
    assert cut(moments, most)[1] <= counts


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - zoned by it
def test_moments_are_milliseconds_and_earlier_ones_where_there_are_more_digits(moment: datetime) -> None:
    found = moment_of(milliseconds_of(moment))

    assert timedelta(0) <= moment - found < timedelta(milliseconds=1)
