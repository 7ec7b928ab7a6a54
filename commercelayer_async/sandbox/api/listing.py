"""Which records a list has, and in which order.

Keys ascend, so every condition on `id` is a look-up or a binary search, whatever the size of the table. A filter on an
attribute and a sort by time have to look at every record. Their results are kept until a record is created or deleted,
because a client that goes from page to page asks for the same list again and again.
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
_ABOVE_BOUND: Final = frozenset({"gt", "lteq"})  # the cut is above the id that is named
_MAX_KEPT_SELECTIONS: Final = 16


@attrs.frozen
class SortKey:
    """One item of `sort`."""

    name: str
    descending: bool = False


class Listing:
    """The lists of a table's records.

    Args:
        table: The records.
        keys: The keys of those that may be in a list, ascending; None for all there are.
    """

    def __init__(self, table: RecordTable, keys: Sequence[int] | None = None) -> None:
        self.table = table
        self._own_keys = keys
        self._keys: Sequence[int] = table.keys if keys is None else keys
        self._matching = lru_cache(_MAX_KEPT_SELECTIONS)(self._scan)
        self._ordered = lru_cache(_MAX_KEPT_SELECTIONS)(self._order)

    def select(self, conditions: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Sequence[int]:
        """Select the keys of the records that meet *conditions*, in the order of *sort*, or else of their creation.

        Raises:
            Refusal: 400 if an id is compared with a text that is not an id.
        """
        self._refresh()
        if sort and sort[0].name != "id":
            return self._ordered(conditions, sort)
        keys = self._chosen(conditions)
        return keys[::-1] if sort and sort[0].descending else keys

    def _refresh(self) -> None:
        """Drop the results that were kept, if a record was created or deleted since."""
        if self._own_keys is None and self._keys is not self.table.keys:
            self._keys = self.table.keys
            self._matching.cache_clear()
            self._ordered.cache_clear()

    def _order(self, conditions: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Sequence[int]:
        keys = self._chosen(conditions)
        for item in reversed(sort):  # sorting is stable, so the most significant item comes last
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
        """Give the keys on one side of *id*, whether or not there still is such a record."""
        bound = self.table.ids.key_of(id)
        if bound is None:
            raise bad_request("INVALID_FILTER_VALUE", f"{id} is not an id.")
        cut = bisect_right(keys, bound) if predicate in _ABOVE_BOUND else bisect_left(keys, bound)
        return keys[cut:] if predicate in _UPWARDS else keys[:cut]


def _holds(keys: Sequence[int], key: int) -> bool:
    index = bisect_left(keys, key)
    return index < len(keys) and keys[index] == key
