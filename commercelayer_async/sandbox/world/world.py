"""The seeded world as one object: records, their relationships, and changes while the sandbox runs.

`Relations` decides who relates to whom, and the tables make the records; `World` joins the two. Nothing in it
changes by itself: equal seeds and equal changes give equal worlds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from . import records
from .ids import LetterIds, letter_shift
from .relations import Relations
from .schema import GATEWAYS, PAYMENT_SOURCES
from .table import RecordTable, Reference, WorldRecord
from .tables import METHODS, make_tables, random_for

_FindRelated = Callable[[int], Sequence[Reference]]

_WALLETS: Final = "customer_payment_sources"
_METHODS: Final = "payment_methods"


class World:
    """Records by type, and the relationships between them.

    Args:
        wallets: How many wallets (`customer_payment_sources`) there are at first, the documented one included.
        seed: Equal seeds give equal worlds.
        mode: `test` or `live`: what its records say.

    Raises:
        ValueError: *wallets* is less than 1.
    """

    def __init__(self, *, wallets: int, seed: int, mode: str = "test") -> None:
        if wallets < 1:
            raise ValueError(f"wallets is {wallets}; it must be 1 or more, because the documented wallet always exists")
        self.organization_id = LetterIds(letter_shift(random_for(seed, "organization").random())).id_of(1)
        meta = {"mode": str(mode), "organization_id": self.organization_id}
        # "ties" is part of the seed: another word here would make another world of every seed.
        self._relations = Relations(wallets, random_for(seed, "ties"))
        self.tables: Mapping[str, RecordTable] = make_tables(self._relations, seed=seed, meta=meta)
        self._wallet_table = self.tables[_WALLETS]
        self._related: Mapping[tuple[str, str], _FindRelated] = {
            (_WALLETS, "customer"): self._customer,
            (_WALLETS, "payment_method"): self._payment_method,
            (_WALLETS, "payment_source"): self._payment_source,
            (_WALLETS, "event_stores"): self._events,
            ("customers", _WALLETS): self._wallets,
            ("external_payments", "wallet"): self._wallet,
            (_METHODS, "payment_gateway"): self._gateway_of_method,
            **{(source, "payment_gateway"): _always(gateway) for source, gateway in GATEWAYS.items()},
            **{(gateway, _METHODS): _methods_of(source) for source, gateway in GATEWAYS.items()},
        }

    def wallet_ids(self) -> tuple[str, ...]:
        """List the ids of all wallets in the order of their creation, which is the order of lists without `sort`."""
        return tuple(map(self._wallet_table.ids.id_of, self._wallet_table.keys))

    def create_wallets(self, count: int = 1) -> tuple[str, ...]:
        """Create *count* wallets of existing customers, each with the records that belong to it and with one event.

        They come last in every list that is sorted by `id` or by `created_at`.

        Returns:
            their ids, in the order of creation.
        """
        first = self._relations.wallets + 1
        for _ in range(count):
            self._relations.add(events=1)
        for source in PAYMENT_SOURCES:
            self.tables[source].grow(self._relations.sources(source))
        self.tables["event_stores"].grow(self._relations.events)
        self._wallet_table.grow(self._relations.wallets)  # last, so that no wallet is served before its records
        return tuple(map(self._wallet_table.ids.id_of, range(first, first + count)))

    def delete_wallets(self, *ids: str) -> None:
        """Delete the wallets with *ids*: they are answered with 404, and are neither in a list nor in a relationship.

        The records that belonged to them (payment source, events) stay. To delete many, name them in one call.

        Raises:
            LookupError: one of them does not exist. Then none is deleted.
        """
        table = self._wallet_table
        keys = {id: table.ids.key_of(id) for id in ids}
        found = {key for key in keys.values() if key is not None and table.has(key)}
        if len(found) < len(keys):
            missing = [id for id, key in keys.items() if key not in found]
            raise LookupError(f"there is no wallet with the id {', '.join(missing)}; nothing was deleted")
        table.delete(found)

    def get(self, type: str, id: str) -> WorldRecord | None:
        """Find the record of *type* with *id*; None if there is none."""
        return self.tables[type].get(id)

    def at(self, reference: Reference) -> WorldRecord:
        """Give the record to which *reference* points."""
        return self.tables[reference.type].at(reference.key)

    def id_of(self, reference: Reference) -> str:
        """Give the id of the record to which *reference* points, without making the record."""
        return self.tables[reference.type].ids.id_of(reference.key)

    def related(self, record: WorldRecord, name: str) -> Sequence[Reference]:
        """List the records to which the relationship *name* of *record* points, by ascending key.

        A to-one gives one at most. A relationship to types of which there are no records gives none.
        """
        find = self._related.get((record.type, name))
        return find(record.key) if find else ()

    def customer_by_email(self, email: str) -> WorldRecord | None:
        """Find the customer with the address *email*; None if there is none."""
        customers = self.tables["customers"]
        key = records.key_of_email(email)
        if key not in customers.keys:
            return None
        customer = customers.at(key)
        return customer if customer.attributes["email"] == email else None

    def _customer(self, wallet: int) -> Sequence[Reference]:
        return (Reference("customers", self._relations.customer_of[wallet]),)

    def _payment_method(self, wallet: int) -> Sequence[Reference]:
        method = self._relations.method_of[wallet]
        return (Reference(_METHODS, method),) if method else ()

    def _payment_source(self, wallet: int) -> Sequence[Reference]:
        source = self._relations.source_of[wallet]
        return (Reference(self._relations.source_type_of[wallet], source),) if source else ()

    def _events(self, wallet: int) -> Sequence[Reference]:
        return [Reference("event_stores", event) for event in self._relations.events_of(wallet)]

    def _wallets(self, customer: int) -> Sequence[Reference]:
        wallets = self._relations.wallets_of[customer]
        return [Reference(_WALLETS, wallet) for wallet in wallets if self._wallet_table.has(wallet)]

    def _wallet(self, external_payment: int) -> Sequence[Reference]:
        wallet = self._relations.wallet_behind["external_payments"][external_payment]
        return (Reference(_WALLETS, wallet),) if self._wallet_table.has(wallet) else ()

    def _gateway_of_method(self, method: int) -> Sequence[Reference]:
        source, _currency = METHODS[method - 1]
        return (Reference(GATEWAYS[source], 1),)


def _always(gateway: str) -> _FindRelated:
    """Lead every payment source to the one gateway of its type."""
    related = (Reference(gateway, 1),)
    return lambda _source: related


def _methods_of(source: str) -> _FindRelated:
    """Lead a gateway to all payment methods for payment sources of the type *source*."""
    related = tuple(Reference(_METHODS, key) for key, (type, _) in enumerate(METHODS, start=1) if type == source)
    return lambda _gateway: related
