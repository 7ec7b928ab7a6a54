"""Sliding windows: how many requests may leave now.

What the server does (docs.commercelayer.io, "Rate limits"): it counts the requests of an address in two sliding
windows, one over all endpoints of a class (the average), one for each endpoint (the burst), and refuses what is over.
Whether a type is cacheable decides the class; the mode, test or live, the numbers. Headers report the average alone.

What we do: we count a request from the moment it leaves until one window after its response came. The server counted it
somewhere in between, so wherever one of its windows lies, no more requests are in it than we allowed; jitter on the way
cannot bunch them. A request costs its own latency this way, which is little beside a window.

Headers may be odd, and a response may be late. A limit that would let next to nothing through is not believed. What a
response says is left is compared with all of ours that the server may have counted while that request was under way, so
that none of our own is taken for another client's.

What we never do: wait without need, or learn a limit by being refused.
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from heapq import merge
from itertools import chain, islice, repeat
from typing import Final, NamedTuple, cast

import attrs

from .._markers import public
from .._plain import plain
from .._rate_dialects import ReportedWindow
from ..errors import ConfigurationError
from ..service import COMMERCE_LAYER, Rates, RequestsInSeconds
from ..service.rates import Modes
from .demand import Demand
from .moments import are_many, moments

_SANE_LIMIT: Final = 1_000_000
"""Requests in a window; what headers report beyond that is not believed."""
_MODES: Final[Modes] = cast("Modes", COMMERCE_LAYER.rates.modes)
_MOST_CONFIGURED: Final = _SANE_LIMIT // _MODES.cacheable_factor
_SANE_SECONDS: Final = 3600.0
"""A window that headers report is not kept if it is longer; a service may declare one of up to 31 days."""
_LEAST_PACE: Final = 10.0
"""Seconds for each request at most; a reported limit that is lower would stop every session for its window."""
_STEP_UP: Final = 0.05
"""Share by which a limit grows with each response that reports a higher one."""
_ASK_AGAIN: Final = 5.0
"""Seconds after which one request asks again, where only other clients' requests seem to fill a window."""
_LOOK_AGAIN: Final = 20
"""Parts of a window after which it is looked again at how much interactive calls need of it."""
_LONGEST_LOOK: Final = _SANE_SECONDS / _LOOK_AGAIN
"""Seconds after which it is in any case."""
_EVENLY: Final = 0.95
"""Part of an even spacing that bulk requests keep beside interactive ones: timers are late, and time is not made up."""
_LONGEST_STEP: Final = 2 * _LEAST_PACE
"""Seconds between these at most: evenly over a day would be hours for what a window has room for."""


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class RateLimits:
    """How many uncacheable reads may be made: `average` over all endpoints, `burst` for each.

    Each is a number of requests, 1 to 200,000, and a number of seconds, up to 3,600, or None for no limit. Reads of
    cacheable types may be five times as many (docs.commercelayer.io, "Rate limits").
    """

    average: RequestsInSeconds | None
    burst: RequestsInSeconds | None

    def __attrs_post_init__(self) -> None:
        for name in ("average", "burst"):
            pair: object = getattr(self, name)
            if isinstance(pair, tuple):
                object.__setattr__(self, name, tuple(map(plain, cast("tuple[object, ...]", pair))))
            if not _is_sane_pair(getattr(self, name)):
                raise ConfigurationError(
                    f"RateLimits.{name} must be (requests, seconds), 1 to {_MOST_CONFIGURED:,} requests in up to"
                    f" {_SANE_SECONDS:,.0f} s, or None"
                )

    @classmethod
    def live(cls) -> "RateLimits":
        """The API's limits for live data, of 2024 and later."""
        return cls.of(_MODES.live)

    @classmethod
    def test(cls) -> "RateLimits":
        """The API's limits for test data, of 2024 and later."""
        return cls.of(_MODES.test)

    @classmethod
    def none(cls) -> "RateLimits":
        """No limits: for a server that has none. The API would refuse most of a burst."""
        return cls(average=None, burst=None)

    @classmethod
    def of(cls, pairs: tuple[RequestsInSeconds, RequestsInSeconds]) -> "RateLimits":
        """The limits of a pair: the average, and the burst."""
        average, burst = pairs
        return cls(average=average, burst=burst)


def _is_sane_pair(pair: object) -> bool:
    if pair is None:
        return True
    if not isinstance(pair, tuple) or len(cast("tuple[object, ...]", pair)) != 2:  # noqa: PLR2004 - a pair
        return False
    requests, seconds = cast("tuple[object, object]", pair)
    return (
        isinstance(requests, int)
        and not isinstance(requests, bool)
        and isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 1 <= requests <= _MOST_CONFIGURED
        and 0 < seconds <= _SANE_SECONDS
    )


class Limits(NamedTuple):
    """The limits of one class of routes."""

    average: RequestsInSeconds | None
    burst: RequestsInSeconds | None

    @classmethod
    def of(cls, limits: RateLimits, *, factor: int = 1) -> "Limits":
        """Make limits `factor` times as large as those of uncacheable reads, in the same seconds."""
        return cls(*(pair and (pair[0] * factor, pair[1]) for pair in (limits.average, limits.burst)))

    @classmethod
    def of_average(cls, limit: int, seconds: float, facts: Rates) -> "Limits":
        """Make the limits where only the average is known: the burst has always been the same part of it."""
        if facts.modes is None:
            return cls((limit, seconds), None)
        requests = max(1, int(limit * facts.modes.burst_share))
        return cls((limit, seconds), (requests, seconds * facts.modes.burst_seconds_share))


class Window:
    """A sliding-window limit: requests under way, and those whose response came less than `seconds` ago.

    Of each request the moment when its response came is kept for two windows, for one of them beyond its fading: a
    window may turn out to be longer, and a late response reports of requests that have faded since.
    """

    __slots__ = (
        "_bulk",
        "_bulk_began",
        "_bulk_under_way",
        "_demand",
        "_faded",
        "_fading",
        "_foreign",
        "_heard",
        "limit",
        "seconds",
        "started_interactive",
        "under_way",
    )

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit: int = limit
        self.seconds: float = seconds
        self.under_way = 0
        self._fading = moments(limit, seconds)
        self._faded = moments(limit, seconds)
        self._foreign = moments(limit, seconds)
        """When requests of other clients were learned of."""
        self._heard = 0.0
        """When a response last came while there were any."""
        self.started_interactive = 0
        self._bulk_under_way = 0
        self._bulk = moments(limit, seconds)
        self._bulk_began = -math.inf
        self._demand = Demand()

    def free(self, now: float) -> int:
        """Requests that may leave now; negative after the limit was lowered."""
        fading, seconds = self._fading, self.seconds
        if fading and fading[0] + seconds <= now:
            self._fade(now)
        if self._foreign:
            self._drop_foreign(now)
            return self.limit - self.under_way - len(fading) - len(self._foreign)
        return self.limit - self.under_way - len(fading)

    def has_room(self, now: float) -> bool:
        """True if a request may leave now."""
        return self.free(now) > 0 or (bool(self._foreign) and self._asks_again_at() <= now)

    def has_room_at(self) -> float:
        """The moment when one more may leave if nothing else happens.

        0.0 stands for now, infinity for a moment that depends on a response.
        """
        missing = 1 - (self.limit - self.under_way - len(self._fading) - len(self._foreign))
        if missing <= 0:
            return 0.0
        if not self._foreign:
            return self._fading[missing - 1] + self.seconds if missing <= len(self._fading) else math.inf
        counted = islice(merge(self._fading, self._foreign), missing - 1, None)
        return min(next(counted, math.inf) + self.seconds, self._asks_again_at())

    def has_room_for_bulk(self, now: float, *, least: int) -> bool:
        """True if bulk calls may take one more of what interactive ones leave them; `least` is for these anyway."""
        bulk, seconds = self._bulk, self.seconds
        while bulk and bulk[0] + seconds <= now:
            bulk.popleft()
        share, paced_at = self._bulk_share(now, least)
        return self._bulk_under_way + len(bulk) < share and paced_at <= now

    def has_room_for_bulk_at(self, now: float, *, least: int) -> float:
        """The moment to look again whether a bulk call may leave: a bulk request fades, or less is reserved."""
        share, paced_at = self._bulk_share(now, least)
        excess = self._bulk_under_way + len(self._bulk) - share
        if excess < 0:
            return paced_at
        fades = self._bulk[excess] + self.seconds if excess < len(self._bulk) else math.inf
        return max(paced_at, min(fades, now + min(self.seconds / _LOOK_AGAIN, _LONGEST_LOOK)))

    def _bulk_share(self, now: float, least: int) -> tuple[int, float]:
        """How much of the window bulk calls may have, and when the next one may leave at the earliest.

        Beside interactive calls they leave evenly. So there is always one about to fade, and an interactive call that
        was not expected waits for that one, not until the window's whole content fades at once.
        """
        reserved = max(self.reserve(now), min(least, self.limit // 2))
        if not reserved:
            return self.limit, 0.0
        share = self.limit - reserved
        return share, self._bulk_began + _EVENLY * min(self.seconds / share, _LONGEST_STEP)

    def reserve(self, now: float) -> int:
        """Requests of the window for interactive calls: as many as they used lately, and at most half of it."""
        in_window = self.under_way + len(self._fading) - self._bulk_under_way - len(self._bulk)
        since = self._fading[0] if self._fading else now
        needed = self._demand.expected(self.started_interactive, in_window, since, now, self.seconds)
        return min(self.limit // 2, needed)

    def change(self, limit: int, seconds: float) -> None:
        """Have another limit and length from now on; what was counted is counted for the new length."""
        if seconds != self.seconds or are_many(limit, seconds) != are_many(self.limit, seconds):
            self._fading = moments(limit, seconds, chain(self._faded, self._fading))
            self._faded = moments(limit, seconds)
            self._foreign = moments(limit, seconds, self._foreign)
            self._bulk = moments(limit, seconds, self._bulk)
        self.limit = limit
        self.seconds = seconds

    def start(self, now: float, *, bulk: bool) -> None:
        """Count a request that leaves."""
        self.under_way += 1
        if bulk:
            self._bulk_under_way += 1
            self._bulk_began = now
        else:
            self.started_interactive += 1

    def cancel(self, *, bulk: bool) -> None:
        """Count no longer a request that was to leave and did not."""
        self.under_way -= 1
        if bulk:
            self._bulk_under_way -= 1
        else:
            self.started_interactive -= 1

    def finish(self, now: float, *, bulk: bool) -> None:
        """Let a request fade: its response came, or none will. The server may have counted it until just now."""
        self.under_way -= 1
        self._fading.append(now)
        if self._foreign:
            self._heard = now
        if bulk:
            self._bulk_under_way -= 1
            self._bulk.append(now)

    def finish_all(self, now: float) -> None:
        """Let all requests fade that are under way: nobody is left who could report their responses."""
        self._fading.extend(repeat(now, self.under_way))
        self._bulk.extend(repeat(now, self._bulk_under_way))
        self.under_way = self._bulk_under_way = 0

    def count_foreign(self, counted: int, began: float, now: float) -> None:
        """Learn from a response how many requests the server counted; its own request began at `began`.

        What cannot be ours is of other clients. More of these than the server counted there cannot be.
        """
        if now - began > self.seconds:
            # The server counted in a window of which nothing is left.
            return
        ours = self.under_way + len(self._fading)
        if counted <= ours and not self._foreign:
            return
        before = began - self.seconds
        for ended in reversed(self._faded):
            if ended <= before:
                break
            ours += 1
        self._drop_foreign(now)
        foreign = counted - ours
        if foreign > 0:
            self._heard = now
        if foreign > len(self._foreign):
            self._foreign.extend(repeat(now, foreign - len(self._foreign)))
        while len(self._foreign) > max(counted - 1, 0) and self._foreign[0] < began:
            self._foreign.popleft()

    def is_idle(self, now: float) -> bool:
        """True if nothing is counted."""
        return not self.under_way and self.free(now) >= self.limit

    def _fade(self, now: float) -> None:
        fading, faded, seconds = self._fading, self._faded, self.seconds
        while fading and fading[0] + seconds <= now:
            faded.append(fading.popleft())
        while faded and faded[0] + 2 * seconds <= now:
            faded.popleft()

    def _drop_foreign(self, now: float) -> None:
        foreign = self._foreign
        while foreign and foreign[0] + self.seconds <= now:
            foreign.popleft()

    def _asks_again_at(self) -> float:
        """When one request may ask whether other clients still fill the window; infinity while ours do."""
        if self.under_way or len(self._fading) >= self.limit:
            return math.inf
        return self._heard + _ASK_AGAIN


class ReportedLimit(NamedTuple):
    """A window as headers report it that can be kept: its length is known, and it lets through what is worth it."""

    limit: int
    seconds: float
    remaining: int | None


def parse_headers(headers: Mapping[str, str]) -> ReportedLimit | None:
    """The limit that Commerce Layer's headers report; None without one that can be kept."""
    return choose(COMMERCE_LAYER.rates.dialect(headers, 0.0))[0]


def choose(reported: Iterable[ReportedWindow]) -> tuple[ReportedLimit | None, ReportedWindow | None]:
    """Of the windows that headers report, the one to keep, and the one to count down; None where there is none.

    What is kept is the window of the slowest pace. A window of more than an hour cannot be kept, nor can a limit of
    less than a request in ten seconds, which would stop every session of the origin for its window. Of those that
    cannot, the one that has the fewest requests left is counted down, if it is told until when.
    """
    kept: ReportedLimit | None = None
    counted: ReportedWindow | None = None
    for window in reported:
        limit = _keepable(window.limit, window.seconds, window.remaining)
        if limit is not None:
            if kept is None or limit.limit * kept.seconds < kept.limit * limit.seconds:
                kept = limit
        elif window.resets_in is not None and window.remaining is not None:
            counted = min(counted or window, window, key=_left)
    return kept, counted


def reported_of(reported: Iterable[ReportedWindow], limit: int, seconds: float) -> ReportedLimit | None:
    """What headers report of the declared window that is so long; None if nothing of it.

    Of several that are so long the lowest limit counts, and the least that is left. What is above all measure is not
    believed, nor is less than a request in ten seconds, unless that is declared.
    """
    found = [one for one in reported if one.seconds == seconds]
    limits = [one.limit for one in found if one.limit is not None]
    told = min(limits, default=limit)
    if not found or not min(limit, seconds / _LEAST_PACE) <= told <= _SANE_LIMIT:
        return None
    return ReportedLimit(
        told, seconds, min((one.remaining for one in found if one.remaining is not None), default=None)
    )


@lru_cache(maxsize=512)  # a server repeats the same headers, and counts down in one of them
def _keepable(limit: int | None, seconds: float | None, remaining: int | None) -> ReportedLimit | None:
    if limit is None or seconds is None or limit > _SANE_LIMIT or seconds > min(_SANE_SECONDS, _LEAST_PACE * limit):
        return None
    return ReportedLimit(limit, seconds, remaining)


def _left(window: ReportedWindow) -> float:
    return math.inf if window.remaining is None else window.remaining


def next_limit(now: int, reported: int, *, most: int | None) -> int:
    """The limit after a response reported one: at once where it is lower, step by step where it is higher.

    A mistaken header would else cost a refusal. `most` is the configured limit, which is never exceeded; None where
    none is.
    """
    if reported <= now:
        return reported
    goal = reported if most is None else min(reported, most)
    return max(now, min(goal, now + max(1, int(now * _STEP_UP))))
