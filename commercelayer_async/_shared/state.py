"""What a store keeps of a budget, what is asked of it, and what it answers.

A budget is that of an origin, a mode and a class of routes. All of it is plain numbers and texts, so that a file and a
script in a server keep the same. Moments and durations are whole microseconds: sums of them are exact in Python and in
Lua, whose numbers are floats. Zero stands for none, since Lua forgets what is nil.

Moments are of the store's clock. Only durations come from members, and only durations go to them.
"""

from typing import Final, NamedTuple

import msgspec

VERSION: Final = 1
"""Of the state and of the step. A store with another one is not believed."""

SECOND: Final = 1_000_000
"""Microseconds."""


class Pair(NamedTuple):
    """The limits of a class of routes: requests and microseconds, of the average and of each endpoint's burst."""

    limit: int = 0
    span: int = 0
    burst: int = 0
    burst_span: int = 0


class Window(msgspec.Struct):
    """When requests ended, oldest first, for as long as two windows."""

    interactive: list[int] = []
    bulk: list[int] = []


class UnderWay(msgspec.Struct):
    """A request that may have left, and of which no response is known."""

    member: str
    type: str
    bulk: int
    began: int
    pauses: int
    """Pauses before it left: a refusal from before the last one is no news."""


class Waiter(msgspec.Struct):
    """What a member waits for at one endpoint."""

    type: str
    since: int
    """When it came, or was last given a part of what it wants."""
    given: int
    """Thousandths of places that its member was given then or shortly before: by so many turns others go first."""
    due: int
    """When it was told to come back."""
    interactive: int
    bulk: int
    limited: int = 0
    """1 if limits of its own keep it back: until it is due it keeps nothing from others."""


class Member(msgspec.Struct):
    """A process, or an event loop in it."""

    seen: int
    number: int
    """Of its last step, which is answered again if it is asked again."""
    answer: list[int]
    served: int = 0
    """When it was last given a place."""
    given: int = 0
    """Thousandths of places that it was given then or shortly before."""


class State(msgspec.Struct):
    """All that is known of a budget."""

    version: int = VERSION
    epoch: int = 0
    """When the store began to know of the budget: another one means that it has forgotten."""
    now: int = 0
    known: int = 0
    """1 as soon as limits are known, or that there are none."""
    limit: int = 0
    span: int = 0
    burst: int = 0
    burst_span: int = 0
    most_burst: int = 0
    """The documented burst: a higher average does not say that more may leave at once."""
    longest: int = 0
    """The longest window that anybody counts in."""
    gate: int = 0
    """Until when nothing leaves."""
    refusals: int = 0
    pauses: int = 0
    probe: str = ""
    """The request that goes first after a pause."""
    probed: int = 0
    paced: int = 0
    """Up to when bulk requests have left, where they leave evenly."""
    heard: int = 0
    """When a response last came while strangers had places."""
    foreign: list[int] = []
    """When requests of strangers were learned of."""
    average: Window = msgspec.field(default_factory=Window)
    bursts: dict[str, Window] = {}
    under_way: dict[str, UnderWay] = {}
    waiting: dict[str, Waiter] = {}
    """By member and endpoint."""
    members: dict[str, Member] = {}


class Settled(msgspec.Struct):
    """A request that ended: its response came, or none will."""

    id: str
    type: str
    bulk: int
    ago: int = 0
    """Microseconds since."""
    status: int = 0
    """0 where there was no response."""
    asked: int = -1
    """Microseconds that the server asks to wait; -1 where it does not."""
    chance: int = 0
    """0 to 1000, for spreading waits."""
    report: list[int] = []
    """The limits that headers report, as in `Pair`, and what is left or -1; a limit of 0 says that there are none."""


class Held(msgspec.Struct):
    """A request that is under way, for a store that may not know of it."""

    id: str
    type: str
    bulk: int


class Request(msgspec.Struct):
    """What a member asks in one step."""

    member: str
    number: int
    epoch: int = 0
    """The one that the member knows, 0 if it knows none: a member of another epoch gets nothing before it is told."""
    documented: list[int] = []
    """The limits to begin with, as in `Pair`."""
    ceilings: list[list[int]] = []
    """Limits as configured, as in `Pair`: for this member alone, beside those that all know."""
    concurrent: int = 0
    """Requests under way at most, while no limits are known; 0 for any number."""
    type: str = ""
    interactive: int = 0
    bulk: int = 0
    settled: list[Settled] = []
    released: list[str] = []
    held: list[Held] = []
    lifts_average: int = 0
    """1 if the member was configured to have no limit there, whatever is known of the server's."""
    lifts_burst: int = 0
    """The same of bursts."""
    paused: int = 0
    """Microseconds for which nothing is to leave: the server refused a request that is counted in another budget."""
    leaves: int = 0
    """1 if the member goes and has nothing under way any more."""


class Answer(NamedTuple):
    """What a step decided, and what is known after it."""

    interactive: int = 0
    bulk: int = 0
    wait: int = 0
    """Microseconds after which to ask again, if more was wanted than given."""
    epoch: int = 0
    age: int = 0
    """Microseconds since the epoch began."""
    members: int = 1
    known: int = 0
    limit: int = 0
    span: int = 0
    burst: int = 0
    burst_span: int = 0
    free: int = 0
    """Requests that the average lets leave now."""
    closed_for: int = 0
    """Microseconds until the end of a pause."""
    waiting: int = 0
    """Requests of all other members that wait."""


def lease_id(member: str, number: int, index: int) -> str:
    """The name of a place: the how-many-th of which step of which member, counted from 1."""
    return f"{member}.{number}.{index}"
