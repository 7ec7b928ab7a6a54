"""What this process counts for itself, and its share of a budget whose store is lost.

While the store is lost nobody hears of the others. Each member goes on with the places that it has, and its part of
those that were free when it last asked; so no more are used than there were. After one window the places of all have
faded, and each has its part of the limits: the limit by the number of members. New requests leave only within both.
"""

import math
from collections import deque
from typing import Final

import attrs

from .state import SECOND, Answer, Pair, Settled

_MARGIN: Final = 1.0
"""Seconds beyond a window after which what was counted before counts no more."""


_KEPT: Final = 4
"""Windows for which it is kept what ended."""


@attrs.frozen
class _Ended:
    at: float
    id: str
    type: str
    bulk: int


@attrs.frozen
class _Held:
    type: str
    bulk: int


@attrs.define
class _Loss:
    """How things stood when the store was lost."""

    at: float
    places: dict[int, int]
    """Those of this member, in the microseconds of each window over all endpoints."""
    free: int
    """Its part of those that were free."""
    bursts: dict[str, int]
    members: int

    def burst(self, type: str) -> int:
        """The places of this member at an endpoint."""
        return self.bursts.get(type, 0)


class Own:
    """The requests of this process: under way, and ended within the longest window. Moments are of the loop's clock."""

    def __init__(self, ceilings: list[list[int]], concurrent: int, *, lifts: tuple[int, int] = (0, 0)) -> None:
        """Keep the pairs of `ceilings`, also as they change; `lifts` says which limits of the server's are not kept."""
        self.under_way: dict[str, _Held] = {}
        self._ended: deque[_Ended] = deque()
        self._ceilings = ceilings
        self._lifts = lifts
        self._concurrent = concurrent
        self._known: Answer | None = None
        self._losses: list[_Loss] = []
        """The last one, and those before it since all were heard of: each of them binds."""
        self._bound_until = math.inf

    def start(self, id: str, type: str, bulk: int) -> None:
        """Count a request that leaves."""
        self.under_way[id] = _Held(type, bulk)

    def cancel(self, id: str) -> None:
        """Count no longer a request that did not leave."""
        self.under_way.pop(id, None)

    def finish(self, id: str, now: float) -> None:
        """Let a request fade."""
        one = self.under_way.pop(id, None)
        if one is not None:
            self._ended.append(_Ended(now, id, one.type, one.bulk))
        oldest = now - self._longest()
        while self._ended and self._ended[0].at <= oldest:
            self._ended.popleft()

    def heard(self, answer: Answer) -> None:
        """The store answered."""
        self._known = answer

    def history(self, now: float) -> list[Settled]:
        """All that ended within the longest window, for a store that has forgotten it."""
        return [
            Settled(one.id, one.type, one.bulk, round((now - one.at) * SECOND))
            for one in self._ended
            if one.at > now - self._longest() / _KEPT
        ]

    def lose(self, now: float) -> None:
        """Go on alone from now on, with the share of this member."""
        earlier = self._losses if self.is_bound(now) else []
        self._bound_until = math.inf
        if self._known is None:
            return
        members = max(1, self._known.members, *(one.members for one in earlier))
        bursts = {type: self._count(type, self._known.burst_span / SECOND, now) for type in self._types()}
        spans = {self._known.span, *(one[1] for one in self._ceilings)}
        places = {span: self._count("", span / SECOND, now) for span in spans}
        oldest = now - max(spans, default=0) / SECOND - _MARGIN
        # What the store has said since it came back is not all that there is.
        self._losses = [one for one in earlier if one.at > oldest]
        self._losses.append(_Loss(now, places, self._known.free // members, bursts, members))

    def find(self, until: float) -> None:
        """Go by the store again, and by the share until the others have told it too what they did alone."""
        self._bound_until = until

    def is_bound(self, now: float) -> bool:
        """True if no more than the share may leave."""
        if now >= self._bound_until:
            self._losses = []
        return bool(self._losses)

    @property
    def knows_members(self) -> bool:
        """False if the store never answered, so that nobody knows what this member's share is."""
        return self._known is not None

    def has_room(self, type: str, now: float) -> bool:
        """True if one more request may leave within the share."""
        known = self._known
        if known is None:
            return False
        losses = self._losses if self.is_bound(now) else []
        members = losses[-1].members if losses else max(1, known.members)
        if not known.known and self._concurrent:
            return len(self.under_way) < max(1, self._concurrent // members)
        pairs = [self._kept(known), *(Pair(*one) for one in self._ceilings)]
        for one in pairs:
            for limit, span, name in ((one.limit, one.span, ""), (one.burst, one.burst_span, type)):
                if limit and self._count(name, *self._part(span, limit, members, now)) >= max(1, limit // members):
                    return False
        return all(self._is_within(loss, pairs, type, now) for loss in losses)

    def _is_within(self, loss: _Loss, pairs: list[Pair], type: str, now: float) -> bool:
        """True if one more leaves no more counted than this member had, and its part of what was free."""
        kept = [(one.limit, one.span, "", loss.places.get(one.span, 0) + loss.free) for one in pairs]
        kept.append((pairs[0].burst, pairs[0].burst_span, type, loss.burst(type)))
        return not any(
            limit and now < loss.at + span / SECOND + _MARGIN and self._count(name, span / SECOND, now) >= places
            for limit, span, name, places in kept
        )

    def _kept(self, known: Answer) -> Pair:
        """The server's limits, as far as this member keeps them."""
        average, burst = self._lifts
        return Pair(0 if average else known.limit, known.span, 0 if burst else known.burst, known.burst_span)

    def _part(self, span: int, limit: int, members: int, now: float) -> tuple[float, float]:
        """The seconds in which this member may have its share: longer, where there are more members than requests."""
        return span / SECOND * max(1, math.ceil(members / limit)), now

    def _count(self, type: str, seconds: float, now: float) -> int:
        """Requests at an endpoint, or at all for none, that are under way or ended within so many seconds."""
        held = sum(type in ("", one.type) for one in self.under_way.values())
        since = now - seconds
        return held + sum(one.at > since and type in ("", one.type) for one in self._ended)

    def _types(self) -> set[str]:
        return {one.type for one in self._ended} | {one.type for one in self.under_way.values()}

    def _longest(self) -> float:
        spans = [one[1] for one in self._ceilings]
        if self._known is not None:
            spans.append(self._known.span)
        return max(spans, default=0) / SECOND * _KEPT or 60.0
