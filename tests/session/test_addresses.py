"""URLs may be given as they are found: with the root of the API, with the path of the token endpoint."""

import pytest

from commercelayer_async import ClientCredentials, Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, WALLET_PATH


@pytest.mark.parametrize("auth", ["", "/", "/oauth/token", "/oauth/token/"])
@pytest.mark.parametrize("root", ["", "/", "/api", "/api/"])
async def test_a_session_finds_the_api_and_the_token_endpoint(sandbox: Sandbox, root: str, auth: str) -> None:
    credentials = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with Session(sandbox.url + root, credentials, auth_url=sandbox.url + auth) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
        await session.revoke()

    assert [request.raw_path for request in sandbox.requests] == ["/oauth/token", WALLET_PATH, "/oauth/revoke"]
