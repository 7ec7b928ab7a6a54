"""The form of a row, and the documents and questions that the rows share."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from commercelayer_async import Session
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.faults.assertions import CUSTOMER_TOKEN, GRANTED, PAYMENT, Hosts, Outcome
from tests.faults.breaking_server import Peer, Script
from tests.support.documents import document, resource
from tests.support.responses import reply

Ask = Callable[[Session, Hosts], Awaitable[Any]]
Check = Callable[[Outcome], None]
Span = tuple[int, int]

CAP = 8
"""Requests that one call may make at most."""
ONE: Span = (1, 1)
NONE: Span = (0, 0)
SEVERAL: Span = (2, CAP)
FEW: Span = (1, CAP)


async def customer(session: Session, hosts: Hosts) -> Any:
    """The customer c1."""
    return await session.get(Customer, "c1")


@attrs.frozen(kw_only=True)
class Row:
    """One thing that may go wrong, and what the client has to make of it."""

    number: str
    """The number in the catalogue."""
    label: str
    server: str
    """What the server does, or the caller."""
    client: str
    """What the client must do."""
    api: Script | Callable[[Hosts], Script] = ()
    """What the API answers; a good customer by default."""
    token: Script | Callable[[Hosts], Script] | None = None
    """What the token endpoint answers; None for a session that has a token."""
    accept: Callable[[Peer], Awaitable[None]] | None = None
    """What happens to connections before a request is read."""
    tls: str = ""
    """How the server speaks TLS, a name in `tests.faults.tls`; plain without."""
    base: str = ""
    """The organization's URL, with places in braces; the server's own by default."""
    ask: Ask = customer
    session: Mapping[str, Any] = {}
    """Options of the session beside the usual ones of the tests."""
    read: float = 2.0
    """Seconds without a byte after which a try is given up."""
    connect: float = 2.0
    """Seconds that a connection may take."""
    raises: tuple[type[BaseException], ...] = ()
    """What the caller gets; a resource where there is nothing."""
    either: bool = False
    """Whether a resource is as good as the error."""
    requests: Span = ONE
    """Requests to the API that the server may see."""
    tokens: Span | None = None
    """Requests to the token endpoint; None where it does not matter."""
    says: tuple[str, ...] = ()
    """Words that the error has to hold."""
    never: tuple[str, ...] = ()
    """Words that nothing may show."""
    check: Check | None = None
    """Whatever else has to be true."""
    memory: int | None = None
    """MiB by which the process may grow."""
    within: float = 4.0
    """Seconds that it may take."""
    shown: str = ""
    """The test that shows it, where it takes more than one call."""
    fails: str = ""
    """Why it does not hold yet."""


def attributes(**members: Any) -> bytes:
    """An answer with a customer of these attributes."""
    return reply(document(resource(attributes=members)))


BODY = json.dumps(document()).encode()
GOOD = reply(document())
WALLET_TOKENS = {"payment_source_token": PAYMENT, "customer_token": CUSTOMER_TOKEN, "name": "XXXX-XXXX-XXXX-1111"}


def wallet(relationships: Any = None, **members: Any) -> bytes:
    """An answer with the wallet w1, which holds gateway tokens."""
    extra = {} if relationships is None else {"relationships": relationships}
    return reply({"data": resource("customer_payment_sources", "w1", attributes=WALLET_TOKENS, **extra), **members})


def linked(href: Any) -> bytes:
    """The wallet, whose customer is behind a link."""
    return wallet({"customer": {"links": {"related": href}}})


def granted(**members: Any) -> bytes:
    """The token endpoint's answer; a member that is `...` is left out."""
    usual = {"access_token": GRANTED, "token_type": "bearer", "expires_in": 7200, "scope": "market:all"}
    return reply({name: value for name, value in (usual | members).items() if value is not ...})


def errors(*objects: Any, status: int = 400, **options: Any) -> bytes:
    """An error document."""
    return reply({"errors": list(objects)}, status=status, **options)


async def source(session: Session, hosts: Hosts) -> Any:
    """The wallet w1."""
    return await session.get(CustomerPaymentSource, "w1")


async def resolved(session: Session, hosts: Hosts) -> Any:
    """The customer of the wallet w1."""
    return await (await session.get(CustomerPaymentSource, "w1")).customer


async def twice(session: Session, hosts: Hosts) -> Any:
    """The customer c1, two times."""
    await session.get(Customer, "c1")
    return await session.get(Customer, "c1")


def by_id(id_: Any) -> Ask:
    """A customer by whatever the caller takes for an id."""

    async def ask(session: Session, hosts: Hosts) -> Any:
        return await session.get(Customer, id_)

    return ask
