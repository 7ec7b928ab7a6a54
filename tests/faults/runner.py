"""Runs one row of the catalogue, and holds it to the criteria."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientTimeout

from commercelayer_async import AccessToken, ClientCredentials, RateLimits, Retry, Session
from commercelayer_async._auth import manager as _auth
from commercelayer_async._calls import token_requests
from commercelayer_async._http import transport as _transport
from commercelayer_async._limits import limiter as _limiter
from commercelayer_async.jsonapi import Resource
from tests.faults.assertions import (
    SECRET,
    TOKEN,
    Counting,
    Hosts,
    Outcome,
    elsewhere,
    growth,
    logged,
    printed_forms,
    require_clean,
    require_quiet_log,
    require_silent,
    require_typed,
)
from tests.faults.breaking_server import Script, Server
from tests.faults.row import GOOD, Row
from tests.faults.tls import serving, trusting

QUICK = Retry(attempts=3, base=0.001, cap=0.01)


_LONG = 30.0
"""Seconds from which on a row is one of much work."""


def quicken(monkeypatch: pytest.MonkeyPatch, *, read: float = 2.0, connect: float = 2.0) -> None:
    """Limits of milliseconds where the package has seconds."""
    monkeypatch.setattr(_limiter, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(_auth, "_BETWEEN", 0.0)
    monkeypatch.setattr(token_requests, "_RETRY", Retry(attempts=4, base=0.01))
    monkeypatch.setattr(_transport, "_TIMEOUT", ClientTimeout(total=None, sock_connect=connect, sock_read=read))


def options(**changed: Any) -> dict[str, Any]:
    """Options of a session that waits for nothing."""
    usual: dict[str, Any] = {"timeout": 3.0, "retry": QUICK, "limits": RateLimits.none()}
    return usual | changed


@contextlib.contextmanager
def unreachable() -> Iterator[dict[str, str]]:
    """A port at which nothing listens, and one whose queue is full."""
    with contextlib.ExitStack() as stack:
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - its only parameter
            waiting.connect_ex(full.getsockname())
        yield {name: f"http://127.0.0.1:{sock.getsockname()[1]}" for name, sock in [("closed", closed), ("full", full)]}


def script_of(script: Any, hosts: Hosts) -> Script:
    """A row's replies, once it is known where it plays."""
    replies: Script = script(hosts) if callable(script) else script
    return replies


async def run(row: Row) -> Outcome:
    """Play a row, whatever comes of it; what all rows have to keep is checked here."""
    server = Server(tls=serving(row.tls) if row.tls else None, accept=row.accept)
    async with server, elsewhere(server.port) as (foreign, internal):
        hosts = Hosts(server.netloc, server.port, foreign.netloc, internal.netloc)
        server.api = list(script_of(row.api, hosts) or [GOOD])
        server.token = list(script_of(row.token, hosts) if row.token is not None else [GOOD])
        outcome = Outcome(server, hosts)
        before = asyncio.all_tasks()
        with logged() as log, growth() as grown, unreachable() as others:
            base = row.base.format(here=server.netloc, **others) if row.base else server.url
            await _ask(row, outcome, base)
            outcome.grown = grown()
        outcome.log = "\n".join(log.lines)
        await require_clean(server, before)
        _judge(row, outcome, {name: url.partition("//")[2] for name, url in others.items()}, base)
    return outcome


async def _ask(row: Row, outcome: Outcome, base: str) -> None:
    chosen = dict(row.session)
    counting = Counting(chosen.pop("limits", RateLimits.none()))
    auth: Any = AccessToken(TOKEN) if row.token is None else ClientCredentials("client", SECRET, scope="market:all")
    began = time.monotonic()
    session: Session | None = None
    try:
        async with asyncio.timeout(row.within):
            ssl = {"ssl": trusting()} if row.tls else {}
            # What takes long takes longer on a machine that is busy: the row's own bound is enough.
            patience = {"timeout": row.within} if row.within >= _LONG else {}
            session = Session(base, auth, **options(limiter=counting, **ssl, **patience) | chosen)
            outcome.value = await row.ask(session, outcome.hosts)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is judged below
        outcome.error = error
    outcome.seconds = time.monotonic() - began
    if session is not None:
        await session.close()
    outcome.counted = counting.granted


def _judge(row: Row, outcome: Outcome, others: dict[str, str], base: str) -> None:
    error, server = outcome.error, outcome.server
    if error is None:
        assert row.either or not row.raises, f"no error, but {outcome.value!r}"
        assert isinstance(outcome.value, Resource)
        require_silent(f"{outcome.value!r}{outcome.value}")
        texts = ""
    else:
        require_typed(error, Hosts("//" + base.partition("//")[2], 0, "", ""))
        texts = printed_forms(error)
        assert isinstance(error, row.raises), texts
        require_silent(texts)
        for word in row.says:
            assert word.format(here=server.netloc, **others) in str(error)
    require_quiet_log(outcome.log)
    for word in row.never:
        assert word not in texts + outcome.log
    assert row.requests[0] <= len(server.asked) <= row.requests[1], [one.target for one in server.asked]
    if row.tokens is not None:
        assert row.tokens[0] <= len(server.asked_for_token) <= row.tokens[1]
    assert len(server.asked) <= outcome.counted, "the server saw more requests than the limiter"
    for request in server.requests:
        assert not request.headers("X-Injected")
        assert request.headers("Host") == [server.netloc]
    if row.memory is not None:
        assert outcome.grown < row.memory, f"grew by {outcome.grown:.0f} MiB"
    if row.check is not None:
        row.check(outcome)
