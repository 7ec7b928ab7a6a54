"""Event stores: the log of changes."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from .._markers import public
from ..jsonapi import Resource


@public("commercelayer_async.resources")
class EventName(StrEnum):
    """The known values of `EventStore.event`; newer schemas add names for the steps of an anonymization."""

    CREATE = "create"
    UPDATE = "update"
    DESTROY = "destroy"


# Not a Record: the API sends `{}` where every other type has a string in `reference` and `reference_origin`.
@public("commercelayer_async.resources")
@attrs.frozen(kw_only=True)
class EventStore(Resource):
    """One change to one record: what, when and by whom.

    Read with integration credentials only, from `event_stores` of a record. It has no relationships.
    """

    type: ClassVar[str] = "event_stores"

    created_at: datetime
    """When the change was made; UTC."""
    updated_at: datetime
    """When this entry was last changed; UTC."""
    resource_type: str | None = None
    """The type of the changed record, such as `orders`; the list of types grows with the schema."""
    resource_id: str | None = None
    """The id of the changed record."""
    event: str | None = None
    """What happened to the record; see `EventName`."""
    payload: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """Old and new value of each changed attribute, `{"from": ..., "to": ...}` or a pair; may hold secrets."""
    who: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    """The application, owner or worker that made the change; has names and e-mail addresses."""
    reference: str | Mapping[str, Any] | None = None
    """A string as elsewhere, or `{}`, which the API sends in place of null."""
    reference_origin: str | Mapping[str, Any] | None = None
    """A string as elsewhere, or `{}`, which the API sends in place of null."""
    metadata: Mapping[str, Any] | None = None
    """Whatever is kept with the entry; as a rule empty."""
