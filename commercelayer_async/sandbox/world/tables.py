"""The tables of a seeded world: for each type its ids, its times and a function that makes a record."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Final

import attrs

from . import records
from .generate import FakeValues
from .ids import EventIds, LetterIds, event_ms, letter_shift
from .payment_sources import ATTRIBUTE_MAKERS
from .relations import CURRENCIES, Relations
from .schema import GATEWAYS, PAYMENT_SOURCES, TYPES
from .table import RecordTable, Times, WorldRecord

METHODS: Final = tuple((source, currency) for source in PAYMENT_SOURCES for currency in CURRENCIES)
"""The payment methods in the order of their keys, which begin at 1: type of payment source, currency."""

_WALLETS: Final = "customer_payment_sources"
_OLDEST: Final = range(2, 6)  # wallets created before some attributes existed
_EVENTS_PER_LINK: Final = 3  # recorded responses show some events with a link, and others without one
_FIRST_MS: Final = 1_672_531_200_000  # 2023-01-01
_SPAN_MS: Final = 75_000_000_000  # up to spring 2025

_MakeAttributes = Callable[[FakeValues, int], records.Attributes]


def random_for(seed: int, name: str) -> Random:
    """Make a random generator that depends on *seed* and *name* alone.

    With one generator for each type, a type that is added leaves the records of the others as they are.
    """
    return Random(f"{seed}/{name}")  # noqa: S311 - reproducible on purpose, nothing here is secret


def make_tables(relations: Relations, *, seed: int, meta: Mapping[str, object]) -> Mapping[str, RecordTable]:
    """Make the tables of all types, by type.

    Args:
        relations: Who relates to whom, and so how many records of each type there are.
        seed: The seed of all attributes.
        meta: The `meta` of the records.
    """
    maker = _TableMaker(relations, seed, meta)
    tables = [
        maker.wallets(),
        maker.table("customers", relations.customers, records.customer),
        maker.table("payment_methods", len(METHODS), _payment_method),
        *(maker.table(type, relations.sources(type), partial(_payment_source, type)) for type in PAYMENT_SOURCES),
        *(maker.table(type, 1, partial(_gateway, type)) for type in dict.fromkeys(GATEWAYS.values())),
        maker.event_stores(),
    ]
    return {table.type: table for table in tables}


def _payment_method(fake: FakeValues, key: int) -> records.Attributes:
    return records.payment_method(fake, *METHODS[key - 1])


def _payment_source(type: str, fake: FakeValues, _key: int) -> records.Attributes:
    return ATTRIBUTE_MAKERS[type](fake)


def _gateway(type: str, _draw: FakeValues, _key: int) -> records.Attributes:
    return records.gateway(type)


def _times(count: int, exceptions: Mapping[int, int] | None = None) -> Times:
    return Times(_FIRST_MS, _SPAN_MS // (count + 1), exceptions or {})


@attrs.frozen
class _TableMaker:
    relations: Relations
    seed: int
    meta: Mapping[str, object]

    def table(self, type: str, count: int, make_attributes: _MakeAttributes) -> RecordTable:
        """Make a table of *count* records; *make_attributes* makes the attributes that not all types have."""
        ids, times = LetterIds(letter_shift(random_for(self.seed, type).random())), _times(count)
        make = partial(self._record, type, ids, times, make_attributes)
        return RecordTable(type, count, ids=ids, times=times, make=make)

    def wallets(self) -> RecordTable:
        """Make the table of wallets, the documented one first."""
        ids = LetterIds.with_first(records.DOCUMENTED_ID)
        times = _times(self.relations.wallets, {1: records.DOCUMENTED_MS})
        make = partial(self._wallet, ids, times)
        return RecordTable(_WALLETS, self.relations.wallets, ids=ids, times=times, make=make)

    def event_stores(self) -> RecordTable:
        """Make the table of the events of all wallets."""
        times = _times(self.relations.events)
        return RecordTable("event_stores", self.relations.events, ids=EventIds(), times=times, make=self._event)

    def _record(
        self, type: str, ids: LetterIds, times: Times, make_attributes: _MakeAttributes, key: int
    ) -> WorldRecord:
        fake = FakeValues(f"{self.seed}/{type}/{key}")
        return WorldRecord(
            type=type,
            key=key,
            id=ids.id_of(key),
            attributes=make_attributes(fake, key) | records.common(fake, times.created(key), times.updated(key)),
            relationships=tuple(TYPES[type].relationships),
            meta=self.meta,
        )

    def _wallet(self, ids: LetterIds, times: Times, key: int) -> WorldRecord:
        if key == 1:
            return WorldRecord(
                type=_WALLETS,
                key=key,
                id=ids.id_of(key),
                attributes=records.DOCUMENTED,
                relationships=records.DOCUMENTED_RELATIONSHIPS,
                meta={"mode": self.meta["mode"]},
            )
        wallet = self._record(_WALLETS, ids, times, self._wallet_attributes, key)
        return wallet.without(records.LATER_ATTRIBUTES) if key in _OLDEST else wallet

    def _wallet_attributes(self, fake: FakeValues, key: int) -> records.Attributes:
        return records.wallet(fake, self.relations.source_type_of[key])

    def _event(self, key: int) -> WorldRecord:
        fake = FakeValues(f"{self.seed}/event_stores/{key}")
        wallet = self.relations.wallet_of_event(key)
        wallet_id = LetterIds.with_first(records.DOCUMENTED_ID).id_of(wallet)
        first = key == self.relations.events_of(wallet)[0]
        return WorldRecord(
            type="event_stores",
            key=key,
            id=EventIds().id_of(key),
            attributes=records.event_store(fake, event_ms(key), wallet_id, first=first),
            relationships=(),
            meta={"mode": self.meta["mode"], "trace_id": fake.hexadecimal(64)},
            linked=key % _EVENTS_PER_LINK == 0,
        )
