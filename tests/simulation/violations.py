"""The invariants that hold whatever happens, and what was seen to break them."""

from collections.abc import Iterable
from enum import Enum

import attrs


class Invariant(Enum):
    """What must hold after each run."""

    ENDS = "every await ends by its deadline, with a result, a typed error or cancellation"
    WINDOWS = "the service's windows are never broken by our doing, and at saturation they are used"
    TOKENS = "nobody reads with another's token"
    LEAVES_NOTHING = "no lease, connection, waiter, task or timer is left; after close nothing is sent"
    EACH_ONCE = "each record asked for is given once or named in an error; only what was denied is not found"
    SENT_AS_CHECKED = "what was checked is what is sent, and every way of reading gives the same"


@attrs.frozen
class Violation:
    """One breach of an invariant."""

    invariant: Invariant
    code: str
    """A short name of the symptom, such as `overrun`; the same for every breach that looks alike."""
    context: str
    """In which part of a program: the action's name, or that of a window."""
    detail: str
    """What was seen, with numbers."""
    moment: float

    def __str__(self) -> str:
        return f"[{self.code}] {self.context}: {self.detail} (at {self.moment:.3f} s; {self.invariant.value})"


INVARIANT_OF = {
    "waits-for-ever": Invariant.ENDS,
    "overrun": Invariant.ENDS,
    "untyped-error": Invariant.ENDS,
    "cancelled-by-nobody": Invariant.ENDS,
    "cancellation-ignored": Invariant.ENDS,
    "spins": Invariant.ENDS,
    "close-hangs": Invariant.ENDS,
    "wedged": Invariant.ENDS,
    "locked-out": Invariant.ENDS,
    "average-window": Invariant.WINDOWS,
    "burst-window": Invariant.WINDOWS,
    "token-window": Invariant.WINDOWS,
    "tight-loop": Invariant.WINDOWS,
    "unused-windows": Invariant.WINDOWS,
    "starved": Invariant.WINDOWS,
    "anothers-token": Invariant.TOKENS,
    "wrong-credentials-read": Invariant.TOKENS,
    "revoked-token": Invariant.TOKENS,
    "spent-refresh-token": Invariant.TOKENS,
    "unknown-refresh-token": Invariant.TOKENS,
    "sent-after-close": Invariant.LEAVES_NOTHING,
    "outlives-close": Invariant.LEAVES_NOTHING,
    "open-after-close": Invariant.LEAVES_NOTHING,
    "lease-left": Invariant.LEAVES_NOTHING,
    "task-left": Invariant.LEAVES_NOTHING,
    "timer-left": Invariant.LEAVES_NOTHING,
    "waiter-left": Invariant.LEAVES_NOTHING,
    "request-left": Invariant.LEAVES_NOTHING,
    "loop-error": Invariant.LEAVES_NOTHING,
    "false-not-found": Invariant.EACH_ONCE,
    "lost": Invariant.EACH_ONCE,
    "twice": Invariant.EACH_ONCE,
    "not-asked-for": Invariant.EACH_ONCE,
    "swallowed": Invariant.EACH_ONCE,
    "wrong-value": Invariant.SENT_AS_CHECKED,
    "malformed-request": Invariant.SENT_AS_CHECKED,
}
"""The symptoms that the simulation knows, and what each of them breaks."""


class Violations:
    """What was seen in one run; a symptom that repeats in one context is kept once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Violation] = {}

    def add(self, code: str, context: str, detail: str, moment: float) -> None:
        """Note a breach."""
        key = (code, context)
        if key not in self._seen:
            self._seen[key] = Violation(INVARIANT_OF[code], code, context, detail, moment)

    def all(self) -> tuple[Violation, ...]:
        """All of them, in the order in which they were seen."""
        return tuple(self._seen.values())


def codes_of(violations: Iterable[Violation]) -> frozenset[str]:
    """The symptoms among violations."""
    return frozenset(violation.code for violation in violations)
