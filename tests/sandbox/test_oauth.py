"""The Auth API: grants, lifetimes, revocation, and what the Core API makes of tokens."""

import base64
import json

import pytest

from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_PATH


@pytest.fixture
def credentials(sandbox):
    return {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }


@pytest.fixture
async def sign_in(sandbox, api):
    """The body of a password grant for the owner of the documented wallet."""
    customer = await api.get(f"{WALLET_PATH}/customer")
    return {
        "grant_type": "password",
        "username": customer["data"]["attributes"]["email"],
        "password": sandbox.customer_password,
        "client_id": sandbox.sales_channel_id,
    }


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def test_client_credentials_get_a_token(api, credentials):
    token_response = await api.post("/oauth/token", credentials)

    assert list(token_response) == ["access_token", "token_type", "expires_in", "scope", "created_at"]
    assert token_response["token_type"] == "bearer"
    assert token_response["scope"] == "market:all"
    assert 7100 < token_response["expires_in"] <= 7200
    await api.get(WALLET_PATH, headers=bearer(token_response["access_token"]))


async def test_the_scope_asked_for_is_the_scope_given(api, credentials):
    token_response = await api.post("/oauth/token", credentials | {"scope": "market:code:europe"})

    assert token_response["scope"] == "market:code:europe"


async def test_a_token_is_a_jwt_that_names_whom_it_is_for(sandbox):
    header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in sandbox.access_token.split("."))

    claims = json.loads(claims)
    assert json.loads(header)["alg"] == "RS512"
    assert len(signature) == 256
    assert claims["exp"] - claims["iat"] == 7200
    assert claims["test"] is True
    assert claims["scope"] == "market:all"
    assert 0 <= claims["rand"] < 1
    assert claims["iss"] == sandbox.url.replace("http://127.0.0.1", "https://auth.localhost")
    assert claims["application"]["kind"] == "integration"
    assert claims["application"]["client_id"] == sandbox.client_id
    assert claims["organization"]["slug"] == "sandbox"
    assert "owner" not in claims


@pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"client_secret": "x"}, {"client_secret": None}])
async def test_an_unknown_client_gets_no_token(api, credentials, wrong):
    token_response = await api.post("/oauth/token", credentials | wrong, status=401)

    (error,) = token_response["errors"]
    assert list(error) == ["title", "detail", "code", "status"]
    assert (error["title"], error["code"], error["status"]) == ("invalid_client", "UNAUTHORIZED", 401)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
        ([], "invalid_request"),
        ({"grant_type": ["client_credentials"]}, "unsupported_grant_type"),
    ],
)
async def test_other_grants_are_refused(api, body, title):
    (error,) = (await api.post("/oauth/token", body, status=400))["errors"]

    assert (error["title"], error["code"], error["status"]) == (title, "BAD_REQUEST", 400)


async def test_a_body_that_is_not_json_is_refused(api):
    response = await api.send("POST", "/oauth/token", data=b"grant_type=client_credentials\xff")

    assert response.status == 400
    assert response.content_type == "application/json"
    assert (await response.json())["errors"][0]["title"] == "invalid_request"


async def test_a_customer_signs_in_and_refreshes_once(api, sign_in):
    first = await api.post("/oauth/token", sign_in)
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": first["refresh_token"],
        "client_id": sign_in["client_id"],
    }

    second = await api.post("/oauth/token", refresh)
    (error,) = (await api.post("/oauth/token", refresh, status=400))["errors"]

    assert first["owner_type"] == second["owner_type"] == "customer"
    assert first["owner_id"] == second["owner_id"]
    assert first["access_token"] != second["access_token"]
    assert first["refresh_token"] != second["refresh_token"]
    assert error["title"] == "invalid_grant"
    claims = json.loads(base64.urlsafe_b64decode(first["access_token"].split(".")[1] + "=="))
    assert claims["owner"] == {"type": "Customer", "id": first["owner_id"]}
    await api.get(WALLET_PATH, headers=bearer(second["access_token"]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "x"},
        {"username": "nobody"},
        {"username": "someone.1@example.com"},
        {"username": "ada.9999@example.com"},
        {"username": None},
    ],
)
async def test_a_customer_needs_username_and_password(api, sign_in, wrong):
    (error,) = (await api.post("/oauth/token", sign_in | wrong, status=400))["errors"]

    assert error["title"] == "invalid_grant"


async def test_a_wrong_secret_is_wrong_even_where_none_is_needed(api, sign_in):
    await api.post("/oauth/token", sign_in | {"client_secret": "x"}, status=401)


async def test_the_same_token_is_given_until_15_minutes_before_its_end(calling):
    clock = Clock()
    async with Sandbox(clock=clock) as sandbox:
        api = calling(sandbox)
        credentials = {
            "grant_type": "client_credentials",
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
        }
        clock.now += 7200 - 901
        same = await api.post("/oauth/token", credentials)
        clock.now += 2
        other = await api.post("/oauth/token", credentials)

        assert same["access_token"] == sandbox.access_token
        assert same["expires_in"] == 901
        assert same["created_at"] == 1_800_000_000
        assert other["access_token"] != sandbox.access_token
        assert other["expires_in"] == 7200
        await api.get(WALLET_PATH, headers=bearer(sandbox.access_token))
        await api.get(WALLET_PATH, headers=bearer(other["access_token"]))


async def test_a_token_ends_with_its_lifetime(calling):
    clock = Clock()
    async with Sandbox(clock=clock, token_lifetime=60.0) as sandbox:
        api = calling(sandbox)
        await api.get(WALLET_PATH)
        clock.now += 60

        error = await api.refused(WALLET_PATH, status=401)

    assert error["code"] == "INVALID_TOKEN"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic x", "Token"])
async def test_without_an_issued_token_a_request_is_refused(api, authorization):
    error = await api.refused(WALLET_PATH, status=401, headers={"Authorization": authorization})

    assert (error["title"], error["code"]) == ("Invalid token", "INVALID_TOKEN")


async def test_expire_tokens_ends_every_token_and_new_ones_can_be_had(sandbox, api, credentials):
    sandbox.expire_tokens()

    await api.refused(WALLET_PATH, status=401)
    fresh = (await api.post("/oauth/token", credentials))["access_token"]
    await api.get(WALLET_PATH, headers=bearer(fresh))


async def test_revoke_all_ends_refresh_tokens_too(sandbox, api, credentials, sign_in):
    refresh_token = (await api.post("/oauth/token", sign_in))["refresh_token"]

    sandbox.revoke_all()

    await api.refused(WALLET_PATH, status=401)
    refresh = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": sign_in["client_id"]}
    (error,) = (await api.post("/oauth/token", refresh, status=400))["errors"]
    assert error["title"] == "invalid_grant"
    await api.post("/oauth/token", credentials)


@pytest.mark.parametrize("lifetime", [1.0, 3.0, 14_400.0])
async def test_expires_in_is_the_lifetime_of_the_token(calling, lifetime):
    """Whole seconds, without a second less for the moment that has passed since it was made."""
    async with Sandbox(wallets=1, token_lifetime=lifetime) as sandbox:
        body = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
        token_response = await calling(sandbox).post("/oauth/token", body | {"grant_type": "client_credentials"})

    assert token_response["expires_in"] == lifetime


async def test_a_token_of_a_short_life_is_new_every_time(calling):
    clock = Clock()
    async with Sandbox(wallets=1, clock=clock, token_lifetime=3.0) as sandbox:
        api = calling(sandbox)
        body = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
        first, second = [await api.post("/oauth/token", body | {"grant_type": "client_credentials"}) for _ in range(2)]
        clock.now += 3
        await api.refused(WALLET_PATH, status=401, headers=bearer(second["access_token"]))

    assert first["access_token"] != second["access_token"]


async def test_requests_for_tokens_are_counted_by_grant_whatever_the_response(sandbox, api, credentials, sign_in):
    await api.post("/oauth/token", credentials)
    await api.post("/oauth/token", credentials | {"client_secret": "x"}, status=401)
    await api.post("/oauth/token", sign_in)
    await api.post("/oauth/token", {"grant_type": "magic"}, status=400)
    await api.send("POST", "/oauth/token", data=b"{")
    await api.send("GET", "/oauth/token")

    assert sandbox.token_requests == {"client_credentials": 2, "password": 1, "other": 2}
    assert sandbox.token_requests.total() == 5


async def test_a_revoked_token_fails_at_once(sandbox, api, credentials):
    token_response = await api.post("/oauth/revoke", credentials | {"token": sandbox.access_token})

    assert token_response == {}
    await api.refused(WALLET_PATH, status=401)
    assert (await api.post("/oauth/token", credentials))["access_token"] != sandbox.access_token


async def test_a_revoked_refresh_token_refreshes_nothing(api, sign_in):
    signed_in = await api.post("/oauth/token", sign_in)
    client = {"client_id": sign_in["client_id"]}
    await api.post("/oauth/revoke", client | {"token": signed_in["refresh_token"]})

    refresh = {"grant_type": "refresh_token", "refresh_token": signed_in["refresh_token"]}
    await api.post("/oauth/token", client | refresh, status=400)


async def test_a_superseded_token_is_revoked_alone(api, sign_in):
    first = await api.post("/oauth/token", sign_in)
    client = {"client_id": sign_in["client_id"]}
    refresh = client | {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await api.post("/oauth/token", refresh)

    await api.post("/oauth/revoke", client | {"token": first["access_token"]})

    await api.refused(WALLET_PATH, status=401, headers=bearer(first["access_token"]))
    await api.get(WALLET_PATH, headers=bearer(second["access_token"]))


async def test_revoking_what_nobody_knows_succeeds(api, credentials):
    assert await api.post("/oauth/revoke", credentials | {"token": "x"}) == {}


async def test_only_the_client_revokes(sandbox, api):
    body = {"client_id": sandbox.client_id, "token": sandbox.access_token}

    (error,) = (await api.post("/oauth/revoke", body, status=403))["errors"]

    assert (error["title"], error["code"], error["status"]) == ("unauthorized_client", "FORBIDDEN", 403)
    await api.get(WALLET_PATH)
