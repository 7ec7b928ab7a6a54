"""The tables of a seeded world: for each type its ids, its times and a function that makes a record."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Final

import attrs

from ..viewer import Kind
from . import records
from .generate import FakeValues
from .ids import EventIds, GivenIds, Ids, LetterIds, event_ms, letter_shift
from .payment_sources import ATTRIBUTE_MAKERS
from .relations import CURRENCIES, Relations
from .schema import GATEWAY_TYPES, PAYMENT_SOURCES, TYPES
from .table import RecordTable, Times, WorldRecord

METHODS: Final = tuple((source, currency) for source in PAYMENT_SOURCES for currency in CURRENCIES)
"""The payment methods in the order of their keys, which begin at 1: type of payment source, currency."""

APPLICATIONS: Final = {
    Kind.INTEGRATION: "sAndbOxApp",
    Kind.SALES_CHANNEL: "sAndbOxShp",
    Kind.WEBAPP: "sAndbOxWeb",
}
"""By kind: the id of the application, which tokens name too."""

_WALLETS: Final = "customer_payment_sources"
_OLDEST: Final = range(2, 6)  # wallets created before some attributes existed
_EVENTS_PER_LINK: Final = 3  # recorded responses show some events with a link, and others without one
_FIRST_MS: Final = 1_672_531_200_000  # 2023-01-01
_SPAN_MS: Final = 75_000_000_000  # up to spring 2025

_MakeAttributes = Callable[[FakeValues, int], records.Attributes]


def random_for(seed: str, name: str) -> Random:
    """Make a random generator that depends on *seed* and *name* alone.

    With one generator for each type, a type that is added leaves the records of the others as they are.
    """
    return Random(f"{seed}/{name}")  # noqa: S311 - reproducible on purpose, nothing here is secret


def organization_ids(seed: int) -> LetterIds:
    """Make the ids of the organization: the same ones in both of its modes."""
    return LetterIds(letter_shift(random_for(str(seed), "organization").random()))


def make_tables(
    relations: Relations, *, seed: str, organization: LetterIds, meta: Mapping[str, object]
) -> Mapping[str, RecordTable]:
    """Make the tables of all types, by type.

    Args:
        relations: Who relates to whom, and so how many records of each type there are.
        seed: The seed of all attributes.
        organization: The ids of the organization.
        meta: The `meta` of the records.
    """
    maker = _TableMaker(relations, seed, meta)
    configured = 1 if relations.methods else 0
    wallets = maker.wallets()
    tables = [
        wallets,
        maker.table("customers", relations.customers, records.customer),
        maker.table("payment_methods", len(METHODS) * configured, _payment_method),
        *(maker.table(type, relations.sources(type), partial(_payment_source, type)) for type in PAYMENT_SOURCES),
        *(maker.table(type, configured, partial(_gateway, type)) for type in GATEWAY_TYPES),
        maker.event_stores(wallets),
        maker.table("organization", 1, _organization, ids=organization),
        maker.table("application", len(APPLICATIONS), _application, ids=GivenIds(tuple(APPLICATIONS.values()))),
    ]
    return {table.type: table for table in tables}


def _payment_method(fake: FakeValues, key: int) -> records.Attributes:
    return records.payment_method(fake, *METHODS[(key - 1) % len(METHODS)])


def _payment_source(type: str, fake: FakeValues, _key: int) -> records.Attributes:
    return ATTRIBUTE_MAKERS[type](fake)


def _gateway(type: str, fake: FakeValues, _key: int) -> records.Attributes:
    return records.gateway(fake, type)


def _organization(fake: FakeValues, _key: int) -> records.Attributes:
    return records.organization(fake)


def _application(_fake: FakeValues, key: int) -> records.Attributes:
    return records.application(tuple(APPLICATIONS)[key - 1])


def _times(count: int, exceptions: Mapping[int, int] | None = None) -> Times:
    return Times(_FIRST_MS, _SPAN_MS // (count + 1), count, {key: (ms, ms) for key, ms in (exceptions or {}).items()})


@attrs.frozen
class _TableMaker:
    relations: Relations
    seed: str
    meta: Mapping[str, object]

    def table(self, type: str, count: int, make_attributes: _MakeAttributes, ids: Ids | None = None) -> RecordTable:
        """Make a table of *count* records; *make_attributes* makes the attributes that not all types have."""
        times = _times(count)
        make = partial(self._record, type, times, make_attributes)
        return RecordTable(type, count, ids=ids or self._ids(type), times=times, make=make)

    def wallets(self) -> RecordTable:
        """Make the table of wallets, the documented one first, unless the world begins empty."""
        count = self.relations.wallets
        ids = LetterIds.with_first(records.DOCUMENTED_ID) if count else self._ids(_WALLETS)
        times = _times(count, {1: records.DOCUMENTED_MS} if count else None)
        make = partial(self._wallet if count else self._plain_wallet, times)
        return RecordTable(_WALLETS, count, ids=ids, times=times, make=make)

    def event_stores(self, wallets: RecordTable) -> RecordTable:
        """Make the table of the events of all *wallets*."""
        times = _times(self.relations.events)
        make = partial(self._event, wallets)
        return RecordTable("event_stores", self.relations.events, ids=EventIds(), times=times, make=make)

    def _ids(self, type: str) -> LetterIds:
        return LetterIds(letter_shift(random_for(self.seed, type).random()))

    def _record(self, type: str, times: Times, make_attributes: _MakeAttributes, key: int, id: str) -> WorldRecord:
        fake = FakeValues(f"{self.seed}/{type}/{key}")
        return WorldRecord(
            type=type,
            key=key,
            id=id,
            attributes=make_attributes(fake, key) | records.common(fake, times.created(key), times.updated(key)),
            relationships=tuple(TYPES[type].relationships),
            meta=self.meta,
        )

    def _plain_wallet(self, times: Times, key: int, id: str) -> WorldRecord:
        return self._record(_WALLETS, times, self._wallet_attributes, key, id)

    def _wallet(self, times: Times, key: int, id: str) -> WorldRecord:
        if key == 1:
            return WorldRecord(
                type=_WALLETS,
                key=key,
                id=id,
                attributes=records.DOCUMENTED,
                relationships=records.DOCUMENTED_RELATIONSHIPS,
                meta={"mode": self.meta["mode"]},
            )
        wallet = self._plain_wallet(times, key, id)
        return wallet.without(records.LATER_ATTRIBUTES) if key in _OLDEST else wallet

    def _wallet_attributes(self, fake: FakeValues, key: int) -> records.Attributes:
        return records.wallet(fake, self.relations.source_type_of[key])

    def _event(self, wallets: RecordTable, key: int, id: str) -> WorldRecord:
        fake = FakeValues(f"{self.seed}/event_stores/{key}")
        wallet = self.relations.wallet_of_event(key)
        first = key == self.relations.events_of(wallet)[0]
        return WorldRecord(
            type="event_stores",
            key=key,
            id=id,
            attributes=records.event_store(fake, event_ms(key), wallets.id_of(wallet), first=first),
            relationships=(),
            meta={**self.meta, "trace_id": fake.hexadecimal(64)},
            linked=key % _EVENTS_PER_LINK == 0,
        )
