"""Which record of the seeded world relates to which.

Columns of integer keys: a hundred thousand wallets take a few megabytes. A wallet's key is its position in each column
of wallets; keys begin at 1, so position 0 of every column is unused. Columns only grow: a deleted wallet keeps its
row, so that the keys of the others stay what they are.

Wallet 1 is the documented one. Wallets 2 to 11 go through the ten types of payment source in turn, so that even a small
world has a record of each.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
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
        wallets: How many wallets there are at first, the documented one included; with 0 there is nothing at all.
        random: Decides all that is left open.
    """

    def __init__(self, wallets: int, random: Random) -> None:
        self._random = random
        self.customers = max(1, int(wallets * _CUSTOMERS_PER_WALLET)) if wallets else 0
        """How many customers there are at first."""
        self.methods = bool(wallets)
        """Whether there are payment methods for every type of payment source and currency."""
        self.events = 0
        """How many events there ever were: the key of the last."""
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
        self.first_event = _column()
        """By wallet: the key of its first event, or that of the next event of all if it has none."""
        self.last_event = _column()
        """By wallet: the key of the last event of all wallets so far."""

        if wallets:
            self._add(customer=1, source_index=_FIRST_SOURCE, method=0, events=0)
        customers = range(1, self.customers + 1)
        for _ in range(2, wallets + 1):
            self.add(customers)

    def add(self, customers: Sequence[int], *, events: int | None = None) -> None:
        """Add a wallet: one more row in every column of wallets.

        Args:
            customers: The keys of the customers of whom one has it.
            events: How many events it has; None for a random number.
        """
        wallet, random = self.wallets + 1, self._random
        source_index = wallet - 2 if wallet < len(PAYMENT_SOURCES) + 2 else random.randrange(len(PAYMENT_SOURCES))
        method = source_index * len(CURRENCIES) + random.randrange(len(CURRENCIES)) + 1
        self._add(
            customer=customers[random.randrange(len(customers))],
            source_index=source_index,
            method=method if self.methods and wallet % _NO_METHOD_EVERY else 0,
            events=random.randrange(_MAX_EVENTS + 1) if events is None else events,
        )

    @property
    def wallets(self) -> int:
        """How many wallets there ever were, deleted ones included: the key of the last."""
        return len(self.customer_of) - 1

    def sources(self, type: str) -> int:
        """Count the payment sources of *type*."""
        return len(self.wallet_behind[type]) - 1

    def events_of(self, wallet: int) -> range:
        """Give the keys of the events of *wallet*."""
        return range(self.first_event[wallet], self.last_event[wallet] + 1)

    def wallet_of_event(self, event: int) -> int:
        """Find the wallet to which *event* happened."""
        return bisect_left(self.last_event, event)

    def skip(self, type: str) -> None:
        """Leave the next key of *type* to a record that relates to nothing here: an empty row in its columns."""
        match type:
            case "customers":
                self.wallets_of.append([])
            case "customer_payment_sources":
                self._add_wallet(customer=0, source_type="", source=0, method=0, events=0)
            case "event_stores":
                self.events += 1
            case _ if type in self.wallet_behind:
                self.wallet_behind[type].append(0)
            case _:
                pass

    def _add(self, *, customer: int, source_index: int, method: int, events: int) -> None:
        wallet, type, source = self.wallets + 1, PAYMENT_SOURCES[source_index], 0
        if wallet % _TOKENS_ONLY_EVERY:
            self.wallet_behind[type].append(wallet)
            source = self.sources(type)
        self.wallets_of[customer].append(wallet)
        self._add_wallet(customer=customer, source_type=type, source=source, method=method, events=events)

    def _add_wallet(self, *, customer: int, source_type: str, source: int, method: int, events: int) -> None:
        self.customer_of.append(customer)
        self.source_type_of.append(source_type)
        self.source_of.append(source)
        self.method_of.append(method)
        self.first_event.append(self.events + 1)
        self.events += events
        self.last_event.append(self.events)


def _column() -> "array[int]":
    """Make an empty column. It is an array, so that the garbage collector does not have to look through it."""
    return array("q", [0])
