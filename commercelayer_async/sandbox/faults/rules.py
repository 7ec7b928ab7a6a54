"""Which requests get which fault.

```python
sandbox.faults.add(Answer.html(502), times=3, where="/api/customers")
sandbox.faults.add(Reset())
sandbox.faults.randomly(rate=0.05, seed=7)
```

Nothing goes wrong unless it is asked for. A request gets one fault at most: the rules are tried in the order in which
they were added, random faults last. Rate limits come before faults: a request that is refused as over a limit gets its
429 and uses up no fault.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

import attrs

from ..http.request_log import ReceivedRequest
from .checks import require_effect, require_effects, require_seed, require_share, require_times, require_where
from .effects import FAULTS, Answer, ExpireTokens, Fault, Reset, Truncate

Where: TypeAlias = str | Callable[[ReceivedRequest], bool] | None
"""Which requests: those whose `raw_path` begins with a text, those for which a function gives True, or (None) all."""

MIXED: Final[tuple[Fault, ...]] = (
    Answer.too_many(),
    Answer.html(502),
    Reset(),
    Truncate(),
    ExpireTokens(),
)
"""The faults of `Faults.randomly` by default."""


@attrs.define
class Rule:
    """A fault for the next requests that match."""

    fault: Fault
    where: Where
    left: int | None
    """How many times it will still happen; None for no end."""
    happened: int = 0
    """How many times it has happened."""

    def try_use(self, request: ReceivedRequest) -> bool:
        """Use the rule once if it is not used up and *request* matches; tell whether it was used."""
        if self.left == 0 or not _matches(request, self.where):
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
        """Give some requests a fault. Which ones depends on the seed and on how many matched before."""
        if not _matches(request, self.where) or self.random.random() >= self.rate:
            return None
        return self.random.choice(self.kinds)


class Faults:
    """The faults of a sandbox: which request gets which.

    Rules may be added and cleared from any thread, while requests come in.
    """

    counts: Counter[str]
    """How many faults were injected, by name."""

    def __init__(self) -> None:
        # Tuples that are replaced and never changed, so that the server's thread always reads a whole one.
        self._rules: tuple[Rule, ...] = ()
        self._random_faults: tuple[_RandomFaults, ...] = ()
        self.counts = Counter()

    def add(self, fault: Fault, *, times: int | None = 1, where: Where = None) -> Rule:
        """Give *fault* to the next requests that match.

        Args:
            fault: What goes wrong.
            times: How many requests get it; None for all from now on.
            where: Which requests match: the beginning of their path and query as they were sent, or a function.

        Returns:
            the rule, which counts how often it happened.

        Raises:
            TypeError: an argument has a wrong type, such as the class of a fault in place of an instance.
            ValueError: *times* is less than 1, or *where* cannot be the beginning of a path.
        """
        require_effect("fault", fault, FAULTS)
        require_times(times)
        require_where(where)
        rule = Rule(fault, where, times)
        self._rules = (*(rule for rule in self._rules if rule.left != 0), rule)
        return rule

    def randomly(self, *, rate: float, seed: int, where: Where = None, kinds: Sequence[Fault] = MIXED) -> None:
        """Give a random share of the requests that match one of several faults.

        Args:
            rate: The share that gets one, from 0 for none to 1 for all.
            seed: Equal seeds give equal sequences of faults.
            where: Which requests match, as in `add`.
            kinds: The faults, each equally likely; by default 429, 502 in HTML, a reset, a truncated body, expired
                tokens.

        Raises:
            TypeError: an argument has a wrong type.
            ValueError: *rate* is not from 0 to 1, *where* cannot be the beginning of a path, or there are no *kinds*.
        """
        require_share("rate", rate)
        require_seed(seed)
        require_where(where)
        require_effects("kinds", kinds, FAULTS)
        random = Random(seed)  # noqa: S311 - reproducible on purpose, nothing here is secret
        self._random_faults = (*self._random_faults, _RandomFaults(rate, where, tuple(kinds), random))

    def clear(self) -> None:
        """Let nothing go wrong any more. `counts` stays."""
        self._rules = self._random_faults = ()

    def pick(self, request: ReceivedRequest) -> Fault | None:
        """Decide which fault *request* gets, and count it; None for none. The server asks once for each request."""
        fault = next((rule.fault for rule in self._rules if rule.try_use(request)), None)
        if fault is None:
            picks = (random_faults.pick(request) for random_faults in self._random_faults)
            fault = next((picked for picked in picks if picked), None)
        if fault is not None:
            self.counts[fault.name] += 1
        return fault


def _matches(request: ReceivedRequest, where: Where) -> bool:
    match where:
        case None:
            return True
        case str():
            return request.raw_path.startswith(where)
        case _:
            return where(request)
