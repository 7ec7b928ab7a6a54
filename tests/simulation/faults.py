"""What goes wrong with a request and its response: everything is drawn from a seed, a session and a number."""

from collections.abc import Mapping
from random import Random
from typing import Final

import attrs

SILENCE: Final = 15.0
"""Seconds after which the transport gives a silent server up; not so one that sends a byte now and then."""

EVENTS: Final = (
    "slow",  # takes seconds
    "silent",  # never responds, and is given up
    "drips",  # sends a byte now and then, for longer than every deadline
    "reset",  # the connection breaks before the request arrived
    "lost",  # it breaks after the request was counted
    "half",  # it breaks within the body
    "garbled",  # the body is whole, and no JSON
    "bad-gateway",  # an edge responds with 502 in HTML, without the API's headers
    "unavailable",  # 503 with a Retry-After of some seconds
    "absurd",  # 503 with a Retry-After of thirty years
    "error",  # 500 with the API's headers
    "throttled",  # 429 with a Retry-After
    "throttled-bare",  # 429 without
    "throttled-absurd",  # 429 with a Retry-After of thirty years
    "bare",  # the response, without rate headers
)
"""What may happen to one request."""


@attrs.frozen
class Faults:
    """How often what happens, in a thousand requests, and how long a request usually takes."""

    per_thousand: Mapping[str, int] = attrs.field(factory=dict)
    quickest: float = 0.02
    slowest: float = 0.2
    first: str | None = None
    """What happens to the first request of each session, whatever chance says."""

    def draw(self, seed: int, stream: int, number: int) -> "Delivery":
        """What happens to request `number` of a stream of requests."""
        random = Random((seed * 1_000_003 + stream * 7919) * 1_000_003 + number)
        event = self.first if number == 0 and self.first is not None else self._event(random.randrange(1000))
        seconds = self.quickest + random.random() * (self.slowest - self.quickest)
        if number == 0 and self.first is not None:
            # Before any other response.
            seconds = self.quickest / 2
        if event == "slow":
            seconds += 0.5 + random.random() * 12.0
        elif event == "silent":
            seconds = SILENCE
        elif event == "drips":
            seconds = 400.0 + random.random() * 400.0
        return Delivery(event, seconds, random.random(), 1 + random.randrange(5))

    def _event(self, roll: int) -> str:
        for event, share in self.per_thousand.items():
            if roll < share:
                return event
            roll -= share
        return "fine"


@attrs.frozen
class Delivery:
    """What happens to one request."""

    event: str
    seconds: float
    """Until the response is there, or is known not to come."""
    share: float
    """Which part of them pass before the request arrives at the service."""
    retry_after: int


NO_FAULTS: Final = Faults()
"""Nothing goes wrong."""
