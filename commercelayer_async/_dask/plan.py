"""The plan: which partitions a data set has, fixed before the first one is read.

A partition is a range: what comes after one record, up to and with another. Neighbours share a boundary, the first is
open below and the last above. So every record is in one partition and no more, whatever is created and deleted
meanwhile. Where a list cannot be cut so, it is what was created from one moment on and before another, and the last
ends some seconds before the plan was made. A moment with too many records for one is some of their ids each. Or it is
some ids, where the caller gave ids.
"""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Self

import attrs

from .._export.storage import json_object

VERSION: Final = 1


@attrs.frozen
class Partition:
    """What one task reads and writes."""

    number: int
    after: str | None = None
    """The record that the range begins after; None for the beginning of the list."""
    last: str | None = None
    """The record that the range ends with; None for the end of the list, wherever that is when it is read."""
    ids: tuple[str, ...] | None = None
    """The records instead of a range."""
    since: str | None = None
    """The moment that a range of moments begins with, in ISO 8601; None for the beginning of time."""
    before: str | None = None
    """The first moment behind it; None for another sort of partition."""

    @property
    def name(self) -> str:
        """What its files are called, without an ending."""
        return f"part-{self.number:05}"


def partitions_between(boundaries: Iterable[str]) -> tuple[Partition, ...]:
    """The partitions that boundaries make, in their order: one more than there are of these."""
    edges = (None, *boundaries, None)
    return tuple(Partition(number, edges[number], edges[number + 1]) for number in range(len(edges) - 1))


def partitions_of(ids: Iterable[str], size: int) -> tuple[Partition, ...]:
    """Partitions of so many ids at most, in the order given; an id that is there twice is read once."""
    known = tuple(dict.fromkeys(ids))
    starts = range(0, len(known), size)
    return tuple(Partition(number, ids=known[at : at + size]) for number, at in enumerate(starts))


def partitions_before(
    ends: Iterable[str], crowds: Mapping[str, tuple[str, ...]] = MappingProxyType({}), size: int = 1
) -> tuple[Partition, ...]:
    """The partitions of what was created before some moments, in their order: one for each of these.

    But for `crowds`, by the moment before which they were created: they make partitions of so many ids at most.
    """
    found: list[Partition] = []
    since: str | None = None
    for before in ends:
        crowd = crowds.get(before)
        # Of a crowd that had gone when it was read the range is left, so that there is one partition at least.
        found += partitions_of(crowd, size) if crowd else [Partition(0, since=since, before=before)]
        since = before
    return tuple(attrs.evolve(one, number=number) for number, one in enumerate(found))


@attrs.frozen
class DatasetPlan:
    """The partitions of a data set, and what it is to hold."""

    id: str
    """A text of its own for each plan: what was written for another plan does not count."""
    description: Mapping[str, Any]
    """What the data set holds, and whose token it is read with; see `Exported.description`."""
    boundaries: tuple[str, ...]
    ids: tuple[str, ...] | None
    rows_per_partition: int
    planned_at: str
    """ISO 8601, UTC."""
    counted: int | None
    """Records at that time, as the service counted them; None where it does not count."""
    requests: int
    """What planning cost."""
    moments: tuple[str, ...] | None = None
    """Where the list was cut by the moment of creation, the first moment behind each range; None if it was not."""
    crowds: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict[str, tuple[str, ...]])
    """The ids of what such a range holds, by the moment behind it, where one moment has too many for a partition."""

    @property
    def until(self) -> str | None:
        """The moment before which all was created that the data set holds; None where no moment bounds it."""
        return self.moments[-1] if self.moments else None

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """The partitions, in order."""
        if self.ids is not None:
            return partitions_of(self.ids, self.rows_per_partition)
        if self.moments is not None:
            return partitions_before(self.moments, self.crowds, self.rows_per_partition)
        return partitions_between(self.boundaries)

    def text(self) -> str:
        """Write the plan as text."""
        return json.dumps({"plan_version": VERSION, **attrs.asdict(self)}, indent=1) + "\n"

    @classmethod
    def read(cls, text: bytes) -> Self | None:
        """Read a plan from its text; None if it is not one of this version."""
        members = json_object(text)
        if members is None or members.pop("plan_version", None) != VERSION:
            return None
        try:
            ids, moments, crowds = members.pop("ids"), members.pop("moments", None), members.pop("crowds", {})
            return cls(
                boundaries=tuple(members.pop("boundaries")),
                ids=None if ids is None else tuple(ids),
                moments=None if moments is None else tuple(moments),
                crowds={before: tuple(crowd) for before, crowd in crowds.items()},
                **members,
            )
        except (AttributeError, TypeError, KeyError):
            return None


def is_damaged(text: bytes) -> bool:
    """True for a text that is not even a plan of another version."""
    members = json_object(text)
    return members is None or "plan_version" not in members


def begins_plan(text: bytes, id: str) -> bool:
    """True if the first bytes of a plan are those of one with that id."""
    return f'"id": "{id}"'.encode() in text[:ID_WITHIN]


ID_WITHIN: Final = 200
"""The first bytes of a plan, which have its id."""
