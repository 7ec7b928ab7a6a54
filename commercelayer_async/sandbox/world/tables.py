"""Makes the tables of a seeded world: for each type its ids, its calendar and what draws a record."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Final

import attrs

from . import records
from .generate import Draw
from .ids import EventIds, LetterIds, event_ms, letter_shift
from .payment_sources import MAKERS
from .relations import CURRENCIES, Ties
from .schema import GATEWAYS, PAYMENT_SOURCES, TYPES
from .table import Record, Table, Times

METHODS: Final = tuple((source, currency) for source in PAYMENT_SOURCES for currency in CURRENCIES)
"""The payment methods in the order of their keys, from 1: type of payment source, currency."""

_WALLETS: Final = "customer_payment_sources"
_OLDEST: Final = range(2, 6)  # wallets written before some attributes existed
_EVENTS_PER_LINK: Final = 3  # recorded answers show events with a link and without one
_FIRST_MS: Final = 1_672_531_200_000  # 2023-01-01
_SPAN_MS: Final = 75_000_000_000  # to spring 2025

_DrawOne = Callable[[Draw, int], records.Attributes]


def chance(seed: int, name: str) -> Random:
    """Random numbers from *seed* and *name* alone, so that a new type leaves the others as they are."""
    return Random(f"{seed}/{name}")  # noqa: S311 - reproducible on purpose, nothing here is secret


def make_tables(ties: Ties, *, seed: int, meta: Mapping[str, object]) -> Mapping[str, Table]:
    """The tables of all types, by type.

    Args:
        ties: who relates to whom, and so how many there are of each.
        seed: what the attributes are drawn from.
        meta: the `meta` of the records.
    """
    maker = _Maker(ties, seed, meta)
    tables = [
        maker.wallets(),
        maker.table("customers", ties.customers, records.customer),
        maker.table("payment_methods", len(METHODS), _payment_method),
        *(maker.table(type, ties.sources(type), partial(_payment_source, type)) for type in PAYMENT_SOURCES),
        *(maker.table(type, 1, partial(_gateway, type)) for type in dict.fromkeys(GATEWAYS.values())),
        maker.event_stores(),
    ]
    return {table.type: table for table in tables}


def _payment_method(draw: Draw, key: int) -> records.Attributes:
    return records.payment_method(draw, *METHODS[key - 1])


def _payment_source(type: str, draw: Draw, _key: int) -> records.Attributes:
    return MAKERS[type](draw)


def _gateway(type: str, _draw: Draw, _key: int) -> records.Attributes:
    return records.gateway(type)


def _times(count: int, exceptions: Mapping[int, int] | None = None) -> Times:
    return Times(_FIRST_MS, _SPAN_MS // (count + 1), exceptions or {})


@attrs.frozen
class _Maker:
    ties: Ties
    seed: int
    meta: Mapping[str, object]

    def table(self, type: str, count: int, draw_one: _DrawOne) -> Table:
        """A table of *count* records whose own attributes *draw_one* draws."""
        ids, times = LetterIds(letter_shift(chance(self.seed, type).random())), _times(count)
        make = partial(self._record, type, ids, times, draw_one)
        return Table(type, count, ids=ids, times=times, make=make)

    def wallets(self) -> Table:
        """The wallets, the documented one first."""
        ids = LetterIds.with_first(records.DOCUMENTED_ID)
        times = _times(self.ties.wallets, {1: records.DOCUMENTED_MS})
        make = partial(self._wallet, ids, times)
        return Table(_WALLETS, self.ties.wallets, ids=ids, times=times, make=make)

    def event_stores(self) -> Table:
        """The events of all wallets, which are numbered through."""
        times = _times(self.ties.events)
        return Table("event_stores", self.ties.events, ids=EventIds(), times=times, make=self._event)

    def _record(self, type: str, ids: LetterIds, times: Times, draw_one: _DrawOne, key: int) -> Record:
        draw = Draw(f"{self.seed}/{type}/{key}")
        return Record(
            type=type,
            key=key,
            id=ids.id_of(key),
            attributes=draw_one(draw, key) | records.common(draw, times.created(key), times.updated(key)),
            relationships=tuple(TYPES[type].relationships),
            meta=self.meta,
        )

    def _wallet(self, ids: LetterIds, times: Times, key: int) -> Record:
        if key == 1:
            return Record(
                type=_WALLETS,
                key=key,
                id=ids.id_of(key),
                attributes=records.DOCUMENTED,
                relationships=records.DOCUMENTED_RELATIONSHIPS,
                meta={"mode": "test"},
            )
        wallet = self._record(_WALLETS, ids, times, self._draw_wallet, key)
        return wallet.without(records.LATER_ATTRIBUTES) if key in _OLDEST else wallet

    def _draw_wallet(self, draw: Draw, key: int) -> records.Attributes:
        return records.wallet(draw, self.ties.source_type_of[key])

    def _event(self, key: int) -> Record:
        draw = Draw(f"{self.seed}/event_stores/{key}")
        wallet = self.ties.wallet_of_event(key)
        wallet_id = LetterIds.with_first(records.DOCUMENTED_ID).id_of(wallet)
        first = key == self.ties.events_of(wallet)[0]
        return Record(
            type="event_stores",
            key=key,
            id=EventIds().id_of(key),
            attributes=records.event_store(draw, event_ms(key), wallet_id, first=first),
            relationships=(),
            meta={"mode": "test", "trace_id": draw.hexadecimal(64)},
            linked=key % _EVENTS_PER_LINK == 0,
        )
