"""In which turn those are who wait for places in a budget; pure, and part of `step`."""

from bisect import bisect_left
from typing import Final, NamedTuple

from .room import View, room_of, view_of, views_of
from .state import Member, Pair, Request, State, Waiter

_LATE: Final = 50_000
"""Who comes so much later than told holds nobody up."""
_TURNS: Final = 8
"""A member goes back by one with each place that it is given, by so many at most, and by a window at most."""
_WHOLE: Final = 1000
"""Places are remembered in thousandths, since time makes up for them."""


class _Claim(NamedTuple):
    """What another member could take now."""

    at: int
    """From when on it counts as waiting."""
    key: str
    interactive: int
    bulk: int
    here: bool
    """True at the same endpoint."""


class Line:
    """All who wait beside one that asks, and where that one stands among them."""

    def __init__(self, state: State, now: int, request: Request, member: Member, mine: Waiter | None) -> None:
        waiting = [(key, one) for key, one in state.waiting.items() if _claims(one, now)]
        self._now = now
        self._longest = state.longest
        self._turn = _turn(views_of(state, request), 1 + len(waiting))
        self._key = f"{request.member} {request.type}"
        self.since = mine.since if mine is not None else now
        self.given = mine.given if mine is not None else self._still_given(member.given, member.served)
        self._claims = [self._claim(state, request.type, key, one) for key, one in waiting]
        self.interactive = sum(one.interactive for one in self._claims)
        self.interactive_here = sum(one.interactive for one in self._claims if one.here)

    def go_back(self, places: int) -> None:
        """Let those who wait go first, after so many places were given."""
        given = self._still_given(self.given, self.since) + places * _WHOLE
        self.since, self.given = self._now, min(given, _TURNS * _WHOLE)

    def ahead(self, number: int, *, bulk: bool) -> tuple[int, int]:
        """Places that are dealt to others before one of this one's, counted from 0: at all, and at its endpoint."""
        at = self._at(self.since, self.given)
        if number:
            at = max(self._now, at) + number * self._turn
        ahead = here = 0
        for one in self._claims:
            if (one.at, one.key) < (at, self._key):
                more = (at - max(self._now, one.at) - int(one.key > self._key)) // self._turn
                places = min(one.bulk if bulk else one.interactive, 1 + max(0, more))
                ahead += places
                here += places if one.here else 0
        return ahead, here

    def dealt(self, wanted: int, free: int, here: int, *, bulk: bool, after: int = 0) -> int:
        """How many of the places that are free at all, and at its endpoint, are this one's after those it has."""

        def is_too_many(number: int) -> bool:
            ahead, ahead_here = self.ahead(after + number, bulk=bulk)
            return number + ahead >= free or number + ahead_here >= here

        return bisect_left(range(max(0, min(wanted, free, here))), True, key=is_too_many)  # noqa: FBT003 - what is sought

    def _claim(self, state: State, type: str, key: str, waiter: Waiter) -> _Claim:
        """What a waiter could take now: at another endpoint no more than its burst lets through."""
        at = self._at(waiter.since, waiter.given)
        if waiter.type == type:
            return _Claim(at, key, waiter.interactive, waiter.bulk, here=True)
        burst = [Pair(state.burst, state.burst_span)] if state.burst else []
        room = max(0, room_of(view_of(state, burst, waiter.type), self._now))
        interactive = min(waiter.interactive, room)
        return _Claim(at, key, interactive, min(waiter.bulk, room - interactive), here=False)

    def _at(self, since: int, given: int) -> int:
        return since + min(self._longest, given * self._turn // _WHOLE)

    def _still_given(self, given: int, since: int) -> int:
        """What is left of it: each turn that passes makes up for a place."""
        return max(0, given - _WHOLE * (self._now - since) // self._turn)


def _turn(views: tuple["View", "View"], members: int) -> int:
    """Microseconds in which each of so many members has one place, by the pace of the slowest window."""
    return max([1, *(pair.span * members // pair.limit for view in views for pair in view.pairs)])


def _claims(waiter: Waiter, now: int) -> bool:
    """True if a waiter could come now, and is not late."""
    return now <= waiter.due + _LATE and not (waiter.limited and now < waiter.due)
