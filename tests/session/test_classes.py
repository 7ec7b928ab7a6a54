"""Resource classes of the caller's are judged before anything is sent."""

import ipaddress
from typing import Any, ClassVar

import attrs
import pytest

from commercelayer_async import AccessToken, ConfigurationError, RateLimits, Resource, Retry, Session
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


@attrs.frozen(kw_only=True)
class Hidden(Resource):
    type: ClassVar[str] = "customers"
    at: "Nowhere | None" = None  # type: ignore[name-defined] # noqa: F821 - unknown on purpose


@attrs.frozen(kw_only=True)
class Visitor(Resource):
    type: ClassVar[str] = "customers"
    address: ipaddress.IPv4Address | None = None


def session_on(url: str, **options: Any) -> Session:
    return Session(url, AccessToken("token-of-a-test"), limits=RateLimits.none(), retry=Retry.never(), **options)


@pytest.mark.parametrize(("cls", "named"), [(Hidden, "Hidden.at"), (Visitor, "Visitor.address")])
async def test_a_class_that_cannot_be_read_is_refused_before_a_request(cls: type[Resource], named: str) -> None:
    """And it spoils no other class."""
    async with (
        ScriptedServer(reply({"data": resource("customers", "c1")})) as server,
        session_on(server.url) as session,
    ):
        with pytest.raises(ConfigurationError, match=named):
            await session.get(cls, "c1")
        with pytest.raises(ConfigurationError, match=named):
            await session.get_many(cls, ["c1"])
        with pytest.raises(ConfigurationError, match=named):
            session.stream(cls, ["c1"])
        with pytest.raises(ConfigurationError, match=named):
            await session.list(cls)

        assert server.requests == []
        assert (await session.get(Customer, "c1")).id == "c1"


@pytest.mark.parametrize("cls", [Hidden, Visitor])
async def test_a_session_refuses_it_among_its_resources(cls: type[Resource]) -> None:
    with pytest.raises(ConfigurationError, match=f"^{cls.__name__}"):
        session_on("http://127.0.0.1:1", resources=[cls])
