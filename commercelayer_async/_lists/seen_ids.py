"""The ids that came in an iteration, in bounded memory."""

from heapq import heappush, heappushpop
from typing import Final
from zlib import crc32

_MAX_SEEN: Final = 100_000
"""Ids that an iteration remembers, the last ones, in some 20 MB: enough to know each record of a list of that size.
As many again are remembered of a longer one, spread over all of it."""


class SeenIds:
    """The ids that came, to know one that comes again.

    Of a long list the last ones are kept, and of those before them as large a sample, by the smallest checksums. So
    memory is bounded, and a list that begins again is noticed when it comes to one of the sample, which is spread over
    all of it.
    """

    def __init__(self, remembered: int = _MAX_SEEN) -> None:
        self._ids: dict[str, None] = {}
        self._remembered = remembered
        self._sample: set[str] = set()
        self._largest: list[tuple[int, str]] = []
        """The sample as a heap, by its checksums made negative, so that the largest is first."""

    def add(self, id: str) -> bool:
        """Remember an id; True if it is new, as far as is remembered."""
        if id in self:
            return False
        self._ids[id] = None
        if len(self._ids) > self._remembered:
            oldest = next(iter(self._ids))
            del self._ids[oldest]
            self._keep(oldest)
        return True

    def __contains__(self, id: str) -> bool:
        return id in self._ids or id in self._sample

    def _keep(self, id: str) -> None:
        entry = (-crc32(id.encode(errors="replace")), id)
        self._sample.add(id)
        if len(self._largest) < self._remembered:
            heappush(self._largest, entry)
        else:
            self._sample.discard(heappushpop(self._largest, entry)[1])
