"""Ways to run it: the command line, the thread, the fixture."""

import ast
import json
import shlex
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

import commercelayer_async.sandbox
from commercelayer_async.sandbox import Rates, Sandbox
from commercelayer_async.sandbox.__main__ import main
from commercelayer_async.sandbox.background import in_thread
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
def test_the_curl_line_works_as_printed_and_a_signal_ends_it_with_0(number):
    with subprocess.Popen([*COMMAND, "--wallets", "12"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "Stop with Ctrl-C.\n")
        greeting = list(lines)
        curl = shlex.split(greeting[-2])
        headers = dict(curl[at + 1].split(": ") for at, word in enumerate(curl) if word == "-H")
        document = fetch(curl[-1], headers)
        process.send_signal(number)
        code = process.wait(10)

    assert greeting[0].startswith("URL:    http://127.0.0.1:")
    assert greeting[1] == f"Token:  {headers['Authorization'].removeprefix('Bearer ')}\n"
    assert document["data"]["id"] == WALLET_ID
    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_main_gives_0_when_a_signal_stopped_it(monkeypatch, signals, number):
    terminal = Terminal(number)
    monkeypatch.setattr(sys, "stdout", terminal)

    assert main(["--seed", "3", "--wallets", "1"]) == 0
    assert WALLET_PATH in terminal.text


@pytest.mark.parametrize(
    ("arguments", "rates"),
    [
        ([], Rates.off()),
        (["--rates", "off"], Rates.off()),
        (["--rates", "test"], Rates.test()),
        (["--rates", "live"], Rates.live()),
    ],
)
def test_the_rate_limits_are_those_asked_for(monkeypatch, signals, arguments, rates):
    asked = list[Rates]()

    def make(**options):
        asked.append(options["rates"])
        return Sandbox(**options)

    monkeypatch.setattr(sys, "stdout", Terminal(signal.SIGINT))
    monkeypatch.setattr("commercelayer_async.sandbox.__main__.Sandbox", make)

    assert main(["--wallets", "1", *arguments]) == 0
    assert asked == [rates]


def test_a_busy_port_is_one_sentence_and_1(commercelayer_sandbox, signals, capsys):
    port = commercelayer_sandbox.url.rpartition(":")[2]

    code = main(["--port", port])

    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert said.err.startswith(f"The sandbox cannot listen on port {port} of 127.0.0.1: ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--port", "x"], ["--port", "65536"], ["--wallets", "0"], ["--seed", "x"], ["--rates", "x"], ["x"]]
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

    with in_thread(Sandbox(wallets=1)):
        during = threading.active_count()

    assert (during, threading.active_count()) == (before + 1, before)


def test_a_failure_in_the_block_ends_the_thread_too():
    before = threading.active_count()

    with pytest.raises(ZeroDivisionError), in_thread(Sandbox(wallets=1)):
        _ = 1 / 0

    assert threading.active_count() == before


def test_a_failed_start_is_raised_where_the_thread_was_asked_for(commercelayer_sandbox):
    port = int(commercelayer_sandbox.url.rpartition(":")[2])

    with pytest.raises(OSError, match="cannot listen"), in_thread(Sandbox(port=port)):
        raise AssertionError

    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox" and not thread.is_alive()]


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
