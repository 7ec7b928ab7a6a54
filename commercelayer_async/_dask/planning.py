"""The task that makes the plan of a data set, and the one that counts its records again at the end."""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

import attrs

from .._access import BulkAccess
from .._export.plan import Plan
from .._lists.moments import Span, joined_to, moment_of
from .._lists.ranges import Ranges
from .._reading.parameters import text_of
from ..errors import ConfigurationError
from .job import Job
from .plan import DatasetPlan, Partition, partitions_before, partitions_between
from .worker import session_access


def now() -> str:
    """The moment, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def make_plan(job: Job, rows: int, ids: tuple[str, ...] | None) -> DatasetPlan:
    """Plan a data set; for ids without a request.

    Raises:
        ConfigurationError: an argument will not do for the service, or it gives nothing to cut a list by.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`.
    """
    async with session_access(job.session) as access:
        plan = job.plan(access)
        principal = await job.reader(access, plan, job.filter or {}).identify()
        ranges = access.ranges(plan.scanned, filter=job.filter)
        if ids is not None:
            ranges.of_ids(ids)  # raises where the service does not take ids
        cut = await _cut(access, plan, ranges, rows) if ids is None else _Cut()
        return DatasetPlan(
            id=secrets.token_hex(8),
            description=plan.read_for(principal).description,
            boundaries=cut.boundaries,
            ids=ids,
            rows_per_partition=rows,
            planned_at=now(),
            counted=cut.counted,
            requests=cut.requests,
            moments=cut.moments,
            crowds=cut.crowds,
        )


@attrs.frozen
class _Cut:
    """Where a list is cut."""

    boundaries: tuple[str, ...] = ()
    moments: tuple[str, ...] | None = None
    counted: int | None = None
    requests: int = 0
    crowds: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])


async def _cut(access: BulkAccess, plan: Plan, ranges: Ranges, rows: int) -> _Cut:
    """Cut a list by ids: a request for each partition, and one that counts. Else by moments, which takes more."""
    ranges.require_possible()
    if not ranges.are_by_ids:
        cut = await ranges.creation.cut(rows)
        requests, crowds = cut.requests, dict[str, tuple[str, ...]]()
        for span, end in zip(cut.spans, _ends_of(cut.spans), strict=True):
            if ranges.take_ids and (span.records is None or span.records > rows):
                crowds[end], pages = await _ids_in(access, plan, ranges, span)
                requests += pages
        return _Cut((), _ends_of(cut.spans), cut.records, requests, crowds)
    counted = await ranges.count()
    boundaries = await boundaries_of(ranges, rows)
    return _Cut(boundaries, None, counted, len(boundaries) + 1 + (counted is not None))


async def _ids_in(access: BulkAccess, plan: Plan, ranges: Ranges, span: Span) -> tuple[tuple[str, ...], int]:
    """The ids of a range that no moment cuts, and how many requests it took to know them."""
    since = None if span.since is None else moment_of(span.since)
    filter = ranges.creation.between(since, moment_of(span.before))
    ids: list[str] = []
    requests = 0
    async with aclosing(access.scan(plan.scanned, filter=filter, include=()).pages()) as pages:
        async for page in pages:
            ids += (item.id for item in page.items)
            requests += 1
    return tuple(ids), requests


async def cut_into(ranges: Ranges, parts: int) -> tuple[Partition, ...]:
    """Cut a list into so many partitions at most, of about equal size.

    Raises:
        ConfigurationError: the service does not count it, or gives nothing to cut it by.
    """
    ranges.require_possible()
    if not ranges.are_by_ids:
        # Ranges of moments end where a count was asked for, so smaller ones are joined to equal ones.
        counted = await ranges.creation.count(None, None)
        cut = await ranges.creation.cut(_share(counted, 4 * parts))
        return partitions_before(_ends_of(joined_to(cut.spans, parts)))
    rows = _share(await ranges.count(), parts)
    return partitions_between(await boundaries_of(ranges, rows, most=parts - 1))


def _share(counted: int | None, parts: int) -> int:
    if counted is None:
        raise ConfigurationError("the service does not count such lists; export them, and read the files")
    return max(1, -(-counted // parts))


def _ends_of(spans: Sequence[Span]) -> tuple[str, ...]:
    """The moments behind each range, as the service writes them."""
    return tuple(text_of(moment_of(span.before), "a moment") for span in spans)


async def boundaries_of(ranges: Ranges, rows: int, *, most: int | None = None) -> tuple[str, ...]:
    """The last record of each partition but the last: so many rows after the one before it.

    One after the other: asked for all at once by their places in the whole list, two boundaries could change places
    while records are deleted, and the ranges between them would overlap.
    """
    found: list[str] = []
    while most is None or len(found) < most:
        last = await ranges.last_of(rows, after=found[-1] if found else None)
        if last is None:
            break
        found.append(last)
    return tuple(found)


async def check_plan(job: Job, plan: DatasetPlan) -> None:
    """Check that a worker's session and the arguments are those that a plan was made with. Nothing is read.

    Raises:
        ExportMismatch: they are not.
    """
    async with session_access(job.session) as access:
        own = job.plan(access)
        job.require_same(plan.description, own, await access.principal())


async def count(job: Job) -> int | None:
    """How many records there are, as the service counts them; None where it does not."""
    async with session_access(job.session) as access:
        return await access.ranges(job.plan(access).scanned, filter=job.filter).count()


async def count_around(job: Job, until: str) -> tuple[int | None, int | None]:
    """How many records were created before a moment, and how many from then on; None for more than are counted."""
    moment = datetime.fromisoformat(until)
    async with session_access(job.session) as access:
        creation = access.ranges(job.plan(access).scanned, filter=job.filter).creation
        return await creation.count(None, moment), await creation.count(moment, None)
