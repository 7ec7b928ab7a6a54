"""Redis as it is deployed: over TLS, as a cluster, and behind Sentinel while a replica is promoted."""

import asyncio
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.asyncio.sentinel import Sentinel

from commercelayer_async import ClientCredentials, Hooks, RateState, Session
from commercelayer_async.redis import RedisLimiter, RedisTokenStore
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Rates, Sandbox
from tests.faults.tls import authority
from tests.support.documents import WALLET_ID

from .processes import LIMITS
from .redis_server import EACH_PROGRAM, RedisServer

pytestmark = pytest.mark.slow

SECONDS = 60.0
SLOTS = 16384
CALLS = 60


@pytest.fixture(params=EACH_PROGRAM)
def program(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def limited() -> AsyncIterator[Sandbox]:
    async with Sandbox(rates=Rates.test().scaled(20)) as sandbox:
        yield sandbox


def free_port() -> int:
    """A port whose neighbour 10,000 above is free too, which nodes of a cluster take for each other."""
    for _ in range(1000):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            if port > 55_000:
                continue
            with socket.socket() as other:
                if other.connect_ex(("127.0.0.1", port + 10_000)):
                    return port
    raise AssertionError("no port is free")


def on_port(port: int, *options: str, program: str) -> RedisServer:
    return RedisServer("--port", str(port), "--bind", "127.0.0.1", *options, program=program)


def until(is_so: Any, *, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def session(sandbox: Sandbox, where: Any, **options: Any) -> Session:
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    limiter = RedisLimiter(where, limits=LIMITS)
    return Session(sandbox.url, auth, limiter=limiter, token_store=RedisTokenStore(where), timeout=SECONDS, **options)


async def read(session: Session, calls: int) -> None:
    await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(calls)))


async def require_shared(sandbox: Sandbox, *wheres: Any) -> None:
    """Check that sessions keep the windows together, and have one token."""
    sessions = [session(sandbox, where) for where in wheres]
    for one in sessions:
        await read(one, 1)
    await asyncio.gather(*(read(one, CALLS) for one in sessions))
    assert [one.rate_limits.members for one in sessions[-1:]] == [len(wheres)]
    assert not any(one.rate_limits.store_lost for one in sessions)
    for one in sessions:
        await one.close()
    assert sandbox.violations == ()
    assert sandbox.token_requests.total() == 1


@contextmanager
def over_tls(program: str) -> Iterator[tuple[int, Path]]:
    """A server that speaks TLS alone, and the file of the root that its certificate is of."""
    port = free_port()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        certificate = authority().issue_cert("localhost")
        (folder / "cert").write_bytes(b"".join(one.bytes() for one in certificate.cert_chain_pems))
        (folder / "key").write_bytes(certificate.private_key_pem.bytes())
        authority().cert_pem.write_to_path(folder / "root")
        options = ("--tls-port", str(port), "--tls-auth-clients", "no", "--bind", "127.0.0.1")
        files = ("--tls-cert-file", "cert", "--tls-key-file", "key", "--tls-ca-cert-file", "root")
        paths = [str(folder / one) if number % 2 else one for number, one in enumerate(files)]
        try:
            stack.enter_context(RedisServer(*options, *paths, program=program))
        except redis.ConnectionError:
            pytest.skip(f"{program} was built without TLS")
        yield port, folder / "root"


async def test_over_tls(program: str, limited: Sandbox) -> None:
    with over_tls(program) as (port, root):
        await require_shared(limited, *[f"rediss://localhost:{port}?ssl_ca_certs={root}"] * 2)


async def test_a_certificate_that_nobody_vouches_for_is_refused(program: str, limited: Sandbox) -> None:
    with over_tls(program) as (port, _):
        async with session(limited, f"rediss://:dont-show-me@localhost:{port}") as one:
            with pytest.raises(Exception, match="cannot be reached") as caught:
                await read(one, 1)
    assert "dont-show-me" not in f"{caught.value!r} {caught.value}"


@contextmanager
def cluster(program: str) -> Iterator[list[int]]:
    """Two nodes with half of the slots each."""
    ports = [free_port(), free_port()]
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(on_port(port, "--cluster-enabled", "yes", program=program)).client() for port in ports
        ]
        for number, node in enumerate(nodes):
            half = range(number * SLOTS // 2, (number + 1) * SLOTS // 2)
            node.execute_command("CLUSTER", "ADDSLOTS", *half)
        nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", str(ports[1]))

        def is_whole() -> bool:
            states = [str(node.execute_command("CLUSTER", "INFO")) for node in nodes]
            return all("cluster_state:ok" in one and "cluster_known_nodes:2" in one for one in states)

        until(is_whole)
        yield ports


async def test_in_a_cluster(program: str, limited: Sandbox) -> None:
    """Whichever node is named: the client finds the one that has the slot of a budget."""
    with cluster(program) as ports:
        clients: list[Any] = [redis.asyncio.RedisCluster(host="127.0.0.1", port=port) for port in ports]
        await require_shared(limited, *clients)
        for client in clients:
            await client.aclose()


@contextmanager
def watched_by_sentinel(program: str) -> Iterator[tuple[int, RedisServer, RedisServer]]:
    """The port of a Sentinel, the master that it watches, and a replica of that."""
    ports = [free_port() for _ in range(3)]
    with ExitStack() as stack:
        master = stack.enter_context(on_port(ports[0], program=program))
        replica = stack.enter_context(on_port(ports[1], "--replicaof", "127.0.0.1", str(ports[0]), program=program))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "sentinel.conf").write_text(
            f"port {ports[2]}\nbind 127.0.0.1\nsentinel monitor budget 127.0.0.1 {ports[0]} 1\n"
            "sentinel down-after-milliseconds budget 500\nsentinel failover-timeout budget 2000\n"
        )
        command = [master.program, str(folder / "sentinel.conf"), "--sentinel"]
        sentinel = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        stack.callback(sentinel.wait)
        stack.callback(sentinel.kill)

        def knows_the_replica() -> bool:
            try:
                with redis.Redis(port=ports[2]) as client:
                    return len(client.sentinel_slaves("budget")) == 1
            except redis.RedisError:
                return False

        until(knows_the_replica)
        with replica.client() as client:
            until(lambda: client.info("replication")["master_link_status"] == "up")
        yield ports[2], master, replica


async def test_a_replica_that_sentinel_promotes_goes_on(program: str, limited: Sandbox) -> None:
    told: list[bool] = []
    back = asyncio.Event()

    def hook(state: RateState) -> None:
        told.append(state.store_lost)
        if not state.store_lost:
            back.set()

    with watched_by_sentinel(program) as (port, master, replica):
        sentinel: Any = Sentinel([("127.0.0.1", port)], socket_timeout=1.0)
        client = sentinel.master_for("budget", socket_timeout=1.0)
        async with session(limited, client, hooks=Hooks(store=hook)) as one:
            await read(one, 5)
            master.kill()
            await read(one, 30)
            async with asyncio.timeout(SECONDS):
                await back.wait()
            await read(one, 5)
            assert not one.rate_limits.store_lost
        with replica.client() as promoted:
            assert promoted.info("replication")["role"] == "master"
        for opened in (client, *sentinel.sentinels):
            await opened.aclose()
    assert told == [True, False]
    assert limited.violations == ()
