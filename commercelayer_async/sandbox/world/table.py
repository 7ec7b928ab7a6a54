"""The records of one type, each made when it is first asked for, and those of a user's own.

A table has the keys of its records, and a function that makes the record of a key, the same one every time. Until the
first of them is deleted the keys are a `range`, so a hundred thousand wallets take no more memory than ten. A record
that a user added or changed is kept as it is, and so are ids that no arithmetic gives.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

import attrs

from .ids import Ids
from .times import iso, milliseconds

_MAX_KEPT_RECORDS: Final = 4096
_FAR: Final = 2**40
"""Beyond every key: where an id is taken from if that of a key is in use."""
_HOUR_MS: Final = 3_600_000


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
    """Between two records that were there at first; others follow each other within the hour."""
    count: int
    """How many records there were at first."""
    exceptions: dict[int, tuple[int, int]] = attrs.field(factory=dict[int, tuple[int, int]])
    """By key: the moments at which a record was created and last changed, where they depart from the rule."""

    def created(self, key: int) -> int:
        """Tell when a record was created: the later, the greater its key, exceptions apart."""
        if key in self.exceptions:
            return self.exceptions[key][0]
        since = max(0, key - self.count)
        return self.first_ms + (key - since) * self.step_ms + since * min(self.step_ms, _HOUR_MS)

    def updated(self, key: int) -> int:
        """Tell when a record was last changed: up to eleven hours after its creation, so in another order."""
        if key in self.exceptions:
            return self.exceptions[key][1]
        return self.created(key) + key * 7919 % 997 * 40_000


class RecordTable:
    """The records of one type.

    Args:
        type: Their type.
        count: How many there are at first. Their keys are 1 to *count*.
        ids: Turns keys into ids, and back.
        times: When they were created and last changed.
        make: Makes the record of a key and an id.
    """

    def __init__(
        self, type: str, count: int, *, ids: Ids, times: Times, make: Callable[[int, str], WorldRecord]
    ) -> None:
        self.type = type
        self.keys: Sequence[int] = range(1, count + 1)
        """The keys of the records there are, ascending. The sequence is never changed in place."""
        self.times = times
        self.last = count
        """The key of the last record there ever was."""
        self.made = lru_cache(_MAX_KEPT_RECORDS)(self._make)
        self._make_record = make
        self._ids = ids
        self._latest_ms = 0  # when a record that is kept was last changed
        self._kept = dict[int, WorldRecord]()
        self._added = set[int]()
        self._deleted = set[int]()
        self._kept_ids = dict[int, str]()
        self._keys_of_kept_ids = dict[str, int]()

    @property
    def kept(self) -> Iterable[WorldRecord]:
        """The records that were added or changed."""
        return self._kept.values()

    def is_added(self, key: int) -> bool:
        """Tell whether the record of *key* is one that a user added."""
        return key in self._added

    def at(self, key: int) -> WorldRecord:
        """Give the record of *key*."""
        return self._kept.get(key) or self.made(key)

    def reference(self, key: int) -> Reference:
        """Give the record of *key* by its type and key."""
        return Reference(self.type, key)

    def id_of(self, key: int) -> str:
        """Give the id of the record of *key*, without making the record."""
        return self._kept_ids.get(key) or self._ids.id_of(key)

    def key_of(self, id: str) -> int | None:
        """Read the key behind *id*, whether or not there is such a record; None for a text that is not an id."""
        if id in self._keys_of_kept_ids:
            return self._keys_of_kept_ids[id]
        key = self._ids.key_of(id)
        return None if key in self._kept_ids else key

    def has(self, key: int) -> bool:
        """Tell whether there is a record of *key*."""
        return 1 <= key <= self.last and key not in self._deleted

    def get(self, id: str) -> WorldRecord | None:
        """Find the record with *id*; None if there is none."""
        key = self.key_of(id)
        return self.at(key) if key is not None and self.has(key) else None

    def value(self, key: int, name: str) -> object:
        """Give one attribute of the record of *key*, or its id. Id and times are known without making the record."""
        match name:
            case "id":
                return self.id_of(key)
            case "created_at":
                return iso(self.times.created(key))
            case "updated_at":
                return iso(self.times.updated(key))
            case _:
                return self.at(key).attributes.get(name)

    def sort_value(self, key: int, name: str) -> object:
        """Give what stands for an attribute in a sort: of the times, the number of milliseconds, which is quicker."""
        match name:
            case "created_at":
                return self.times.created(key)
            case "updated_at":
                return self.times.updated(key)
            case _:
                return self.value(key, name)

    def grow(self, last: int) -> None:
        """Create the records up to the key *last*. Those deleted before stay deleted."""
        new = range(self.last + 1, last + 1)
        self.keys = [*self.keys, *new] if self._deleted else range(1, last + 1)
        self.last = last
        if self._kept_ids:
            for key in new:
                self._avoid_kept_ids(key)

    def reserve(self, id: str | None) -> int:
        """Create a record with *id*, or with one that is made; give its key. It has to be kept before it is read."""
        key = self.last + 1
        self._added.add(key)
        if id is not None:
            self._keep_id(key, id)
        self.grow(key)
        return key

    def keep(self, record: WorldRecord) -> None:
        """Keep *record* instead of the one that would be made, and its times."""
        self._kept[record.key] = record
        created, updated = (round(milliseconds(str(record.attributes[name]))) for name in ("created_at", "updated_at"))
        self.times.exceptions[record.key] = (created, updated)
        self._latest_ms = max(self._latest_ms, updated)

    def next_change(self) -> int:
        """Give a moment after all changes so far, in milliseconds since 1970."""
        return max(self._latest_ms, self.times.created(self.last) + 12 * _HOUR_MS) + 1000

    def delete(self, keys: Collection[int]) -> None:
        """Delete the records of *keys*, all of which must exist."""
        # The stretches between the deleted keys are copied whole, which is quicker than a look at every key.
        remaining, start = list[int](), 0
        for key in sorted(keys):
            index = bisect_left(self.keys, key)
            remaining += self.keys[start:index]
            start = index + 1
            self._kept.pop(key, None)
            self.times.exceptions.pop(key, None)
        self._deleted.update(keys)
        self.keys = [*remaining, *self.keys[start:]]

    def _make(self, key: int) -> WorldRecord:
        return self._make_record(key, self.id_of(key))

    def _avoid_kept_ids(self, key: int) -> None:
        """Give *key* another id if a record of a user's own has the one that it would have."""
        if key not in self._kept_ids and self._ids.id_of(key) in self._keys_of_kept_ids:
            others = (self._ids.id_of(key + number * _FAR) for number in count(1))
            self._keep_id(key, next(id for id in others if id not in self._keys_of_kept_ids))

    def _keep_id(self, key: int, id: str) -> None:
        self._kept_ids[key] = id
        self._keys_of_kept_ids[id] = key


class UnionTable:
    """The records of several types as those of one, for the list of an abstract type.

    Args:
        tables: Those of the concrete types. A key of the union tells the table and the key in it.
    """

    def __init__(self, tables: Sequence[RecordTable]) -> None:
        self._tables = tables

    @property
    def keys(self) -> Sequence[int]:
        """The keys of all records, ascending."""
        size = len(self._tables)
        return sorted(key * size + index for index, table in enumerate(self._tables) for key in table.keys)

    def at(self, key: int) -> WorldRecord:
        """Give the record of *key*."""
        table, inner = self._locate(key)
        return table.at(inner)

    def reference(self, key: int) -> Reference:
        """Give the record of *key* by its concrete type and its key there."""
        table, inner = self._locate(key)
        return table.reference(inner)

    def key_of(self, id: str) -> int | None:
        """Read the key behind *id*; None if no table ever had such a record."""
        for index, table in enumerate(self._tables):
            key = table.key_of(id)
            if key is not None and 1 <= key <= table.last:
                return key * len(self._tables) + index
        return None

    def get(self, id: str) -> WorldRecord | None:
        """Find the record with *id*; None if there is none."""
        return next((record for table in self._tables if (record := table.get(id)) is not None), None)

    def value(self, key: int, name: str) -> object:
        """Give one attribute of the record of *key*, or its id."""
        table, inner = self._locate(key)
        return table.value(inner, name)

    def sort_value(self, key: int, name: str) -> object:
        """Give what stands for an attribute in a sort."""
        table, inner = self._locate(key)
        return table.sort_value(inner, name)

    def _locate(self, key: int) -> tuple[RecordTable, int]:
        inner, index = divmod(key, len(self._tables))
        return self._tables[index], inner


Table = RecordTable | UnionTable
"""Records that a list may have."""
