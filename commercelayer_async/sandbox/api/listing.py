"""Which records a list shows, and in which order.

Keys ascend, so everything about ids is a binary search or a look-up, whatever the size of the table: `id_in`
costs as much as it names ids, a page after `id_gt` no more than its records. What has to look at every record
(a filter on an attribute, a sort by time) is done once and remembered until a record comes or goes, because a
client that walks pages asks for it again and again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import attrs

from ..refusals import bad_request
from ..world.table import RecordTable
from .filters import Condition

SORTABLE: Final = frozenset({"id", "created_at", "updated_at"})

_UPWARDS: Final = frozenset({"gt", "gteq"})
_ABOVE_BOUND: Final = frozenset({"gt", "lteq"})  # where the cut lies above the id named
_MAX_KEPT_SELECTIONS: Final = 16


@attrs.frozen
class SortKey:
    """One item of `sort`."""

    name: str
    descending: bool = False


class Listing:
    """The lists that can be had of *keys* of a table, by default all of them."""

    def __init__(self, table: RecordTable, keys: Sequence[int] | None = None) -> None:
        self.table = table
        self._own_keys = keys
        self._keys: Sequence[int] = table.keys if keys is None else keys
        self._matching = lru_cache(_MAX_KEPT_SELECTIONS)(self._scan)
        self._ordered = lru_cache(_MAX_KEPT_SELECTIONS)(self._order)

    def select(self, conditions: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Sequence[int]:
        """The keys of the records that meet *conditions*, as *sort* orders them; by creation without it.

        Raises:
            Refusal: 400 for a text that is no id where the order of ids matters.
        """
        self._refresh()
        if sort and sort[0].name != "id":
            return self._ordered(conditions, sort)
        keys = self._chosen(conditions)
        return keys[::-1] if sort and sort[0].descending else keys

    def _refresh(self) -> None:
        """Forget what is remembered of a table that has changed since."""
        if self._own_keys is None and self._keys is not self.table.keys:
            self._keys = self.table.keys
            self._matching.cache_clear()
            self._ordered.cache_clear()

    def _order(self, conditions: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Sequence[int]:
        keys = self._chosen(conditions)
        for item in reversed(sort):  # stable, so that the first item decides last
            keys = sorted(keys, key=self._sort_value(item.name), reverse=item.descending)
        return keys

    def _sort_value(self, name: str) -> Callable[[int], int]:
        times = self.table.times
        return {"created_at": times.created, "updated_at": times.updated}.get(name, int)

    def _chosen(self, conditions: tuple[Condition, ...]) -> Sequence[int]:
        keys = self._matching(tuple(condition for condition in conditions if condition.attribute != "id"))
        for condition in conditions:
            if condition.attribute == "id":
                keys = self._narrow(keys, condition)
        return keys

    def _scan(self, conditions: tuple[Condition, ...]) -> Sequence[int]:
        if not conditions:
            return self._keys
        return [key for key in self._keys if all(self._meets(key, condition) for condition in conditions)]

    def _meets(self, key: int, condition: Condition) -> bool:
        return condition.met_by(self.table.value(key, condition.attribute))

    def _narrow(self, keys: Sequence[int], condition: Condition) -> Sequence[int]:
        named = {key for id in condition.values if (key := self.table.ids.key_of(id)) is not None}
        match condition.predicate:
            case "eq" | "in":
                return [key for key in sorted(named) if _holds(keys, key)]
            case "not_eq" | "not_in":
                return [key for key in keys if key not in named]
            case "null" | "not_null":
                return keys if condition.met_by("an id is never null") else ()
            case predicate:
                return self._beyond(keys, predicate, condition.values[0])

    def _beyond(self, keys: Sequence[int], predicate: str, id: str) -> Sequence[int]:
        """The keys on one side of that behind *id*, whether or not there still is such a record."""
        bound = self.table.ids.key_of(id)
        if bound is None:
            raise bad_request("INVALID_FILTER_VALUE", f"{id} is no id.")
        at = bisect_right(keys, bound) if predicate in _ABOVE_BOUND else bisect_left(keys, bound)
        return keys[at:] if predicate in _UPWARDS else keys[:at]


def _holds(keys: Sequence[int], key: int) -> bool:
    at = bisect_left(keys, key)
    return at < len(keys) and keys[at] == key
