"""A command beside a sandbox: its environment, its exit code, and the signals that it gets."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from commercelayer_async.sandbox.__main__ import main

pty: Any = pytest.importorskip("pty", reason="signals and terminals as POSIX has them")

PROGRAMS = [
    [sys.executable, "-m", "commercelayer_async.sandbox", "--wallets", "7"],
    [sys.executable, "-m", "commercelayer_async", "sandbox", "--wallets", "7"],
]
PATIENCE = 30.0
COUNT = """
import asyncio, os
from commercelayer_async import Session
from commercelayer_async.resources import CustomerPaymentSource

async def count():
    async with Session.from_env() as session:
        print(await session.list(CustomerPaymentSource).count(), sorted(n for n in os.environ if "COMMERCELAYER" in n))

asyncio.run(count())
"""
COUNTING_SIGNALS = """
import signal, sys, time
got = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, _: got.append(signal.Signals(number).name))
print("ready", flush=True)
while not got:
    time.sleep(0.01)
time.sleep(0.3)
print(*got, flush=True)
sys.exit(40 + len(got))
"""


def python(code: str) -> list[str]:
    return ["--", sys.executable, "-c", code]


@contextmanager
def started(command: list[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process whose group is ended with the block, whatever happens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_command_finds_the_sandbox_in_its_environment(program: list[str]) -> None:
    """And nothing of another organization: its token would be sent here."""
    environment = {**os.environ, "COMMERCELAYER_ACCESS_TOKEN": "of-another", "COMMERCELAYER_SCOPE": "market:id:other"}

    done = subprocess.run(program + python(COUNT), capture_output=True, text=True, env=environment, check=True)

    assert done.stdout == "7 ['COMMERCELAYER_CLIENT_ID', 'COMMERCELAYER_CLIENT_SECRET', 'COMMERCELAYER_ORGANIZATION']\n"
    assert done.stderr == ""


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (python("raise SystemExit(0)"), 0),
        (python("raise SystemExit(7)"), 7),
        (python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), 137),
        (["--", "sh", "-c", 'test "$1" = --token && exit 9', "x", "--token"], 9),
        (["--", "sh", "-c", 'test "$*" = "-- -x" && exit 8', "x", "--", "-x"], 8),
    ],
)
def test_its_exit_code_is_passed_on(program: list[str], command: list[str], code: int) -> None:
    done = subprocess.run(program + command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_command_that_is_not_there_is_127(program: list[str]) -> None:
    done = subprocess.run([*program, "--", "no-such-command", "-x"], capture_output=True, text=True, check=False)

    assert done.returncode == 127
    assert done.stderr == "The command no-such-command cannot be run: No such file or directory.\n"


def test_a_command_that_cannot_be_run_is_126(tmp_path: Any, capsys: Any) -> None:
    (tmp_path / "file").write_text("")

    assert main(["--wallets", "1", "--", str(tmp_path / "file")]) == 126
    assert "Permission denied" in capsys.readouterr().err


def test_a_busy_port_is_1_and_starts_nothing(commercelayer_sandbox: Any, tmp_path: Any, capsys: Any) -> None:
    port = commercelayer_sandbox.url.rpartition(":")[2]

    assert main(["--port", port, "--", "touch", str(tmp_path / "made")]) == 1
    assert not (tmp_path / "made").exists()
    assert "cannot listen on port" in capsys.readouterr().err


def test_the_handlers_of_signals_are_put_back(capsys: Any) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    assert main(["--wallets", "1", "--", "true"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize("to_group", [False, True])
@pytest.mark.parametrize(
    ("program", "number"),
    [
        *((program, number) for program in PROGRAMS for number in (signal.SIGINT, signal.SIGTERM)),
        *((PROGRAMS[0], number) for number in (signal.SIGHUP, signal.SIGUSR1)),
    ],
)
def test_a_signal_reaches_the_command_once(program: list[str], number: signal.Signals, *, to_group: bool) -> None:
    """Sent to the program alone, as supervisors do, or to all of its group."""
    with started(program + python(COUNTING_SIGNALS)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, number) if to_group else process.send_signal(number)
        got = process.stdout.readline()

        assert process.wait(PATIENCE) == 41
    assert got == f"{number.name}\n"


def test_ctrl_c_on_a_terminal_reaches_the_command_once() -> None:
    ours, theirs = pty.openpty()
    with started(PROGRAMS[0] + python(COUNTING_SIGNALS), stdin=theirs, preexec_fn=lambda: take_terminal(0)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.write(ours, b"\x03")
        got = process.stdout.readline()

        assert process.wait(PATIENCE) == 41
    os.close(ours)
    os.close(theirs)
    assert got == "SIGINT\n"


def take_terminal(file: int) -> None:
    """Make a terminal the one whose keys send signals to this session."""
    import fcntl  # noqa: PLC0415 - in the process that is about to be another
    import termios  # noqa: PLC0415 - the same

    fcntl.ioctl(file, termios.TIOCSCTTY, 0)


def test_what_a_command_starts_ends_with_it() -> None:
    """A shell that waits for another program would not pass a signal on."""
    nested = ["--", "sh", "-c", f"{sys.executable} -c '{COUNTING_SIGNALS}'; exit 3"]
    with started(PROGRAMS[0] + nested) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)

        assert process.stdout.readline() == "SIGTERM\n"
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_an_ignored_signal_stays_ignored() -> None:
    """As `nohup` ignores SIGHUP for all that it starts."""
    said = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN, flush=True); input()"
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *PROGRAMS[0], *python(said)]
    with started(command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        process.send_signal(signal.SIGHUP)
        process.communicate("go on\n")

    assert process.returncode == 0


def test_two_at_once_have_sandboxes_of_their_own() -> None:
    said = "import os; print(os.environ['COMMERCELAYER_ORGANIZATION'], flush=True); input()"
    with (
        started(PROGRAMS[0] + python(said), stdin=subprocess.PIPE) as one,
        started(PROGRAMS[1] + python(said), stdin=subprocess.PIPE) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        urls = {one.stdout.readline(), other.stdout.readline()}
        for process in (one, other):
            process.communicate("\n")

    assert len(urls) == 2
    assert (one.returncode, other.returncode) == (0, 0)
