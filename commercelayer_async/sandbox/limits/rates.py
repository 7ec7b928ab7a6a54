"""The limits of a sandbox, and the reports on what arrived.

Each budget has an average window over all its endpoints, and a burst window for each of them. Two things are not
published, and so are options: whether a refused request counts too, and whether a refusal has a `Retry-After`.
"""

from typing import Final, Literal

import attrs

from ..._markers import public
from ..viewer import Mode
from .rate_classes import Budget


@public("commercelayer_async.sandbox")
@attrs.frozen
class Limit:
    """A sliding-window limit: at most `requests` in any `seconds`."""

    requests: int
    seconds: float


@public("commercelayer_async.sandbox")
@attrs.frozen
class Limits:
    """The limits of one budget."""

    average: Limit
    """Over all endpoints of the budget."""
    burst: Limit | None = None
    """For each single endpoint; None for no such limit."""

    def scaled(self, factor: float) -> "Limits":
        """Copy the limits, with all seconds divided by *factor*."""
        burst = self.burst and attrs.evolve(self.burst, seconds=self.burst.seconds / factor)
        return Limits(attrs.evolve(self.average, seconds=self.average.seconds / factor), burst)


_TOKEN: Final = Limits(Limit(30, 60.0))


@public("commercelayer_async.sandbox")
@attrs.frozen(kw_only=True)
class Rates:
    """The limits of all budgets, and what happens to a request that is over one.

    `Rates.live()`, `Rates.test()` and `Rates.off()` have the published numbers; `attrs.evolve` changes them.
    """

    uncacheable: Limits
    """For reads of all types but the cacheable ones; wallets are among these."""
    cacheable: Limits
    """For reads of the few types that the API calls cacheable, such as `skus` and `prices`."""
    write: Limits
    """For POST, PATCH, PUT and DELETE."""
    token: Limits = _TOKEN
    """For requests for tokens."""
    enforced: bool = True
    """Whether a request that is over a limit is answered with 429. The reports are the same either way."""
    reported: bool = True
    """Whether `X-Ratelimit-*` headers report the average window.

    A client that heeds them waits for room, even if nothing is enforced.
    """
    count_refused: bool = False
    """Whether a refused request counts against the limits too. What the API does is not known."""
    retry_after: bool = False
    """Whether a refusal has a `Retry-After` in whole seconds, 1 or more. The API does not promise it."""

    @classmethod
    def live(cls, *, count_refused: bool = False, retry_after: bool = False) -> "Rates":
        """Enforce the limits of the live mode."""
        few, many = Limits(Limit(200, 60.0), Limit(50, 10.0)), Limits(Limit(1000, 60.0), Limit(250, 10.0))
        return cls(uncacheable=few, cacheable=many, write=few, count_refused=count_refused, retry_after=retry_after)

    @classmethod
    def test(cls, *, count_refused: bool = False, retry_after: bool = False) -> "Rates":
        """Enforce the limits of the test mode."""
        few, many = Limits(Limit(100, 60.0), Limit(25, 10.0)), Limits(Limit(500, 60.0), Limit(125, 10.0))
        return cls(uncacheable=few, cacheable=many, write=few, count_refused=count_refused, retry_after=retry_after)

    @classmethod
    def off(cls, mode: Literal["test", "live"] = "test") -> "Rates":
        """Only count against the limits of a mode, `test` or `live`: no headers, no refusals."""
        return attrs.evolve(cls._of(mode), enforced=False, reported=False)

    @classmethod
    def report_only(cls, mode: Literal["test", "live"] = "test") -> "Rates":
        """Count against the limits of a mode, `test` or `live`, and report them in headers, without refusals."""
        return attrs.evolve(cls._of(mode), enforced=False)

    @classmethod
    def _of(cls, mode: str) -> "Rates":
        return cls.live() if Mode(mode) is Mode.LIVE else cls.test()

    def scaled(self, factor: float) -> "Rates":
        """Copy the limits, with windows *factor* times as short.

        `Rates.test().scaled(100)` allows 25 requests in 0.1 s and 100 in 0.6 s, so that a test of a client's waiting
        takes little time. `X-Ratelimit-Interval` may be a fraction then, which the API never sends.

        Raises:
            ValueError: *factor* is not above 0.
        """
        if not factor > 0:
            raise ValueError(f"factor is {factor}; windows can only be divided by a number above 0")
        return attrs.evolve(
            self,
            uncacheable=self.uncacheable.scaled(factor),
            cacheable=self.cacheable.scaled(factor),
            write=self.write.scaled(factor),
            token=self.token.scaled(factor),
        )

    def of(self, budget: Budget) -> Limits:
        """Give the limits of *budget*."""
        match budget:
            case Budget.TOKEN:
                return self.token
            case Budget.CACHEABLE:
                return self.cacheable
            case Budget.UNCACHEABLE:
                return self.uncacheable
            case Budget.WRITE:
                return self.write


@public("commercelayer_async.sandbox")
@attrs.frozen(kw_only=True)
class WindowReport:
    """What arrived in one rate window, as the server counted it."""

    budget: str
    """`uncacheable`, `cacheable`, `write` or `token`."""
    endpoint: str | None
    """The resource type, if it is the burst window of an endpoint; None if it is the average window of the budget."""
    limit: int
    """How many requests the window allows."""
    seconds: float
    """How long it is."""
    requests: int
    """How many arrived in all, refused ones included."""
    worst: int
    """The most that arrived in any stretch of `seconds`, refused ones included."""
    refused: int
    """How many were refused because this window was full."""
    address: str = ""
    """The IP address of the client: each has windows of its own."""

    @property
    def exceeded(self) -> bool:
        """Whether more arrived at some time than the limit allows."""
        return self.worst > self.limit
