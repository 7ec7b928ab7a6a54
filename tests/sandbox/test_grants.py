"""All grants: what each client exchanges for a token, who the token says it is for, and what is refused."""

import base64
import json
from typing import Any

import aiohttp
import attrs
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import AuthorizationCode, ClientCredentials, JwtBearer, Password, RefreshToken, Session
from commercelayer_async.errors import AuthError, Unauthorized
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.sandbox.oauth.assertions import read_assertion
from commercelayer_async.sandbox.oauth.scopes import read_scope
from commercelayer_async.sandbox.refusals import AuthRefusal
from commercelayer_async.sandbox.viewer import Kind, Mode, Viewer
from tests.support.documents import WALLET_ID, WALLET_PATH

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIM = "https://commercelayer.io/claims"
MARKET = "market:id:xYZkjABcde"
PAGE = "https://shop.example/back"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def assertion(content: object, **claims: object) -> str:
    """An assertion as clients make it; nobody checks its signature."""
    return f"{part({'alg': 'HS512', 'typ': 'JWT'})}.{part({CLAIM: content, **claims})}.c2ln"


def decoded(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def claims_of(token: str) -> Any:
    return decoded(token.split(".")[1])


@attrs.define
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@attrs.frozen
class Desk:
    """Asks a sandbox for tokens as each of its clients."""

    sandbox: Sandbox
    api: Any
    clock: Clock
    customer: Any
    """The owner of the documented wallet."""

    @property
    def integration(self) -> dict[str, str]:
        return {"client_id": self.sandbox.client_id, "client_secret": self.sandbox.client_secret}

    @property
    def sales_channel(self) -> dict[str, str]:
        return {"client_id": self.sandbox.sales_channel_id}

    @property
    def trusted_sales_channel(self) -> dict[str, str]:
        return self.sales_channel | {"client_secret": self.sandbox.sales_channel_secret}

    @property
    def webapp(self) -> dict[str, str]:
        return {"client_id": self.sandbox.webapp_id, "client_secret": self.sandbox.webapp_secret}

    @property
    def password(self) -> dict[str, str]:
        return {
            "grant_type": "password",
            "username": self.customer["attributes"]["email"],
            "password": self.sandbox.customer_password,
        }

    def code(self, redirect_uri: str = PAGE) -> dict[str, str]:
        code = self.sandbox.authorize(redirect_uri=redirect_uri)
        return {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}

    async def ask(self, *parts: dict[str, Any]) -> Any:
        return await self.api.post("/oauth/token", {name: value for part in parts for name, value in part.items()})

    async def refused(self, *parts: dict[str, Any]) -> tuple[int, str]:
        """The status and the name of a refusal, which has the published shape."""
        response = await self.api.send("POST", "/oauth/token", json={k: v for part in parts for k, v in part.items()})
        (error,) = (await response.json())["errors"]
        assert list(error) == ["title", "detail", "code", "status"]
        assert error["status"] == response.status
        return response.status, error["title"]

    async def renew(self, answer: Any, client: dict[str, str]) -> Any:
        return await self.ask(client, {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]})

    def viewer(self, answer: Any) -> Viewer:
        assert self.sandbox._running is not None
        return self.sandbox._running.tokens.viewer_of(f"Bearer {answer['access_token']}")


@pytest.fixture
async def desk(calling):
    clock = Clock()
    async with Sandbox(clock=clock) as sandbox:
        api = calling(sandbox)
        customer = (await api.get(f"{WALLET_PATH}/customer"))["data"]
        yield Desk(sandbox, api, clock, customer)


COMMON = ["access_token", "token_type", "expires_in", "scope", "created_at"]
OWNED = [*COMMON, "refresh_token", "owner_id", "owner_type"]


async def test_an_integration_has_all_markets_and_no_owner(desk):
    answer = await desk.ask(desk.integration, {"grant_type": "client_credentials"})

    assert list(answer) == COMMON
    assert answer["scope"] == "market:all"
    assert desk.viewer(answer) == Viewer(Kind.INTEGRATION, Mode.TEST)


async def test_a_guest_of_a_sales_channel_needs_a_market_and_no_secret(desk):
    answer = await desk.ask(desk.sales_channel, {"grant_type": "client_credentials", "scope": MARKET})

    claims = claims_of(answer["access_token"])
    assert list(answer) == COMMON
    assert (answer["scope"], answer["expires_in"]) == (MARKET, 14_400)
    assert claims["application"] == {
        "id": "sAndbOxShp",
        "client_id": desk.sandbox.sales_channel_id,
        "kind": "sales_channel",
        "public": True,
        "confidential": False,
    }
    assert "owner" not in claims
    assert desk.viewer(answer) == Viewer(Kind.SALES_CHANNEL, Mode.TEST)


async def test_confidential_says_that_a_secret_was_sent(desk):
    asked = {"grant_type": "client_credentials", "scope": MARKET}

    without = await desk.ask(desk.sales_channel, asked)
    beside = await desk.ask(desk.trusted_sales_channel, asked)

    confidential = [claims_of(answer["access_token"])["application"]["confidential"] for answer in (without, beside)]
    assert confidential == [False, True]


async def test_a_customer_signs_in_to_a_sales_channel(desk):
    answer = await desk.ask(desk.sales_channel, desk.password, {"scope": MARKET})

    assert list(answer) == OWNED
    assert (answer["owner_id"], answer["owner_type"]) == (desk.customer["id"], "customer")
    assert claims_of(answer["access_token"])["owner"] == {"type": "Customer", "id": desk.customer["id"]}
    assert desk.viewer(answer) == Viewer(Kind.SALES_CHANNEL, Mode.TEST, desk.customer["id"])


async def test_a_code_is_exchanged_once_for_a_token_of_the_user(desk):
    code = desk.code()
    answer = await desk.ask(desk.webapp, code)

    claims = claims_of(answer["access_token"])
    assert list(answer) == OWNED
    assert (answer["owner_type"], answer["expires_in"]) == ("user", 7200)
    assert claims["owner"] == {"type": "User", "id": answer["owner_id"]}
    assert claims["application"]["kind"] == "webapp"
    assert desk.viewer(answer) == Viewer(Kind.WEBAPP, Mode.TEST)
    assert await desk.refused(desk.webapp, code) == (400, "invalid_grant")


async def test_a_code_lives_for_ten_minutes(desk):
    timely, late = desk.code(), desk.code()
    desk.clock.now += 599
    await desk.ask(desk.webapp, timely)
    desk.clock.now += 1

    assert await desk.refused(desk.webapp, late) == (400, "invalid_grant")


@pytest.mark.parametrize("other", [PAGE + "/", "https://evil.example", None, ["x"]])
async def test_a_code_is_for_one_page_alone(desk, other):
    code = desk.code()

    assert await desk.refused(desk.webapp, code, {"redirect_uri": other}) == (400, "invalid_grant")
    await desk.ask(desk.webapp, code)


async def test_a_code_is_not_for_a_client_of_another_kind_nor_without_the_secret(desk):
    code = desk.code()

    assert await desk.refused(desk.trusted_sales_channel, code) == (403, "unauthorized_client")
    assert await desk.refused({"client_id": desk.sandbox.webapp_id}, code) == (401, "invalid_client")
    await desk.ask(desk.webapp, code)


async def test_a_scope_may_be_asked_for_with_the_code_or_before(desk):
    code = desk.sandbox.authorize(redirect_uri=PAGE, scope=MARKET)
    answer = await desk.ask(
        desk.webapp, {"grant_type": "authorization_code", "code": code, "redirect_uri": PAGE, "scope": None}
    )
    narrower = await desk.ask(desk.webapp, desk.code(), {"scope": "market:code:europe"})

    assert (answer["scope"], narrower["scope"]) == (MARKET, "market:code:europe")


@pytest.mark.parametrize("redirect_uri", ["", "back", "/back", "shop.example/back"])
async def test_a_code_needs_an_absolute_url(desk, redirect_uri):
    with pytest.raises(ValueError, match="absolute URL"):
        desk.sandbox.authorize(redirect_uri=redirect_uri)


async def test_a_code_of_a_malformed_scope_is_not_made(desk):
    with pytest.raises(ValueError, match="market:id:"):
        desk.sandbox.authorize(redirect_uri=PAGE, scope="everything")


def test_a_code_is_made_by_a_running_sandbox():
    with pytest.raises(RuntimeError, match="not running"):
        Sandbox().authorize(redirect_uri=PAGE)


@pytest.mark.parametrize("client", ["integration", "trusted_sales_channel", "webapp"])
async def test_an_assertion_speaks_for_a_customer(desk, client):
    owner = {"type": "Customer", "id": desk.customer["id"]}
    said = {"grant_type": JWT_BEARER, "assertion": assertion({"owner": owner, "custom_claim": {"a": [1]}})}

    answer = await desk.ask(getattr(desk, client), said)

    claims = claims_of(answer["access_token"])
    assert list(answer) == OWNED
    assert (answer["owner_id"], answer["owner_type"]) == (desk.customer["id"], "customer")
    assert claims["owner"] == owner
    assert claims["custom_claim"] == {"a": [1]}
    assert desk.viewer(answer).customer_id == desk.customer["id"]
    assert desk.viewer(answer).kind == claims["application"]["kind"] == client.removeprefix("trusted_")


async def test_an_assertion_speaks_for_a_user_or_for_nobody(desk):
    users = assertion({"owner": {"type": "User", "id": "aUserSomeh"}})
    nobodys = assertion({"custom_claim": {"reader": True}})
    of_user, of_nobody = [
        await desk.ask(desk.webapp, {"grant_type": JWT_BEARER, "assertion": said}) for said in (users, nobodys)
    ]

    assert (of_user["owner_id"], of_user["owner_type"]) == ("aUserSomeh", "user")
    assert desk.viewer(of_user).customer_id is None
    assert list(of_nobody) == [*COMMON, "refresh_token"]
    assert claims_of(of_nobody["access_token"])["custom_claim"] == {"reader": True}
    assert of_user["access_token"] != of_nobody["access_token"]


WRONG_ASSERTIONS = [
    None,
    "",
    7,
    "eyJh.eyJi.c2ln",
    "a.b",
    f"{part({})}.{part([])}.x",
    f"{part({})}.{part({})}.x",
    assertion({}),
    assertion(None),
    assertion("owner"),
    assertion({"owner": {}}),
    assertion({"owner": "x"}),
    assertion({"custom_claim": {}}),
    assertion({"custom_claim": "x"}),
    assertion({"other": 1}),
    assertion({"owner": {"type": "customer", "id": "x"}}),
    assertion({"owner": {"type": "User"}}),
    assertion({"owner": {"type": "User", "id": 5}}),
    assertion({"owner": {"type": ["User"], "id": "x"}}),
    assertion({"owner": {"type": "Customer", "id": "aaaaaaaaaa"}}),
    assertion({"custom_claim": {"a": 1}}, exp=1_700_000_000),
    assertion({"custom_claim": {"a": "x" * 4000}}),
]


@pytest.mark.parametrize("said", WRONG_ASSERTIONS, ids=range(len(WRONG_ASSERTIONS)))
async def test_an_assertion_without_content_is_refused(desk, said):
    asked = {"grant_type": JWT_BEARER, "assertion": said}

    assert await desk.refused(desk.webapp, asked) == (400, "invalid_assertion")


async def test_a_deep_assertion_and_a_deep_body_are_refused_too(desk):
    deep = base64.urlsafe_b64encode(b"[" * 3000).decode()

    assert await desk.refused(desk.webapp, {"grant_type": JWT_BEARER, "assertion": f"x.{deep}.x"}) == (
        400,
        "invalid_assertion",
    )
    response = await desk.api.send("POST", "/oauth/token", data=b"[" * 100_000)
    assert response.status == 400


async def test_an_assertion_needs_the_secret_of_a_sales_channel_too(desk):
    said = {"grant_type": JWT_BEARER, "assertion": assertion({"custom_claim": {"a": 1}})}

    assert await desk.refused(desk.sales_channel, said) == (401, "invalid_client")


@given(st.text() | st.binary().map(lambda content: f"x.{base64.urlsafe_b64encode(content).decode()}.x"))
def test_any_other_assertion_is_refused(said):
    with pytest.raises(AuthRefusal):
        read_assertion(said, now=0.0)


@pytest.mark.parametrize(
    ("client", "asked"),
    [
        ("webapp", {"grant_type": "client_credentials"}),
        ("webapp", {"grant_type": "password"}),
        ("sales_channel", {"grant_type": "authorization_code"}),
    ],
)
async def test_a_grant_is_for_some_kinds_of_client_alone(desk, client, asked):
    assert await desk.refused(getattr(desk, client), asked) == (403, "unauthorized_client")


@pytest.mark.parametrize("client", ["integration", "webapp", "trusted_sales_channel"])
async def test_a_wrong_secret_is_refused_with_every_grant(desk, client):
    for asked in ({"grant_type": "refresh_token"}, {"grant_type": JWT_BEARER}):
        wrong = getattr(desk, client) | {"client_secret": "x"}
        assert await desk.refused(wrong, asked) == (401, "invalid_client")


@pytest.mark.parametrize(
    "scope",
    [
        None,
        "",
        "everything",
        "market:1234",
        "store:id:abc",
        "stock_location:code:eu",
        "market:id:a  market:id:b",
        " market:all",
        "market:id:",
        "provisioning-api",
        ["market:all"],
    ],
)
async def test_a_sales_channel_has_to_name_a_market(desk, scope):
    asked = {"grant_type": "client_credentials", "scope": scope}

    assert await desk.refused(desk.sales_channel, asked) == (400, "invalid_scope")


@pytest.mark.parametrize(
    "scope",
    ["market:all", "market:code:europe", "market:id:a market:id:b", "market:id:a stock_location:code:eu store:id:b"],
)
async def test_markets_are_named_by_id_or_code(desk, scope):
    answer = await desk.ask(desk.sales_channel, {"grant_type": "client_credentials", "scope": scope})

    assert answer["scope"] == claims_of(answer["access_token"])["scope"] == scope


@given(st.text())
def test_a_scope_is_kept_as_it_is_or_refused(scope):
    try:
        assert read_scope(scope) == (scope or "market:all")
    except AuthRefusal as refusal:
        assert refusal.title == "invalid_scope"  # noqa: PT017 - either holds


async def test_a_refresh_token_is_good_for_its_client_once_and_for_two_weeks(desk):
    first = await desk.ask(desk.sales_channel, desk.password)
    asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    assert await desk.refused(desk.webapp, asked) == (400, "invalid_grant")
    second = await desk.renew(first, desk.sales_channel)
    assert await desk.refused(desk.sales_channel, asked) == (400, "invalid_grant")
    desk.clock.now += 14 * 24 * 3600 - 1
    third = await desk.renew(second, desk.sales_channel)
    desk.clock.now += 14 * 24 * 3600

    late = {"grant_type": "refresh_token", "refresh_token": third["refresh_token"]}
    assert await desk.refused(desk.sales_channel, late) == (400, "invalid_grant")


async def test_a_refreshed_token_speaks_for_the_same_owner(desk):
    said = assertion({"owner": {"type": "User", "id": "aUserSomeh"}, "custom_claim": {"a": 1}})
    first = await desk.ask(desk.webapp, {"grant_type": JWT_BEARER, "assertion": said, "scope": MARKET})

    second = await desk.renew(first, desk.webapp)

    kept = ("owner", "custom_claim", "application", "scope", "organization")
    first_claims, second_claims = claims_of(first["access_token"]), claims_of(second["access_token"])
    assert [first_claims[name] for name in kept] == [second_claims[name] for name in kept]
    assert first["access_token"] != second["access_token"]


async def test_a_webapp_refreshes_with_its_secret(desk):
    first = await desk.ask(desk.webapp, desk.code())
    asked = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    assert await desk.refused({"client_id": desk.sandbox.webapp_id}, asked) == (401, "invalid_client")
    await desk.ask(desk.webapp, asked)


async def test_one_logs_out_without_a_secret_and_a_guest_does_not(desk):
    customers = await desk.ask(desk.sales_channel, desk.password)
    guests = await desk.ask(desk.sales_channel, {"grant_type": "client_credentials", "scope": MARKET})

    await desk.api.post("/oauth/revoke", desk.sales_channel | {"token": customers["access_token"]})
    await desk.api.post("/oauth/revoke", desk.sales_channel | {"token": guests["access_token"]}, status=403)
    assert desk.viewer(guests)
    await desk.api.post("/oauth/revoke", desk.trusted_sales_channel | {"token": guests["access_token"]})

    for token in (customers["access_token"], guests["access_token"]):
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await desk.api.refused(WALLET_PATH, status=401, headers=bearer))["code"] == "INVALID_TOKEN"


async def test_nobody_revokes_what_another_client_got(desk):
    answer = await desk.ask(desk.webapp, desk.code())

    for name in ("access_token", "refresh_token"):
        await desk.api.post("/oauth/revoke", desk.integration | {"token": answer[name]}, status=403)
    await desk.renew(answer, desk.webapp)
    await desk.api.post("/oauth/revoke", desk.webapp | {"token": answer["access_token"]})


async def test_revoke_all_ends_codes_too(desk):
    code = desk.code()

    desk.sandbox.revoke_all()

    assert await desk.refused(desk.webapp, code) == (400, "invalid_grant")


async def test_a_token_of_another_sandbox_is_invalid(desk, calling):
    """As is one of another organization, or of the other mode: neither was issued here."""
    async with Sandbox(wallets=1, seed=1) as other:
        bearer = {"Authorization": f"Bearer {other.access_token}"}

        error = await desk.api.refused(WALLET_PATH, status=401, headers=bearer)

    assert error["code"] == "INVALID_TOKEN"


async def test_without_a_header_a_request_is_refused(sandbox):
    async with aiohttp.ClientSession() as http, http.get(sandbox.url + WALLET_PATH) as response:
        (error,) = (await response.json(content_type=None))["errors"]

    assert (response.status, error["code"]) == (401, "INVALID_TOKEN")


async def test_tokens_are_signed_by_the_published_key(desk):
    answer = await desk.ask(desk.webapp, desk.code())
    (key,) = (await (await desk.api.send("GET", "/.well-known/jwks.json")).json())["keys"]

    signed, _, signature = answer["access_token"].rpartition(".")
    numbers = [int.from_bytes(base64.urlsafe_b64decode(key[name] + "=="), "big") for name in ("e", "n")]
    public = rsa.RSAPublicNumbers(*numbers).public_key()
    public.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode(), padding.PKCS1v15(), hashes.SHA512())
    assert decoded(signed.split(".")[0]) == {"alg": "RS512", "typ": "JWT", "kid": key["kid"]}


async def test_the_issuer_and_the_slug_lead_the_official_clients_to_the_sandbox(desk):
    """They ask `https://{slug}.{domain}`, the domain being the issuer without `https://auth.`."""
    claims = claims_of(desk.sandbox.access_token)
    domain = claims["iss"].removeprefix("https://auth.")
    port = desk.sandbox.url.rpartition(":")[2]

    assert domain == f"localhost:{port}"
    for host in (f"{claims['organization']['slug']}.{domain}", f"auth.{domain}"):
        assert (await desk.api.send("GET", WALLET_PATH, headers={"Host": host})).status == 200


@pytest.mark.parametrize("lifetime", [0, -1.0, float("nan"), float("inf")])
def test_a_lifetime_is_above_0(lifetime):
    with pytest.raises(ValueError, match="above 0"):
        Sandbox(token_lifetime=lifetime)


async def is_known(session: Session) -> bool:
    """Whether its token is accepted; that of a guest, who may read no customers, is refused in another way."""
    try:
        await session.request("/customers")
    except Unauthorized as refusal:
        return refusal.errors[0].code == "UNAUTHORIZED"
    return True


async def test_the_client_of_this_package_gets_through_with_every_grant(desk):
    sandbox, customer = desk.sandbox, desk.customer
    said = assertion({"owner": {"type": "User", "id": "aUserSomeh"}})
    signed_in = await desk.ask(desk.sales_channel, desk.password)
    ways: list[ClientCredentials | Password | RefreshToken | AuthorizationCode | JwtBearer] = [
        ClientCredentials(sandbox.client_id, sandbox.client_secret),
        ClientCredentials(sandbox.sales_channel_id, sandbox.sales_channel_secret, scope=MARKET),
        Password(sandbox.sales_channel_id, customer["attributes"]["email"], sandbox.customer_password),
        RefreshToken(sandbox.sales_channel_id, signed_in["refresh_token"]),
        AuthorizationCode(
            sandbox.webapp_id, sandbox.webapp_secret, sandbox.authorize(redirect_uri=PAGE), redirect_uri=PAGE
        ),
        JwtBearer(sandbox.webapp_id, sandbox.webapp_secret, said),
    ]

    for auth in ways:
        async with Session(sandbox.url, auth) as session:
            assert await is_known(session)
            await session.revoke()
    async with Session(sandbox.url, ClientCredentials(sandbox.sales_channel_id, scope=MARKET)) as session:
        assert await is_known(session)
    async with Session(sandbox.url, Password(sandbox.webapp_id, "ada", "x")) as session:
        with pytest.raises(AuthError, match="for a sales channel") as caught:
            await session.request(f"/customer_payment_sources/{WALLET_ID}")
    assert caught.value.code == "unauthorized_client"


async def test_one_pair_of_credentials_does_for_every_grant(desk):
    """Each gets what the application gets that the grant is for, and a refresh token that works with the pair."""
    own = {"client_id": desk.sandbox.client_id}
    guest = await desk.ask(own, {"grant_type": "client_credentials", "scope": MARKET})
    signed_in = await desk.ask(own, desk.password)
    user = await desk.ask(desk.integration, desk.code())
    again = await desk.renew(signed_in, own)

    kinds = [desk.viewer(one).kind for one in (guest, signed_in, user, again)]
    assert kinds == [Kind.SALES_CHANNEL, Kind.SALES_CHANNEL, Kind.WEBAPP, Kind.SALES_CHANNEL]
    assert desk.viewer(again).customer_id == desk.customer["id"]
    assert await desk.refused(own, {"grant_type": "client_credentials"}) == (401, "invalid_client")
    assert await desk.refused(own, desk.code()) == (401, "invalid_client")
