"""The task that makes the plan of a data set, and the one that counts its records again at the end."""

import secrets
from datetime import UTC, datetime

from .._lists.ranges import Ranges
from .job import Job
from .plan import DatasetPlan
from .worker import session_access


def now() -> str:
    """The moment, as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def make_plan(job: Job, rows: int, ids: tuple[str, ...] | None) -> DatasetPlan:
    """Plan a data set: one request for each partition, and one that counts; none for ids.

    Raises:
        ConfigurationError: an argument will not do for the service, or it gives nothing to cut a list by.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`.
    """
    async with session_access(job.session) as access:
        plan = job.plan(access)
        principal = await job.reader(access, plan, job.filter or {}).identify()
        ranges = access.ranges(plan.scanned, filter=job.filter)
        counted, boundaries, requests = None, tuple[str, ...](), 0
        if ids is not None:
            ranges.of_ids(ids)  # raises where the service does not take ids
        else:
            ranges.require_possible()
            counted = await ranges.count()
            boundaries = await boundaries_of(ranges, rows)
            requests = len(boundaries) + 1 + (counted is not None)
        return DatasetPlan(
            id=secrets.token_hex(8),
            description=plan.read_for(principal).description,
            boundaries=boundaries,
            ids=ids,
            rows_per_partition=rows,
            planned_at=now(),
            counted=counted,
            requests=requests,
        )


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
