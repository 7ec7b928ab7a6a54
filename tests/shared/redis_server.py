"""A Redis or Valkey server of the tests' own, on a socket of theirs: started, killed, stopped and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

REQUIRED = "TESTS_REQUIRE_REDIS"
"""Set where these tests may not be skipped."""

PROGRAMS = [name for name in ("redis-server", "valkey-server") if shutil.which(name)] or ["redis-server"]
"""Those that are here."""
EACH_PROGRAM = [pytest.param(name, marks=[pytest.mark.slow] if name != PROGRAMS[0] else []) for name in PROGRAMS]
"""For fixtures: a second one is tried by the slow tests."""


class RedisServer:
    """One server, without persistence, while its `with` block lasts."""

    def __init__(self, *options: str, program: str = PROGRAMS[0]) -> None:
        found = shutil.which(program)
        if found is None:
            reason = "redis-server is not installed (Debian: apt-get install redis-server)"
            if os.environ.get(REQUIRED):
                pytest.fail(reason)
            pytest.skip(reason)
        self.program = found
        self._options = options
        # Short: the path of a socket has at most 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="cl-redis-"))
        self._socket = self._folder / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        arguments = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [self.program, *arguments, "--dir", str(self._folder), *self._options], stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                with self.client() as client:
                    client.ping()
            except redis.AuthenticationError:
                # Which is a ConnectionError there.
                return
            except redis.ConnectionError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    raise
                time.sleep(0.02)
            else:
                return

    def client(self) -> "redis.Redis":
        # Its own retries take seconds, also of a wrong password.
        return redis.Redis(unix_socket_path=str(self._socket), retry=Retry(NoBackoff(), 0))

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Let it stand still: connections stay, nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
