"""The attributes that almost every type of the API has in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ..jsonapi import Resource


@attrs.frozen(kw_only=True)
class Record(Resource):
    """A resource with the attributes that the API gives to all but event stores.

    Only the two times are always present. Any other attribute, here and in the subclasses, is `None` both for `null`
    and for an attribute that the response leaves out, as it does for older records.
    """

    created_at: datetime
    """When the record was made; UTC."""
    updated_at: datetime
    """When the record was last changed; UTC."""
    reference: str | None = None
    """The record's id in a system outside Commerce Layer."""
    reference_origin: str | None = None
    """The outside system that `reference` belongs to."""
    metadata: Mapping[str, Any] | None = None
    """Whatever the organization keeps with the record, as it was stored; may be empty."""
