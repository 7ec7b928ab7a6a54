"""Faults: which requests get them, and what they do to a response."""

import asyncio
import json
import threading
from urllib.parse import urlsplit

import aiohttp
import pytest

from commercelayer_async.sandbox import (
    Answer,
    Delay,
    ExpireTokens,
    Gate,
    Rates,
    ReceivedRequest,
    Replace,
    Reset,
    Sandbox,
    Truncate,
)
from commercelayer_async.sandbox.faults.rules import MIXED, Faults
from tests.support.documents import WALLET_ID, WALLET_PATH


@pytest.fixture
def credentials(sandbox):
    return {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
    }


async def raw(sandbox, path=WALLET_PATH):
    """All bytes of a response until the connection ends, and the error with which it ended."""
    url = urlsplit(sandbox.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {sandbox.access_token}\r\n\r\n"
    writer.write(head.encode())
    got, error = b"", None
    try:
        while chunk := await reader.read(65_536):
            got += chunk
    except ConnectionError as problem:
        error = problem
    writer.close()
    return got, error


def request(path="/api/customers"):
    return ReceivedRequest("GET", path, ())


def split(response):
    head, _, body = response.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


async def until(condition):
    """Let the loop run until *condition* holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0)


async def test_nothing_goes_wrong_unless_it_is_asked_for(sandbox, api):
    await api.get(WALLET_PATH)

    assert sandbox.requests[0].fault is None
    assert sandbox.faults.counts == {}


async def test_the_next_requests_get_the_fault_the_given_number_of_times(sandbox, api):
    rule = sandbox.faults.add(Answer.errors(503), times=2)

    statuses = [(await api.send("GET", WALLET_PATH)).status for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert [request.fault for request in sandbox.requests] == ["status_503", "status_503", None]
    assert sandbox.faults.counts == {"status_503": 2}
    assert (rule.happened, rule.left) == (2, 0)


async def test_a_fault_without_end_ends_when_it_is_cleared(sandbox, api):
    sandbox.faults.add(Answer.empty(500), times=None)
    statuses = [(await api.send("GET", WALLET_PATH)).status for _ in range(3)]
    sandbox.faults.clear()

    assert statuses == [500] * 3
    await api.get(WALLET_PATH)
    assert sandbox.faults.counts == {"status_500": 3}


def test_a_fault_happens_where_the_path_begins_so_or_a_function_gives_true():
    faults = Faults()
    here = faults.add(Reset(), times=None, where="/api/customers")
    there = faults.add(Truncate(), times=None, where=lambda request: "page" in request.raw_path)

    picked = [faults.pick(request(path)) for path in ("/api/customers/x", "/api/x?page[size]=1", "/api/x")]

    assert picked == [Reset(), Truncate(), None]
    assert (here.happened, there.happened) == (1, 1)


def test_rules_are_asked_in_order_and_used_up_ones_forgotten():
    faults = Faults()
    faults.add(Reset())
    faults.add(Truncate())
    assert [faults.pick(request()) for _ in range(3)] == [Reset(), Truncate(), None]

    faults.add(Reset())

    assert len(faults._rules) == 1


async def test_an_errors_document_has_the_code_asked_for(sandbox, api):
    sandbox.faults.add(Answer.errors(403, code="FORBIDDEN", detail="No."))

    error = await api.refused(WALLET_PATH, status=403)

    assert (error["code"], error["title"], error["detail"]) == ("FORBIDDEN", "Forbidden", "No.")


async def test_a_proxy_answers_in_html(sandbox, api):
    sandbox.faults.add(Answer.html(502))

    response = await api.send("GET", WALLET_PATH)

    assert (response.status, response.content_type) == (502, "text/html")
    assert (await response.text()).startswith("<html>")


async def test_an_empty_answer_has_no_body(sandbox, api):
    sandbox.faults.add(Answer.empty(504))

    response = await api.send("GET", WALLET_PATH)

    assert (response.status, await response.text()) == (504, "")
    assert response.headers["X-Ratelimit-Limit"] == "100"


async def test_any_bytes_and_any_headers_can_be_answered(sandbox, api):
    headers = (("Retry-After", "1"), ("Retry-After", "-x"), ("X-Ratelimit-Limit", "words"), ("Content-Type", "a/b"))
    sandbox.faults.add(Answer(200, b"\xff\x00{", headers))

    response = await api.send("GET", WALLET_PATH)

    assert await response.text("latin-1") == "\xff\x00{"
    assert response.headers.getall("Retry-After") == ["1", "-x"]
    assert response.headers.getall("X-Ratelimit-Limit") == ["words"]
    assert response.content_type == "a/b"


async def test_an_invalid_token_is_answered_though_the_token_stays_valid(sandbox, api):
    sandbox.faults.add(Answer.invalid_token())

    assert (await api.refused(WALLET_PATH, status=401))["code"] == "INVALID_TOKEN"
    await api.get(WALLET_PATH)


@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (2, "2"), ("Fri, 31 Dec 1999 23:59:59 GMT",) * 2])
async def test_too_many_requests_are_answered_with_and_without_retry_after(sandbox, api, retry_after, header):
    sandbox.faults.add(Answer.too_many(retry_after=retry_after))

    response = await api.send("GET", WALLET_PATH)

    assert response.status == 429
    assert (await response.json(content_type=None))["errors"][0]["code"] == "TOO_MANY_REQUESTS"
    assert response.headers.get("Retry-After") == header


async def test_an_answer_can_keep_its_body_and_change_its_headers(sandbox, api):
    sandbox.faults.add(Replace(headers=(("X-Ratelimit-Remaining", "0"), ("X-Request-Id", "x"))))

    response = await api.send("GET", WALLET_PATH)

    assert (response.headers["X-Ratelimit-Remaining"], response.headers["X-Request-Id"]) == ("0", "x")
    assert (await response.json(content_type=None))["data"]["id"] == WALLET_ID


async def test_an_answer_can_keep_its_headers_and_change_its_body(sandbox, api):
    sandbox.faults.add(Replace(b"{"))

    response = await api.send("GET", WALLET_PATH)

    assert (response.status, await response.text(), response.content_length) == (200, "{", 1)
    assert response.content_type == "application/vnd.api+json"
    assert sandbox.faults.counts == {"replaced": 1}


async def test_a_reset_before_the_headers_leaves_nothing(sandbox):
    sandbox.faults.add(Reset())

    got, error = await raw(sandbox)

    assert got == b""
    assert isinstance(error, ConnectionResetError)
    assert (sandbox.requests[0].fault, sandbox.requests[0].status) == ("reset", None)


@pytest.mark.parametrize("share", [0, 0.5, 1.0])
async def test_a_reset_in_the_body_leaves_part_of_it(sandbox, share):
    sandbox.faults.add(Reset(after=share))

    got, error = await raw(sandbox)

    status, headers, body = split(got)
    length = int(headers["Content-Length"])
    assert status == "HTTP/1.1 200 OK"
    assert len(body) == min(int(length * share), length - 1)
    assert isinstance(error, ConnectionResetError)
    assert (sandbox.requests[0].fault, sandbox.requests[0].status) == ("reset_in_body", 200)


async def test_a_truncated_body_is_shorter_than_promised_and_ends_in_good_order(sandbox):
    sandbox.faults.add(Truncate())

    got, error = await raw(sandbox)

    _, headers, body = split(got)
    assert len(body) == int(headers["Content-Length"]) // 2
    assert headers["X-Ratelimit-Remaining"] == "99"
    assert "Connection" not in headers
    assert error is None
    assert sandbox.requests[0].fault == "truncated"


async def test_a_client_sees_a_truncated_body_as_such(sandbox, api):
    sandbox.faults.add(Truncate(0.9))

    with pytest.raises(aiohttp.ClientPayloadError):
        await api.send("GET", WALLET_PATH)


async def test_a_large_body_is_cut_as_exactly(sandbox):
    sandbox.faults.add(Truncate(0.99))

    got, error = await raw(sandbox, "/api/customer_payment_sources?page[size]=25&include=customer,payment_source")

    _, headers, body = split(got)
    assert len(body) == int(int(headers["Content-Length"]) * 0.99) > 100_000
    assert error is None


async def test_an_answer_without_a_body_promises_one_when_truncated(sandbox, api):
    sandbox.faults.add(Delay(then=Truncate()), where="/oauth/revoke")
    sandbox.faults.add(Replace(b""), where="/nowhere")

    assert await (await api.send("GET", "/nowhere")).text() == ""
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.send("POST", "/oauth/revoke", json={})


async def test_expired_tokens_are_over_for_everybody(sandbox, api, credentials):
    sandbox.faults.add(ExpireTokens())

    await api.refused(WALLET_PATH, status=401)
    await api.refused(WALLET_PATH, status=401)
    token = (await api.post("/oauth/token", credentials))["access_token"]
    await api.get(WALLET_PATH, headers={"Authorization": f"Bearer {token}"})
    assert sandbox.faults.counts == {"expired_tokens": 1}


async def test_a_made_up_answer_changes_nothing(sandbox, api):
    customer = (await api.get(f"{WALLET_PATH}/customer"))["data"]["attributes"]["email"]
    client = {"client_id": sandbox.sales_channel_id}
    sign_in = client | {"grant_type": "password", "username": customer, "password": sandbox.customer_password}
    refresh_token = (await api.post("/oauth/token", sign_in))["refresh_token"]
    refresh = client | {"grant_type": "refresh_token", "refresh_token": refresh_token}
    sandbox.faults.add(Answer.errors(500), where="/oauth/token")

    assert (await api.send("POST", "/oauth/token", json=refresh)).status == 500

    await api.post("/oauth/token", refresh)
    assert sandbox.token_requests == {"password": 1, "refresh_token": 2}


async def test_a_delayed_answer_waits_for_its_gate(sandbox, api):
    gate = Gate()
    sandbox.faults.add(Delay(until=gate), times=2)

    calls = [asyncio.create_task(api.get(WALLET_PATH)) for _ in range(2)]
    await until(lambda: gate.waiting == 2)
    held = [(request.fault, request.status) for request in sandbox.requests]
    gate.open()
    await asyncio.gather(*calls)

    assert held == [("delayed", None)] * 2
    assert gate.waiting == 0
    await gate.wait()


async def test_a_delayed_answer_is_made_before_it_waits(sandbox, api):
    event = asyncio.Event()
    sandbox.faults.add(Delay(until=event))
    call = asyncio.create_task(api.get("/api/customer_payment_sources"))
    await until(lambda: sandbox.requests)

    sandbox.world.delete_wallets(WALLET_ID)
    event.set()

    assert (await call)["data"][0]["id"] == WALLET_ID


async def test_a_delayed_answer_can_fail_besides(sandbox, api):
    sandbox.faults.add(Delay(0.001, then=Answer.html(502)))

    assert (await api.send("GET", WALLET_PATH)).status == 502
    assert sandbox.faults.counts == {"delayed_status_502": 1}


async def test_a_slow_token_endpoint(sandbox, api, credentials):
    gate = Gate()
    sandbox.faults.add(Delay(until=gate), where="/oauth/token")

    asking = asyncio.create_task(api.post("/oauth/token", credentials))
    await until(lambda: gate.waiting)
    counted = dict(sandbox.token_requests)
    await api.get(WALLET_PATH)
    gate.open()

    assert (await asking)["access_token"] == sandbox.access_token
    assert counted == {"client_credentials": 1}


@pytest.mark.parametrize("fault", [Answer.html(502), Truncate(), Reset(), Reset(after=0.5)])
async def test_a_client_that_leaves_while_it_waits_harms_nobody(sandbox, api, fault):
    gate = Gate()
    sandbox.faults.add(Delay(until=gate, then=fault))
    url = urlsplit(sandbox.url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"GET {WALLET_PATH} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
    await until(lambda: gate.waiting)
    writer.transport.abort()
    await asyncio.sleep(0.01)

    gate.open()

    await api.get(WALLET_PATH)


def test_a_gate_opens_from_another_thread():
    gate = Gate()
    with Sandbox(wallets=1).in_thread() as sandbox:
        sandbox.faults.add(Delay(until=gate))
        first_lines = list[bytes]()
        caller = threading.Thread(target=lambda: first_lines.append(asyncio.run(one(sandbox))))
        caller.start()
        while caller.is_alive() and not gate.waiting:
            caller.join(0.001)
        gate.open()
        caller.join()

    assert first_lines == [b"HTTP/1.1 401 Unauthorized\r\n"]


async def one(sandbox):
    """The first line of a response."""
    url = urlsplit(sandbox.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(f"GET {WALLET_PATH} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
    response = await reader.readline()
    writer.close()
    return response


async def test_a_gate_forgets_who_gave_up():
    gate = Gate()
    waiting = asyncio.create_task(gate.wait())
    await until(lambda: gate.waiting)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert gate.waiting == 0


async def test_a_fault_is_not_used_up_by_a_request_too_many(calling):
    async with Sandbox(wallets=1, rates=Rates.test(), clock=lambda: 0.0) as sandbox:
        api = calling(sandbox)
        statuses = [(await api.send("GET", WALLET_PATH)).status for _ in range(25)]
        sandbox.faults.add(Answer.empty(500))
        statuses += [(await api.send("GET", path)).status for path in (WALLET_PATH, "/api/customers")]

    assert statuses == [200] * 25 + [429, 500]


def test_random_faults_are_the_same_for_the_same_seed():
    def drawn(seed):
        faults = Faults()
        faults.randomly(rate=0.3, seed=seed)
        return [faults.pick(request()) for _ in range(500)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 100 < sum(fault is not None for fault in drawn(1)) < 200
    assert set(drawn(1)) == {None, *MIXED}


def test_random_faults_keep_to_matching_requests_and_given_faults_and_come_after_the_rules():
    faults = Faults()
    faults.randomly(rate=1.0, seed=1, where="/api", kinds=[Reset()])
    faults.add(Truncate())

    picked = [faults.pick(request(path)) for path in ("/api/x", "/api/x", "/oauth/token")]

    assert picked == [Truncate(), Reset(), None]
    assert faults.counts == {"truncated": 1, "reset": 1}


async def test_a_client_that_tries_again_gets_through_everything_at_random(sandbox, api, credentials):
    sandbox.faults.randomly(rate=0.5, seed=5)
    token = sandbox.access_token
    successes = 0
    for _ in range(300):
        try:
            response = await api.send("GET", WALLET_PATH, headers={"Authorization": f"Bearer {token}"})
            if response.status == 401:
                refreshed = await api.send("POST", "/oauth/token", json=credentials)
                token = json.loads(await refreshed.text())["access_token"] if refreshed.status == 200 else token
            successes += response.status == 200
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            continue
        if successes == 40:
            break

    assert successes == 40
    assert set(sandbox.faults.counts) == {"status_429", "status_502", "reset", "truncated", "expired_tokens"}
    assert sandbox.faults.counts.total() == sum(request.fault is not None for request in sandbox.requests)
