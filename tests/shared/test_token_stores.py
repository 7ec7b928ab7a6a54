"""One token for many processes, in a file and in Redis: the sandbox counts the token requests of all of them."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from commercelayer_async import (
    AuthError,
    ClientCredentials,
    ConfigurationError,
    LockingTokenStore,
    RateLimits,
    Session,
    StoredToken,
    TokenStoreError,
)
from commercelayer_async._shared import redis_client, runtime_folder
from commercelayer_async.redis import RedisTokenStore
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Delay, Gate, Sandbox
from commercelayer_async.shared import FileTokenStore
from tests.support.documents import WALLET_ID

from .redis_server import EACH_PROGRAM, RedisServer
from .token_processes import Reader, read_together, started, token_store

KEY = "commercelayer-token-1"
TOKEN = StoredToken(value="AT-secret", received_at=1000.0, life=7200.0, refresh_token="RT-secret")
LATER = StoredToken(value="AT-later", received_at=2000.0, life=7200.0, refresh_token="RT-later")
SECRET = "dont-show-me"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not about a store that is lost loses none, however long this process has to wait for the processor."""
    monkeypatch.setattr(redis_client, "_PATIENCE", 20.0)
    monkeypatch.setattr(redis_client, "_LONGEST", 20.0)
    monkeypatch.setattr("commercelayer_async._auth.token_file._PATIENCE", 20.0)
    monkeypatch.setattr("commercelayer_async._auth.store._LOAD_SECONDS", 20.0)


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(params=["file", *EACH_PROGRAM])
def place(request: pytest.FixtureRequest, tmp_path: Path, patient: None) -> Iterator[tuple[str, str]]:
    """Where a store is: its kind, and a path or URL."""
    if request.param == "file":
        yield "file", str(tmp_path / "tokens.db")
    else:
        with RedisServer(program=request.param) as running:
            yield "redis", running.url


def client(sandbox: Sandbox) -> tuple[str, ...]:
    return sandbox.client_id, sandbox.client_secret


def customer(sandbox: Sandbox) -> tuple[str, ...]:
    record = sandbox.world.get("customer_payment_sources", WALLET_ID)
    assert record is not None
    (reference,) = sandbox.world.related(record, "customer")
    found = sandbox.world.get("customers", sandbox.world.id_of(reference))
    assert found is not None
    return sandbox.sales_channel_id, str(found.attributes["email"]), sandbox.customer_password


def requests(sandbox: Sandbox) -> int:
    return sandbox.token_requests.total()


def require_requests(sandbox: Sandbox, expected: dict[str, int], readers: list[Reader]) -> None:
    """Exactly those; or up to two more each time that a process found no store in time, and logged it, and went on.

    A process that waits for the processor for half a second finds none. The second request is that of whoever then
    presents the same refresh token.
    """
    losses = [loss for reader in readers for loss in reader.losses]
    more = sandbox.token_requests.total() - sum(expected.values())
    assert sandbox.token_requests == expected or 0 <= more <= 2 * len(losses), losses


def session(sandbox: Sandbox, store: Any, secret: str | None = None) -> Session:
    auth = ClientCredentials(sandbox.client_id, secret or sandbox.client_secret)
    return Session(sandbox.url, auth, token_store=store, limits=RateLimits.none(), timeout=20)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [3, 8])
async def test_processes_make_one_request_at_the_start_and_at_each_renewal(
    sandbox: Sandbox, place: tuple[str, str], processes: int
) -> None:
    """All in the same moment; a token that ended is renewed as one whose time has come, but without a spread."""
    readers = await started(*place, sandbox.url, client(sandbox), processes=processes)
    for times in (1, 2, 3):
        assert await read_together(readers) == {WALLET_ID}
        require_requests(sandbox, {"client_credentials": times}, readers)
        sandbox.expire_tokens()
    await asyncio.gather(*(reader.stop() for reader in readers))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [3, 8])
async def test_processes_spend_each_refresh_token_once(
    sandbox: Sandbox, place: tuple[str, str], processes: int
) -> None:
    readers = await started(*place, sandbox.url, customer(sandbox), processes=processes)
    for _ in range(3):
        assert await read_together(readers) == {WALLET_ID}
        sandbox.expire_tokens()
    await asyncio.gather(*(reader.stop() for reader in readers))

    require_requests(sandbox, {"password": 1, "refresh_token": 2}, readers)


@pytest.mark.slow
async def test_refresh_tokens_that_were_revoked_cost_one_refusal(sandbox: Sandbox, place: tuple[str, str]) -> None:
    readers = await started(*place, sandbox.url, customer(sandbox), processes=2)
    assert await read_together(readers) == {WALLET_ID}
    sandbox.revoke_all()
    assert await read_together(readers) == {WALLET_ID}
    await asyncio.gather(*(reader.stop() for reader in readers))

    require_requests(sandbox, {"password": 2, "refresh_token": 1}, readers)


@pytest.mark.slow
async def test_whoever_asks_and_is_killed_costs_the_others_a_moment(sandbox: Sandbox, place: tuple[str, str]) -> None:
    gate = Gate()
    sandbox.faults.add(Delay(until=gate), where="/oauth/token")
    asking, waiting = await started(*place, sandbox.url, client(sandbox), processes=2)
    asking.commands.send("read")
    async with asyncio.timeout(20):
        while not gate.waiting:  # noqa: ASYNC110 - a gate has no event to wait for
            await asyncio.sleep(0)
    await asking.kill()

    assert await waiting.read() == WALLET_ID
    gate.open()
    await waiting.stop()
    require_requests(sandbox, {"client_credentials": 2}, [waiting])


@pytest.mark.slow
async def test_a_slow_endpoint_costs_nobody_the_lock(sandbox: Sandbox, place: tuple[str, str]) -> None:
    """The one who asks takes longer than a lock lasts."""
    sandbox.faults.add(Delay(4.0), where="/oauth/token")
    readers = await started(*place, sandbox.url, client(sandbox), processes=2)
    assert await read_together(readers) == {WALLET_ID}
    await asyncio.gather(*(reader.stop() for reader in readers))

    require_requests(sandbox, {"client_credentials": 1}, readers)


async def test_wrong_credentials_find_nothing(sandbox: Sandbox, place: tuple[str, str]) -> None:
    async with session(sandbox, token_store(*place)) as right:
        await right.get(CustomerPaymentSource, WALLET_ID)
    async with session(sandbox, token_store(*place), "wrong") as wrong:
        with pytest.raises(AuthError):
            await wrong.get(CustomerPaymentSource, WALLET_ID)


async def test_a_token_that_was_given_back_is_found_by_nobody(sandbox: Sandbox, place: tuple[str, str]) -> None:
    async with session(sandbox, token_store(*place)) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
        await one.revoke()
    async with session(sandbox, token_store(*place)) as other:
        await other.get(CustomerPaymentSource, WALLET_ID)
    assert requests(sandbox) == 2


async def test_threads_with_loops_of_their_own_use_one_store(sandbox: Sandbox, place: tuple[str, str]) -> None:
    store = token_store(*place)

    def read() -> None:
        async def main() -> None:
            async with session(sandbox, store) as one:
                await one.get(CustomerPaymentSource, WALLET_ID)

        asyncio.run(main())

    await asyncio.gather(*(asyncio.to_thread(read) for _ in range(4)))
    assert requests(sandbox) == 1


# What a store does


async def test_what_is_saved_is_loaded_until_it_is_deleted(place: tuple[str, str]) -> None:
    store = token_store(*place)
    assert isinstance(store, LockingTokenStore)
    assert await store.load(KEY) is None
    await store.save(KEY, TOKEN)
    assert await token_store(*place).load(KEY) == TOKEN
    assert await store.load("another key") is None
    await store.delete(KEY)
    await store.delete(KEY)
    assert await store.load(KEY) is None


async def test_one_holder_has_the_lock_until_it_gives_it_back(place: tuple[str, str]) -> None:
    store = token_store(*place)
    assert await store.lock(KEY, "one", seconds=60.0)
    assert await store.lock(KEY, "one", seconds=60.0)
    assert not await store.lock(KEY, "other", seconds=60.0)
    assert await store.lock("another key", "other", seconds=60.0)
    await store.unlock(KEY, "other")
    assert not await store.lock(KEY, "other", seconds=60.0)
    await store.unlock(KEY, "one")
    assert await store.lock(KEY, "other", seconds=60.0)


async def test_a_lock_ends_by_itself(place: tuple[str, str]) -> None:
    store = token_store(*place)
    assert await store.lock(KEY, "one", seconds=0.01)
    await asyncio.sleep(0.02)
    assert await store.lock(KEY, "other", seconds=0.01)


async def test_nothing_takes_the_place_of_a_later_turns_token(place: tuple[str, str]) -> None:
    """As of a process that stood still for longer than its lock lasted."""
    slow, fast = token_store(*place), token_store(*place)
    assert await slow.lock(KEY, "slow", seconds=0.001)
    await asyncio.sleep(0.01)
    assert await fast.lock(KEY, "fast", seconds=60.0)
    await fast.save(KEY, LATER)
    await slow.save(KEY, TOKEN)
    await slow.delete(KEY)
    assert await fast.load(KEY) == LATER
    # Whoever has seen it may replace it.
    assert await slow.load(KEY) == LATER
    await slow.save(KEY, TOKEN)
    assert await fast.load(KEY) == TOKEN


class Turned:
    """Bytes turned around: enough to see whether it is used, and to fail on what it did not make."""

    def encrypt(self, data: bytes) -> bytes:
        return b"turned" + data[::-1]

    def decrypt(self, data: bytes) -> bytes:
        if not data.startswith(b"turned"):
            raise ValueError(data)
        return data[6:][::-1]


async def raw(place: tuple[str, str]) -> bytes:
    kind, where = place
    if kind == "file":
        return await asyncio.to_thread(Path(where).read_bytes)
    async with redis.asyncio.Redis(unix_socket_path=where.removeprefix("unix://")) as connection:
        (key,) = await connection.keys()
        return b"%r %r" % (key, await connection.hgetall(key))


async def test_tokens_are_encrypted_and_of_no_use_without_the_key(
    place: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    store = token_store(*place, encrypt=Turned())
    await store.save(KEY, TOKEN)
    assert b"secret" not in await raw(place)
    assert await store.load(KEY) == TOKEN
    assert await token_store(*place).load(KEY) is None
    await token_store(*place).save(KEY, TOKEN)
    assert await store.load(KEY) is None
    assert "cannot be read (ValueError)" in caplog.text
    assert "secret" not in caplog.text


async def test_the_encryption_of_cryptography_fits_as_it_is(place: tuple[str, str]) -> None:
    fernet = pytest.importorskip("cryptography.fernet").Fernet
    one, other = fernet(fernet.generate_key()), fernet(fernet.generate_key())
    await token_store(*place, encrypt=one).save(KEY, TOKEN)
    assert await token_store(*place, encrypt=one).load(KEY) == TOKEN
    assert await token_store(*place, encrypt=other).load(KEY) is None


async def test_a_token_is_not_found_under_another_key(place: tuple[str, str]) -> None:
    """Whoever may write to the store, but not decrypt, moves the entry of one to another."""
    kind, where = place
    store = token_store(*place, encrypt=Turned())
    await store.save(KEY, TOKEN)
    if kind == "file":
        with closing(sqlite3.connect(where)) as connection:
            connection.execute("UPDATE tokens SET name = ?", (token_file_name("another"),))
            connection.commit()
    else:
        async with redis.asyncio.Redis(unix_socket_path=where.removeprefix("unix://")) as connection:
            (key,) = await connection.keys()
            await connection.rename(key, f"commercelayer_async:{{{token_file_name('another')}}}:token")
    assert await store.load("another") is None
    assert await store.load(KEY) is None


def token_file_name(key: str) -> str:
    from commercelayer_async._auth.kept_tokens import name_of  # noqa: PLC0415 - for two tests

    return name_of(key)


@pytest.mark.parametrize("wrong", ["key", b"key", object()])
def test_what_does_not_encrypt_is_refused(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="encrypt"):
        FileTokenStore(tmp_path / "t.db", encrypt=wrong)
    with pytest.raises(ConfigurationError, match="encrypt"):
        RedisTokenStore("redis://localhost", encrypt=wrong)


# Files


async def test_the_file_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    store = FileTokenStore()
    await store.save(KEY, TOKEN)
    path = tmp_path / "commercelayer-async" / "tokens.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.parent.chmod(0o750)
    with pytest.raises(ConfigurationError, match="0700"):
        FileTokenStore()
    with pytest.raises(ConfigurationError, match="0700"):
        FileTokenStore(path)
    with pytest.raises(TokenStoreError, match="0700"):
        await store.load(KEY)


def test_a_folder_that_is_not_there_or_of_another_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        FileTokenStore(tmp_path / "nowhere" / "tokens.db")
    monkeypatch.setattr(runtime_folder, "_file_system", lambda path: "nfs4")
    with pytest.raises(ConfigurationError, match="network file system"):
        FileTokenStore(tmp_path / "tokens.db")


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def odd_rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tokens SET data = 'a text'")
        connection.commit()


def without_columns(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE tokens DROP COLUMN data")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [garbage, torn, empty, another_release, odd_rows, without_columns, gone])
async def test_a_damaged_file_is_no_token_and_begins_anew(
    sandbox: Sandbox, tmp_path: Path, harm: Callable[[Path], None], patient: None
) -> None:
    store = FileTokenStore(tmp_path / "tokens.db")
    async with session(sandbox, store) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
    harm(tmp_path / "tokens.db")
    for _ in range(2):
        async with session(sandbox, store) as one:
            await one.get(CustomerPaymentSource, WALLET_ID)
    assert requests(sandbox) == 2
    assert [file.name for file in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))] == ["tokens.db"]


async def test_where_the_file_cannot_be_written_a_session_asks_for_itself(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder in its place: nobody can open it, not even root."""
    (tmp_path / "tokens.db").mkdir()
    async with session(sandbox, FileTokenStore(tmp_path / "tokens.db")) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
    assert requests(sandbox) == 1
    assert "the token store failed to load: the token file" in caplog.text
    assert "SQLITE_CANTOPEN" in caplog.text


@pytest.mark.slow
async def test_a_file_that_somebody_holds_stops_nobody_for_long(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileTokenStore(tmp_path / "tokens.db")
    await store.save(KEY, TOKEN)
    with closing(sqlite3.connect(tmp_path / "tokens.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        async with session(sandbox, store) as one:
            await one.get(CustomerPaymentSource, WALLET_ID)
    assert requests(sandbox) == 1
    assert "SQLITE_BUSY" in caplog.text


async def test_whoever_waited_for_the_file_takes_no_lock_that_was_taken_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "tokens.db"
    early, late = FileTokenStore(path), FileTokenStore(path)
    await early.save(KEY, TOKEN)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        waiting = asyncio.create_task(early.lock(KEY, "early", seconds=3.0))
        await asyncio.sleep(0.01)
    # Without a turn of the loop in between, as the file is free now.
    assert await late.lock(KEY, "late", seconds=3.0)
    assert not await waiting


async def test_a_lock_of_an_earlier_start_of_the_machine_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(tmp_path / "tokens.db")
    assert await store.lock(KEY, "one", seconds=3.0)
    monkeypatch.setattr("commercelayer_async._auth.token_file.time.monotonic", lambda: 0.0)
    assert await store.lock(KEY, "other", seconds=3.0)


# Redis


async def test_nothing_of_a_secret_is_in_keys_and_they_expire(
    server: RedisServer, sandbox: Sandbox, patient: None
) -> None:
    async with session(sandbox, RedisTokenStore(server.url)) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
    with server.client() as connection:
        (key,) = connection.keys()
        assert 14 * 24 * 3600 < connection.ttl(key) <= 30 * 24 * 3600
    assert key.count(b"{") == 1
    assert sandbox.client_secret.encode() not in key
    assert sandbox.client_id.encode() not in key


@pytest.mark.parametrize("decode", [False, True])
async def test_a_client_of_the_callers_is_used_and_not_closed(server: RedisServer, *, decode: bool) -> None:
    connection = redis.asyncio.Redis(unix_socket_path=server.url.removeprefix("unix://"), decode_responses=decode)
    store = RedisTokenStore(connection)
    assert await store.lock(KEY, "one", seconds=3.0)
    await store.save(KEY, TOKEN)
    assert await store.load(KEY) == TOKEN
    assert await connection.ping()
    await connection.aclose()


async def test_what_is_damaged_in_redis_is_no_token(server: RedisServer, patient: None) -> None:
    store = RedisTokenStore(server.url)
    await store.save(KEY, TOKEN)
    with server.client() as connection:
        (key,) = connection.keys()
        for damage in ("not base64!", "AAAA"):
            connection.hset(key, "data", damage)
            assert await store.load(KEY) is None
        connection.hset(key, "data_turn", "odd")
        connection.set(key, "a text")
    assert await store.load(KEY) is None
    await store.save(KEY, TOKEN)
    assert await store.load(KEY) == TOKEN


@pytest.mark.parametrize(
    "ill", ["killed", pytest.param("stopped", marks=pytest.mark.slow), "never there", "wrong password"]
)
async def test_without_redis_a_session_asks_for_itself(
    server: RedisServer, sandbox: Sandbox, ill: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = {
        "never there": f"redis://:{SECRET}@127.0.0.1:1/0",
        "wrong password": f"unix://:{SECRET}@{server.url.removeprefix('unix://')}",
    }.get(ill, server.url)
    if ill == "killed":
        server.kill()
    elif ill == "stopped":
        server.stop()
    elif ill == "wrong password":
        with server.client() as connection:
            connection.config_set("requirepass", "right")
    store = RedisTokenStore(url)
    async with session(sandbox, store) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
    assert requests(sandbox) == 1
    assert "the token store failed to load: " in caplog.text
    assert SECRET not in f"{caplog.text} {store!r}"


@pytest.mark.slow
async def test_redis_that_comes_back_is_used_again(server: RedisServer, sandbox: Sandbox, patient: None) -> None:
    reader = await Reader.start("redis", server.url, sandbox.url, client(sandbox))
    assert await reader.read() == WALLET_ID
    server.kill()
    sandbox.expire_tokens()
    assert await reader.read() == WALLET_ID
    server.start()
    sandbox.expire_tokens()
    before = len(reader.losses)
    assert await reader.read() == WALLET_ID
    reader.losses = reader.losses[before:]
    await reader.stop()
    async with session(sandbox, RedisTokenStore(server.url)) as other:
        await other.get(CustomerPaymentSource, WALLET_ID)
    require_requests(sandbox, {"client_credentials": 3}, [reader])


async def test_an_answer_of_something_else_is_not_believed() -> None:
    class Lying(redis.asyncio.Redis):
        async def execute_command(self, *_: Any, **__: Any) -> Any:
            return answers.pop(0)

    connection = Lying()
    answers: list[Any] = ["OK", [b"", "1"], [5, 5]]
    store = RedisTokenStore(connection)
    for _ in range(3):
        with pytest.raises(TokenStoreError, match="not one of the script"):
            await store.load(KEY)
    answers = ["OK"]
    with pytest.raises(TokenStoreError, match="not one of the script"):
        await store.lock(KEY, "one", seconds=3.0)
    await connection.aclose()


@pytest.mark.parametrize("wrong", ["http://x", SECRET, 5, None, redis.Redis(), f"redis://:{SECRET}@h:port"])
def test_what_is_neither_a_url_nor_a_client_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="RedisTokenStore takes") as caught:
        RedisTokenStore(wrong)
    assert SECRET not in str(caught.value)


@pytest.fixture(autouse=True)
async def nobody_is_left() -> AsyncIterator[None]:
    """No task of a session or a store outlives it."""
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}
