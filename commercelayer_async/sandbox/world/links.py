"""What relates to what: as the seed has it, unless a user set it otherwise.

Each relationship that two types show from both ends is kept at one of them, its owner; the other end is looked up. What
a user sets replaces what the seed has for that record. A record that was deleted is in no relationship.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from .relations import Relations
from .schema import GATEWAYS, TYPES
from .table import RecordTable, Reference
from .tables import METHODS

_FindRelated = Callable[[int], Sequence[Reference]]
_End = tuple[str, str]
"""A type and the name of its relationship."""

_WALLETS: Final = "customer_payment_sources"
_METHODS: Final = "payment_methods"
_EVENTS: Final = "event_stores"

OWNERS: Final[Mapping[_End, _End]] = {
    ("customers", _WALLETS): (_WALLETS, "customer"),
    ("external_payments", "wallet"): (_WALLETS, "payment_source"),
    **{(gateway, _METHODS): (_METHODS, "payment_gateway") for gateway in GATEWAYS.values()},
    **{(gateway, source): (source, "payment_gateway") for source, gateway in GATEWAYS.items()},
}
"""By the end that is looked up: the end at which the relationship is kept."""


class Links:
    """The relationships of a world.

    Args:
        relations: Who relates to whom in the seeded world.
        tables: The records, by type.
    """

    def __init__(self, relations: Relations, tables: Mapping[str, RecordTable]) -> None:
        self._relations = relations
        self._tables = tables
        self._set = dict[tuple[Reference, str], tuple[Reference, ...]]()
        self._set_from = dict[tuple[Reference, str], list[Reference]]()
        """By target and by the name of the relationship at its owner: the owners that were set to it."""
        self._events_of = dict[tuple[object, object], list[Reference]]()
        """By type and id: the events of a user's own that happened to it."""
        self._belonging = dict[Reference, list[Reference]]()
        """By customer: the records that a user said are that customer's, beside wallets."""
        self._seeded: Mapping[_End, _FindRelated] = {
            (_WALLETS, "customer"): self._customer,
            (_WALLETS, "payment_method"): self._payment_method,
            (_WALLETS, "payment_source"): self._payment_source,
            (_WALLETS, _EVENTS): self._events,
            ("customers", _WALLETS): self._wallets,
            ("external_payments", "wallet"): self._wallet,
        }
        if relations.methods:
            self._seeded = {
                **self._seeded,
                (_METHODS, "payment_gateway"): self._gateway_of_method,
                **{(source, "payment_gateway"): _always(gateway) for source, gateway in GATEWAYS.items()},
                **{(gateway, _METHODS): _methods_of(source) for source, gateway in GATEWAYS.items()},
                **{(gateway, source): self._sources_of(source) for source, gateway in GATEWAYS.items()},
            }

    def related(self, record: Reference, name: str) -> Sequence[Reference]:
        """List what the relationship *name* of *record* points to, by ascending key; a to-one gives one at most."""
        if name == _EVENTS:
            found = self._all_events(record)
        elif (owner := OWNERS.get((record.type, name))) is not None:
            found = self._owners_of(record, name, owner)
        else:
            found = self._at_owner(record, name)
        there = [reference for reference in found if self._tables[reference.type].has(reference.key)]
        return there if TYPES[record.type].relationships[name].many else there[:1]

    def set(self, record: Reference, name: str, targets: Sequence[Reference]) -> None:
        """Point the relationship *name* of *record* to *targets*, and nowhere else. The other end follows."""
        owner = OWNERS.get((record.type, name))
        if owner is None:
            self._set_owner(record, name, tuple(targets))
            return
        for former in self.related(record, name):
            self._set_owner(former, owner[1], ())
        for target in targets:
            self._set_owner(target, owner[1], (record,))

    def add_event(self, event: Reference, type: object, id: object) -> None:
        """Say to which record *event* happened."""
        self._events_of.setdefault((type, id), []).append(event)

    def give(self, customer: Reference, record: Reference) -> None:
        """Say that *record* is *customer*'s, though it is not in the customer's wallets."""
        self._belonging.setdefault(customer, []).append(record)

    def belonging(self, customer: Reference) -> Sequence[Reference]:
        """List the records that were given to *customer*."""
        return self._belonging.get(customer, ())

    def _set_owner(self, owner: Reference, name: str, targets: tuple[Reference, ...]) -> None:
        for former in self._set.get((owner, name), ()):
            self._set_from[former, name].remove(owner)
        self._set[owner, name] = targets
        for target in targets:
            self._set_from.setdefault((target, name), []).append(owner)

    def _at_owner(self, record: Reference, name: str) -> Sequence[Reference]:
        if (record, name) in self._set:
            return self._set[record, name]
        return self._as_seeded(record, name)

    def _owners_of(self, record: Reference, name: str, owner: _End) -> Sequence[Reference]:
        type, owner_name = owner
        seeded = self._as_seeded(record, name)
        if not self._set:
            return seeded
        kept = (one for one in seeded if (one, owner_name) not in self._set)
        added = (one for one in self._set_from.get((record, owner_name), ()) if one.type == type)
        return sorted([*kept, *added])

    def _all_events(self, record: Reference) -> Sequence[Reference]:
        seeded = self._as_seeded(record, _EVENTS)
        if not self._events_of:
            return seeded
        id = self._tables[record.type].id_of(record.key)
        return sorted([*seeded, *self._events_of.get((record.type, id), ())])

    def _as_seeded(self, record: Reference, name: str) -> Sequence[Reference]:
        """List what the seed has, which has nothing from a record that was added."""
        find = self._seeded.get((record.type, name))
        return () if find is None or self._tables[record.type].is_added(record.key) else find(record.key)

    def _customer(self, wallet: int) -> Sequence[Reference]:
        return (Reference("customers", self._relations.customer_of[wallet]),)

    def _payment_method(self, wallet: int) -> Sequence[Reference]:
        method = self._relations.method_of[wallet]
        return (Reference(_METHODS, method),) if method else ()

    def _payment_source(self, wallet: int) -> Sequence[Reference]:
        source = self._relations.source_of[wallet]
        return (Reference(self._relations.source_type_of[wallet], source),) if source else ()

    def _events(self, wallet: int) -> Sequence[Reference]:
        return [Reference(_EVENTS, event) for event in self._relations.events_of(wallet)]

    def _wallets(self, customer: int) -> Sequence[Reference]:
        return [Reference(_WALLETS, wallet) for wallet in self._relations.wallets_of[customer]]

    def _wallet(self, external_payment: int) -> Sequence[Reference]:
        return (Reference(_WALLETS, self._relations.wallet_behind["external_payments"][external_payment]),)

    def _gateway_of_method(self, method: int) -> Sequence[Reference]:
        source, _currency = METHODS[method - 1]
        return (Reference(GATEWAYS[source], 1),)

    def _sources_of(self, source: str) -> _FindRelated:
        """Lead a gateway to all payment sources of the type *source*, but for those that were added."""

        def find(_gateway: int) -> Sequence[Reference]:
            table = self._tables[source]
            return [table.reference(key) for key in table.keys if not table.is_added(key)]

        return find


def _always(gateway: str) -> _FindRelated:
    """Lead every payment source to the one gateway of its type."""
    related = (Reference(gateway, 1),)
    return lambda _source: related


def _methods_of(source: str) -> _FindRelated:
    """Lead a gateway to all payment methods for payment sources of the type *source*."""
    related = tuple(Reference(_METHODS, key) for key, (type, _) in enumerate(METHODS, start=1) if type == source)
    return lambda _gateway: related
