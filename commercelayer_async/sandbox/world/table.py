"""The records of one type, made when they are asked for and not before.

A table knows its keys and how to make the record of one; a hundred thousand wallets take no more memory than
ten, until the first of them is deleted. The same key always gives the same record.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import attrs

from .ids import Ids
from .times import iso

_MAX_KEPT_RECORDS: Final = 4096


class Reference(NamedTuple):
    """A record by type and key; what an identifier is before it has an id.

    No attrs class: a page makes and compares them by the hundred, which a tuple does in C.
    """

    type: str
    key: int


@attrs.frozen(kw_only=True)
class WorldRecord:
    """One record of the world."""

    type: str
    key: int
    """Position in the order of creation; never shown."""
    id: str
    attributes: Mapping[str, object] = attrs.field(repr=False)
    """Holds the made-up tokens and secrets, so it stays out of the repr."""
    relationships: tuple[str, ...]
    """Those the document shows, in order."""
    meta: Mapping[str, object]
    linked: bool = True
    """Whether `links.self` is a URL; it is null in some event stores."""

    reference: Reference = attrs.field(init=False, repr=False)
    """The record by type and key."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "reference", Reference(self.type, self.key))

    def without(self, names: Collection[str]) -> "WorldRecord":
        """The record as it was before the attributes *names* existed."""
        left = {name: value for name, value in self.attributes.items() if name not in names}
        return attrs.evolve(self, attributes=left)


@attrs.frozen
class Times:
    """When records were created and changed, in milliseconds, by their keys."""

    first_ms: int
    step_ms: int
    exceptions: Mapping[int, int] = attrs.field(factory=dict[int, int])
    """Keys of records created, and last changed, at another time."""

    def created(self, key: int) -> int:
        """Later for greater keys, exceptions apart."""
        return self.exceptions.get(key, self.first_ms + key * self.step_ms)

    def updated(self, key: int) -> int:
        """Up to eleven hours after the creation, in an order of its own."""
        return self.exceptions.get(key, self.created(key) + key * 7919 % 997 * 40_000)


class RecordTable:
    """The records of one type.

    Args:
        type: their type.
        count: how many there are; their keys are the numbers from 1 on.
        ids: how keys become ids.
        times: when they were created and changed; the world's calendar.
        make: the record for a key.
    """

    def __init__(self, type: str, count: int, *, ids: Ids, times: Times, make: Callable[[int], WorldRecord]) -> None:
        self.type = type
        self.keys: Sequence[int] = range(1, count + 1)
        """The keys of those that exist, ascending. Never altered, but replaced when a record comes or goes."""
        self.ids = ids
        self.times = times
        self.at = lru_cache(_MAX_KEPT_RECORDS)(make)
        self._last = count
        self._deleted = set[int]()

    def grow(self, last: int) -> None:
        """Have all records up to the key *last*, except for those deleted before."""
        if self._deleted:
            self.keys = [*self.keys, *range(self._last + 1, last + 1)]
        else:
            self.keys = range(1, last + 1)
        self._last = last

    def delete(self, keys: Collection[int]) -> None:
        """Have the records of *keys*, all of which exist, no longer."""
        left, start = list[int](), 0
        for key in sorted(keys):
            at = bisect_left(self.keys, key)
            left += self.keys[start:at]
            start = at + 1
        self._deleted.update(keys)
        self.keys = [*left, *self.keys[start:]]

    def has(self, key: int) -> bool:
        """Whether there is a record of *key*."""
        return 1 <= key <= self._last and key not in self._deleted

    def get(self, id: str) -> WorldRecord | None:
        """The record called *id*, None if there is none."""
        key = self.ids.key_of(id)
        return self.at(key) if key is not None and self.has(key) else None

    def value(self, key: int, name: str) -> object:
        """One attribute of the record of *key*; the times without making the record."""
        match name:
            case "created_at":
                return iso(self.times.created(key))
            case "updated_at":
                return iso(self.times.updated(key))
            case _:
                return self.at(key).attributes.get(name)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """What the records may be filtered by: `id` and the attributes; the newest record has them all."""
        newest = self.at(self._last).attributes if self._last else ()
        return frozenset({"id", "created_at", "updated_at", *newest})
