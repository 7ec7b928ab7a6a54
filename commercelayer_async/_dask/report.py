"""What was written: the manifest of a partition, and that of the whole data set, which the caller gets too."""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

from .._export.manifest import ExportProgress
from .._export.storage import json_object
from .._limits.budget import RateState
from .._markers import public

VERSION: Final = 1


@public("commercelayer_async.dask")
@attrs.frozen
class Progress(ExportProgress):
    """How far an export over workers is, after a partition was written."""

    partitions: int
    """Partitions written so far, those of earlier runs included."""
    planned: int
    """Partitions that there will be."""
    requests: int
    """Pages read so far, those of earlier runs included."""
    rate_limits: RateState | None
    """The rate budget of the worker that wrote this one, just then; None where an earlier run did. Workers that share a
    budget have one; `waiting` are the calls of that worker."""


@public("commercelayer_async.dask")
@attrs.frozen
class WrittenPartition:
    """A file of a data set, with the contents of its manifest."""

    number: int
    file: str
    """Its path in the folder of the data set."""
    records: int
    size: int
    """Bytes."""
    sha256: str
    requests: int
    """Pages that were read for it."""
    waited: int
    """Of these, those after which calls waited for the rate limits."""
    refused: int
    """And those after which the service had refused a call for being one too many (429)."""
    invalid_records: int
    """Of the records, those that do not fit their class; they are in the file all the same."""
    provenance: Mapping[str, str]
    """What the `meta` of its records says of the world that they are from."""
    plan: str
    """The id of the plan that it belongs to."""

    def text(self) -> str:
        """Write its manifest as text."""
        return json.dumps({"partition_version": VERSION, **attrs.asdict(self)}, indent=1) + "\n"

    @classmethod
    def read(cls, text: bytes | None, plan: str) -> Self | None:
        """Read one from its manifest; None if that is not whole, or of another plan."""
        members = None if text is None else json_object(text)
        if members is None or members.pop("partition_version", None) != VERSION or members.get("plan") != plan:
            return None
        try:
            return cls(**members)
        except TypeError:
            return None


@public("commercelayer_async.dask")
@attrs.frozen
class Report:
    """A finished data set, with the contents of its manifest."""

    path: str
    """The folder, as it was given to `export`."""
    data: str
    """The folder in it that has the data and nothing else, for programs that read a folder as one table."""
    records: int
    size: int
    """Bytes of all files."""
    partitions: tuple[WrittenPartition, ...]
    """In the order of the list."""
    description: Mapping[str, Any]
    """What was exported and with whose token; as `Exported.description`."""
    planned_at: str
    """ISO 8601, UTC; of the plan, which later runs keep."""
    finished_at: str
    planning_requests: int
    """Requests that the plan cost."""
    requests: int
    """Pages that were read for the data, over all runs."""
    counted_at_start: int | None
    """Records by the service's own count when the plan was made; None where it does not count."""
    counted_at_end: int | None
    """The same when all partitions were written."""
    differences: tuple[str, ...]
    """How the records differ from these counts, a sentence each."""
    invalid_records: int
    client: str
    """The User-Agent of the run that finished it."""
    bound_by: str
    """What bound the export, the rate limits or else: a sentence."""
    until: str | None = None
    """The moment before which all records were created, where the list was cut by that; what is created later is in
    another export, filtered from this moment on. None where no moment bounds it."""
    seconds: float = 0.0
    """How long the run took that finished it."""
    resumed_partitions: int = 0
    """Partitions that earlier runs had written."""
    resubmitted: int = 0
    """How many times a partition was submitted again since workers died."""

    def manifest(self) -> dict[str, Any]:
        """What the manifest holds, of plain JSON types."""
        members = attrs.asdict(self, filter=lambda attribute, _: attribute.name not in ("path", "data"))
        description = members.pop("description")
        return {"manifest_version": VERSION, **members, **description}

    def text(self) -> str:
        """Write the manifest as text."""
        return json.dumps(self.manifest(), indent=1) + "\n"

    @classmethod
    def read(cls, text: bytes | None, path: str, data: str, description: Mapping[str, Any]) -> Self | None:
        """Read a manifest from its text; None if it is not whole, or is that of another export."""
        members = None if text is None else json_object(text)
        if members is None or members.pop("manifest_version", None) != VERSION:
            return None
        if any(name not in members or members.pop(name) != value for name, value in description.items()):
            return None
        try:
            partitions = tuple(WrittenPartition(**one) for one in members.pop("partitions"))
            differences = tuple(members.pop("differences"))
            return cls(
                path=path, data=data, partitions=partitions, differences=differences, description=description, **members
            )
        except (TypeError, KeyError):
            return None


def bound_by(written: tuple[WrittenPartition, ...]) -> str:
    """Say what bound an export."""
    requests, waited, refused = (
        sum(getattr(one, name) for one in written) for name in ("requests", "waited", "refused")
    )
    if refused:
        return (
            f"the rate limits, which were overrun: at {refused} of {requests} requests the service had refused a call."
            " Where workers on several machines have one address, give their sessions one budget (session=, with a"
            " limiter that all share)"
        )
    if waited * 2 > requests:
        return f"the rate limits: at {waited} of {requests} requests calls waited for them; only more addresses help"
    return f"the service and the workers: at {waited} of {requests} requests calls waited for the rate limits"


def differences_of(records: int, *, start: int | None, end: int | None, asked: int | None) -> tuple[str, ...]:
    """Say how many records were written differs from what the service counted, and from the ids that were asked for."""
    if asked is not None:
        missing = asked - records
        return (f"{missing} of {asked} ids were not found, or the filter leaves them out",) if missing else ()
    at_start = _difference(records, start, "when the plan was made", more="created", fewer="deleted")
    # What is created or deleted behind the reading, the later count alone knows of.
    at_end = _difference(records, end, "when all was written", more="deleted", fewer="created")
    return tuple(one for one in (at_start, at_end) if one is not None)


def created_later(records: int | None, until: str | None) -> tuple[str, ...]:
    """Say how many records were created too late for a data set that a moment bounds."""
    if not records or until is None:
        return ()
    return (f"{records} records were created from {until} on, after the plan was made, and are not in it",)


def _difference(records: int, counted: int | None, when: str, *, more: str, fewer: str) -> str | None:
    if counted is None or counted == records:
        return None
    comparison, reason = ("more", more) if records > counted else ("fewer", fewer)
    return (
        f"{abs(records - counted)} records {comparison} than the {counted} that the service counted {when}; so many at"
        f" least were {reason} between"
    )
