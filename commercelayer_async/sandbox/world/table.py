"""The records of one type, each made when it is first asked for.

A table has the keys of its records, and a function that makes the record of a key, the same one every time. Until the
first of them is deleted the keys are a `range`, so a hundred thousand wallets take no more memory than ten.
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
    """A record by its type and key: a resource identifier inside the sandbox.

    A named tuple and not an attrs class: a page makes and compares hundreds of them, which a tuple does in C.
    """

    type: str
    key: int


@attrs.frozen(kw_only=True)
class WorldRecord:
    """A record of the world, with all that its resource object shows."""

    type: str
    key: int
    """The position in the order of creation, from 1 on. Clients never see it."""
    id: str
    attributes: Mapping[str, object] = attrs.field(repr=False)
    """Some are made-up tokens and secrets, so they stay out of the repr."""
    relationships: tuple[str, ...]
    """The names of those that documents show, in order."""
    meta: Mapping[str, object]
    linked: bool = True
    """Whether `links.self` is a URL. It is null in some event stores."""

    reference: Reference = attrs.field(init=False, repr=False)
    """This record by its type and key."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "reference", Reference(self.type, self.key))

    def without(self, names: Collection[str]) -> "WorldRecord":
        """Copy the record, without the attributes called *names*."""
        remaining = {name: value for name, value in self.attributes.items() if name not in names}
        return attrs.evolve(self, attributes=remaining)


@attrs.frozen
class Times:
    """When the records of a table were created and last changed, in milliseconds since 1970, by key."""

    first_ms: int
    step_ms: int
    exceptions: Mapping[int, int] = attrs.field(factory=dict[int, int])
    """By key: the moment at which a record was created and last changed, where it departs from the rule."""

    def created(self, key: int) -> int:
        """Tell when a record was created: the later, the greater its key, exceptions apart."""
        return self.exceptions.get(key, self.first_ms + key * self.step_ms)

    def updated(self, key: int) -> int:
        """Tell when a record was last changed: up to eleven hours after its creation, so in another order."""
        return self.exceptions.get(key, self.created(key) + key * 7919 % 997 * 40_000)


class RecordTable:
    """The records of one type.

    Args:
        type: Their type.
        count: How many there are at first. Their keys are 1 to *count*.
        ids: Turns keys into ids, and back.
        times: When they were created and last changed.
        make: Makes the record of a key.
    """

    def __init__(self, type: str, count: int, *, ids: Ids, times: Times, make: Callable[[int], WorldRecord]) -> None:
        self.type = type
        self.keys: Sequence[int] = range(1, count + 1)
        """The keys of the records there are, ascending.

        The sequence is never changed in place. It is replaced when a record is created or deleted, so who compares it
        by identity learns whether the table has changed (see `api.listing`).
        """
        self.ids = ids
        self.times = times
        self.at = lru_cache(_MAX_KEPT_RECORDS)(make)
        self._last = count
        self._deleted = set[int]()

    def grow(self, last: int) -> None:
        """Create the records up to the key *last*. Those deleted before stay deleted."""
        if self._deleted:
            self.keys = [*self.keys, *range(self._last + 1, last + 1)]
        else:
            self.keys = range(1, last + 1)
        self._last = last

    def delete(self, keys: Collection[int]) -> None:
        """Delete the records of *keys*, all of which must exist."""
        # The stretches between the deleted keys are copied whole, which is quicker than a look at every key.
        remaining, start = list[int](), 0
        for key in sorted(keys):
            index = bisect_left(self.keys, key)
            remaining += self.keys[start:index]
            start = index + 1
        self._deleted.update(keys)
        self.keys = [*remaining, *self.keys[start:]]

    def has(self, key: int) -> bool:
        """Tell whether there is a record of *key*."""
        return 1 <= key <= self._last and key not in self._deleted

    def get(self, id: str) -> WorldRecord | None:
        """Find the record with *id*; None if there is none."""
        key = self.ids.key_of(id)
        return self.at(key) if key is not None and self.has(key) else None

    def value(self, key: int, name: str) -> object:
        """Give one attribute of the record of *key*. Its times are known without making the record."""
        match name:
            case "created_at":
                return iso(self.times.created(key))
            case "updated_at":
                return iso(self.times.updated(key))
            case _:
                return self.at(key).attributes.get(name)

    @cached_property
    def attribute_names(self) -> frozenset[str]:
        """The names by which records may be filtered: `id` and the attributes, all of which the newest record has."""
        newest = self.at(self._last).attributes if self._last else ()
        return frozenset({"id", "created_at", "updated_at", *newest})
