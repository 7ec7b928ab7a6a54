"""Which records a list has, and in which order.

Keys ascend, so every condition on `id` is a look-up or a binary search, whatever the size of the table. Any other
filter and any other sort have to look at every record. Their results are kept until the world changes, because a client
that goes from page to page asks for the same list again and again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import attrs

from ..refusals import bad_request
from ..world.table import Table
from ..world.world import World
from .filters import Condition, Matcher

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
        world: The world of the records.
        table: The records.
        matcher: Tells which of them meet a condition.
        keys: The keys of those that may be in a list, ascending; None for all there are.
    """

    def __init__(self, world: World, table: Table, matcher: Matcher, keys: Sequence[int] | None = None) -> None:
        self.table = table
        self._world = world
        self._version = world.version
        self._matcher = matcher
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
        """Drop the results that were kept, if the world has changed since."""
        if self._own_keys is None and self._version != self._world.version:
            self._version = self._world.version
            self._keys = self.table.keys
            self._matching.cache_clear()
            self._ordered.cache_clear()

    def _order(self, conditions: tuple[Condition, ...], sort: tuple[SortKey, ...]) -> Sequence[int]:
        keys = self._chosen(conditions)
        for item in reversed(sort):  # sorting is stable, so the most significant item comes last
            keys = sorted(keys, key=self._place_by(item.name), reverse=item.descending)
        return keys

    def _place_by(self, name: str) -> Callable[[int], Any]:
        """Make what gives the place of a key in the order of an attribute: null comes last, as in PostgreSQL."""
        if name == "id":
            return int

        def place(key: int) -> tuple[bool, object]:
            value = self.table.sort_value(key, name)
            return value is None, value

        return place

    def _chosen(self, conditions: tuple[Condition, ...]) -> Sequence[int]:
        keys = self._matching(tuple(condition for condition in conditions if condition.ids is None))
        for condition in conditions:
            if condition.ids is not None:
                keys = self._narrow(keys, condition.predicate.name, condition.ids)
        return keys

    def _scan(self, conditions: tuple[Condition, ...]) -> Sequence[int]:
        if not conditions:
            return self._keys
        return [key for key in self._keys if all(self._meets(key, condition) for condition in conditions)]

    def _meets(self, key: int, condition: Condition) -> bool:
        return self._matcher.meets(self.table.reference(key), condition)

    def _narrow(self, keys: Sequence[int], predicate: str, ids: Sequence[str]) -> Sequence[int]:
        match predicate:
            case "eq" | "in":
                return [key for key in sorted(self._named(ids)) if _holds(keys, key)]
            case "not_eq" | "not_in":
                named = self._named(ids)
                return [key for key in keys if key not in named]
            case _:
                return self._beyond(keys, predicate, ids[0])

    def _named(self, ids: Sequence[str]) -> set[int]:
        return {key for id in ids if (key := self.table.key_of(id)) is not None}

    def _beyond(self, keys: Sequence[int], predicate: str, id: str) -> Sequence[int]:
        """Give the keys on one side of *id*, whether or not there still is such a record."""
        bound = self.table.key_of(id)
        if bound is None:
            raise bad_request("INVALID_FILTER_VALUE", f"{id} is not an id.")
        cut = bisect_right(keys, bound) if predicate in _ABOVE_BOUND else bisect_left(keys, bound)
        return keys[cut:] if predicate in _UPWARDS else keys[:cut]


def _holds(keys: Sequence[int], key: int) -> bool:
    index = bisect_left(keys, key)
    return index < len(keys) and keys[index] == key
