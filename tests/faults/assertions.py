"""What every row of the catalogue is held to, in one place.

typed   an exception of the package's tree: not empty, short, on one line, naming where; it pickles and copies
silent  no token and no secret in anything that a program, a log or an error tracker may print
ends    within the time that the row allows
clean   after `close()` no connection at the server and no task in the loop
home    the listeners elsewhere saw nothing
"""

import asyncio
import base64
import contextlib
import copy
import logging
import pickle
import re
import time
import traceback
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from commercelayer_async import AuthError, CommerceLayerError, ConfigurationError, RateLimits, SessionError
from commercelayer_async._clock import LoopClock
from commercelayer_async._limits.budget import Priority
from commercelayer_async._limits.limiter import LocalLimiter
from commercelayer_async.service import COMMERCE_LAYER
from tests.faults.breaking_server import Server
from tests.support.responses import reply

TOKEN = "canaryBearer7f3a9c51d2e84b60"
GRANTED = "canaryGranted51d2e84b607f3a9c"
SECRET = "canarySecret0b9d7e6f5a4c3210"
PAYMENT = "pm_canaryPayment0123456789"
CUSTOMER_TOKEN = "cus_canaryCustomer0123456789"
SOON = 2.5
"""Seconds: nothing was waited for, as the time-out of the drills' sessions is 3, and a busy machine may be slow."""
CANARIES = (TOKEN, GRANTED, SECRET, PAYMENT, CUSTOMER_TOKEN)
MARKS = (*CANARIES, *(base64.b64encode(canary.encode()).decode().rstrip("=")[:-2] for canary in CANARIES))

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@attrs.frozen
class Hosts:
    """Where a row plays."""

    here: str
    """Host and port of the server that is asked."""
    port: int
    foreign: str
    """The same host, another port."""
    internal: str
    """Another host, the same port."""
    base: str = ""
    """The origin that is asked."""


@attrs.define
class Outcome:
    """What became of a row."""

    server: Server
    hosts: Hosts
    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    counted: int = 0
    """Requests that the limiter knows of, those for tokens apart."""
    grown: float = 0.0
    """MiB by which the process grew at most."""
    log: str = ""

    @property
    def gaps(self) -> list[float]:
        """Seconds between the requests to the API."""
        times = [one.at for one in self.server.asked]
        return [after - before for before, after in pairwise(times)]


class Counting:
    """A limiter that counts what it lets through."""

    def __init__(self, limits: RateLimits | None = None) -> None:
        self._limits = limits
        self._local: LocalLimiter | None = None
        self.granted = 0

    @property
    def local(self) -> LocalLimiter:
        if self._local is None:
            self._local = LocalLimiter(self._limits, clock=LoopClock(), facts=COMMERCE_LAYER.rates)
        return self._local

    def try_acquire(self, type_: str, *, priority: Priority) -> Any:
        lease = self.local.try_acquire(type_, priority=priority)
        self.granted += lease is not None
        return lease

    async def acquire(self, type_: str, *, priority: Priority) -> Any:
        lease = await self.local.acquire(type_, priority=priority)
        self.granted += 1
        return lease

    def state(self) -> Any:
        return self.local.state()


def chain(error: BaseException) -> list[BaseException]:
    """An error, all that it came from, and all that failed before it."""
    found: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is not None and one not in found:
            found.append(one)
            ahead += [one.__cause__, one.__context__, *getattr(one, "failures", ())]
    return found


def printed_forms(error: BaseException) -> str:
    """Everything that anybody can print of an error."""
    texts: list[str] = []
    for one in chain(error):
        texts += [str(one), repr(one), repr(one.args), repr(vars(one))]
        texts.append("".join(traceback.format_exception(one)))
    if isinstance(error, CommerceLayerError):
        texts.append(pickle.dumps(error, protocol=0).decode("latin-1"))
        texts.append(repr(vars(copy.deepcopy(error))))
    return "\n".join(texts)


def with_locals(error: BaseException) -> str:
    """The traceback with the local variables of each frame, as error trackers show it."""
    return "".join(
        "".join(traceback.TracebackException.from_exception(one, capture_locals=True).format()) for one in chain(error)
    )


def require_silent(text: str) -> None:
    """No canary in `text`."""
    for mark in MARKS:
        assert mark not in text, f"{mark} shows: …{text[max(0, text.index(mark) - 300) : text.index(mark) + 80]}…"


def require_typed(error: BaseException, hosts: Hosts) -> None:
    """An error that somebody can act on."""
    assert isinstance(error, CommerceLayerError), "".join(traceback.format_exception(error))
    text = str(error)
    assert text.strip()
    assert len(text) < 4000
    assert len(repr(error)) < 8000
    assert text.isprintable(), repr(text)
    if not isinstance(error, ConfigurationError | SessionError):
        url = getattr(error, "url", None)
        names = hosts.here in text or "token" in text if isinstance(error, AuthError) else url and str(url) in text
        assert names, f"does not tell where: {text}"
        assert "?" not in (url or "")
        assert isinstance(error.tries, int)
        assert error.elapsed >= 0
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == text
    assert error.__cause__ is None or isinstance(error.__cause__, CommerceLayerError)


def require_quiet_log(log: str) -> None:
    """No secret, and every entry on its own line."""
    require_silent(log)
    assert not _CONTROL.search(log), "control characters in the log"


class Kept(logging.Handler):
    """Keeps what any logger says, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()} {record.exc_info or ''}")


@contextlib.contextmanager
def logged() -> Iterator[Kept]:
    """All that is logged meanwhile, by whomever."""
    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        root.setLevel(level)
        root.removeHandler(kept)


@contextlib.contextmanager
def growth() -> Iterator[Callable[[], float]]:
    """MiB by which the process grows at most, beyond what it holds now; 0.0 where the system does not tell."""

    def status(name: str) -> int:
        try:
            text = Path("/proc/self/status").read_text()
        except OSError:
            return 0
        return int(text.partition(f"{name}:")[2].split()[0]) if name in text else 0

    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    yield lambda: max(0.0, (status("VmHWM") - before) / 1024)


@contextlib.asynccontextmanager
async def elsewhere(port: int) -> Any:
    """Listeners on another port, and on another address: they answer well, and nobody is to ask them."""
    good = reply({"data": {"type": "customers", "id": "c1", "attributes": {}}})
    async with contextlib.AsyncExitStack() as servers:
        foreign = await servers.enter_async_context(Server([good], token=[good]))
        try:
            internal = await servers.enter_async_context(Server([good], host="127.0.0.2", port=port))
        except OSError:
            # Another program has this port there; any other will do.
            internal = await servers.enter_async_context(Server([good], host="127.0.0.2"))
        yield foreign, internal
        assert (foreign.connections, internal.connections) == (0, 0), "somebody went elsewhere"


async def require_clean(server: Server, before: set["asyncio.Task[Any]"]) -> None:
    """Nothing is left: no connection, no task."""
    assert await server.deserted(), f"{server.open} connections are still open"
    end = time.monotonic() + 1
    while (left := asyncio.all_tasks() - before - server.tasks) and time.monotonic() < end:  # noqa: ASYNC110 - each task ends when it ends
        await asyncio.sleep(0.002)
    assert not left, left
