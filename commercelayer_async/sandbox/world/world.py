"""The seeded world as one object: records, their relationships, and changes while the sandbox runs.

`Relations` decides who relates to whom at first, and the tables make the records; `World` joins the two, and puts what
a user adds beside them. Nothing in it changes by itself: equal seeds and equal changes give equal worlds.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from threading import RLock
from typing import Any, Final

import attrs

from ..viewer import Mode
from . import records
from .drafts import Draft, Identifier, make_draft, read_drafts, resource_type
from .links import Links
from .relations import Relations
from .schema import ABSTRACT, PAYMENT_SOURCES, TYPES
from .table import RecordTable, Reference, Table, UnionTable, WorldRecord
from .tables import make_tables, organization_ids, random_for
from .times import iso, iso_offset

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

    def add(
        self,
        type: str,
        *,
        id: str | None = None,
        attributes: Mapping[str, object] | None = None,
        relationships: Mapping[str, object] | None = None,
        customer: str | None = None,
    ) -> str:
        """Add a record, which comes last in the order of creation.

        Args:
            type: A type of which there are records, such as `customer_payment_sources`.
            id: Any text; None for one that is made.
            attributes: By name. Times may be aware datetimes. What is left out is null, but `metadata` is empty,
                `created_at` and `updated_at` are later than those of older records, and what the schema has never null
                is made up.
            relationships: By name: an id, a (type, id) pair or a resource identifier object; None for nothing; a list
                of these for a to-many. The other end of a relationship follows.
            customer: The id of the customer whose token may read the record: a wallet's `customer`, or the owner of a
                payment source that is in no wallet.

        Returns:
            its id.

        Raises:
            ValueError: there is a record with this id, or a type, name or value is not the schema's.
            LookupError: a related record does not exist.
        """
        with self.lock:
            related = dict(relationships or {})
            if customer is not None and type == _WALLETS:
                related["customer"] = customer
            draft = make_draft(type, id, attributes or {}, related)
            owner = self._owner(type, customer) if type != _WALLETS else None
            (added,) = self._add_all([draft])
            if owner is not None:
                self._links.give(owner, added)
            return self.id_of(added)

    def load(
        self, source: "str | PathLike[str] | Mapping[str, Any] | Sequence[Mapping[str, Any]]"
    ) -> tuple[Identifier, ...]:
        """Add the records of JSON:API documents, those that are included too, as `add` does.

        Relationships are taken from their linkage (`data`), which may name records of the documents or of the world.

        Args:
            source: A document, a list of documents, or the path of a file of JSON that holds either, or a document on
                each line.

        Returns:
            the type and id of each record.

        Raises:
            OSError: the file cannot be read.
            ValueError: there is a record with the id of one of them, or something is not the schema's. Then none is
                added, as for a LookupError.
            LookupError: a related record does not exist.
        """
        drafts = read_drafts(source)
        with self.lock:
            return tuple((one.type, self.id_of(one)) for one in self._add_all(drafts))

    def change(self, type: str, id: str, /, **attributes: object) -> None:
        """Change attributes of a record, or relationships by their names. `updated_at` moves on unless it is given.

        Raises:
            ValueError: a type, name or value is not the schema's.
            LookupError: the record does not exist, or one to which it is to be related.
        """
        with self.lock:
            record = self._existing(type, id)
            names = TYPES[type].relationships
            links = {name: value for name, value in attributes.items() if name in names}
            rest = {name: value for name, value in attributes.items() if name not in names}
            draft = make_draft(type, id, rest, links)
            if type == _EVENTS and draft.attributes.keys() & {"resource_type", "resource_id"}:
                raise ValueError("an event goes on belonging to the record to which it happened; add another one")
            targets = self._targets_of(draft, {})
            table = self.tables[type]
            changed = {
                **record.attributes,
                "updated_at": _time(type, table.next_change()),
                **draft.attributes,
            }
            shown = tuple(name for name in names if name in record.relationships or name in links)
            table.keep(attrs.evolve(record, attributes=changed, relationships=shown))
            self._link(record.reference, targets)
            self.version += 1

    def delete(self, type: str, *ids: str) -> None:
        """Delete the records of *type* with *ids*: 404, and neither in a list nor in a relationship.

        The records that belonged to them stay. To delete many, name them in one call.

        Raises:
            ValueError: there cannot be records of this type to delete.
            LookupError: one of them does not exist. Then none is deleted.
        """
        with self.lock:
            _refuse_singleton(type)
            keys = {self._existing(type, id).key for id in ids}
            self.tables[type].delete(keys)
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

    def belonging(self, customer: WorldRecord) -> Sequence[Reference]:
        """List the records that a user added for *customer*, but for wallets."""
        return [one for one in self._links.belonging(customer.reference) if self.tables[one.type].has(one.key)]

    def customer_by_email(self, email: str) -> WorldRecord | None:
        """Find the customer with the address *email*; None if there is none."""
        with self.lock:
            customers = self.tables[_CUSTOMERS]
            key = records.key_of_email(email)
            made = [customers.at(key)] if customers.has(key) else []
            return next((one for one in (*customers.kept, *made) if one.attributes["email"] == email), None)

    def _existing(self, type: str, id: str) -> WorldRecord:
        resource_type(type)
        record = self.tables[type].get(id)
        if record is None:
            raise LookupError(f"there is no record of {type} with the id {id!r}")
        return record

    def _owner(self, type: str, customer: str | None) -> Reference | None:
        if customer is None:
            return None
        if type not in PAYMENT_SOURCES:
            raise ValueError(f"customer: records of {type} are not a customer's; wallets and payment sources are")
        return self._existing(_CUSTOMERS, customer).reference

    def _add_all(self, drafts: Sequence[Draft]) -> Sequence[Reference]:
        """Add records that may relate to each other; all or none."""
        for draft in drafts:
            _refuse_singleton(draft.type)
            if draft.id is not None and self.tables[draft.type].get(draft.id) is not None:
                raise ValueError(f"there is a record of {draft.type} with the id {draft.id!r}")
        new = {(draft.type, draft.id): draft for draft in drafts}
        for draft in drafts:
            self._targets_of(draft, new)
        added = [self._put(draft) for draft in drafts]
        for reference, draft in zip(added, drafts, strict=True):
            self._link(reference, self._targets_of(draft, {}))
        self.version += 1
        return added

    def _targets_of(self, draft: Draft, new: Mapping[Any, Draft]) -> Mapping[str, Sequence[Reference]]:
        """Find what the relationships of *draft* point to, apart from records of *new*, which do not exist yet."""
        return {
            name: [self._existing(*one).reference for one in identifiers if one not in new]
            for name, identifiers in draft.relationships.items()
        }

    def _put(self, draft: Draft) -> Reference:
        table = self.tables[draft.type]
        self._relations.skip(draft.type)
        key = table.reserve(draft.id)
        table.keep(self._record(draft, key, table.id_of(key)))
        reference = Reference(draft.type, key)
        if draft.type == _EVENTS:
            self._links.add_event(reference, draft.attributes.get("resource_type"), draft.attributes.get("resource_id"))
        return reference

    def _record(self, draft: Draft, key: int, id: str) -> WorldRecord:
        schema, table = TYPES[draft.type], self.tables[draft.type]
        created = draft.attributes.get("created_at") or _time(draft.type, table.times.created(key))
        given: dict[str, object] = {"created_at": created, "updated_at": created, "metadata": {}, **draft.attributes}
        required = [name for name, attribute in schema.attributes.items() if attribute.required and name not in given]
        if required:
            made = table.made(key).attributes
            given |= {name: made[name] for name in required}
        return WorldRecord(
            type=draft.type,
            key=key,
            id=id,
            attributes={name: given.get(name) for name in schema.attributes},
            relationships=tuple(schema.relationships),
            meta=self.meta,
        )

    def _link(self, record: Reference, targets: Mapping[str, Sequence[Reference]]) -> None:
        for name, references in targets.items():
            self._links.set(record, name, references)


def _time(type: str, ms: int) -> str:
    return (iso_offset if type == _EVENTS else iso)(ms)


def _refuse_singleton(type: str) -> None:
    if resource_type(type).singleton:
        raise ValueError(f"there is one {type}, which can be changed; none is added or deleted")
