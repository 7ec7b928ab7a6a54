"""Who sees what: which records there are for the bearer of a token.

An integration and a user of the organization see every record. A customer sees what is the customer's own: the customer
record, the wallets, and the payment sources and payment methods of these. A sales channel without a customer sees no
records, and only integrations see event stores. Documented is that a customer's token reads own records, that a sales
channel without one has no access to wallets, that event stores need an integration, and that a record out of reach is
answered with 401. The rest is the stricter of what may be so. Everybody sees the organization, and the application of
the token.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

from ..refusals import access_denied
from ..viewer import Kind, Viewer
from ..world.schema import PAYMENT_SOURCES, TYPES
from ..world.table import Reference, WorldRecord
from ..world.tables import APPLICATIONS
from ..world.world import World

_WALLETS: Final = "customer_payment_sources"
_METHODS: Final = "payment_methods"
_OF_CUSTOMERS: Final = frozenset({"customers", _WALLETS, _METHODS, *PAYMENT_SOURCES})
"""Types of which a customer sees records."""


class Access:
    """What one viewer sees of a world.

    Args:
        world: The records.
        viewer: Who asks.
    """

    def __init__(self, world: World, viewer: Viewer) -> None:
        self._world = world
        self._viewer = viewer
        self._sees_all = viewer.mode is world.mode and viewer.kind is not Kind.SALES_CHANNEL

    def require_type(self, *types: str) -> None:
        """Refuse a viewer who sees records of none of *types*.

        Raises:
            Refusal: 401, as for a token that has no permission.
        """
        if not any(self._may_see(type) for type in types):
            raise access_denied(" or ".join(types))

    def is_of_its_mode(self, record: Reference) -> bool:
        """Tell whether *record* is of the mode of the token, whoever may see it."""
        return self._is_public(record.type) or self._viewer.mode is self._world.mode

    def sees(self, record: Reference) -> bool:
        """Tell whether *record* is there for the viewer."""
        if self._is_public(record.type):
            return self._world.id_of(record) == self.singleton_id(record.type)
        if not self._may_see(record.type):
            return False
        return self._sees_all or record.key in self._own.get(record.type, ())

    def singleton_id(self, type: str) -> str:
        """Give the id of the organization, or of the application to which the viewer's token was issued."""
        return APPLICATIONS[self._viewer.kind] if type == "application" else self._world.organization_id

    def keys(self, type: str) -> Sequence[int] | None:
        """List the keys of the records of *type* that the viewer sees, ascending; None for all there are."""
        return None if self._sees_all else sorted(self._own.get(type, ()))

    def related(self, record: Reference, name: str) -> Sequence[Reference]:
        """List the records to which the relationship *name* of *record* points, as far as the viewer sees them."""
        found = self._world.related_to(record, name)
        return found if self._sees_all and name != "event_stores" else [one for one in found if self.sees(one)]

    def _may_see(self, type: str) -> bool:
        match self._viewer:
            case _ if self._is_public(type):
                return True
            case Viewer(kind=Kind.INTEGRATION):
                return True
            case Viewer(kind=Kind.SALES_CHANNEL, customer_id=None):
                return False
            case Viewer(kind=Kind.SALES_CHANNEL):
                return type in _OF_CUSTOMERS or type not in TYPES  # of which there are no records at all
            case _:
                return type != "event_stores"

    @staticmethod
    def _is_public(type: str) -> bool:
        return type in TYPES and TYPES[type].singleton

    @cached_property
    def _own(self) -> Mapping[str, set[int]]:
        """By type: the keys of the customer's own records."""
        customer = self._customer()
        if customer is None:
            return {}
        wallets = self._world.related(customer, _WALLETS)
        own = [customer.reference, *wallets, *self._world.belonging(customer)]
        for wallet in wallets:
            own += [
                *self._world.related_to(wallet, "payment_source"),
                *self._world.related_to(wallet, "payment_method"),
            ]
        keys = dict[str, set[int]]()
        for reference in own:
            keys.setdefault(reference.type, set()).add(reference.key)
        return keys

    def _customer(self) -> WorldRecord | None:
        if self._viewer.customer_id is None or self._viewer.mode is not self._world.mode:
            return None
        return self._world.get("customers", self._viewer.customer_id)
