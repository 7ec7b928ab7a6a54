"""How much room the windows of a budget have for a member, now and later; pure, and part of `step`."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

from .state import Pair, Request, State, Window

_ASSUMED: Final = 30
"""Of a window; before the first interactive request of late one more is assumed so long ago."""
_EVENLY: Final = 95
"""Per cent of an even spacing that bulk requests keep: who comes for a place is late now and then."""
MANY: Final = 1_000_000_000
"""Places, where nothing limits them."""
NEVER: Final = 9_000_000_000_000_000
"""The moment of what depends on something else than time, in microseconds."""


class View(NamedTuple):
    """A window as a member sees it: over all endpoints, or of one."""

    pairs: list[Pair]
    """The limits that the member keeps, in the fields of the average."""
    interactive: list[int]
    bulk: list[int]
    foreign: list[int]
    under_way: int
    under_way_bulk: int


def view_of(state: State, pairs: list[Pair], type: str) -> View:
    """The window of an endpoint; over all of them for none."""
    window = state.bursts.get(type, _NOTHING) if type else state.average
    both = [one.bulk for one in state.under_way.values() if type in ("", one.type)]
    bulk = sum(both)
    return View(pairs, window.interactive, window.bulk, [] if type else state.foreign, len(both) - bulk, bulk)


_NOTHING: Final = Window()


def views_of(state: State, request: Request) -> tuple[View, View]:
    """Both windows with the limits that a member keeps: those of the server, and its own."""
    averages = [Pair(state.limit, state.span)] if state.limit and not request.lifts_average else []
    bursts = [Pair(state.burst, state.burst_span)] if state.burst and not request.lifts_burst else []
    average, burst = own_views_of(state, request)
    averages += average.pairs
    if not state.known and request.concurrent and not averages:
        # Only what is under way counts, as no window is known.
        averages.append(Pair(request.concurrent, 0))
    return average._replace(pairs=averages), burst._replace(pairs=bursts + burst.pairs)


def own_views_of(state: State, request: Request) -> tuple[View, View]:
    """Both windows with nothing but the limits that were configured for a member."""
    averages = [Pair(one[0], one[1]) for one in request.ceilings if one[0]]
    bursts = [Pair(one[2], one[3]) for one in request.ceilings if one[2]]
    return view_of(state, averages, ""), view_of(state, bursts, request.type)


def room_of(view: View, now: int) -> int:
    """Requests that the limits let leave: what is under way counts, and what has not faded."""
    room = MANY
    for pair in view.pairs:
        fading = sum(number_since(one, now - pair.span) for one in (view.interactive, view.bulk, view.foreign))
        room = min(room, pair.limit - fading)
    return room - view.under_way - view.under_way_bulk


def room_for_bulk(view: View, now: int) -> int:
    """Bulk requests that may leave beside the interactive ones that are to be expected."""
    room = MANY
    for pair in view.pairs:
        room = min(room, pair.limit - _reserve(view, now, pair) - number_since(view.bulk, now - pair.span))
    return room - view.under_way_bulk


def _reserve(view: View, now: int, pair: Pair) -> int:
    """Places for interactive requests: as many as at their pace of late, and one, up to half of all; none without any.

    The first was assumed a while before it; so much is reserved at first, and less with each moment without another.
    """
    lately = view.under_way + number_since(view.interactive, now - 2 * pair.span)
    if not lately:
        return 0
    ended = those_since(view.interactive, now - 2 * pair.span)
    elapsed = (now - ended[0] if ended else 0) + pair.span // _ASSUMED
    return min(pair.limit // 2, lately * pair.span // max(1, elapsed) + 1)


def gap_of(view: View, now: int) -> int:
    """Microseconds between bulk requests; 0 where nothing is reserved.

    Beside interactive requests they leave evenly, so that there is always one about to fade: who was not expected waits
    for that one, and not until all fade at once.
    """
    gap = 0
    for pair in view.pairs:
        reserve = _reserve(view, now, pair)
        if reserve:
            gap = max(gap, pair.span * _EVENLY // (100 * (pair.limit - reserve)))
    return gap


def room_at(view: View, now: int, places: int) -> int:
    """When so many may leave; never, if that depends on a response."""
    return _has_room_at(view, now, places, room_of, (view.interactive, view.bulk, view.foreign))


def room_for_bulk_at(view: View, now: int, places: int) -> int:
    """When so many bulk ones may; never, if that depends on a response or on interactive ones becoming fewer."""
    return _has_room_at(view, now, places, room_for_bulk, (view.bulk,))


def _has_room_at(
    view: View, now: int, places: int, room: Callable[[View, int], int], fading: tuple[list[int], ...]
) -> int:
    """When every window has so many places by `room`, as what fades makes them free; 0 for now."""
    at = 0
    for pair in view.pairs:
        missing = places - room(view._replace(pairs=[pair]), now)
        if missing > 0:
            at = max(at, _fades_at(fading, now, pair.span, missing))
    return at


def _fades_at(lists: tuple[list[int], ...], now: int, span: int, count: int) -> int:
    """When so many of the places that have not faded have; never, if there are fewer."""
    fading = sorted(at for one in lists for at in those_since(one, now - span))
    return fading[count - 1] + span if count <= len(fading) else NEVER


def number_since(moments: list[int], moment: int) -> int:
    """How many are later than a moment; they are in order."""
    return len(moments) - bisect_right(moments, moment)


def those_since(moments: list[int], moment: int) -> list[int]:
    """Those that are later than a moment, in order."""
    return moments[bisect_right(moments, moment) :]


def ended_since(state: State, moment: int) -> int:
    """How many requests of all members ended after a moment."""
    return number_since(state.average.interactive, moment) + number_since(state.average.bulk, moment)
