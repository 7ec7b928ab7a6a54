"""Ranges of a list by the moment of creation: for lists that a service does not sort and page by ids.

What was created before a moment that is past by some seconds is cut into half-open ranges, and nothing can come into
one of them any more. So each record is in one range, whatever is created and deleted meanwhile; what is created after
that moment is in none.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import attrs

from .._plain import plain, plain_text
from ..errors import ConfigurationError
from ..service import Created, Ransack
from .arguments import capabilities_of
from .list_reader import ListReader
from .moments import EPOCH, Span, halved, milliseconds_of, moment_of
from .written_filter import write_filter

_SETTLED: Final = 10.0
"""Seconds after which a record that was being created is there for others: it has its moment before it can be seen."""
_TRIES: Final = 3
"""Times that a list is counted before records are said to have no moment: they may just have been deleted."""

K = TypeVar("K")


@attrs.frozen
class Cut:
    """Where a list is cut by the moment of creation."""

    spans: tuple[Span, ...]
    """In the order of time."""
    records: int | None
    """What it holds, as the service counts it; None for more than it counts."""
    requests: int


@attrs.frozen(eq=False)
class CreationRanges:
    """The ranges of one list, and the filters that leave what is in one."""

    reader: ListReader[Any]
    filter: Mapping[str, Any]

    @property
    def lack(self) -> str | None:
        """What the service lacks to cut such a list so; None if nothing."""
        service = self.reader.service
        if service.created is None:
            return f"{service.name} declares no moment of creation"
        if service.total_of(self.reader.type) is None:
            return "they are not counted"
        return None

    def require_possible(self) -> None:
        """Check that the list can be cut, before anything is asked.

        Raises:
            ConfigurationError: the filter will not go with it, or such a list cannot be filtered so.
        """
        self._written(EPOCH, EPOCH + timedelta(days=1))

    def between(self, since: datetime | None, before: datetime | None) -> Mapping[str, Any]:
        """The filter for what was created from one moment on and before another; None where it is open.

        A caller's filter may ask for the same; then it is what both leave.

        Raises:
            ConfigurationError: it asks for something else of that moment.
        """
        created, filter = self._created, dict(self.filter)
        if isinstance(self.reader.service.filters, Ransack):
            names = f"{created.attribute}_{created.since}", f"{created.attribute}_{created.before}"
            return _narrowed(filter, *names, since, before)
        member_of = capabilities_of(self.reader).member_of
        given = next((name for name in filter if member_of(str(plain_text(name))) == created.attribute), None)
        own: Any = {} if given is None else filter.pop(given)
        operators: object = own
        if not isinstance(operators, Mapping):
            raise ConfigurationError(
                f"filter: {given!r} is what cuts the list into partitions; ask for a range of it, or leave it out"
            )
        filter[given or created.attribute] = _narrowed(own, created.since, created.before, since, before)
        return filter

    async def count(self, since: datetime | None, before: datetime | None) -> int | None:
        """How many records were created between two moments; None for more than the service counts. One request."""
        return (await self.reader.count_if_known(*self._written(since, before)))[0]

    async def cut(self, most: int) -> Cut:
        """Cut the list into ranges of at most so many records, but for a moment that has more.

        Raises:
            ConfigurationError: some records have no moment of creation, and would be in no range.
        """
        until, counted, requests = await self._beginning()
        # `until` is in whole milliseconds, so the last range ends with it.
        counting = halved(Span(None, milliseconds_of(until), counted), most)
        spans = tuple[Span, ...]()
        try:
            since, before = next(counting)
            while True:
                requests += 1
                left = await self.count(None if since is None else moment_of(since), moment_of(before))
                since, before = counting.send(left)
        except StopIteration as done:
            spans = done.value
        return Cut(spans, counted, requests)

    async def _beginning(self) -> tuple[datetime, int | None, int]:
        """Where the whole ends, how many records it holds, and the requests that it took to know."""
        least: int | None = None
        for n in range(_TRIES):
            everything, answered = await self.reader.count_if_known(*write_filter(self.filter, self._asked).parameters)
            now = time.time() if answered is None else answered
            until = moment_of(int((now - _SETTLED) * 1000))
            # In this order: what is created between the requests makes the later counts larger.
            before, since = await self.count(None, until), await self.count(until, None)
            if everything is None or before is None or since is None or before + since >= everything:
                return until, before, 3 * (n + 1)
            missing = everything - before - since
            least = missing if least is None else min(least, missing)
        raise ConfigurationError(
            f"{self.reader.type} of {self.reader.service.name} cannot be cut into partitions: {least} of them have no"
            f" {self._created.attribute}, and would be in none; filter for those that have one"
        )

    def _written(self, since: datetime | None, before: datetime | None) -> tuple[str, ...]:
        parameters = write_filter(self.between(since, before), self._asked).parameters
        names = [parameter.partition("=")[0] for parameter in parameters]
        if isinstance(self.reader.service.filters, Ransack) and len(set(names)) < len(names):
            # By the name of a field and by that of the member.
            raise ConfigurationError(
                f"filter: {self._created.attribute!r} is what cuts the list into partitions; name it so"
            )
        return parameters

    @property
    def _asked(self) -> Any:
        return capabilities_of(self.reader)

    @property
    def _created(self) -> Created:
        created = self.reader.service.created
        if created is None:
            raise ConfigurationError(f"{self.reader.service.name} declares no moment of creation")
        return created


def _narrowed(
    filter: Mapping[K, Any], from_name: K, to_name: K, since: datetime | None, before: datetime | None
) -> Mapping[K, Any]:
    """A filter, or the operators of one, with two moments more, which never widen it."""
    narrowed = dict(filter)
    if since is not None:
        own = _moment(filter, from_name)
        narrowed[from_name] = since if own is None else max(own, since)
    if before is not None:
        own = _moment(filter, to_name)
        narrowed[to_name] = before if own is None else min(own, before)
    return narrowed


def _moment(filter: Mapping[K, Any], name: K) -> datetime | None:
    if name not in filter:
        return None
    given = plain(filter[name])
    try:
        found = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        found = None
    if isinstance(found, datetime) and found.utcoffset() is not None:
        return found
    raise ConfigurationError(
        f"filter: {name!r} is what cuts the list into partitions, so it has to be an aware datetime, or a text such as"
        " 2026-01-02T03:04:05Z"
    )
