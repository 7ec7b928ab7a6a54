"""The server itself: start and stop, headers, refusals, the log of requests."""

import gc
import io
import pickle
import socket
import weakref

import aiohttp
import pytest

import commercelayer_async.sandbox as sandbox_package
from commercelayer_async.sandbox import Rates, ReceivedRequest, Sandbox
from commercelayer_async.sandbox.http.negotiation import accepts_json_api

WALLET_PATH = "/api/customer_payment_sources/xYZkjABcde"


async def test_an_unknown_id_is_404_record_not_found(api, wallets):
    assert (await api.refused(f"{wallets}/aaaaaaaaaa", status=404))["code"] == "RECORD_NOT_FOUND"
    assert (await api.refused(f"{wallets}/aaaaaaaaaa/customer", status=404))["code"] == "RECORD_NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/2026-05/customers",
        "/api/orders",
        "/api/orders/xYZkjABcde",
        f"{WALLET_PATH}/nobody",
        f"{WALLET_PATH}/relationships/nobody",
        f"{WALLET_PATH}/relationships/customer/x",
    ],
)
async def test_what_is_not_served_is_404(api, path):
    await api.refused(path, status=404)


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_405(api, method):
    response = await api.send(method, WALLET_PATH)

    (error,) = (await response.json(content_type="application/vnd.api+json"))["errors"]
    assert (response.status, error["status"]) == (405, "405")
    assert response.headers["Allow"] == "GET"


async def test_a_head_is_405(api):
    assert (await api.send("HEAD", WALLET_PATH)).status == 405


async def test_an_accept_that_does_not_admit_json_api_is_406(api):
    error = await api.refused(WALLET_PATH, status=406, headers={"Accept": "application/json, text/*"})

    assert error["code"] == "NOT_ACCEPTABLE"


@pytest.mark.parametrize(
    ("accept", "admitted"),
    [
        (None, True),
        ("*/*", True),
        ("text/html, application/*;q=0.5", True),
        ("Application/VND.API+json", True),
        ('application/vnd.api+json; profile="x"', True),
        ("application/vnd.api+json; q=0", False),
        ("application/vnd.api+json; q=0.000", False),
        ("application/vnd.api+json; charset=utf-8", False),
        ("application/json", False),
        ("", False),
    ],
)
def test_accept_headers(accept, admitted):
    assert accepts_json_api(accept) is admitted


@pytest.mark.parametrize("host", ["yourdomain.commercelayer.io", "localhost.example.com", "127.0.0.1:80@evil", "::1"])
async def test_a_foreign_host_is_421(api, host):
    assert (await api.refused(WALLET_PATH, status=421, headers={"Host": host}))["code"] == "MISDIRECTED_REQUEST"


async def test_a_body_beyond_all_measure_is_413(api):
    response = await api.send("POST", "/oauth/token", data=io.BytesIO(b" " * (2 * 1024 * 1024)))

    assert response.status == 413
    # Python 3.13 took over the newer name (RFC 9110, 15.5.14).
    code = (await response.json(content_type=None))["errors"][0]["code"]
    assert code in ("REQUEST_ENTITY_TOO_LARGE", "CONTENT_TOO_LARGE")


async def test_every_response_has_a_request_id_of_its_own(api):
    responses = [await api.send("GET", path) for path in (WALLET_PATH, WALLET_PATH, "/", "/oauth/token")]

    assert len({response.headers["X-Request-Id"] for response in responses}) == 4


async def test_rate_headers_report_the_average_window_of_the_test_mode(api):
    first = (await api.send("GET", WALLET_PATH)).headers
    second = (await api.send("GET", WALLET_PATH)).headers

    assert (first["X-Ratelimit-Limit"], first["X-Ratelimit-Interval"]) == ("100", "60")
    assert (first["X-Ratelimit-Remaining"], second["X-Ratelimit-Remaining"]) == ("99", "98")


async def test_by_default_no_header_reports_a_limit(calling):
    """So that a client which heeds them does not make its tests wait."""
    async with Sandbox() as sandbox:
        headers = (await calling(sandbox).send("GET", WALLET_PATH)).headers

    assert not [name for name in headers if "ratelimit" in name.lower()]


async def test_tokens_have_a_window_of_their_own(api):
    headers = (await api.send("POST", "/oauth/token", json={})).headers

    assert (headers["X-Ratelimit-Limit"], headers["X-Ratelimit-Interval"]) == ("30", "60")


async def test_the_window_slides_and_never_refuses(calling):
    now = [1_800_000_000.0]
    async with Sandbox(clock=lambda: now[0], rates=Rates.report_only()) as sandbox:
        api = calling(sandbox)
        responses = [await api.send("GET", WALLET_PATH) for _ in range(101)]
        now[0] += 60
        later = await api.send("GET", WALLET_PATH)

    assert {response.status for response in responses} == {200}
    assert responses[-1].headers["X-Ratelimit-Remaining"] == "0"
    assert later.headers["X-Ratelimit-Remaining"] == "99"


async def test_requests_are_logged_as_they_were_sent(sandbox, api):
    path = f"{WALLET_PATH}/?fields%5Bcustomers%5d=%65mail,x&include=customer"
    await api.send("GET", path, headers={"X-Two": "2"})
    await api.send("GET", "/nowhere")

    first, second = sandbox.requests

    assert (first.method, first.raw_path, first.status) == ("GET", path, 200)
    assert ("X-Two", "2") in first.headers
    assert (second.raw_path, second.status) == ("/nowhere", 404)


async def test_no_repr_shows_a_secret(sandbox, api):
    await api.get(WALLET_PATH)

    shown = repr(sandbox) + repr(sandbox.requests) + repr(sandbox._running)
    assert sandbox.url in repr(sandbox)
    assert isinstance(sandbox.requests[0], ReceivedRequest)
    assert sandbox.access_token not in shown
    assert sandbox.client_secret not in shown


async def test_without_the_payment_source_route_include_still_works(calling):
    async with Sandbox(payment_source_route=False) as sandbox:
        api = calling(sandbox)
        await api.refused(f"{WALLET_PATH}/payment_source", status=404)
        await api.refused(f"{WALLET_PATH}/relationships/payment_source", status=404)
        document = await api.get(WALLET_PATH, {"include": "payment_source"})

    assert "payment_source" in document["data"]["relationships"]
    assert document["included"][0]["type"] == "stripe_payments"


async def test_stopping_twice_is_fine_and_starting_again_too(calling):
    sandbox = Sandbox(wallets=12)
    await sandbox.start()
    await sandbox.stop()
    await sandbox.stop()
    assert repr(sandbox) == "<Sandbox stopped>"
    async with sandbox:
        assert (await calling(sandbox).get("/api/customer_payment_sources"))["meta"]["record_count"] == 12


async def test_starting_twice_is_refused(sandbox):
    with pytest.raises(RuntimeError, match="running already"):
        await sandbox.start()


@pytest.mark.parametrize("name", ["url", "access_token"])
def test_a_sandbox_that_is_not_running_has_no(name):
    with pytest.raises(RuntimeError, match="not running"):
        getattr(Sandbox(), name)


async def test_a_busy_port_is_an_oserror_that_names_it(sandbox):
    port = int(sandbox.url.rpartition(":")[2])

    with pytest.raises(OSError, match=f"cannot listen on port {port} of 127.0.0.1"):
        await Sandbox(port=port).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", ""])
def test_only_loopback_is_listened_on(host):
    with pytest.raises(ValueError, match="this machine alone"):
        Sandbox(host=host)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_the_loopback_of_ipv6_is_written_in_brackets(calling):
    async with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        await calling(sandbox).get(WALLET_PATH)


@pytest.mark.parametrize("name", sandbox_package.__all__)
def test_a_public_name_reports_the_package_as_its_module(name):
    public = getattr(sandbox_package, name)

    assert public.__module__ == "commercelayer_async.sandbox"
    assert pickle.loads(pickle.dumps(public)) is public


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="no attribute 'nobody'"):
        _ = sandbox_package.nobody


async def test_a_sandbox_that_has_stopped_is_freed() -> None:
    """A suite of tests starts one for each: none may stay in a cache of aiohttp's."""
    async with Sandbox(wallets=1) as sandbox, aiohttp.ClientSession() as http:
        for path in ("/api/customers", "/api/nothing/here/at/all/x"):
            await (await http.get(f"{sandbox.url}{path}")).read()
    gone = weakref.ref(sandbox)
    del sandbox

    gc.collect()
    assert gone() is None
