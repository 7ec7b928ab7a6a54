"""The seeded world as one object: records, their relationships, and changes while the sandbox runs.

`Relations` decides who relates to whom, and the tables make the records; `World` joins the two. Nothing in it changes
by itself: equal seeds and equal changes give equal worlds.
"""

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Final

from ..viewer import Mode
from . import records
from .links import Links
from .relations import Relations
from .schema import ABSTRACT, PAYMENT_SOURCES
from .table import RecordTable, Reference, Table, UnionTable, WorldRecord
from .tables import make_tables, organization_ids, random_for

_WALLETS: Final = "customer_payment_sources"
_CUSTOMERS: Final = "customers"
_EVENTS: Final = "event_stores"


class World:
    """Records by type, and the relationships between them.

    A method that changes it does all or nothing, between two requests and not within one, from any thread.

    Args:
        wallets: How many wallets (`customer_payment_sources`) there are at first, the documented one included. With 0
            the world is empty but for the organization and its application.
        seed: Equal seeds give equal worlds.
        mode: `test` or `live`. The two of one seed have different records of the same organization.

    Raises:
        ValueError: *wallets* is less than 0, or *mode* is neither.
    """

    def __init__(self, *, wallets: int, seed: int, mode: str = "test") -> None:
        if wallets < 0:
            raise ValueError(f"wallets is {wallets}; it must be 0 or more")
        self.mode = Mode(mode)
        """Of all records."""
        self.lock = RLock()
        """Held while a request is answered, and while the world changes."""
        self.version = 0
        """How many changes there were: what was found in a world is true as long as it has the same one."""
        organization = organization_ids(seed)
        self.organization_id = organization.id_of(1)
        self.meta: Mapping[str, object] = {"mode": str(self.mode), "organization_id": self.organization_id}
        named = str(seed) if self.mode is Mode.TEST else f"{seed}/{self.mode}"
        # "ties" is part of the seed: another word here would make another world of every seed.
        self._relations = Relations(wallets, random_for(named, "ties"))
        self.tables: Mapping[str, RecordTable] = make_tables(
            self._relations, seed=named, organization=organization, meta=self.meta
        )
        self.unions: Mapping[str, UnionTable] = {
            name: UnionTable([self.tables[type] for type in types]) for name, types in ABSTRACT.items()
        }
        """By abstract type: the records of its concrete types."""
        self._links = Links(self._relations, self.tables)
        self._wallet_table = self.tables[_WALLETS]

    def wallet_ids(self) -> tuple[str, ...]:
        """List the ids of all wallets in the order of their creation, which is the order of lists without `sort`."""
        with self.lock:
            return tuple(map(self._wallet_table.id_of, self._wallet_table.keys))

    def create_wallets(self, count: int = 1) -> tuple[str, ...]:
        """Create *count* wallets of existing customers, each with the records that belong to it and with one event.

        They come last in every list that is sorted by `id` or by `created_at`. A world that began empty gets a customer
        if there is none, and its wallets have no payment method.

        Returns:
            their ids, in the order of creation.
        """
        with self.lock:
            if not self.tables[_CUSTOMERS].keys:
                self._relations.skip(_CUSTOMERS)
                self.tables[_CUSTOMERS].grow(self.tables[_CUSTOMERS].last + 1)
            first = self._relations.wallets + 1
            for _ in range(count):
                self._relations.add(self.tables[_CUSTOMERS].keys, events=1)
            for source in PAYMENT_SOURCES:
                self.tables[source].grow(self._relations.sources(source))
            self.tables[_EVENTS].grow(self._relations.events)
            self._wallet_table.grow(self._relations.wallets)
            self.version += 1
            return tuple(map(self._wallet_table.id_of, range(first, first + count)))

    def delete_wallets(self, *ids: str) -> None:
        """Delete the wallets with *ids*: they are answered with 404, and are neither in a list nor in a relationship.

        The records that belonged to them (payment source, events) stay. To delete many, name them in one call.

        Raises:
            LookupError: one of them does not exist. Then none is deleted.
        """
        with self.lock:
            keys = {id: self._wallet_table.key_of(id) for id in ids}
            found = {key for key in keys.values() if key is not None and self._wallet_table.has(key)}
            if len(found) < len(keys):
                missing = [id for id, key in keys.items() if key not in found]
                raise LookupError(f"there is no wallet with the id {', '.join(missing)}; nothing was deleted")
            self._wallet_table.delete(found)
            self.version += 1

    def get(self, type: str, id: str) -> WorldRecord | None:
        """Find the record of *type* with *id*; None if there is none."""
        with self.lock:
            return self.unions[type].get(id) if type in ABSTRACT else self.tables[type].get(id)

    def table_of(self, types: Sequence[str]) -> Table | None:
        """Give the records of *types*: of one type, or of all concrete ones of an abstract type; else None."""
        if len(types) == 1:
            return self.tables.get(types[0])
        return next((self.unions[name] for name in ABSTRACT if ABSTRACT[name] == tuple(types)), None)

    def at(self, reference: Reference) -> WorldRecord:
        """Give the record to which *reference* points."""
        return self.tables[reference.type].at(reference.key)

    def id_of(self, reference: Reference) -> str:
        """Give the id of the record to which *reference* points, without making the record."""
        return self.tables[reference.type].id_of(reference.key)

    def value(self, reference: Reference, name: str) -> object:
        """Give an attribute of the record to which *reference* points, or its id."""
        return self.tables[reference.type].value(reference.key, name)

    def related(self, record: WorldRecord, name: str) -> Sequence[Reference]:
        """List the records to which the relationship *name* of *record* points, by ascending key.

        A to-one gives one at most. A relationship to types of which there are no records gives none.
        """
        return self.related_to(record.reference, name)

    def related_to(self, record: Reference, name: str) -> Sequence[Reference]:
        """List the same for a record that need not be made."""
        return self._links.related(record, name)

    def customer_by_email(self, email: str) -> WorldRecord | None:
        """Find the customer with the address *email*; None if there is none."""
        with self.lock:
            customers = self.tables[_CUSTOMERS]
            key = records.key_of_email(email)
            made = [customers.at(key)] if customers.has(key) else []
            return next((one for one in (*customers.kept, *made) if one.attributes["email"] == email), None)
