"""What a worker has: one session, opened at the first task that needs it and closed when the worker ends; and tasks.

A plugin is pickled and kept by the scheduler, so it holds the name of what makes a session, and nothing else.

Dask does not stop a task that runs, even where nobody wants its result any more: after Ctrl-C, after another one
failed, or when the client is gone. But its worker is told, so a task looks there.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from distributed import Reschedule, WorkerPlugin, get_worker

from .._access import BulkAccess
from .._plain import plain_text
from .._text import printable
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .. import Session

_LOOKS: Final = 0.25
"""Seconds between two looks whether a task is wanted."""
_FACTORY: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def factory_name(given: object) -> str | None:
    """The name of a function that makes a session, checked; None for the worker's environment.

    Raises:
        ConfigurationError: it is something else, such as the session itself.
    """
    if given is None:
        return None
    name = plain_text(given)
    if name is None or not _FACTORY.fullmatch(name):
        raise ConfigurationError(
            "session must be the name of a function that workers can import, such as 'shop.sessions:make';"
            " a session itself holds a token, which must not travel"
        )
    return name


class SessionPlugin(WorkerPlugin):
    """Holds a worker's session."""

    idempotent = True
    """One of the same name stays: replacing it would close its session under running tasks."""

    def __init__(self, factory: str | None) -> None:
        self.factory = factory
        self.name = _plugin_name(factory)
        self._session: Session | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.factory,)

    def session(self) -> "Session":
        """The worker's session.

        Raises:
            ConfigurationError: there is no such function, it gives something else, or the environment lacks a variable.
        """
        if self._session is None:
            self._session = _made_by(self.factory)
        return self._session

    async def teardown(self, worker: Any) -> None:
        """Close the session; the worker ends."""
        del worker
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _plugin_name(factory: str | None) -> str:
    return f"commercelayer-async-{hashlib.sha256((factory or '').encode()).hexdigest()[:12]}"


def _made_by(factory: str | None) -> "Session":
    # The caller's side needs neither, and they are slow to import.
    from .. import Session  # noqa: PLC0415 - as said above
    from ..shared import FileLimiter  # noqa: PLC0415 - as said above

    if factory is None:
        # The workers of a machine have one address, so one budget.
        return Session.from_env(limiter=FileLimiter())
    module, _, name = factory.partition(":")
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"session: a worker cannot import {printable(factory, 100)!r} ({type(error).__name__})"
        ) from error
    session = make()
    if not isinstance(session, Session):
        raise ConfigurationError(
            f"session: {printable(factory, 100)!r} gave no Session, but a {type(session).__name__}"
        )
    return session


@asynccontextmanager
async def session_access(factory: str | None) -> AsyncGenerator[BulkAccess]:
    """Read through the session of the worker that runs this task."""
    plugin: Any = get_worker().plugins[_plugin_name(factory)]
    access = BulkAccess(plugin.session())
    try:
        yield access
    finally:
        await access.close()


async def stoppable(prefix: str, rest: str, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
    """Run a task until it is done, or until nobody wants it any more: then it is cancelled, whatever it waits for.

    Args:
        prefix: The key of the task, up to the last hyphen.
        rest: What comes behind it.
        function: What to run.
        arguments: Of the function.
    """
    worker: Any = get_worker()
    work = asyncio.ensure_future(function(*arguments))
    try:
        while not (await asyncio.wait([work], timeout=_LOOKS))[0]:
            if not _is_wanted(worker, f"{prefix}-{rest}"):
                # Where it came to be wanted again in this moment, it is run again; else nobody hears of it.
                raise Reschedule
        return work.result()
    finally:
        if not work.done():
            work.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await work


def _is_wanted(worker: Any, key: str) -> bool:
    task = worker.state.tasks.get(key)
    return task is not None and task.state != "cancelled"
