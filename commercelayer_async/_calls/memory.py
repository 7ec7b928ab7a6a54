"""What a session has seen its service do, so that it does not ask again and again for what is in vain.

    routes      a related link that the document gives and the service does not serve
    batches     parents that the service does not give by a filter with a relationship included
    filters     a filter by ids that the service ignores
    slashes     paths that the service has with a slash at their end, or without

One response proves little: a record may have been deleted in that moment, a gateway may have had a hiccup, one id may
spoil a request for all. So what one failure suggests is forgotten with the next success, and what several suggest is
tried again after a while.
"""

import math
from typing import Final

import attrs

from .._clock import Clock
from .._http.redirects import with_slash

Route = tuple[str, str]
"""A resource type and one of its relationships."""

_ENOUGH: Final = 2
"""Failures in a row, without a success between them, that are taken for the service's way."""
_FIRST_PAUSE: Final = 60.0
"""Seconds for which a batch is not tried then."""
_LONGEST_PAUSE: Final = 3600.0


Shape = tuple[str, int]
"""An endpoint and the number of a path's segments: what lists have in common, and resources, and relationships."""

_MOST_SHAPES: Final = 1000


def _shape(target: str, endpoint: str) -> Shape:
    return endpoint, target.partition("?")[0].rstrip("/").count("/")


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
        self.slashes: Final[dict[Shape, bool]] = {}
        """Whether paths of a shape end in a slash, as redirects said; empty for a service that sent none."""
        self.odd = False
        """True if the last response that was compared with its request was about something else, and the connections
        were discarded for it."""

    def in_its_form(self, target: str, endpoint: str) -> str:
        """A target as the service wants it, with a slash at the end of its path or without."""
        slash = self.slashes.get(_shape(target, endpoint))
        return target if slash is None else with_slash(target, slash)

    def slash_learnt(self, target: str, endpoint: str, slash: bool) -> None:  # noqa: FBT001 - what it is about
        """A redirect led from a target to the same path with a slash, or without, and was right."""
        if len(self.slashes) >= _MOST_SHAPES:
            self.slashes.clear()
        self.slashes[_shape(target, endpoint)] = slash

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
