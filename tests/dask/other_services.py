"""Sessions of services whose lists cannot be cut by ids, of which less is declared than they have; and of others."""

import os

import attrs

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async.service import COMMERCE_LAYER, Keyset, Service

UNPLACED = attrs.evolve(COMMERCE_LAYER, name="Unplaced", keyset=Keyset("id", "gt"))
"""Nothing asks for what comes up to an id."""


def on(service: Service) -> Session:
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"],
        AccessToken(os.environ["COMMERCELAYER_ACCESS_TOKEN"]),
        limits=RateLimits.none(),
        service=service,
    )


def limited() -> Session:
    """A session of Commerce Layer whose limits nobody waits for, and which are known."""
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"],
        AccessToken(os.environ["COMMERCELAYER_ACCESS_TOKEN"]),
        limits=RateLimits(average=(10_000, 60.0), burst=(10_000, 10.0)),
    )


def unplaced() -> Session:
    return on(UNPLACED)


def one_by_one() -> Session:
    return on(attrs.evolve(UNPLACED, name="One by one", ids_at_once=None))


def uncounted() -> Session:
    return on(attrs.evolve(UNPLACED, name="Uncounted", total=None))


def undated() -> Session:
    return on(attrs.evolve(UNPLACED, name="Undated", created=None))


def with_other_token() -> Session:
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"], AccessToken(os.environ["OTHER_TOKEN"]), limits=RateLimits.none()
    )


# A worker keeps the session that each name gave.
with_other_mode = with_other_owner = with_other_scope = with_other_token
