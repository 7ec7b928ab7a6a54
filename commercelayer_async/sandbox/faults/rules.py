"""Faults to order: what may go wrong with an answer, and with which answers it does.

```python
sandbox.faults.add(Answer.html(502), times=3, where="/api/customers")
sandbox.faults.add(Reset())
sandbox.faults.randomly(rate=0.05, seed=7)
```

Nothing goes wrong unless it is asked for. A request has one fault at most: the rules are asked in the order in
which they were added, chance last. Faults strike behind the rate limits: a request that is refused as one too
many gets its 429 and uses up no fault.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, Protocol, TypeAlias

import attrs

from ..http.negotiation import MEDIA_TYPE
from ..http.request_log import ReceivedRequest
from ..refusals import Refusal, invalid_token, too_many_requests

Headers: TypeAlias = Sequence[tuple[str, str]]
Where: TypeAlias = str | Callable[[ReceivedRequest], bool] | None
"""The beginning of the target as it is on the wire, or whatever tells requests apart; None for all of them."""


class Waitable(Protocol):
    """A `Gate`, or an `asyncio.Event` of the loop that the sandbox runs in."""

    async def wait(self) -> object:
        """Return when answers may go on."""
        ...


@attrs.frozen
class Answer:
    """Another answer; the request is not looked at any further, so it changes nothing either."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    """Beside, or in the place of, those that every answer has. A name may come twice."""

    @property
    def name(self) -> str:
        """`status_502`."""
        return f"status_{self.status}"

    @classmethod
    def errors(cls, status: int, *, code: str = "SANDBOX_FAULT", detail: str = "A fault was asked for.") -> "Answer":
        """An errors document of the Core API."""
        return cls._from_refusal(Refusal(status, code, code.replace("_", " ").capitalize(), detail))

    @classmethod
    def html(cls, status: int) -> "Answer":
        """The page of a proxy."""
        page = f"<html>\n<head><title>{status}</title></head>\n<body><h1>{status}</h1></body>\n</html>\n"
        return cls(status, page.encode(), (("Content-Type", "text/html"),))

    @classmethod
    def empty(cls, status: int) -> "Answer":
        """No body."""
        return cls(status)

    @classmethod
    def invalid_token(cls) -> "Answer":
        """401 INVALID_TOKEN, though the token stays good. `ExpireTokens` ends it for real."""
        return cls._from_refusal(invalid_token())

    @classmethod
    def too_many(cls, *, retry_after: str | int | None = None) -> "Answer":
        """429, with a `Retry-After` of any text if there is to be one."""
        headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
        return cls._from_refusal(too_many_requests(), headers)

    @classmethod
    def _from_refusal(cls, refusal: Refusal, headers: Headers = ()) -> "Answer":
        return cls(refusal.status, json.dumps(refusal.body()).encode(), (("Content-Type", MEDIA_TYPE), *headers))


@attrs.frozen
class Replace:
    """The answer as it would have been, with another body or other headers; lengths stay true."""

    body: bytes | None = None
    """None leaves the body."""
    headers: Headers = ()
    """In the place of those of the same names. A name may come twice."""

    @property
    def name(self) -> str:
        """`replaced`."""
        return "replaced"


@attrs.frozen
class Reset:
    """The answer is made, and then the connection reset (TCP RST)."""

    after: float | None = None
    """How much of the body leaves before: a share from 0 to 1. None resets before the headers."""

    @property
    def name(self) -> str:
        """`reset`, or `reset_in_body`."""
        return "reset" if self.after is None else "reset_in_body"


@attrs.frozen
class Truncate:
    """The connection is closed in good order before the end of the body that `Content-Length` promised."""

    after: float = 0.5
    """How much of the body leaves: a share from 0 to 1, never all of it."""

    @property
    def name(self) -> str:
        """`truncated`."""
        return "truncated"


@attrs.frozen
class ExpireTokens:
    """Every access token handed out so far ends just before the request is looked at."""

    @property
    def name(self) -> str:
        """`expired_tokens`."""
        return "expired_tokens"


Immediate: TypeAlias = Answer | Replace | Reset | Truncate | ExpireTokens


@attrs.frozen
class Delay:
    """The answer is made at once, as the world is then, and sent later."""

    seconds: float = 0.0
    until: Waitable | None = None
    """What it waits for beside the seconds."""
    then: Immediate | None = None
    """What happens to the answer besides."""

    @property
    def name(self) -> str:
        """`delayed`, and what comes then: `delayed_reset`."""
        return f"delayed_{self.then.name}" if self.then else "delayed"


Fault: TypeAlias = Immediate | Delay

MIXED: Final[tuple[Fault, ...]] = (
    Answer.too_many(),
    Answer.html(502),
    Reset(),
    Truncate(),
    ExpireTokens(),
)
"""What goes wrong at random unless something else is asked for."""


@attrs.define
class Rule:
    """A fault for the next requests that it fits."""

    fault: Fault
    where: Where
    left: int | None
    """How many times it will still happen; None for ever."""
    happened: int = 0
    """How many times it did."""

    def try_use(self, request: ReceivedRequest) -> bool:
        """Whether it happens to *request*; then it is used up by one."""
        if self.left == 0 or not _fits(request, self.where):
            return False
        self.left = None if self.left is None else self.left - 1
        self.happened += 1
        return True


@attrs.frozen
class _RandomFaults:
    rate: float
    where: Where
    kinds: Sequence[Fault]
    random: Random

    def pick(self, request: ReceivedRequest) -> Fault | None:
        """A fault for some requests: which ones depends on the seed and on how many came before."""
        if not _fits(request, self.where) or self.random.random() >= self.rate:
            return None
        return self.random.choice(self.kinds)


class Faults:
    """Which faults happen to which requests.

    Rules may be added and cleared while requests come in, from any thread.
    """

    counts: Counter[str]
    """How many faults were injected, by their names."""

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = ()
        self._random_faults: tuple[_RandomFaults, ...] = ()
        self.counts = Counter()

    def add(self, fault: Fault, *, times: int | None = 1, where: Where = None) -> Rule:
        """Let *fault* happen to the next requests that fit, *times* in all; None for ever.

        Returns:
            the rule, which tells how often it has happened.
        """
        rule = Rule(fault, where, times)
        self._rules = (*(rule for rule in self._rules if rule.left != 0), rule)
        return rule

    def randomly(self, *, rate: float, seed: int, where: Where = None, kinds: Sequence[Fault] = MIXED) -> None:
        """Let one of *kinds* happen to a share of the requests that fit. Equal seeds give equal sequences.

        Args:
            rate: how many requests it happens to, from 0 for none to 1 for all.
            seed: what chance depends on.
            where: the requests it may happen to.
            kinds: equally likely each; by default 429, 502 in HTML, a reset, a truncated body, expired tokens.
        """
        self._random_faults = (*self._random_faults, _RandomFaults(rate, where, tuple(kinds), Random(seed)))  # noqa: S311 - not secret

    def clear(self) -> None:
        """Let nothing go wrong any more. What was counted stays."""
        self._rules = self._random_faults = ()

    def pick(self, request: ReceivedRequest) -> Fault | None:
        """The fault that happens to *request*; the server asks once for each."""
        fault = next((rule.fault for rule in self._rules if rule.try_use(request)), None)
        if fault is None:
            fault = next((drawn for some in self._random_faults if (drawn := some.pick(request))), None)
        if fault is not None:
            self.counts[fault.name] += 1
        return fault


def _fits(request: ReceivedRequest, where: Where) -> bool:
    match where:
        case None:
            return True
        case str():
            return request.raw_path.startswith(where)
        case _:
            return where(request)
