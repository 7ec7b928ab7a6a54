"""The task that writes one partition, and the one that looks at what was written.

A task may run twice, also at the same time, and end anywhere. Both runs read the same range and write the same names,
first the data, then the manifest; a run that finds a manifest reads nothing. Where the two files are of two runs, which
a record that changed meanwhile makes differ, the look at the end finds it, and the partition is written again.
"""

import asyncio
import hashlib
import io
from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from .._access import BulkAccess
from .._export import parquet
from .._export.formats import Rows, Writer
from .._export.pages import Lines
from .._export.plan import Plan
from .._limits.budget import RateState
from .._text import printable
from ..errors import ExportMismatch
from .dtypes import pandas_metadata
from .folder import DATA, PARTS, PLAN, Folder
from .job import Job
from .plan import ID_WITHIN, Partition, begins_plan
from .report import WrittenPartition
from .worker import session_access

if TYPE_CHECKING:
    from .._export.provenance import Provenance


@attrs.frozen
class Task:
    """One partition of an export, with what its worker has to know of the plan."""

    job: Job
    plan: str
    """The id of the plan."""
    description: Mapping[str, Any]
    partition: Partition

    @property
    def data(self) -> str:
        """The file of the data, in the folder of the data set."""
        return f"{DATA}/{self.partition.name}.{self.job.format}"

    @property
    def manifest(self) -> str:
        """The file of the manifest."""
        return f"{PARTS}/{self.partition.name}.json"


@attrs.frozen
class Done:
    """A partition that is written."""

    written: WrittenPartition
    resumed: bool
    """True if an earlier run had written it, and nothing was read."""
    rate_limits: RateState | None = None
    """The worker's rate budget when it was read."""


async def write_partition(task: Task) -> Done:
    """Write a partition, unless its manifest stands.

    Raises:
        ExportMismatch: the worker's token or the records are of another world than the plan is for; or another plan
            stands in the folder.
        ExportError: a file cannot be written.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`.
    """
    folder = Folder(task.job.folder)
    known = await asyncio.to_thread(manifest_of, task, folder)
    if known is not None:
        return Done(known, resumed=True)
    async with session_access(task.job.session) as access:
        rows = await read_rows(task.job, access, task.partition, description=task.description)
        state = access.rate_limits
    return Done(await asyncio.to_thread(_write, task, folder, rows), resumed=False, rate_limits=state)


async def partition_is_whole(task: Task) -> bool:
    """True if a partition's file is what its manifest says. If it is not, the manifest is removed: it is not written.

    Raises:
        ExportError: a file cannot be read or removed.
    """
    return await asyncio.to_thread(_is_whole, task, Folder(task.job.folder))


def manifest_of(task: Task, folder: Folder) -> WrittenPartition | None:
    """The manifest of a partition, if it stands."""
    return WrittenPartition.read(folder.get(task.manifest), task.plan)


def _is_whole(task: Task, folder: Folder) -> bool:
    known = manifest_of(task, folder)
    data = folder.get(task.data)
    if known is not None and data is not None and hashlib.sha256(data).hexdigest() == known.sha256:
        return True
    folder.remove(task.manifest)
    return False


@attrs.define
class ReadRows:
    """The lines of a partition, as they were read."""

    writer: Writer
    lines: list[bytes] = attrs.field(factory=list[bytes], repr=False)
    records: int = 0
    requests: int = 0
    waited: int = 0
    refused: int = 0
    invalid_records: int = 0
    provenance: "Provenance" = attrs.field(factory=dict[str, str])

    def data(self) -> bytes:
        """The file that they make."""
        if not isinstance(self.writer, Rows):
            return self.writer.header + b"".join(self.lines)
        file = io.BytesIO()
        rows = (line for lines in self.lines for line in lines.splitlines(keepends=True))
        parquet.convert(rows, file, self.writer.columns, metadata=pandas_metadata(self.writer.columns))
        return file.getvalue()


async def read_rows(
    job: Job, access: BulkAccess, partition: Partition, *, description: Mapping[str, Any] | None = None
) -> ReadRows:
    """Read a partition; with a `description`, only if it is of what the worker reads.

    Raises:
        ExportMismatch: it is not.
    """
    plan = await asyncio.to_thread(job.plan, access)
    if description is not None:
        job.require_same(description, plan, await access.principal())
    rows = ReadRows(plan.writer)
    for filter, after in _reads(job, access, plan, partition):
        reader = job.reader(access, plan, filter)
        await reader.identify()
        async with aclosing(reader.pages(after)) as pages:
            async for page in pages:
                # In a thread, as whatever blocks the worker's loop holds up its heartbeats too.
                lines: Lines = await asyncio.to_thread(reader.lines, page, rows.provenance)
                rows.lines.append(lines.data)
                rows.records += len(page.items)
                rows.requests += 1
                state = access.rate_limits
                rows.waited += state.waiting > 0
                rows.refused += state.closed_for > 0
                rows.invalid_records += lines.invalid_records
                rows.provenance = lines.provenance
    return rows


def _reads(
    job: Job, access: BulkAccess, plan: Plan, partition: Partition
) -> list[tuple[Mapping[str, Any], str | None]]:
    """The filters of the scans that read a partition, and what each begins after."""
    ranges = access.ranges(plan.scanned, filter=job.filter)
    if partition.before is not None:
        since = None if partition.since is None else datetime.fromisoformat(partition.since)
        return [(ranges.creation.between(since, datetime.fromisoformat(partition.before)), None)]
    if partition.ids is None:
        return [(ranges.until(partition.last), partition.after)]
    starts = range(0, len(partition.ids), ranges.most_ids)
    return [(ranges.of_ids(partition.ids[at : at + ranges.most_ids]), None) for at in starts]


def require_plan(folder: Folder, id: str) -> None:
    """Refuse to write beside another plan: of an export that was begun meanwhile, or after the folder was emptied.

    Raises:
        ExportMismatch: the plan in the folder is not the one with this id.
    """
    # Not all of it, which may name any number of records; and a store may give less than there is, once.
    if not any(begins_plan(folder.get(PLAN, most=ID_WITHIN) or b"", id) for _ in range(2)):
        raise ExportMismatch(
            f"the plan in {printable(folder.url)} is not the one that this export began with: another one writes there;"
            " name another folder, or resume that one",
            path=folder.url,
        )


def _write(task: Task, folder: Folder, rows: ReadRows) -> WrittenPartition:
    data = rows.data()
    require_plan(folder, task.plan)
    # Another run of this task may have been faster; what it wrote stays.
    known = manifest_of(task, folder)
    if known is not None:
        return known
    written = WrittenPartition(
        number=task.partition.number,
        file=task.data,
        records=rows.records,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        requests=rows.requests,
        waited=rows.waited,
        refused=rows.refused,
        invalid_records=rows.invalid_records,
        provenance=rows.provenance,
        plan=task.plan,
    )
    folder.put(task.data, data)
    folder.put(task.manifest, written.text().encode())
    return written
