"""The official JavaScript clients against the sandbox: what works with them is what the service would do."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.environments import JS_AUTH, SDK, Unavailable, node_packages
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("official_clients.mjs")
PAGE = "https://shop.example/back"
PATIENCE = 120.0


@pytest.fixture(scope="module")
def sandbox(commercelayer_sandbox_factory):
    return commercelayer_sandbox_factory(wallets=60)


@pytest.fixture(scope="module")
def customer(sandbox):
    """The owner of the documented wallet."""
    world = sandbox.world
    (owner,) = world.related(world.get("customer_payment_sources", WALLET_ID), "customer")
    return world.at(owner)


@pytest.fixture(scope="module")
def answers(sandbox: Sandbox, customer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each call of the program gave."""
    try:
        node, modules = node_packages(tmp_path_factory.mktemp("node"), SDK, JS_AUTH)
    except Unavailable as reason:
        pytest.skip(str(reason))
    given = {
        "url": sandbox.url,
        "domain": f"localhost:{sandbox.url.rpartition(':')[2]}",
        "integration": {"clientId": sandbox.client_id, "clientSecret": sandbox.client_secret},
        "salesChannel": {"clientId": sandbox.sales_channel_id, "clientSecret": sandbox.sales_channel_secret},
        "webapp": {"clientId": sandbox.webapp_id, "clientSecret": sandbox.webapp_secret},
        "customer": {
            "id": customer.id,
            "email": customer.attributes["email"],
            "password": sandbox.customer_password,
        },
        "code": sandbox.authorize(redirect_uri=PAGE),
    }
    command = [node, str(PROGRAM), modules.as_uri()]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_they_find_the_hosts_by_the_token(sandbox: Sandbox, answers: Any) -> None:
    port = sandbox.url.rpartition(":")[2]

    assert answers["asked"] == [f"https://auth.localhost:{port}", f"https://sandbox.localhost:{port}"]
    assert answers["base"] == f"https://sandbox.localhost:{port}"


@pytest.mark.parametrize(
    ("name", "kind", "owner"),
    [
        ("integration", "integration", None),
        ("guest", "sales_channel", None),
        ("password", "sales_channel", "customer"),
        ("refreshed", "sales_channel", "customer"),
        ("code", "webapp", "user"),
        ("assertion", "sales_channel", "customer"),
    ],
)
def test_every_grant_gives_a_token_of_its_kind(answers: Any, name: str, kind: str, owner: str | None) -> None:
    answer = answers[name]

    assert answer["tokenType"] == "bearer"
    assert answer["claims"]["application"]["kind"] == kind
    assert answer.get("ownerType") == owner
    assert ("refreshToken" in answer) == (owner is not None)
    assert ("owner" in answer["claims"]) == (owner is not None)


def test_the_claims_of_an_assertion_are_those_of_the_token(answers: Any, customer: Any) -> None:
    claims = answers["assertion"]["claims"]

    assert claims["owner"] == {"type": "Customer", "id": customer.id}
    assert claims["custom_claim"] == {"name": "Ada"}


@pytest.mark.parametrize(
    ("name", "title", "status"),
    [
        ("refreshedTwice", "invalid_grant", 400),
        ("emptyAssertion", "invalid_assertion", 400),
        ("wrongSecret", "invalid_client", 401),
        ("wrongPassword", "invalid_grant", 400),
    ],
)
def test_refusals_are_read_as_those_of_the_service(answers: Any, name: str, title: str, status: int) -> None:
    (error,) = answers[name]["errors"]

    assert (error["title"], error["status"]) == (title, status)


def test_a_token_is_verified_and_revoked(answers: Any) -> None:
    assert answers["verified"] == "integration"
    assert answers["revoked"] == {"body": {}, "status": 401, "code": "INVALID_TOKEN"}


def test_a_shop_keeps_guests_and_customers_apart(answers: Any) -> None:
    assert (answers["shopGuest"], answers["shopCustomer"], answers["loggedOut"]) == ("guest", "customer", {})


def test_a_wallet_is_retrieved_with_what_is_included(answers: Any, customer: Any) -> None:
    assert answers["retrieved"]["id"] == answers["included"]["id"] == WALLET_ID
    assert answers["included"]["customer"]["email"] == customer.attributes["email"]
    assert answers["included"]["payment_source"]["type"].endswith("_payments")
    assert set(answers["sparse"]) == {"id", "type", "name"}


def test_relationships_are_followed(answers: Any, customer: Any) -> None:
    assert answers["related"]["id"] == customer.id
    assert WALLET_ID in answers["relatedMany"]


def test_lists_have_pages_sorts_and_filters(sandbox: Sandbox, answers: Any) -> None:
    ids = list(sandbox.world.wallet_ids())
    page = answers["listed"]

    assert page == {
        "ids": ids[5:10],
        "pageCount": 12,
        "recordCount": 60,
        "currentPage": 2,
        "recordsPerPage": 5,
        "next": True,
    }
    assert answers["sorted"] == sorted(answers["sorted"], reverse=True)
    assert len(answers["sorted"]) == 25
    assert answers["filtered"] == [WALLET_ID]
    assert sorted(answers["walked"]) == sorted(ids)
    assert answers["counted"] == 60


def test_errors_are_those_of_the_service(answers: Any) -> None:
    assert answers["missing"] == {"error": "ApiError", "status": 404, "code": "RECORD_NOT_FOUND"}
    assert (answers["notFilterable"]["error"], answers["notFilterable"]["status"]) == ("ApiError", 400)


def test_a_customer_reads_their_wallet(answers: Any) -> None:
    assert WALLET_ID in answers["ofCustomer"]
