"""Ranges of a list: how a walk over it is cut into parts that several walk at the same time.

A range begins after one record and ends with another, in the order in which a scan walks the list. Which records these
are is asked of the service, from one to the next: its order is not that of texts, so ids are never compared here. And a
record that is deleted meanwhile makes ranges larger or smaller, but never lets two of them overlap.

Lists that a service does not sort and page so are cut by the moment of creation (`creation.py`).
"""

from collections.abc import Mapping
from typing import Any

import attrs

from ..errors import ConfigurationError
from ..service import Keyset, Numbers, Offsets, Ransack
from .arguments import capabilities_of, sort_parameter
from .creation import CreationRanges
from .filters import filter_name_of
from .list_query import ListQuery
from .list_reader import ListReader
from .written_filter import WrittenFilter, write_filter


@attrs.frozen(eq=False)
class Ranges:
    """The ranges of one list, and the filters that leave what is in one."""

    reader: ListReader[Any]
    filter: Mapping[str, Any]
    written: WrittenFilter

    @classmethod
    def of(cls, reader: ListReader[Any], filter: Mapping[str, Any] | None) -> "Ranges":
        """Make the ranges of the list that a filter leaves.

        Raises:
            ConfigurationError: the filter will not do.
        """
        return cls(reader, {} if filter is None else filter, write_filter(filter, capabilities_of(reader)))

    @property
    def creation(self) -> CreationRanges:
        """Its ranges by the moment of creation, for where it cannot be cut by ids."""
        return CreationRanges(self.reader, self.filter)

    @property
    def are_by_ids(self) -> bool:
        """True if the list can be cut by ids; else it is by the moment of creation, if at all."""
        return self._lack is None

    def require_possible(self) -> None:
        """Check that the list can be cut one way or the other, before anything is asked.

        Raises:
            ConfigurationError: saying what the service lacks, or which name the filter may not have.
        """
        lack, creation = self._lack, self.creation
        if lack is None:
            self.until("0")
        elif creation.lack is None:
            creation.require_possible()
        else:
            raise ConfigurationError(
                f"{self._name} cannot be cut into partitions by ids, as {lack}, nor by the moment of creation, as"
                f" {creation.lack}; export them in one piece"
            )

    @property
    def _lack(self) -> str | None:
        """What the service lacks to cut such a list by ids; None if nothing."""
        service, paging = self.reader.service, self.reader.paging
        if service.keyset is None:
            return "nothing walks them by their ids"
        if service.sort is None:
            return "they are not sorted"
        if paging.size is None or not isinstance(paging, Numbers | Offsets):
            return "their pages have no numbers"
        return "they cannot be asked for records up to one" if service.keyset.through is None else None

    async def count(self) -> int | None:
        """How many records there are, as the service counts them; None where it does not."""
        if self.reader.service.total_of(self.reader.type) is None:
            return None
        return await self.reader.count(*self.written.parameters)

    async def last_of(self, records: int, *, after: str | None) -> str | None:
        """The id of the last of so many records after one; None where there are fewer. One request.

        Raises:
            ConfigurationError: the service does not sort by what a scan walks by, or gives no page by its place.
        """
        query = self._query(after)
        found = await self.reader.items_at(self._target_of(query, records))
        return found[0].id if found else None

    def until(self, last: str | None) -> Mapping[str, Any]:
        """The filter for what comes up to and with a record; for None the filter itself.

        Raises:
            ConfigurationError: the service has nothing to ask so by, or the filter asks for it already.
        """
        if last is None:
            return self.filter
        keyset = self._keyset
        if isinstance(self.reader.service.filters, Ransack):
            return self._with(f"{keyset.attribute}_{keyset.through}", last)
        return self._with(keyset.attribute, {keyset.through: last})

    @property
    def take_ids(self) -> bool:
        """True if lists of the type can be asked for some records by their ids, and the filter does not."""
        name = self._ids_name
        return name is not None and name not in self.filter

    def of_ids(self, ids: tuple[str, ...]) -> Mapping[str, Any]:
        """The filter for these records, of those that the filter leaves.

        Raises:
            ConfigurationError: lists of the type do not take ids, or the filter asks for some already.
        """
        name = self._ids_name
        if name is None:
            raise ConfigurationError(f"ids: {self._name} cannot be asked for many by their ids")
        return self._with(name, ids)

    @property
    def _ids_name(self) -> str | None:
        """What a filter by ids is called; None where there is none."""
        at_once, grammar = self.reader.service.ids_at_once, self.reader.service.filters
        if at_once is None or not isinstance(at_once.template, str) or not isinstance(grammar, Ransack):
            return None
        return filter_name_of(at_once.template, grammar)

    @property
    def most_ids(self) -> int:
        """How many ids a request may have."""
        at_once = self.reader.service.ids_at_once
        return max(1, 0 if at_once is None else at_once.most_of(self.reader.type))

    def _with(self, name: str, value: object) -> Mapping[str, Any]:
        if name in self.filter:
            raise ConfigurationError(f"filter: {name!r} is what cuts the list into partitions; leave it out")
        return {**self.filter, name: value}

    def _query(self, after: str | None) -> ListQuery:
        filters, further = self.written.parameters, tuple[str, ...]()
        if after is not None:
            filters, further = self.written.beyond(self._keyset, after)
        order = sort_parameter(self.reader, (self._keyset.attribute,))
        return self.reader.query(*filters, *order, *further, size=1)

    def _target_of(self, query: ListQuery, records: int) -> str:
        """The target of a page of one record, which has so many before and with it."""
        paging = query.paging
        if isinstance(paging, Numbers):
            return query.at_cursor(query.target, paging.number, str(paging.first + records - 1))
        if isinstance(paging, Offsets):
            return query.at_cursor(query.target, paging.offset, str(records - 1))
        raise AssertionError  # as `_lack` says

    @property
    def _keyset(self) -> Keyset:
        """What the list is walked by, if it can be cut by it."""
        keyset = self.reader.service.keyset
        if keyset is None or not self.are_by_ids:
            raise self._not_cut()
        return keyset

    def _not_cut(self) -> ConfigurationError:
        return ConfigurationError(f"{self._name} cannot be cut into partitions by ids, as {self._lack}")

    @property
    def _name(self) -> str:
        return f"{self.reader.type} of {self.reader.service.name}"
