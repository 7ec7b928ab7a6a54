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
        "the key of a stored token leaves out who asks, so that one user reads with another's token",
        (("anothers-token", ".*"), ("wrong-credentials-read", ".*")),
        (2, 12, 35),
    ),
    Known("a revoked token stays in the store", (("revoked-token", ".*"),), (62, 126, 440)),
    Known(
        "a store is read at the start alone, so that a spent refresh token is sent again and again",
        (("spent-refresh-token", ".*"), ("locked-out", "password|jwt|refresh|code")),
        (1254, 1258, 1542),
    ),
    Known(
        "the token response is masked before it is parsed, also by a password that is a word of it",
        (("unknown-refresh-token", ".*"), ("locked-out", "password|jwt|refresh|code")),
        (104, 122, 127),
    ),
    Known(
        "a token request has no bound: a store that hangs or an endpoint that drips holds all calls",
        (
            ("wedged", "probe"),
            ("request-left", "network"),
            ("overrun", "revoke"),
            ("waits-for-ever", "get|list|iterate|scan|first|count|get_many|prefetch"),
        ),
        (52, 82, 83),
    ),
    Known(
        "an absurd Retry-After of a 503 is waited for where no time-out ends the call",
        (("waits-for-ever", ".*"), ("waiter-left", "hooks")),
        (638, 7782, 9340),
    ),
    Known(
        "a store that returns something else than a token ends calls untyped", (("untyped-error", ".*"),), (127, 599)
    ),
    Known(
        "the budget of the API ends with the last session that used it",
        (("average-window", ".*"), ("burst-window", ".*")),
        (8, 58, 60),
    ),
    Known("the budget of the token endpoint ends with each request", (("token-window", ".*"),), (31, 49, 69)),
    Known(
        "where no response has named the limits, they count as none",
        (("average-window", ".*"), ("burst-window", ".*")),
        (307, 315, 394),
    ),
    Known("a burst grows with an average that is reported", (("burst-window", ".*"),), (136, 193, 348)),
    Known("test and live tokens share one budget", (("burst-window", ".*"),), (64, 909, 982)),
    Known("bulk reads leave a window's last request unused", (("unused-windows", ".*"),), (21, 54, 132)),
    Known("interactive calls beside a bulk read find no room", (("starved", ".*"),), (79, 420, 597)),
    Known(
        "after a refusal, a caller's limiter that has no pause is asked in a tight loop",
        (("tight-loop", "own limiter"),),
        (439, 537, 578),
    ),
    Known(
        "those who wait for a batch wait for ever where it dies of an error of the caller's",
        (("waits-for-ever", "relationship"),),
        (371, 403, 457),
    ),
    Known(
        "what follows a batch or a link that failed begins with a fresh time-out",
        (("overrun", "relationship|get_many|prefetch"),),
        (16, 142, 155),
    ),
    Known(
        "a stream whose iteration was cancelled or left has lost what it had taken",
        (("lost", "stream"),),
        (1, 4, 24),
    ),
    Known(
        "a stream whose source of ids is cancelled ends as if it were complete, or never",
        (("swallowed", "stream"), ("waits-for-ever", "stream"), ("lost", "stream")),
        (1, 230, 895),
    ),
    Known(
        "what a page that was cut short does not hold is called not found",
        (("false-not-found", "get_many|stream|prefetch"),),
        (17, 50, 116),
    ),
    Known(
        "the 404 of a link hides why reading through the parent failed",
        (("false-not-found", "relationship"),),
        (382, 585, 748),
    ),
    Known("get_many cannot name a failed id that is no text", (("untyped-error", "get_many"),), (66, 189, 281)),
)
"""What is known, and not mended yet."""


def unexplained(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """The violations that come from no known fault."""
    return tuple(violation for violation in violations if not any(known.explains(violation) for known in KNOWN))
