"""A command that runs beside a sandbox, as `env` runs one: with the sandbox's credentials in its environment.

The command shares the terminal. There Ctrl-C reaches it as it reaches this program, so it is not sent again. Elsewhere
(in a container, under a supervisor) the command has a process group of its own, and each signal that this program gets
is sent to that group once: to whoever else has the group of this program, too, it would come twice.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from .server import Sandbox

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
_OF_A_SIGNAL: Final = 128
"""The exit code for a signal is this and its number, as shells have it."""
_FORWARDED: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if hasattr(signal, name)
)
_FROM_THE_TERMINAL: Final = frozenset({"SIGINT", "SIGQUIT"})
_PREFIX: Final = "COMMERCELAYER_"


def variables(sandbox: Sandbox) -> dict[str, str]:
    """The variables of the environment that lead a client to *sandbox*."""
    return {
        f"{_PREFIX}ORGANIZATION": sandbox.url,
        f"{_PREFIX}CLIENT_ID": sandbox.client_id,
        f"{_PREFIX}CLIENT_SECRET": sandbox.client_secret,
    }


OTHERS: Final = (f"{_PREFIX}ACCESS_TOKEN", f"{_PREFIX}SCOPE")
"""Variables of another organization's, which must not be beside these: a client would send its token."""


def run_beside(sandbox: Sandbox, command: Sequence[str]) -> int:
    """Run *command* while *sandbox* serves, and give its exit code; for one that a signal ended, 128 and its number.

    One that is not found is 127, and one that cannot be run 126.

    Raises:
        OSError: the sandbox cannot listen on its port.
    """
    with _Signals().caught() as signals, sandbox.in_thread():
        environment = {name: value for name, value in os.environ.items() if name not in OTHERS}
        try:
            process = signals.start(command, environment | variables(sandbox))
        except OSError as error:
            sys.stderr.write(f"The command {command[0]} cannot be run: {error.strerror}.\n")
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        code = process.wait()
    return code if code >= 0 else _OF_A_SIGNAL - code


class _Signals:
    """Signals on their way to the command."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early = list[int]()
        self._shares_terminal = _is_in_foreground()

    @contextmanager
    def caught(self) -> Generator["_Signals"]:
        """Catch signals while the block lasts, but for those that this program was told to ignore."""
        before = {
            number: signal.signal(number, self._catch)
            for number in _FORWARDED
            if signal.getsignal(number) != signal.SIG_IGN
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start *command*, and send it what has arrived before."""
        group = None if self._shares_terminal or sys.platform == "win32" else 0
        self._process = subprocess.Popen(command, env=environment, process_group=group)  # noqa: S603 - the user's own
        while self._early:
            self._send(self._early.pop(0))
        return self._process

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (self._shares_terminal and signal.Signals(number).name in _FROM_THE_TERMINAL):
            self._send(number)

    def _send(self, number: int) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(OSError):  # it may have ended in between
            if self._shares_terminal or sys.platform == "win32":
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)


def _is_in_foreground() -> bool:
    """Whether the keys of a terminal send their signals to this program and to what it starts."""
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
