"""Who owns what in the seeded world, as columns of integers: a hundred thousand wallets are a few megabytes.

Columns only grow: a wallet that is deleted keeps its row, so that keys stay what they are.

The documented wallet is number 1. Numbers 2 to 11 go through the ten types of payment source, so that even a
small world has them all. Position 0 of every column is unused: keys begin at 1.
"""

from array import array
from bisect import bisect_left
from random import Random
from typing import Final

from .schema import PAYMENT_SOURCES

CURRENCIES: Final = ("EUR", "USD")

_CUSTOMERS_PER_WALLET: Final = 0.4
_TOKENS_ONLY_EVERY: Final = 25  # these wallets have a null payment_source
_NO_METHOD_EVERY: Final = 20  # these have a null payment_method
_MAX_EVENTS: Final = 30
_FIRST_SOURCE: Final = PAYMENT_SOURCES.index("stripe_payments")


class Relations:
    """The relationships between keys, decided in one pass over the wallets."""

    def __init__(self, wallets: int, random: Random) -> None:
        self._random = random
        self.customers = max(1, int(wallets * _CUSTOMERS_PER_WALLET))
        self.customer_of = _column()
        """By wallet: the key of its customer."""
        self.wallets_of: list[list[int]] = [[] for _ in range(self.customers + 1)]
        """By customer: the keys of the wallets, ascending."""
        self.source_type_of = [""]
        """By wallet: the type its payment source is, or was, of."""
        self.source_of = _column()
        """By wallet: the key of its payment source among those of that type, 0 for none."""
        self.wallet_behind = {type: _column() for type in PAYMENT_SOURCES}
        """By type and payment source: the key of its wallet."""
        self.method_of = _column()
        """By wallet: the key of its payment method, 0 for none."""
        self.events_until = _column()
        """By wallet: the key of its last event. Its first one follows the last of the wallet before."""

        self._add(customer=1, source_index=_FIRST_SOURCE, method=0, events=0)
        for _ in range(2, wallets + 1):
            self.add()

    def add(self, *, events: int | None = None) -> None:
        """One more wallet, which is new in every column.

        Args:
            events: how many events it has; None for a number drawn as well.
        """
        wallet, random = self.wallets + 1, self._random
        source_index = wallet - 2 if wallet < len(PAYMENT_SOURCES) + 2 else random.randrange(len(PAYMENT_SOURCES))
        method = source_index * len(CURRENCIES) + random.randrange(len(CURRENCIES)) + 1
        self._add(
            customer=random.randrange(self.customers) + 1,
            source_index=source_index,
            method=0 if wallet % _NO_METHOD_EVERY == 0 else method,
            events=random.randrange(_MAX_EVENTS + 1) if events is None else events,
        )

    @property
    def wallets(self) -> int:
        """How many wallets there ever were, which is the key of the last."""
        return len(self.customer_of) - 1

    @property
    def events(self) -> int:
        """How many events there are in all."""
        return self.events_until[-1]

    def sources(self, type: str) -> int:
        """How many payment sources of *type* there are."""
        return len(self.wallet_behind[type]) - 1

    def events_of(self, wallet: int) -> range:
        """The keys of the events of *wallet*."""
        return range(self.events_until[wallet - 1] + 1, self.events_until[wallet] + 1)

    def wallet_of_event(self, event: int) -> int:
        """The key of the wallet that *event* happened to."""
        return bisect_left(self.events_until, event)

    def _add(self, *, customer: int, source_index: int, method: int, events: int) -> None:
        wallet = len(self.customer_of)
        type = PAYMENT_SOURCES[source_index]
        self.customer_of.append(customer)
        self.wallets_of[customer].append(wallet)
        self.source_type_of.append(type)
        self.method_of.append(method)
        self.events_until.append(self.events + events)
        if wallet % _TOKENS_ONLY_EVERY == 0:
            self.source_of.append(0)
        else:
            self.wallet_behind[type].append(wallet)
            self.source_of.append(self.sources(type))


def _column() -> "array[int]":
    """Integers from position 1 on. An array, which the garbage collector need not look through."""
    return array("q", [0])
