"""What a session has seen its service do, so that it does not ask again and again for what is in vain.

    routes      a related link that the document gives and the service does not serve
    batches     parents that the service does not give by a filter with a relationship included
    filters     a filter by ids that the service ignores

One response proves little: a record may have been deleted in that moment, a gateway may have had a hiccup, one id may
spoil a request for all. So what one failure suggests is forgotten with the next success, and what several suggest is
tried again after a while.
"""

import math
from typing import Final

import attrs

from .._clock import Clock

Route = tuple[str, str]
"""A resource type and one of its relationships."""

_ENOUGH: Final = 2
"""Failures in a row, without a success between them, that are taken for the service's way."""
_FIRST_PAUSE: Final = 60.0
"""Seconds for which a batch is not tried then."""
_LONGEST_PAUSE: Final = 3600.0


@attrs.define
class _Batch:
    refusals: int = 0
    """In a row, since the last success."""
    pauses: int = 0
    paused_until: float = -math.inf


class ServiceMemory:
    """What a session and its copies have seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.no_route: Final[set[Route]] = set()
        """Relationships whose related links lead nowhere, while reading their parents leads to a resource."""
        self._batches: dict[Route, _Batch] = {}
        self._ignored: dict[str, int] = {}
        """How often in a row lists of a type held others than the ids asked for."""
        self.odd = False
        """True if the last response that was compared with its request was about something else, and the connections
        were discarded for it."""

    def may_batch(self, route: Route) -> bool:
        """False while the service is known to refuse a relationship of many parents at once."""
        batch = self._batches.get(route)
        return batch is None or self._clock.now() >= batch.paused_until

    def batch_refused(self, route: Route) -> None:
        """A batch was refused. The second in a row pauses batching for this route, and each further one for longer."""
        batch = self._batches.setdefault(route, _Batch())
        now = self._clock.now()
        if now < batch.paused_until:
            # It was sent before the pause began.
            return
        batch.refusals += 1
        if batch.refusals >= _ENOUGH:
            batch.paused_until = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(batch.pauses, 16))
            batch.pauses += 1

    def batch_succeeded(self, route: Route) -> None:
        """A batch was read."""
        if self._batches:
            self._batches.pop(route, None)

    def filters_by_id(self, type: str) -> bool:
        """True unless lists of a type are known to ignore the filter by ids."""
        return self._ignored.get(type, 0) < _ENOUGH

    def filter_ignored(self, type: str) -> None:
        """A list of a type held another record of it than those asked for."""
        self._ignored[type] = self._ignored.get(type, 0) + 1

    def filter_heeded(self, type: str) -> None:
        """A list of a type held nothing else than what was asked for."""
        if self._ignored and self.filters_by_id(type):
            self._ignored.pop(type, None)
