from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
import attrs
import pytest
from yarl import URL

from commercelayer_async.sandbox import Rates, Sandbox

ACCEPT = "application/vnd.api+json"


@attrs.frozen
class Caller:
    """A plain HTTP client with the sandbox's bearer token."""

    sandbox: Sandbox
    http: aiohttp.ClientSession

    async def send(self, method, path, *, headers: Mapping[str, str] | None = None, **kwargs):
        bearer = {"Accept": ACCEPT, "Authorization": f"Bearer {self.sandbox.access_token}"}
        url = path if path.startswith("http") else self.sandbox.url + path
        async with self.http.request(
            method, URL(url, encoded=True), headers=bearer | dict(headers or {}), **kwargs
        ) as response:
            await response.read()
            return response

    async def get(self, path, query: Mapping[str, object] | None = None, *, status=200, **kwargs):
        """The document at *path*; *query* is sent percent-encoded."""
        response = await self.send("GET", f"{path}?{urlencode(query)}" if query else path, **kwargs)
        document = await response.json(content_type=ACCEPT)
        assert response.status == status, document
        return document

    async def post(self, path, body, *, status=200):
        response = await self.send("POST", path, json=body)
        document = await response.json()
        assert response.status == status, document
        return document

    async def refused(self, path, query=None, *, status, **kwargs):
        """The one error object of a refusal, which has exactly the members the API shows, in order."""
        document = await self.get(path, query, status=status, **kwargs)
        (error,) = document["errors"]
        assert list(document) == ["errors"]
        assert list(error) == ["title", "detail", "code", "status"]
        assert error["status"] == str(status)
        return error


@pytest.fixture
async def sandbox():
    async with Sandbox(rates=Rates.report_only()) as running:
        yield running


@pytest.fixture
async def calling():
    """Makes a caller for a sandbox with options of the test's own."""
    async with aiohttp.ClientSession() as http:
        yield lambda sandbox: Caller(sandbox, http)


@pytest.fixture
async def api(sandbox, calling):
    return calling(sandbox)


@pytest.fixture
def wallets():
    return "/api/customer_payment_sources"
