"""Ways to run it: the command line, the thread, the fixture."""

import ast
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

import commercelayer_async.sandbox
from commercelayer_async.sandbox import Rates, Sandbox
from commercelayer_async.sandbox.__main__ import main
from tests.support.documents import WALLET_ID, WALLET_PATH

PACKAGE = Path(commercelayer_async.sandbox.__file__).parent
COMMAND = [sys.executable, "-m", "commercelayer_async.sandbox"]


def fetch(url, headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as response:
        return json.load(response)


class Terminal:
    """A stdout that sends a signal to its own process once the greeting is out."""

    def __init__(self, number):
        self.number = number
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        signal.raise_signal(self.number)


@pytest.fixture
def signals():
    """Puts the handlers of the test run back."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_lines_work_as_printed_and_a_signal_ends_it_with_0(number):
    with subprocess.Popen([*COMMAND, "--wallets", "12"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = "".join(iter(process.stdout.readline, "# Stop with Ctrl-C.\n"))
        count = f"{shlex.join([sys.executable, '-m', 'commercelayer_async', 'count'])} customer_payment_sources"
        counted = subprocess.run(
            ["sh", "-e", "-c", lines + count],
            env={**os.environ, "COMMERCELAYER_ACCESS_TOKEN": "another-organizations", "COMMERCELAYER_SCOPE": "x"},
            capture_output=True,
            text=True,
            check=True,
        )
        process.send_signal(number)
        code = process.wait(10)

    assert counted.stdout == "12\n"
    assert [line.partition("=")[0] for line in lines.splitlines() if line.startswith("export")] == [
        "export COMMERCELAYER_ORGANIZATION",
        "export COMMERCELAYER_CLIENT_ID",
        "export COMMERCELAYER_CLIENT_SECRET",
    ]
    assert max(map(len, lines.splitlines())) < 100
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_main_gives_0_when_a_signal_stopped_it(monkeypatch, signals, number):
    terminal = Terminal(number)
    monkeypatch.setattr(sys, "stdout", terminal)

    assert main(["--seed", "3", "--wallets", "1"]) == 0
    assert "COMMERCELAYER_ORGANIZATION=http://127.0.0.1:" in terminal.text


@pytest.mark.parametrize(
    ("arguments", "changed"),
    [
        ([], {}),
        (["--rates", "off"], {}),
        (["--rates", "test"], {"rates": Rates.test()}),
        (["--rates", "live", "--mode", "live"], {"rates": Rates.live(), "mode": "live"}),
        (["--token-lifetime", "1.5"], {"token_lifetime": 1.5}),
    ],
)
def test_options_are_those_of_a_sandbox(monkeypatch, signals, arguments, changed):
    asked = list[dict[str, Any]]()

    def make(**options):
        asked.append(options)
        return Sandbox(**options)

    monkeypatch.setattr(sys, "stdout", Terminal(signal.SIGINT))
    monkeypatch.setattr("commercelayer_async.sandbox.__main__.Sandbox", make)

    assert main(["--wallets", "1", *arguments]) == 0
    defaults = {"port": 0, "wallets": 1, "seed": 2018, "mode": "test", "token_lifetime": None, "rates": None}
    assert asked == [defaults | changed]


def test_a_busy_port_is_one_sentence_and_1(commercelayer_sandbox, signals, capsys):
    port = commercelayer_sandbox.url.rpartition(":")[2]

    code = main(["--port", port])

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert said.err.startswith(f"The sandbox cannot listen on port {port} of 127.0.0.1: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "x"],
        ["--port", "65536"],
        ["--wallets", "-1"],
        ["--seed", "x"],
        ["--rates", "x"],
        ["--mode", "x"],
        ["--token-lifetime", "0"],
        ["--token-lifetime", "inf"],
        ["--token-lifetime", "x"],
        ["x"],
        ["--"],
    ],
)
def test_wrong_arguments_are_2(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)

    assert exit.value.code == 2
    assert "usage: python -m commercelayer_async.sandbox" in capsys.readouterr().err


def test_the_fixture_serves_a_test_without_a_loop(commercelayer_sandbox):
    headers = {"Authorization": f"Bearer {commercelayer_sandbox.access_token}"}

    document = fetch(commercelayer_sandbox.url + WALLET_PATH, headers)

    assert document["data"]["id"] == WALLET_ID
    assert [request.raw_path for request in commercelayer_sandbox.requests] == [WALLET_PATH]
    assert commercelayer_sandbox.client_id
    assert commercelayer_sandbox.client_secret


async def test_the_fixture_serves_a_test_with_a_loop(commercelayer_sandbox, calling):
    assert (await calling(commercelayer_sandbox).get(WALLET_PATH))["data"]["id"] == WALLET_ID


def test_the_thread_is_over_when_the_block_is_left():
    before = threading.active_count()

    with Sandbox(wallets=1).in_thread():
        during = threading.active_count()

    assert (during, threading.active_count()) == (before + 1, before)


def test_a_failure_in_the_block_ends_the_thread_too():
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError), Sandbox(wallets=1).in_thread():
        _ = 1 / 0

    assert threading.active_count() == before


def test_a_failed_start_is_raised_where_the_thread_was_asked_for(commercelayer_sandbox):
    port = int(commercelayer_sandbox.url.rpartition(":")[2])

    with pytest.raises(OSError, match="cannot listen"), Sandbox(port=port).in_thread():
        raise AssertionError

    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox" and not thread.is_alive()]


def test_one_that_runs_already_is_not_run_again_nor_stopped(commercelayer_sandbox):
    with pytest.raises(RuntimeError, match="running already"), commercelayer_sandbox.in_thread():
        raise AssertionError

    assert commercelayer_sandbox.url


def test_one_that_has_stopped_runs_again():
    sandbox = Sandbox(wallets=1)

    for _ in range(2):
        with sandbox.in_thread() as running:
            assert running is sandbox
            assert sandbox.url


def test_an_interrupted_start_leaves_no_thread(monkeypatch):
    """Ctrl-C while the thread is about to listen."""
    before = threading.active_count()
    monkeypatch.setattr("commercelayer_async.sandbox.background.Future.result", interrupted_once())

    with pytest.raises(KeyboardInterrupt), Sandbox(wallets=1).in_thread():
        raise AssertionError

    assert threading.active_count() == before


def interrupted_once():
    """The `result` of a future, whose first caller is interrupted."""
    result, calls = Future.result, list[None]()

    def interrupted(self, timeout=None):
        calls.append(None)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return result(self, timeout)

    return interrupted


def test_loading_the_plugin_loads_no_server():
    script = """
import sys
import commercelayer_async.sandbox.pytest_plugin
print(sorted({"aiohttp", "yarl"} & set(sys.modules)))
"""

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout == "[]\n"


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_shares_code_with_the_client(module):
    """But for the mark on public names, which stands below both."""
    levels_inside = len(module.relative_to(PACKAGE).parts)
    imported = set()
    for node in ast.walk(ast.parse(module.read_text())):
        match node:
            case ast.Import(names=names):
                imported |= {name.name.partition(".")[0] for name in names}
            case ast.ImportFrom(module=str(name), level=0):
                imported.add(name.partition(".")[0])
            case ast.ImportFrom(module=name, level=level):
                assert level <= levels_inside or name == "_markers", "the client is one package up"

    assert imported - sys.stdlib_module_names <= {"aiohttp", "attrs", "pytest"}
