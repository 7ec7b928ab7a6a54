"""Faults that are known and not mended yet: a run that shows nothing else passes.

Whoever mends one deletes its entry. A test runs the seeds of each entry and fails once none of them shows it any more.
"""

import re
from collections.abc import Iterable
from typing import Final

import attrs

from .violations import Violation


@attrs.frozen
class Known:
    """A fault, and how it shows."""

    reason: str
    """What is wrong, in one line."""
    symptoms: tuple[tuple[str, str], ...]
    """Codes of violations, and patterns of their contexts."""
    seeds: tuple[int, ...]
    """Some seeds that show it."""

    def explains(self, violation: Violation) -> bool:
        """True if a violation may come from this fault."""
        return any(
            violation.code == code and re.fullmatch(context, violation.context) for code, context in self.symptoms
        )


KNOWN: Final[tuple[Known, ...]] = (
    Known(
        "without a header that reports them and a token that names its mode, limits cannot be known",
        (("burst-window", "(?!shared).*"), ("average-window", "(?!shared).*")),
        (382, 511, 927),
    ),
    Known(
        "a store that hangs keeps a revoked token that was to be removed from it",
        (("revoked-token", ".*"),),
        (126,),
    ),
)
"""What is known, and not mended yet."""


def unexplained(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations that come from no known fault."""
    return tuple(violation for violation in violations if not any(known.explains(violation) for known in KNOWN))
