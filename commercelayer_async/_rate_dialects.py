"""What response headers report of rate limits, in the dialects that services speak.

No standard came in time. Most services count down in three headers of their own (`X-RateLimit-*`), which tell a reset
and no window; some tell the window and no reset; the drafts of the IETF ("RateLimit header fields for HTTP",
draft-ietf-httpapi-ratelimit-headers) changed their form twice. A dialect is a function from headers to windows:

    dialect                                                           who speaks it
    Names("X-RateLimit-", left="Remaining", reset="Reset")            most; Datadog: window="Period", name="Name" too
    Names("X-Ratelimit-", left="Remaining", window="Interval")        Commerce Layer
    Names("X-PCO-API-Request-Rate-", used="Count", window="Period")   Planning Center, which counts up
    DRAFT_6                                                           Klaviyo, Persona
    DRAFT_7                                                           Postman
    DRAFT_8                                                           drafts 8 to 10
    APP_STORE                                                         App Store Connect
    a function of yours                                               all else

What we never do: raise, whatever a header holds, or believe what cannot be. A number is decimal digits, perhaps with a
fraction. What is not one, is negative, or is out of all proportion counts as not told, and what was told beside it
still holds; a structured field that does not parse is ignored as a whole (RFC 9651, 4.2). Limits that are not of
requests, such as bytes or requests at once, are left out.
"""

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple, cast

import attrs

from ._markers import public
from ._plain import plain
from .errors import ConfigurationError

_log: Final = logging.getLogger("commercelayer_async")

_MOST_REQUESTS: Final = 1_000_000_000
_MOST_SECONDS: Final = 31 * 86_400.0
"""A month: the longest window that services are known to count in."""
_EPOCH: Final = 1e9
"""What resets from here on are moments and not waits: POSIX seconds since 2001, or thirty years."""
_LONGEST_NUMBER: Final = 20
"""Characters; a moment to the microsecond has 17."""
_LONGEST_FIELD: Final = 2000
"""Characters of a structured field; the longest that is known has 100."""


def _requests(value: Any) -> int | None:
    number = _amount(value, _MOST_REQUESTS)
    return None if number is None else int(number)


def _seconds(value: Any) -> float | None:
    return _amount(value, _MOST_SECONDS)


def _amount(value: Any, most: float) -> float | None:
    """A number from 0 to `most`; None for anything else."""
    number = plain(value)
    if type(number) not in (int, float) or not 0 <= number <= most:
        return None
    return float(number)


def _text(value: Any) -> str | None:
    text = plain(value)
    return text if type(text) is str else None


@public("commercelayer_async.service")
@attrs.frozen
class ReportedWindow:
    """One window as headers report it. Each member is None where it was not told, or where it cannot be true."""

    limit: int | None = attrs.field(default=None, converter=_requests)
    """Requests in the window, 1 to 1,000,000,000."""
    seconds: float | None = attrs.field(default=None, converter=_seconds)
    """Length of the window: more than 0, up to 31 days."""
    remaining: int | None = attrs.field(default=None, converter=_requests)
    """Requests that are left in it, 0 to `limit`."""
    resets_in: float | None = attrs.field(default=None, converter=_seconds)
    """Seconds from the response until it begins anew, 0.0 up to 31 days."""
    name: str | None = attrs.field(default=None, converter=_text)
    """What the service calls it."""
    partition: str | None = attrs.field(default=None, converter=_text)
    """Whose requests are counted in it, as the service writes it: the `pk` of the drafts from 8 on."""

    def __attrs_post_init__(self) -> None:
        for name in ("limit", "seconds"):
            if not getattr(self, name):
                object.__setattr__(self, name, None)
        if self.remaining is not None and self.limit is not None and self.remaining > self.limit:
            object.__setattr__(self, "remaining", None)


Dialect = Callable[[Mapping[str, str], float], Sequence[ReportedWindow]]
"""From the headers of a response and the POSIX time of its arrival to the windows that it reports, in no order.

An empty sequence reports nothing. The headers of a response are found by `get` in any case. A function of a caller's
may raise: the first time is logged, and each counts as nothing reported.
"""

BodyWait = Callable[[Any], float | None]
"""From the JSON of a refusal to the seconds that it asks to wait, None if it asks for nothing.

It is for services that say so in the body and not in `Retry-After`, such as Patreon with `retry_after_seconds`. A
function of a caller's may raise, or give what nobody can wait for: the first time is logged, and each counts as nothing
asked for.
"""

LONGEST_WAIT: Final = 10 * 24 * 3600.0
"""Seconds; a server that asks for more has lost its clock."""


@public("commercelayer_async.service")
@attrs.frozen
class Names:
    """The dialect of headers with one number each: `prefix` and a name for each number that a service tells.

    Header names match in any case; of a header that stands there twice the first one counts. Where `left` is not named,
    `used` is: what is left is then the limit less that, and at least 0. `reset` may be seconds, whole or not, or POSIX
    seconds, which are recognized by their size (above 1,000,000,000) and counted from the response's own `Date`.

    Raises `ConfigurationError` for names that are not texts.
    """

    prefix: str
    limit: str = attrs.field(default="Limit", kw_only=True)
    """Requests in a window."""
    left: str | None = attrs.field(default=None, kw_only=True)
    """Requests that are left in it."""
    used: str | None = attrs.field(default=None, kw_only=True)
    """Requests that were made in it."""
    window: str | None = attrs.field(default=None, kw_only=True)
    """Its length in seconds."""
    reset: str | None = attrs.field(default=None, kw_only=True)
    """When it begins anew."""
    name: str | None = attrs.field(default=None, kw_only=True)
    """What the service calls it."""
    _headers: tuple[str | None, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        prefix, limit = _text(self.prefix), _text(self.limit)
        given = (self.left, self.used, self.window, self.reset, self.name)
        others = [None if text is None else _text(text) or "" for text in given]
        if prefix is None or not limit or "" in others:
            raise ConfigurationError('Names takes texts: a prefix such as "X-RateLimit-", and what follows it')
        object.__setattr__(self, "_headers", tuple(name and prefix + name for name in (limit, *others)))

    def __call__(self, headers: Mapping[str, str], wall_time: float) -> Sequence[ReportedWindow]:
        """What the headers report: one window, or none; what is left is nothing without a limit or a reset."""
        get = _any_case(headers) if isinstance(headers, dict) else headers.get
        limit, left, used, window, reset, name = self._headers
        # Written out, since it runs for each response.
        requests = limit and get(limit)
        if requests is None and reset is None:
            return ()
        remaining, spent, seconds = left and get(left), used and get(used), window and get(window)
        length = len(requests or "") + len(remaining or "") + len(spent or "") + len(seconds or "")
        # What is too long for numbers is not kept in memory.
        read = _window if length <= _LONGEST_NUMBER else _window.__wrapped__
        reported = read(requests, remaining, spent, seconds)
        if reset is None and name is None:
            return reported
        resets_in = _resets_in(reset and get(reset), headers, wall_time)
        called = name and get(name)
        if resets_in is None and called is None:
            return reported
        return [attrs.evolve(one, resets_in=resets_in, name=called) for one in reported or (_NOTHING,)]


@lru_cache(maxsize=512)  # a service repeats the same headers, and counts down in one of them
def _window(limit: str | None, left: str | None, used: str | None, seconds: str | None) -> Sequence[ReportedWindow]:
    requests, spent, remaining = _number(limit), _number(used), _number(left)
    if remaining is None and requests is not None and spent is not None:
        remaining = max(0, int(requests) - math.ceil(spent))
    window = ReportedWindow(requests, _number(seconds), remaining)
    return () if window == _NOTHING else (window,)


_NOTHING: Final = ReportedWindow()


def _any_case(headers: Mapping[str, str]) -> Callable[[str], str | None]:
    """What finds a header by its name in any case, where it is not those of a response, which do so by themselves."""
    lower = {name.lower(): text for name, text in headers.items()}
    return lambda name: lower.get(name.lower())


def _number(text: str | None) -> float | None:
    """The number that a text is: decimal digits, perhaps with a fraction."""
    if text is None or len(text) > _LONGEST_NUMBER or not text.isascii():
        return None
    if text.isdigit():
        return float(text)
    whole, _, fraction = text.partition(".")
    return float(text) if whole.isdigit() and (not fraction or fraction.isdigit()) else None


def _resets_in(text: str | None, headers: Mapping[str, str], wall_time: float) -> float | None:
    """Seconds until a reset, whole ones until a moment; 0.0 if it has just passed, None if it did long ago."""
    number = _number(text)
    if number is None or number <= _EPOCH:
        return _seconds(number)
    answered = posix_time(_field(headers, "Date"))
    left = number - (wall_time if answered is None else answered)
    return _seconds(max(0, math.ceil(left))) if left >= -_MOST_SECONDS else None


def posix_time(date: str) -> float | None:
    """POSIX seconds of a date in one of the three forms of headers (RFC 9110, 5.6.7); None for any other text."""
    try:
        moment = parsedate_to_datetime(date)
        # The oldest form names no zone. All are in GMT, wherever this runs.
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


# Structured fields (RFC 9651): lists and dictionaries of bare items with parameters. No draft has inner lists, dates or
# display strings; a field with one does not parse. So little is needed that a library would be one more for everybody.
_KEY: Final = r"[a-z*][a-z0-9_.*-]*"
_ITEM: Final = (
    r'"(?:[ !#-\[\]-~]|\\["\\])*"'  # a string
    r"|-?[0-9]{1,12}\.[0-9]{1,3}|-?[0-9]{1,15}"  # a decimal, an integer
    r"|[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*"  # a token
    r"|:[A-Za-z0-9+/=]*:|\?[01]"  # bytes, a boolean
)
_PARAMETERS: Final = rf"(?:; *{_KEY}(?:=(?:{_ITEM}))?)*"
_MEMBER: Final = re.compile(rf"(?:({_KEY})=)?({_ITEM})({_PARAMETERS})")
_PARAMETER: Final = re.compile(rf"; *({_KEY})(?:=({_ITEM}))?")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


class _Member(NamedTuple):
    """A member of a list or a dictionary. Items are as they were written, so that no string is taken for a number."""

    key: str
    """Of a dictionary's; empty in a list."""
    item: str
    parameters: Mapping[str, str]

    def number(self, name: str) -> float | None:
        """The number that a parameter is."""
        return _number(self.parameters.get(name))


def _members(text: str) -> Sequence[_Member]:
    """The members of a structured field; none if it does not parse."""
    text = text.strip(" ")
    found: list[_Member] = []
    at = 0
    while at < len(text) <= _LONGEST_FIELD:
        member = _MEMBER.match(text, at)
        if member is None:
            return ()
        parameters = {name: value or "?1" for name, value in _PARAMETER.findall(member[3])}
        found.append(_Member(member[1] or "", member[2], parameters))
        comma = _COMMA.match(text, member.end())
        if comma is None:
            return found if member.end() == len(text) else ()
        at = comma.end()
    return ()


def _unquoted(item: str) -> str:
    """The text of a string or a token."""
    return re.sub(r"\\(.)", r"\1", item[1:-1]) if item.startswith('"') else item


def _field(headers: Mapping[str, str], name: str) -> str:
    """All lines of a header, as one (RFC 9110, 5.3)."""
    getall: Callable[[str, Sequence[str]], Sequence[str]] | None = getattr(headers, "getall", None)
    if getall is not None:
        return ", ".join(getall(name, ()))
    return _any_case(headers)(name) or ""


def _policies(members: Iterable[_Member]) -> Iterator[ReportedWindow]:
    """The windows of `100;w=60`: how many requests, in how many seconds (drafts up to 7)."""
    for member in members:
        if _number(member.item) is not None and "w" in member.parameters:
            yield ReportedWindow(_number(member.item), member.number("w"))


def _with_state(policies: Sequence[ReportedWindow], state: ReportedWindow) -> Sequence[ReportedWindow]:
    """The policies, with what is left told of the one that has the same limit; a window of its own where none has."""
    if state == _NOTHING:
        return policies
    for index, policy in enumerate(policies):
        if state.limit is not None and policy.limit == state.limit:
            known = attrs.evolve(policy, remaining=state.remaining, resets_in=state.resets_in)
            return [*policies[:index], known, *policies[index + 1 :]]
    return [*policies, state]


def _draft_6(headers: Mapping[str, str], wall_time: float) -> Sequence[ReportedWindow]:
    limits = _members(_field(headers, "RateLimit-Limit"))
    policies = _policies([*limits, *_members(_field(headers, "RateLimit-Policy"))])
    state = ReportedWindow(
        limit=_number(limits[0].item) if limits else None,
        remaining=_number(_field(headers, "RateLimit-Remaining")),
        resets_in=_resets_in(_field(headers, "RateLimit-Reset"), headers, wall_time),
    )
    return _with_state(list(policies), state)


def _draft_7(headers: Mapping[str, str], wall_time: float) -> Sequence[ReportedWindow]:
    told = {member.key: member.item for member in _members(_field(headers, "RateLimit"))}
    state = ReportedWindow(
        limit=_number(told.get("limit")),
        remaining=_number(told.get("remaining")),
        resets_in=_resets_in(told.get("reset"), headers, wall_time),
    )
    return _with_state(list(_policies(_members(_field(headers, "RateLimit-Policy")))), state)


def _draft_8(headers: Mapping[str, str], _wall_time: float) -> Sequence[ReportedWindow]:
    states = _members(_field(headers, "RateLimit"))
    policies = _members(_field(headers, "RateLimit-Policy"))
    others = {one.item for one in policies if _unquoted(one.parameters.get("qu", "requests")) != "requests"}
    found: list[ReportedWindow] = []
    for policy in policies:
        if policy.item not in others:
            its_own: Sequence[_Member | None] = [state for state in states if _is_of(state, policy)]
            found += [_named(policy, state) for state in its_own or [None]]
    alone = [state for state in states if not any(_is_of(state, policy) for policy in policies)]
    return [*found, *(_named(None, state) for state in alone if state.item not in others)]


def _is_of(state: _Member, policy: _Member) -> bool:
    """True if an item of `RateLimit` is of a policy; of one that names no partition all are."""
    partition = policy.parameters.get("pk")
    return state.item == policy.item and partition in (None, state.parameters.get("pk"))


def _named(policy: _Member | None, state: _Member | None) -> ReportedWindow:
    """The window of a policy, of what is left in it, or of both."""
    told = {**(policy.parameters if policy else {}), **(state.parameters if state else {})}
    limit, seconds, remaining, resets_in = (_number(told.get(name)) for name in "qwrt")
    item = policy or state
    name = _unquoted(item.item) if item is not None else None
    return ReportedWindow(limit, seconds, remaining, resets_in, name, told.get("pk"))


_PAIR: Final = re.compile(r"([a-z]{1,20}-(minute|hour|day))-(lim|rem):([0-9]{1,12})", re.ASCII)
_UNITS: Final = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}


def _app_store(headers: Mapping[str, str], _wall_time: float) -> Sequence[ReportedWindow]:
    found: dict[str, ReportedWindow] = {}
    for pair in _field(headers, "X-Rate-Limit")[:_LONGEST_FIELD].split(";"):
        match = _PAIR.fullmatch(pair.strip(" "))
        if match is not None:
            name, unit, member, number = match.groups()
            window = found.get(name, ReportedWindow(seconds=_UNITS[unit], name=name))
            found[name] = attrs.evolve(window, **{"limit" if member == "lim" else "remaining": float(number)})
    return list(found.values())


DRAFT_6: Final[Dialect] = _draft_6
"""The drafts up to 6: `RateLimit-Limit`, `-Remaining` and `-Reset`, in seconds.

The windows come from `RateLimit-Policy`, and from what follows the limit in `RateLimit-Limit: 3, 3;w=1, 60;w=60`. What
is left is told of the window that has the same limit as comes first there.
"""
DRAFT_7: Final[Dialect] = _draft_7
"""Draft 7: `RateLimit: limit=9, remaining=5, reset=3` and `RateLimit-Policy: 9;w=60, 500;w=3600`."""
DRAFT_8: Final[Dialect] = _draft_8
"""The drafts 8 to 10: `RateLimit: "a";r=5;t=3` and `RateLimit-Policy: "a";q=9;w=60`, each a list.

The two are brought together by name and partition. A policy of another unit (`qu`) than requests is left out, and so is
what is told of it.
"""
APP_STORE: Final[Dialect] = _app_store
"""App Store Connect's: `X-Rate-Limit: user-hour-lim:3500;user-hour-rem:500;`, a rolling hour for each key.

It refuses for reasons of other windows too, which it does not tell.
"""

_MOST_WINDOWS: Final = 64
"""Windows of one response that are looked at."""


@attrs.define(unsafe_hash=True)
class _Guarded:
    """A function of a caller's, of which only windows come through."""

    _dialect: Dialect
    _has_failed: bool = attrs.field(default=False, eq=False)

    def __call__(self, headers: Mapping[str, str], wall_time: float) -> Sequence[ReportedWindow]:
        try:
            reported = cast("Iterable[object]", self._dialect(headers, wall_time))
            return [window for window in islice(reported, _MOST_WINDOWS) if isinstance(window, ReportedWindow)]
        except Exception as error:  # noqa: BLE001 - whatever it raises, the response counts
            if not self._has_failed:
                self._has_failed = True
                _log.warning("rate headers are not read: the dialect raised %s", type(error).__name__)
            return ()


def guarded(dialect: Dialect) -> Dialect:
    """The dialect, so that it never raises: those of this module do not, and of another the first failure is logged.

    Raises `ConfigurationError` for what cannot be called.
    """
    if not callable(dialect):
        raise ConfigurationError("a dialect must be Names(...), DRAFT_6, DRAFT_7, DRAFT_8, APP_STORE or a function")
    if isinstance(dialect, Names | _Guarded) or dialect in (DRAFT_6, DRAFT_7, DRAFT_8, APP_STORE):
        return dialect
    return _Guarded(dialect)


@attrs.define(eq=False)
class _GuardedWait:
    """A function of a caller's, of which only seconds come through."""

    _read: BodyWait
    _has_failed: bool = False

    def __call__(self, body: Any) -> float | None:
        try:
            seconds = plain(self._read(body))
        except Exception as error:  # noqa: BLE001 - whatever it raises, the refusal counts
            self._ignore(f"raised {type(error).__name__}")
            return None
        if seconds is None:
            return None
        if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_WAIT:
            self._ignore("gave what is not a number of seconds that anybody waits for")
            return None
        return float(seconds)

    def _ignore(self, what: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.warning("how long a refusal asks to wait is not read: wait_in_body %s", what)


def guarded_wait(read: BodyWait | None) -> BodyWait | None:
    """What reads a wait from a body, so that it never raises or lies: the first failure is logged.

    Raises `ConfigurationError` for what cannot be called.
    """
    if read is None or isinstance(read, _GuardedWait):
        return read
    if not callable(read):
        raise ConfigurationError("Rates.wait_in_body must be a function from the JSON of a refusal to seconds")
    return _GuardedWait(read)
