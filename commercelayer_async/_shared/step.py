"""Who may leave now, of all that share a budget: a pure function of the state, the time and what a member asks.

What the server does: it counts a request when it arrives, for one window. When that was nobody here knows; it was
between the grant and the response. So a place is *under way* from the grant to the response and *fades* for one window
from then. No margin for delays is needed, and none would be enough.

Places are dealt one by one to all who wait, in order of arrival. With each that it is given a member goes back by a
turn: the time in which everyone who waits has one. So equal members are served equally; who came to an empty budget and
took much of it lets the others come up to it, by eight places and for one window at most. Whoever comes takes what is
dealt to it, and nothing of what is dealt to others.

Who waits is told when to come back: the n-th waiter when the n-th place fades, so that a full budget is not polled, and
no two come for the same place. Who does not come in time holds nobody up; so a death needs no notice. A member that was
not seen for a while has ended what it had under way.

Interactive requests go before bulk ones of every member. Bulk ones leave free what interactive ones used lately, up to
half of a window.

A refusal (429) shuts the gate for all. When it opens one request goes first, the probe; its response lets the rest go,
or shuts the gate again.

`step.lua` says the same in the same order. What is changed here is changed there.
"""

from bisect import bisect_left, bisect_right, insort
from typing import Final, NamedTuple

from .state import SECOND, Answer, Member, Pair, Request, Settled, State, UnderWay, Waiter, Window, lease_id

BEAT: Final = 10 * SECOND
"""A member asks at least this often, if only to be seen."""
SILENT: Final = 3 * BEAT
"""Of a member that was not seen for so long, nothing is under way any more: it ended one beat after it was seen."""
GONE: Final = 60 * SECOND
"""So long after it was seen a member counts as one."""
_LATE: Final = 50_000
"""Who comes so much later than told holds nobody up."""
_FORGOTTEN: Final = SECOND
_LOOK: Final = 50_000
"""After so long it is looked again, where it depends on a response when a place is free; longer for each one ahead."""
_LONGEST_WAIT: Final = 5 * SECOND
_LONGEST_LOOK: Final = SECOND
_FIRST_PAUSE: Final = SECOND
_LONGEST_PAUSE: Final = 60 * SECOND
_LONGEST_ASKED: Final = 3600 * SECOND
_ASK_AGAIN: Final = 5 * SECOND
"""After so long one request asks again, where only strangers' requests seem to fill the window."""
_STEP_UP: Final = 20
"""A limit grows by this part of it with each response that reports a higher one."""
_ASSUMED: Final = 30
"""Of a window; before the first interactive request of late one more is assumed so long ago."""
_EVENLY: Final = 95
"""Per cent of an even spacing that bulk requests keep: who comes for a place is late now and then."""
_AT_ONCE: Final = 2
"""Bulk requests that may leave at once all the same."""
_TURNS: Final = 8
"""A member goes back by one with each place that it is given, by so many at most, and by a window at most."""
_WHOLE: Final = 1000
"""Places are remembered in thousandths, since time makes up for them."""
_MANY: Final = 1_000_000_000
_NEVER: Final = 9_000_000_000_000_000
_THROTTLED: Final = 429


def step(state: State, now: int, request: Request) -> Answer:
    """Change the state as a member asks, and say how many of its requests may leave.

    Args:
        state: What is known; a new one for a budget that nobody asked for yet.
        now: Microseconds of the store's clock. Should it go back, it stands still instead.
        request: A step that was answered already is answered the same way again and changes nothing. One that a later
            step of its member overtook comes to nobody who waits for it, and changes nothing either.
    """
    now = state.now = max(now, state.now)
    state.epoch = state.epoch or now
    member = state.members.get(request.member)
    if member is not None and member.number == request.number:
        return Answer(*member.answer)
    if member is not None and member.number > request.number:
        return _answer(state, now, request)
    if request.epoch not in (0, state.epoch):
        # It has yet to say what it has under way; until then nothing is known of it.
        return _answer(state, now, request)
    _learn_configured(state, request)
    _trim(state, now)
    _note(state, now, request)
    if request.leaves:
        _leave(state, now, request.member)
        return _answer(state, now, request)
    member = state.members.setdefault(request.member, Member(now, request.number, []))
    member.seen, member.number = now, request.number
    answer = _answer(state, now, request, _grant(state, now, request, member))
    member.answer = list(answer)
    return answer


def _note(state: State, now: int, request: Request) -> None:
    """Take over what became of a member's requests since its last step."""
    for held in request.held:
        if held.id not in state.under_way:
            state.under_way[held.id] = UnderWay(request.member, held.type, held.bulk, now, state.pauses)
    for settled in request.settled:
        _settle(state, now, settled)
    if request.paused:
        state.refusals = max(1, state.refusals)
        state.gate = max(state.gate, now + request.paused)
    for id in request.released:
        if state.under_way.pop(id, None) is not None and state.probe == id:
            state.probe = ""


def _answer(state: State, now: int, request: Request, granted: tuple[int, int, int] = (0, 0, 0)) -> Answer:
    return Answer(
        *granted,
        state.epoch,
        now - state.epoch,
        max(1, len(state.members)),
        state.known,
        state.limit,
        state.span,
        state.burst,
        state.burst_span,
        max(0, _room(_views(state, request)[0], now)),
        max(0, state.gate - now) if state.refusals else 0,
        _waiting_elsewhere(state, request),
    )


def _waiting_elsewhere(state: State, request: Request) -> int:
    own = f"{request.member} "
    return sum(one.interactive + one.bulk for key, one in state.waiting.items() if not key.startswith(own))


def _learn_configured(state: State, request: Request) -> None:
    """Begin with the documented limits, and keep what ended for as long as anybody counts."""
    if not state.known and request.documented:
        state.limit, state.span, state.burst, state.burst_span = request.documented
        state.most_burst = state.burst
        state.known = 1
    spans = [state.span, state.burst_span]
    for ceiling in request.ceilings:
        spans += [ceiling[1], ceiling[3]]
    state.longest = max(state.longest, *spans)


def _trim(state: State, now: int) -> None:
    """Forget what has faded, who is late, and who was not seen for long."""
    for id, one in list(state.under_way.items()):
        member = state.members.get(one.member)
        if member is not None and member.seen + SILENT <= now:
            _end(state, id, member.seen + BEAT)
    for name, member in list(state.members.items()):
        if member.seen + GONE <= now:
            del state.members[name]
    for key, waiter in list(state.waiting.items()):
        if waiter.due + _FORGOTTEN <= now:
            del state.waiting[key]
    oldest = now - 2 * state.longest
    for window in (state.average, *state.bursts.values()):
        window.interactive = _later(window.interactive, oldest)
        window.bulk = _later(window.bulk, oldest)
    for type, window in list(state.bursts.items()):
        if not window.interactive and not window.bulk:
            del state.bursts[type]
    state.foreign = _later(state.foreign, now - state.span)


def _leave(state: State, now: int, member: str) -> None:
    for id, one in list(state.under_way.items()):
        if one.member == member:
            _end(state, id, now)
    for key in list(state.waiting):
        if key.startswith(f"{member} "):
            del state.waiting[key]
    state.members.pop(member, None)


def _end(state: State, id: str, at: int) -> UnderWay | None:
    """Let a request fade from a moment on; None if nothing was known of it."""
    one = state.under_way.pop(id, None)
    if state.probe == id:
        state.probe = ""
    if one is not None:
        _fade(state, one.type, one.bulk, at)
    return one


def _fade(state: State, type: str, bulk: int, at: int) -> None:
    burst = state.bursts.setdefault(type, Window())
    for window in (state.average, burst):
        insort(window.bulk if bulk else window.interactive, at)


def _settle(state: State, now: int, settled: Settled) -> None:
    """Let a request fade whose response came, and learn from the response."""
    was_probe = state.probe == settled.id
    one = _end(state, settled.id, now - settled.ago)
    if one is None:
        # It left without this store, or was taken for dead.
        _fade(state, settled.type, settled.bulk, now - settled.ago)
    if settled.status == _THROTTLED:
        _refuse(state, now, settled, is_news=one is not None and one.pauses == state.pauses)
    elif was_probe and settled.status:
        state.refusals = 0
    if settled.report:
        _learn(state, now, settled.report, one)


def _refuse(state: State, now: int, settled: Settled, *, is_news: bool) -> None:
    """Shut the gate for as long as the server says, else for longer each time."""
    if is_news:
        state.refusals += 1
        state.pauses += 1
    wait = 0
    if settled.asked >= 0:
        wait = min(settled.asked, _LONGEST_ASKED)
        state.refusals = max(1, state.refusals)
    elif is_news:
        bound = min(_LONGEST_PAUSE, _FIRST_PAUSE << min(state.refusals - 1, 6))
        wait = bound * (1000 + settled.chance) // 2000
    state.gate = max(state.gate, now + wait)


def _learn(state: State, now: int, report: list[int], one: UnderWay | None) -> None:
    """Take over the limits that a response reports: lower ones at once, higher ones step by step."""
    limit, span, burst, burst_span, remaining = report
    if not limit:
        state.known = 1
        return
    if not state.known or not state.limit or limit <= state.limit:
        state.limit = limit
    else:
        state.limit = min(limit, state.limit + max(1, state.limit // _STEP_UP))
    state.known = 1
    state.span, state.burst_span = span, burst_span
    state.burst = max(1, burst * state.limit // limit) if burst else 0
    if state.most_burst:
        state.burst = min(state.burst, state.most_burst)
    state.longest = max(state.longest, span, burst_span)
    if remaining >= 0 and one is not None and now - one.began <= span:
        _count_foreign(state, now, limit - remaining, one.began)


def _count_foreign(state: State, now: int, counted: int, began: int) -> None:
    """Learn how many requests the server counted when one was out since `began`: what cannot be ours is strangers'."""
    ended = _since(state.average.interactive, began - state.span) + _since(state.average.bulk, began - state.span)
    foreign = counted - len(state.under_way) - ended
    if state.foreign or foreign > 0:
        state.heard = now
    state.foreign += [now] * (foreign - len(state.foreign))
    while len(state.foreign) > max(counted - 1, 0) and state.foreign[0] < began:
        del state.foreign[0]


def _grant(state: State, now: int, request: Request, member: Member) -> tuple[int, int, int]:
    """How many may leave, interactive and bulk, and when to come back for the rest."""
    key = f"{request.member} {request.type}"
    mine = state.waiting.pop(key, None)
    if not request.interactive and not request.bulk:
        return 0, 0, 0
    line = _Line(state, now, request, member, mine)
    granted, granted_bulk = (_grant_probe if state.refusals else _grant_dealt)(state, now, request, line)
    for index in range(1, granted + granted_bulk + 1):
        id = lease_id(request.member, request.number, index)
        state.under_way[id] = UnderWay(request.member, request.type, int(index > granted), now, state.pauses)
        if state.refusals:
            state.probe, state.probed = id, now
    if granted or granted_bulk:
        line.go_back(granted + granted_bulk)
        member.served, member.given = line.since, line.given
    left, left_bulk = request.interactive - granted, request.bulk - granted_bulk
    if not left and not left_bulk:
        return granted, granted_bulk, 0
    wait = _wait(state, now, request, line, bulk=not left)
    limited = int(any(_room(view, now) <= 0 for view in _own_views(state, request)))
    state.waiting[key] = Waiter(request.type, line.since, line.given, now + wait, left, left_bulk, limited)
    return granted, granted_bulk, wait


class _Claim(NamedTuple):
    """What another member could take now."""

    at: int
    """From when on it counts as waiting."""
    key: str
    interactive: int
    bulk: int
    here: bool
    """True at the same endpoint."""


class _Line:
    """All who wait beside one that asks, and where that one stands among them."""

    def __init__(self, state: State, now: int, request: Request, member: Member, mine: Waiter | None) -> None:
        waiting = [(key, one) for key, one in state.waiting.items() if _claims(one, now)]
        self._now = now
        self._longest = state.longest
        self._turn = _turn(_views(state, request), 1 + len(waiting))
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
        room = max(0, _room(_view(state, burst, waiter.type), self._now))
        interactive = min(waiter.interactive, room)
        return _Claim(at, key, interactive, min(waiter.bulk, room - interactive), here=False)

    def _at(self, since: int, given: int) -> int:
        return since + min(self._longest, given * self._turn // _WHOLE)

    def _still_given(self, given: int, since: int) -> int:
        """What is left of it: each turn that passes makes up for a place."""
        return max(0, given - _WHOLE * (self._now - since) // self._turn)


def _turn(views: tuple["_View", "_View"], members: int) -> int:
    """Microseconds in which each of so many members has one place, by the pace of the slowest window."""
    return max([1, *(pair.span * members // pair.limit for view in views for pair in view.pairs)])


def _claims(waiter: Waiter, now: int) -> bool:
    """True if a waiter could come now, and is not late."""
    return now <= waiter.due + _LATE and not (waiter.limited and now < waiter.due)


def _grant_probe(state: State, now: int, request: Request, _: _Line) -> tuple[int, int]:
    """After a pause one goes first, whoever comes; bulk keeps nothing free from it, or nobody would ever go."""
    average, burst = _views(state, request)
    free = min(1, _room(average, now), _room(burst, now))
    if free <= 0 or now < state.gate or state.probe:
        return 0, 0
    return (1, 0) if request.interactive else (0, 1)


def _grant_dealt(state: State, now: int, request: Request, line: _Line) -> tuple[int, int]:
    """Interactive ones in turn, then bulk ones of what is left when the interactive ones of all went."""
    average, burst = _views(state, request)
    free, here = _room(average, now), _room(burst, now)
    if free <= 0 and _asks_again_at(state, now) <= now:
        free = 1
    granted = line.dealt(request.interactive, free, here, bulk=False)
    free -= request.interactive + line.interactive
    here -= request.interactive + line.interactive_here
    gap = _gap(average, now)
    paced = max(state.paced, now - _AT_ONCE * gap)
    free = min(free, _room_for_bulk(average, now), (now - paced) // gap if gap else _MANY)
    here = min(here, _room_for_bulk(burst, now))
    granted_bulk = line.dealt(request.bulk, free, here, bulk=True, after=granted)
    if granted_bulk:
        state.paced = paced + granted_bulk * gap
    return granted, granted_bulk


def _wait(state: State, now: int, request: Request, line: _Line, *, bulk: bool) -> int:
    """Until the n-th place fades for the n-th who waits, in every window."""
    if state.refusals and now < state.gate:
        return min(state.gate - now, _LONGEST_WAIT)
    ahead, here = line.ahead(0, bulk=bulk)
    if bulk:
        ahead += line.interactive
        here += line.interactive_here
    look = min(_LOOK * (1 + ahead), _LONGEST_LOOK)
    if state.refusals:
        return min(max(look, now - state.probed), _LONGEST_LOOK)
    average, burst = _views(state, request)
    at = _room_at(average, now, 1 + ahead)
    if _room(average, now) <= 0:
        at = min(at, _asks_again_at(state, now))
    at = max(at, _room_at(burst, now, 1 + here))
    if bulk:
        at = max(at, _room_for_bulk_at(average, now, 1 + ahead), _room_for_bulk_at(burst, now, 1 + here))
        gap = _gap(average, now)
        at = max(at, state.paced + gap * (1 + ahead) if gap else 0)
    if at <= now or at == _NEVER:
        # A response has to come, or who was told to come has to; nobody knows when.
        at = now + look
    return max(1, min(at, now + _LONGEST_WAIT) - now)


class _View(NamedTuple):
    """A window as a member sees it: over all endpoints, or of one."""

    pairs: list[Pair]
    """The limits that the member keeps, in the fields of the average."""
    interactive: list[int]
    bulk: list[int]
    foreign: list[int]
    under_way: int
    under_way_bulk: int


def _view(state: State, pairs: list[Pair], type: str) -> _View:
    """The window of an endpoint; over all of them for none."""
    window = state.bursts.get(type, _NOTHING) if type else state.average
    both = [one.bulk for one in state.under_way.values() if type in ("", one.type)]
    bulk = sum(both)
    return _View(pairs, window.interactive, window.bulk, [] if type else state.foreign, len(both) - bulk, bulk)


_NOTHING: Final = Window()


def _views(state: State, request: Request) -> tuple[_View, _View]:
    """Both windows with the limits that a member keeps: those of the server, and its own."""
    averages = [Pair(state.limit, state.span)] if state.limit and not request.lifts_average else []
    bursts = [Pair(state.burst, state.burst_span)] if state.burst and not request.lifts_burst else []
    average, burst = _own_views(state, request)
    averages += average.pairs
    if not state.known and request.concurrent and not averages:
        # Only what is under way counts, as no window is known.
        averages.append(Pair(request.concurrent, 0))
    return average._replace(pairs=averages), burst._replace(pairs=bursts + burst.pairs)


def _own_views(state: State, request: Request) -> tuple[_View, _View]:
    """Both windows with nothing but the limits that were configured for a member."""
    averages = [Pair(one[0], one[1]) for one in request.ceilings if one[0]]
    bursts = [Pair(one[2], one[3]) for one in request.ceilings if one[2]]
    return _view(state, averages, ""), _view(state, bursts, request.type)


def _room(view: _View, now: int) -> int:
    """Requests that the limits let leave: what is under way counts, and what has not faded."""
    room = _MANY
    for pair in view.pairs:
        fading = sum(_since(one, now - pair.span) for one in (view.interactive, view.bulk, view.foreign))
        room = min(room, pair.limit - fading)
    return room - view.under_way - view.under_way_bulk


def _room_for_bulk(view: _View, now: int) -> int:
    """Bulk requests that may leave beside the interactive ones that are to be expected."""
    room = _MANY
    for pair in view.pairs:
        room = min(room, pair.limit - _reserve(view, now, pair) - _since(view.bulk, now - pair.span))
    return room - view.under_way_bulk


def _reserve(view: _View, now: int, pair: Pair) -> int:
    """Places for interactive requests: as many as at their pace of late, and one, up to half of all; none without any.

    The first was assumed a while before it; so much is reserved at first, and less with each moment without another.
    """
    lately = view.under_way + _since(view.interactive, now - 2 * pair.span)
    if not lately:
        return 0
    ended = _later(view.interactive, now - 2 * pair.span)
    elapsed = (now - ended[0] if ended else 0) + pair.span // _ASSUMED
    return min(pair.limit // 2, lately * pair.span // max(1, elapsed) + 1)


def _gap(view: _View, now: int) -> int:
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


def _room_at(view: _View, now: int, places: int) -> int:
    """When so many may leave; never, if that depends on a response."""
    at = 0
    for pair in view.pairs:
        missing = places - _room(view._replace(pairs=[pair]), now)
        if missing > 0:
            at = max(at, _fades_at((view.interactive, view.bulk, view.foreign), now, pair.span, missing))
    return at


def _room_for_bulk_at(view: _View, now: int, places: int) -> int:
    """When so many bulk ones may; never, if that depends on a response or on interactive ones becoming fewer."""
    at = 0
    for pair in view.pairs:
        missing = places - _room_for_bulk(view._replace(pairs=[pair]), now)
        if missing > 0:
            at = max(at, _fades_at((view.bulk,), now, pair.span, missing))
    return at


def _fades_at(lists: tuple[list[int], ...], now: int, span: int, count: int) -> int:
    """When so many of the places that have not faded have; never, if there are fewer."""
    fading = sorted(at for one in lists for at in _later(one, now - span))
    return fading[count - 1] + span if count <= len(fading) else _NEVER


def _asks_again_at(state: State, now: int) -> int:
    """When one request may ask whether strangers still fill the window; never while ours do."""
    ours = _since(state.average.interactive, now - state.span) + _since(state.average.bulk, now - state.span)
    if not state.foreign or state.under_way or ours >= state.limit:
        return _NEVER
    return state.heard + _ASK_AGAIN


def _since(moments: list[int], moment: int) -> int:
    """How many are later than a moment; they are in order."""
    return len(moments) - bisect_right(moments, moment)


def _later(moments: list[int], moment: int) -> list[int]:
    """Those that are later than a moment, in order."""
    return moments[bisect_right(moments, moment) :]
