"""What a member of a budget knows of it beforehand, as values and as a store takes them."""

import attrs

from .._limits.windows import Limits
from ..service import Rates, RequestsInSeconds
from .state import SECOND, Pair


@attrs.frozen
class Terms:
    """What a member knows of its budget beforehand."""

    facts: Rates
    documented: Limits | None = None
    """The limits of the token's mode; None where headers are waited for."""
    ceilings: tuple[Limits, ...] = ()
    """Limits as configured: where one is None, those of the service are not kept either."""
    declared: tuple[RequestsInSeconds, ...] = ()
    """Windows over all of the budget that the service declares."""

    def pairs(self) -> tuple[list[int], list[list[int]]]:
        """The same as a store takes them; those of declared windows are the last ones."""
        documented = pair_of(self.documented) if self.documented is not None else None
        own = (*self.ceilings, *(Limits(one, None) for one in self.declared))
        return list(documented or ()), [list(pair_of(one)) for one in own]

    @property
    def lifts_average(self) -> bool:
        """True if there is to be no limit over all endpoints but those that are configured."""
        return any(one.average is None for one in self.ceilings)

    @property
    def lifts_burst(self) -> bool:
        """The same of each endpoint's burst."""
        return any(one.burst is None for one in self.ceilings)


def pair_of(limits: Limits) -> Pair:
    """The limits in whole microseconds."""
    average, burst = limits.average or (0, 0.0), limits.burst or (0, 0.0)
    return Pair(int(average[0]), round(average[1] * SECOND), int(burst[0]), round(burst[1] * SECOND))
