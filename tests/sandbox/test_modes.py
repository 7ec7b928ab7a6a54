"""The two modes of an organization: a sandbox is one of them."""

import base64
import json
from typing import Any

import pytest

from commercelayer_async import AccessToken, Session
from commercelayer_async.sandbox import Rates, Sandbox
from tests.support.documents import WALLET_PATH


def claims_of(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))


@pytest.mark.parametrize(("mode", "test"), [("test", True), ("live", False)])
async def test_tokens_and_records_say_the_mode(calling, mode, test):
    async with Sandbox(wallets=2, mode=mode) as sandbox:
        api = calling(sandbox)
        document = await api.get("/api/customer_payment_sources", {"include": "customer"})
        guest = {"client_id": sandbox.sales_channel_id, "grant_type": "client_credentials", "scope": "market:all"}
        answer = await api.post("/oauth/token", guest)
        token = sandbox.access_token

    assert sandbox.mode == mode
    assert [claims_of(each)["test"] for each in (token, answer["access_token"])] == [test] * 2
    assert {resource["meta"]["mode"] for resource in (*document["data"], *document["included"])} == {mode}


async def test_a_token_of_the_other_mode_is_invalid(calling):
    async with Sandbox(wallets=1) as test, Sandbox(wallets=1, mode="live") as live:
        for asked, other in ((test, live), (live, test)):
            bearer = {"Authorization": f"Bearer {other.access_token}"}
            error = await calling(asked).refused(WALLET_PATH, status=401, headers=bearer)
            assert error["code"] == "INVALID_TOKEN"


@pytest.mark.parametrize(("mode", "average", "burst"), [("test", 100, 25), ("live", 200, 50)])
async def test_requests_count_by_the_limits_of_the_mode(calling, mode, average, burst):
    async with Sandbox(wallets=1, mode=mode) as sandbox:
        await calling(sandbox).get(WALLET_PATH)

    assert [window.limit for window in sandbox.windows()] == [average, burst]


@pytest.mark.parametrize(("mode", "average"), [("test", "100"), ("live", "200")])
async def test_limits_are_reported_by_mode(calling, mode, average):
    async with Sandbox(wallets=1, mode=mode, rates=Rates.report_only(mode)) as sandbox:
        response = await calling(sandbox).send("GET", WALLET_PATH)

    assert response.headers["X-Ratelimit-Limit"] == average


async def test_the_client_of_this_package_counts_by_the_mode_of_its_token():
    async with (
        Sandbox(wallets=1, mode="live") as sandbox,
        Session(sandbox.url, AccessToken(sandbox.access_token)) as session,
    ):
        for _ in range(26):
            await session.request("/customers")

    assert sandbox.violations == ()


@pytest.mark.parametrize("mode", ["TEST", "", None, "production"])
def test_there_is_no_other_mode(mode):
    with pytest.raises(ValueError, match="'test' or 'live'"):
        Sandbox(mode=mode)


@pytest.mark.parametrize("make", [Rates.off, Rates.report_only])
def test_there_are_no_limits_of_another_mode(make):
    with pytest.raises(ValueError, match="production"):
        make("production")
