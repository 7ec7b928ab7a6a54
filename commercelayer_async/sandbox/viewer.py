"""Who asks: what an access token says about its bearer, as far as the response depends on it."""

from enum import StrEnum

import attrs


class Kind(StrEnum):
    """The kinds of application to which tokens are issued."""

    INTEGRATION = "integration"
    SALES_CHANNEL = "sales_channel"
    WEBAPP = "webapp"


class Mode(StrEnum):
    """The two modes of an organization, each with records of its own."""

    TEST = "test"
    LIVE = "live"


@attrs.frozen
class Viewer:
    """The bearer of an access token."""

    kind: Kind
    mode: Mode = Mode.TEST
    customer_id: str | None = None
    """The id of the customer who signed in; None for an application by itself, or for a user of the organization."""
