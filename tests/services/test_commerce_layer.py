"""The service that is built in, by the same checks as all others, against the sandbox."""

from pathlib import Path

import pytest

from commercelayer_async import Session
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.service import COMMERCE_LAYER
from tests.services.calls import CALLS, Related, World


@pytest.fixture
def sandbox(commercelayer_sandbox_factory) -> Sandbox:
    running: Sandbox = commercelayer_sandbox_factory(wallets=30)
    return running


def world_of(sandbox: Sandbox) -> World:
    """What the sandbox holds."""
    world = sandbox.world
    ids = world.wallet_ids()
    wallets = [world.get("customer_payment_sources", id) for id in ids]
    owners = [world.related(wallet, "customer")[0] for wallet in wallets if wallet is not None]
    customers = [world.at(owner).id for owner in owners]
    of_the_first = [id for id, owner in zip(ids, owners, strict=True) if owner == owners[0]]
    return World(
        name="Commerce Layer",
        service=COMMERCE_LAYER,
        classes=(),
        listed=CustomerPaymentSource,
        ids=ids,
        page_size=7,
        to_one=Related(
            owner=CustomerPaymentSource, id=ids[0], name="customer", targets=(customers[0],), others=ids[1:4]
        ),
        to_many=Related(owner=Customer, id=customers[0], name="customer_payment_sources", targets=tuple(of_the_first)),
        sort="-id",
        sorted=ids[::-1],
        filter={"id_in": list(ids[3:9])},
        filtered=ids[3:9],
    )


@pytest.mark.parametrize("call", CALLS)
async def test_each_call_gives_what_the_service_holds(
    session: Session, sandbox: Sandbox, call: str, tmp_path: Path
) -> None:
    await CALLS[call](session, world_of(sandbox), tmp_path)
