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

How much room there is says `room`, and whose turn it is `line`. `step.lua` says the same as all three, and what is
changed here is changed there.
"""

from bisect import insort
from typing import Final

from .line import Line
from .room import (
    MANY,
    NEVER,
    ended_since,
    gap_of,
    own_views_of,
    room_at,
    room_for_bulk,
    room_for_bulk_at,
    room_of,
    those_since,
    views_of,
)
from .state import SECOND, Answer, Member, Request, Settled, State, UnderWay, Waiter, Window, lease_id

BEAT: Final = 10 * SECOND
"""A member asks at least this often, if only to be seen."""
SILENT: Final = 3 * BEAT
"""Of a member that was not seen for so long, nothing is under way any more: it ended one beat after it was seen."""
GONE: Final = 60 * SECOND
"""So long after it was seen a member counts as one."""
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
_AT_ONCE: Final = 2
"""Bulk requests that may leave at once all the same."""
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
        max(0, room_of(views_of(state, request)[0], now)),
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
        window.interactive = those_since(window.interactive, oldest)
        window.bulk = those_since(window.bulk, oldest)
    for type, window in list(state.bursts.items()):
        if not window.interactive and not window.bulk:
            del state.bursts[type]
    state.foreign = those_since(state.foreign, now - state.span)


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
    ended = ended_since(state, began - state.span)
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
    line = Line(state, now, request, member, mine)
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
    limited = int(any(room_of(view, now) <= 0 for view in own_views_of(state, request)))
    state.waiting[key] = Waiter(request.type, line.since, line.given, now + wait, left, left_bulk, limited)
    return granted, granted_bulk, wait


def _grant_probe(state: State, now: int, request: Request, _: Line) -> tuple[int, int]:
    """After a pause one goes first, whoever comes; bulk keeps nothing free from it, or nobody would ever go."""
    average, burst = views_of(state, request)
    free = min(1, room_of(average, now), room_of(burst, now))
    if free <= 0 or now < state.gate or state.probe:
        return 0, 0
    return (1, 0) if request.interactive else (0, 1)


def _grant_dealt(state: State, now: int, request: Request, line: Line) -> tuple[int, int]:
    """Interactive ones in turn, then bulk ones of what is left when the interactive ones of all went."""
    average, burst = views_of(state, request)
    free, here = room_of(average, now), room_of(burst, now)
    if free <= 0 and _asks_again_at(state, now) <= now:
        free = 1
    granted = line.dealt(request.interactive, free, here, bulk=False)
    free -= request.interactive + line.interactive
    here -= request.interactive + line.interactive_here
    gap = gap_of(average, now)
    paced = max(state.paced, now - _AT_ONCE * gap)
    free = min(free, room_for_bulk(average, now), (now - paced) // gap if gap else MANY)
    here = min(here, room_for_bulk(burst, now))
    granted_bulk = line.dealt(request.bulk, free, here, bulk=True, after=granted)
    if granted_bulk:
        state.paced = paced + granted_bulk * gap
    return granted, granted_bulk


def _wait(state: State, now: int, request: Request, line: Line, *, bulk: bool) -> int:
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
    average, burst = views_of(state, request)
    at = room_at(average, now, 1 + ahead)
    if room_of(average, now) <= 0:
        at = min(at, _asks_again_at(state, now))
    at = max(at, room_at(burst, now, 1 + here))
    if bulk:
        at = max(at, room_for_bulk_at(average, now, 1 + ahead), room_for_bulk_at(burst, now, 1 + here))
        gap = gap_of(average, now)
        at = max(at, state.paced + gap * (1 + ahead) if gap else 0)
    if at <= now or at == NEVER:
        # A response has to come, or who was told to come has to; nobody knows when.
        at = now + look
    return max(1, min(at, now + _LONGEST_WAIT) - now)


def _asks_again_at(state: State, now: int) -> int:
    """When one request may ask whether strangers still fill the window; never while ours do."""
    ours = ended_since(state, now - state.span)
    if not state.foreign or state.under_way or ours >= state.limit:
        return NEVER
    return state.heard + _ASK_AGAIN
