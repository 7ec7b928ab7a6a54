"""The program as a process of its own."""

import json
import os
import signal
import sys
from importlib.metadata import entry_points

import pytest

from commercelayer_async.cli import main

CANARY = "canary-5f1e9c"
PATIENCE = 30.0
posix = pytest.mark.skipif(os.name != "posix", reason="signals, ptys and pipes as POSIX has them")


def test_the_entry_point_is_main():
    (script,) = entry_points(group="console_scripts", name="commercelayer-async")

    assert script.load() is main


def test_the_demo_writes_plain_text_into_a_pipe(spawn):
    process = spawn("demo", FORCE_COLOR="1")

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (0, "")
    assert "\x1b" not in out
    assert "StripePayment" in out


def test_the_demo_writes_one_json_document(spawn):
    process = spawn("demo", "--json")

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (0, "")
    assert len(json.loads(out)["steps"]) == 4


def test_text_beyond_the_encoding_of_stdout_is_escaped(spawn, api, environment):
    api.serve(attributes={"name": "→ 東京"})
    process = spawn(
        "get",
        "things",
        "abc",
        COMMERCELAYER_ORGANIZATION=api.url,
        COMMERCELAYER_ACCESS_TOKEN=CANARY,
        PYTHONIOENCODING="latin-1",
    )

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (0, "")
    assert r"\u2192 \u6771\u4eac" in out


@pytest.mark.parametrize(("arguments", "code"), [(("get", "customers", "abc"), 2), (("nonsense",), 2), ((), 2)])
def test_the_exit_code_is_that_of_the_process(spawn, arguments, code):
    process = spawn(*arguments)

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err


def test_a_missing_extra_is_no_traceback(spawn):
    script = (
        "import sys; sys.modules['click'] = None; from commercelayer_async.cli import main; sys.exit(main(['demo']))"
    )
    process = spawn(command=[sys.executable, "-c", script])

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (1, "")
    assert "pip install 'commercelayer-async[cli]'" in err
    assert err.count("\n") == 1


def test_help_loads_neither_the_client_nor_the_server(spawn):
    script = """
import sys
from commercelayer_async.cli import main
main(["get", "--help"])
print(sorted({"aiohttp", "yarl"} & set(sys.modules)), file=sys.stderr)
"""
    process = spawn(command=[sys.executable, "-c", script])

    _, err = process.communicate(timeout=PATIENCE)

    assert err == "[]\n"


@posix
def test_ctrl_c_while_the_server_hangs_ends_it_with_130(spawn, api):
    api.hang = True
    process = spawn("get", "things", "abc", COMMERCELAYER_ORGANIZATION=api.url, COMMERCELAYER_ACCESS_TOKEN=CANARY)
    assert api.arrived.wait(PATIENCE)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


@posix
@pytest.mark.parametrize("arguments", [("demo",), ("demo", "--json"), ("--help",)])
def test_a_reader_that_has_gone_ends_it_silently(spawn, arguments):
    reading, writing = os.pipe()
    os.close(reading)
    process = spawn(*arguments, stdout=writing)
    os.close(writing)

    _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110 - a device, and no path to work with
def test_a_full_disk_is_one_sentence(spawn):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device, and no path to work with
        process = spawn("demo", stdout=full)
        _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (1, "error: No space left on device\n")


@posix
@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}])
def test_a_real_terminal_gets_panels_and_colours_unless_no_color_is_set(spawn, variables):
    import pty  # noqa: PLC0415 - POSIX only

    ours, theirs = pty.openpty()
    process = spawn("demo", stdout=theirs, COLUMNS="100", **variables)
    os.close(theirs)
    received = b""
    while True:
        try:
            received += (more := os.read(ours, 65536))
        except OSError:  # how Linux says that the other end was closed
            break
        if not more:
            break
    os.close(ours)

    _, err = process.communicate(timeout=PATIENCE)
    out = received.decode()
    assert (process.returncode, err) == (0, "")
    assert "╭" in out
    assert ("\x1b[36m" in out) == (not variables)


def test_no_argument_list_and_no_output_holds_the_secrets_of_the_environment(spawn, commercelayer_sandbox):
    process = spawn(
        "--debug",
        "get",
        "customer_payment_sources",
        "nobody",
        COMMERCELAYER_ORGANIZATION=commercelayer_sandbox.url,
        COMMERCELAYER_CLIENT_ID=commercelayer_sandbox.client_id,
        COMMERCELAYER_CLIENT_SECRET=commercelayer_sandbox.client_secret,
    )

    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 3
    assert "Traceback" in err
    assert not any(secret in out + err for secret in (commercelayer_sandbox.client_secret, "eyJ"))
    assert not any(secret in " ".join(process.args) for secret in (commercelayer_sandbox.client_secret, "eyJ"))
