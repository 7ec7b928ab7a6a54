"""Which record of the seeded world relates to which.

Columns of integer keys: a hundred thousand wallets take a few megabytes. A wallet's key is its position in each column
of wallets; keys begin at 1, so position 0 of every column is unused. Columns only grow: a deleted wallet keeps its
row, so that the keys of the others stay what they are.

Wallet 1 is the documented one. Wallets 2 to 11 go through the ten types of payment source in turn, so that even a small
world has a record of each.
"""

from array import array
from bisect import bisect_left
from random import Random
from typing import Final

from .schema import PAYMENT_SOURCES

CURRENCIES: Final = ("EUR", "USD")

_CUSTOMERS_PER_WALLET: Final = 0.4
_TOKENS_ONLY_EVERY: Final = 25  # every 25th wallet has a null payment_source
_NO_METHOD_EVERY: Final = 20  # every 20th has a null payment_method
_MAX_EVENTS: Final = 30
_FIRST_SOURCE: Final = PAYMENT_SOURCES.index("stripe_payments")


class Relations:
    """The relationships between keys, decided in one pass over the wallets.

    Args:
        wallets: How many wallets there are at first, the documented one included.
        random: Decides all that is left open.
    """

    def __init__(self, wallets: int, random: Random) -> None:
        self._random = random
        self.customers = max(1, int(wallets * _CUSTOMERS_PER_WALLET))
        self.customer_of = _column()
        """By wallet: the key of its customer."""
        self.wallets_of: list[list[int]] = [[] for _ in range(self.customers + 1)]
        """By customer: the keys of its wallets, ascending."""
        self.source_type_of = [""]
        """By wallet: the type of the payment source that it has, or had."""
        self.source_of = _column()
        """By wallet: the key of its payment source among those of that type; 0 for none."""
        self.wallet_behind = {type: _column() for type in PAYMENT_SOURCES}
        """By type, then by payment source: the key of its wallet."""
        self.method_of = _column()
        """By wallet: the key of its payment method; 0 for none."""
        self.events_until = _column()
        """By wallet: the key of its last event. Its first event follows the last one of the wallet before."""

        self._add(customer=1, source_index=_FIRST_SOURCE, method=0, events=0)
        for _ in range(2, wallets + 1):
            self.add()

    def add(self, *, events: int | None = None) -> None:
        """Add a wallet: one more row in every column of wallets.

        Args:
            events: How many events it has; None for a random number.
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
        """How many wallets there ever were, deleted ones included: the key of the last."""
        return len(self.customer_of) - 1

    @property
    def events(self) -> int:
        """How many events all wallets have together."""
        return self.events_until[-1]

    def sources(self, type: str) -> int:
        """Count the payment sources of *type*."""
        return len(self.wallet_behind[type]) - 1

    def events_of(self, wallet: int) -> range:
        """Give the keys of the events of *wallet*."""
        return range(self.events_until[wallet - 1] + 1, self.events_until[wallet] + 1)

    def wallet_of_event(self, event: int) -> int:
        """Find the wallet to which *event* happened."""
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
    """Make an empty column. It is an array, so that the garbage collector does not have to look through it."""
    return array("q", [0])
