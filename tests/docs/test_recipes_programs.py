"""The recipes that are programs: a worker, a notebook, tests of one's own, traces, uvloop, a private CA."""

import asyncio
import importlib
import json
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from commercelayer_async import Session
from commercelayer_async.sandbox import Answer, Delay, Gate, Sandbox
from tests.support.docs_servers import connect_proxy, tls_front
from tests.support.documents import WALLET_ID
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

WALLET = WALLET_ID


async def started(recipe: Path, *arguments: str) -> asyncio.subprocess.Process:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    return await asyncio.create_subprocess_exec(sys.executable, "-B", str(recipe), *arguments, **pipes)  # type: ignore[arg-type] # the names are parameters


async def held(gate: Gate) -> None:
    """Return when the gate holds an answer back. The sandbox runs in this loop, so each turn is a turn of its own."""
    async with asyncio.timeout(20):
        while not gate.waiting:  # noqa: ASYNC110 - a gate has no event to wait for
            await asyncio.sleep(0)


def lines_of(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


async def test_the_worker_reads_every_id_in_order(recipes, environment) -> None:
    """An id that is not there is a line too; the run goes on."""
    ids = [*environment.world.wallet_ids()[:60], "nobodyhere"]
    worker = await started(recipes / "worker.py")

    out, log = await worker.communicate("\n".join(ids).encode())

    assert worker.returncode == 0, log.decode()
    assert [line["id"] for line in lines_of(out)] == ids
    assert lines_of(out)[-1] == {"id": "nobodyhere", "error": "NotFound"}
    assert b"61 of 61 ids done" in log
    assert b"60 read, 1 failed" in log


@pytest.mark.skipif(sys.platform == "win32", reason="an event loop takes no signals there")
async def test_the_worker_finishes_what_it_has_taken_when_it_is_asked_to_stop(recipes, environment) -> None:
    ids = environment.world.wallet_ids()
    gate = Gate()
    environment.faults.add(Delay(until=gate), times=None, where="/api/")
    worker = await started(recipes / "worker.py")
    assert worker.stdin is not None
    assert worker.stderr is not None
    worker.stdin.write("\n".join(ids).encode())
    worker.stdin.close()
    await held(gate)

    worker.send_signal(signal.SIGTERM)
    assert b"stopping" in await worker.stderr.readline()
    gate.open()
    out, log = await worker.communicate()

    done = [line["id"] for line in lines_of(out)]
    assert worker.returncode == 0, log.decode()
    assert done == list(ids[: len(done)])
    assert 0 < len(done) < len(ids)
    assert f"{len(done)} of {len(ids)} ids done; stopped early".encode() in log


async def test_the_notebook_runs_from_top_to_bottom(recipes, monkeypatch, tmp_path) -> None:
    """Each cell as a notebook runs it: in IPython, with top-level await."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell_of = importlib.import_module("IPython.core.interactiveshell").InteractiveShell
    cells = json.loads((recipes / "wallets.ipynb").read_text())["cells"]
    shell = shell_of.instance()
    shell.history_manager.enabled = False
    results = {}
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                transformed = shell.transform_cell(source)
                result = await shell.run_cell_async(source, store_history=False, transformed_cell=transformed)
                result.raise_error()
                results[cell["id"]] = result.result
    finally:
        shell.history_manager.end_session()
        shell_of.clear_instance()

    assert results["one"].name == "XXXX-XXXX-XXXX-1111"
    assert results["follow"] == ("acquired", 15)
    assert len(results["table"]) == 5
    assert all(cell.get("outputs", []) == [] for cell in cells)


def test_the_tests_of_ones_own_service_pass(recipes) -> None:
    # Without what it does not use, which is slow to load.
    spared = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    run = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", *spared, str(recipes / "test_greetings.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "6 passed" in run.stdout


async def test_the_spans_of_calls_are_children_of_the_programs_span(recipes, environment) -> None:
    memory = importlib.import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    tracing = importlib.import_module("tracing")
    exporter = memory.InMemorySpanExporter()
    environment.faults.add(Answer.html(502), times=1, where="/api/")
    provider = tracing.provider_for(exporter)

    await tracing.show(WALLET, provider)
    provider.shutdown()

    *calls, whole = exporter.get_finished_spans()
    assert whole.name == "show wallet"
    assert [call.name for call in calls] == ["GET", "GET"]
    assert all(call.parent.span_id == whole.context.span_id for call in calls)
    assert [event.name for event in calls[0].events] == ["answered", "retrying", "answered"]
    assert environment.access_token not in "".join(span.to_json() for span in exporter.get_finished_spans())


async def test_the_same_program_runs_on_uvloop(recipes, environment) -> None:
    pytest.importorskip("uvloop", reason="uvloop cannot be installed here")
    program = await started(recipes / "uvloop_worker.py", WALLET)

    out, log = await program.communicate()

    assert program.returncode == 0, log.decode()
    assert out.decode() == "XXXX-XXXX-XXXX-1111 acquired on uvloop\n"


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A company's own CA, and a server's side of TLS that it signed."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path / "ca.pem", context


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies, to put one into."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


async def test_a_proxy_and_a_private_ca_are_used(recipes, environment: Sandbox, authority, proxies, capsys) -> None:
    recipe = importlib.import_module("behind_a_proxy")
    ca_file, context = authority
    async with tls_front(environment.url, context) as organization, connect_proxy() as (proxy, asked):
        proxies.setenv("COMMERCELAYER_ORGANIZATION", organization)
        proxies.setenv("HTTPS_PROXY", proxy)
        await recipe.main(ca_file, WALLET)

    assert capsys.readouterr().out == f"{WALLET} XXXX-XXXX-XXXX-1111\n"
    assert set(asked) == {organization.removeprefix("https://")}


async def test_without_the_private_ca_no_token_is_sent(environment: Sandbox, authority, proxies) -> None:
    from commercelayer_async import TLSError  # noqa: PLC0415 - needed by one test
    from commercelayer_async.resources import CustomerPaymentSource  # noqa: PLC0415 - needed by one test

    _, context = authority
    async with tls_front(environment.url, context) as organization:
        proxies.setenv("COMMERCELAYER_ORGANIZATION", organization)
        proxies.setenv("COMMERCELAYER_ACCESS_TOKEN", environment.access_token)
        async with Session.from_env() as session:
            with pytest.raises(TLSError):
                await session.get(CustomerPaymentSource, WALLET)

    assert not environment.requests


def article(id: str, title: str, time: str | None) -> dict[str, Any]:
    return {
        "type": "articles",
        "id": id,
        "attributes": {"title": title, "published_at": time},
        "relationships": {"author": {"links": {"related": f"/articles/{id}/author"}}},
    }


async def test_another_service_is_read_page_by_page_and_its_links_followed(recipes, capsys) -> None:
    """Its times have no offset, and its pages end without a `next` link."""
    author = reply({"data": {"type": "people", "id": "7", "attributes": {"name": "Ada"}}})
    pages = {
        "/articles": reply(
            {"data": [article("1", "One", "2026-01-02T03:04:05")], "links": {"next": "/articles?page=2"}}
        ),
        "/articles?page=2": reply({"data": [article("2", "Two", None)], "links": {"next": None}}),
        "/articles/1/author": author,
        "/articles/2/author": author,
    }
    async with ScriptedServer(paths=pages) as server:
        await importlib.import_module("other_service").main(f"{server.url}/articles")

    assert capsys.readouterr().out == "2026-01-02 03:04:05+00:00 One by Ada\nNone Two by Ada\n"
    assert server.paths == ["/articles", "/articles/1/author", "/articles?page=2", "/articles/2/author"]


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:1/articles", "//shop.example/articles", "https://127.0.0.1/x"])
async def test_the_links_of_another_service_lead_nowhere_else(elsewhere: str, recipes) -> None:
    first = reply({"data": [], "links": {"next": elsewhere}})
    async with ScriptedServer(first) as server:
        with pytest.raises(ValueError, match="leads away from"):
            await importlib.import_module("other_service").main(f"{server.url}/articles")
    assert len(server.requests) == 1


async def test_a_relationship_of_another_service_may_include_more(recipes) -> None:
    service = importlib.import_module("other_service")
    author = reply({"data": {"type": "people", "id": "7", "attributes": {"name": "Ada"}}})
    one = reply({"data": article("1", "One", None)})
    async with ScriptedServer(author, paths={"/articles/1": one}) as server, aiohttp.ClientSession() as http:
        found, following = await service.Service(http, server.url).read(f"{server.url}/articles/1")
        assert (await found.author.fetch(include=["posts"])).name == "Ada"
    assert (following, server.paths[-1]) == (None, "/articles/1/author?include=posts")
