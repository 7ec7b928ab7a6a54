"""What almost every type of the API has in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ..jsonapi import Resource


@attrs.frozen(kw_only=True)
class Record(Resource):
    """A resource with the attributes that the API gives to all but event stores.

    Only the two times are sure to be there. Any other attribute, here and in the subclasses, is `None` when
    the answer says `null` and when it leaves the attribute out, as answers about older records do.
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
