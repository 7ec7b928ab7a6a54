"""Whether requests may take the fast path: the user's wish, aiohttp's release, and an exchange in memory.

The fast path uses parts of aiohttp that its manual does not describe, and a release may change them. It is taken only
where nothing speaks against it, and left for the rest of the process as soon as something does.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any, Final

import aiohttp

VARIABLE: Final = "COMMERCELAYER_ASYNC_FAST_PATH"
"""The environment variable: 0 for the documented way, 1 for the fast path with any release that stands the exchange."""

TESTED: Final = ((3, 13), (3, 14))
"""The first and the last minor release of aiohttp whose tests CI has run over the fast path. The last is moved on when
the weekly job has passed with a newer one."""

UNFIT: Final = (AssertionError, AttributeError, LookupError, NameError, NotImplementedError, TypeError)
"""What code raises where something is not as it is used."""

_log: Final = logging.getLogger("commercelayer_async")


class Unfit(Exception):
    """aiohttp is not as the fast path uses it."""

    def __init__(self, name: str, *, sent: bool) -> None:
        super().__init__(name)
        self.name = name
        """The class of what was raised."""
        self.sent = sent
        """Whether the request may have left."""


class FastPathGuard:
    """What is known in this process."""

    def __init__(self) -> None:
        self.is_off = False
        """Whether the fast path failed at run time."""
        self._exchanged: bool | None = None

    def allows(self) -> bool:
        """True if connections may be opened for the fast path."""
        wish = os.environ.get(VARIABLE, "").strip().lower()
        if self.is_off or wish in ("0", "no", "off", "false"):
            return False
        if wish not in ("1", "yes", "on", "true") and not is_tested(aiohttp.__version__):
            return False
        if self._exchanged is None:
            self._exchanged = _run_at_once(_exchange)
            if not self._exchanged:
                _log.warning("aiohttp %s is not as expected; requests take its session layer", aiohttp.__version__)
        return self._exchanged

    def turn_off(self, reason: str) -> None:
        """Leave the fast path for the rest of the process."""
        if not self.is_off:
            self.is_off = True
            _log.warning(
                "aiohttp %s is not as expected (%s); requests take its session layer", aiohttp.__version__, reason
            )


GUARD: Final = FastPathGuard()


def aiohttp_is_compatible() -> bool:
    """True if connections may be opened for the fast path."""
    return GUARD.allows()


def is_tested(version: str) -> bool:
    """True if a release of aiohttp, such as "3.14.5", is of a minor release that CI has run."""
    major, _, rest = version.partition(".")
    minor = rest.partition(".")[0]
    if not major.isdecimal() or not minor.isdecimal():
        return False
    return TESTED[0] <= (int(major), int(minor)) <= TESTED[1]


async def _exchange() -> None:
    # Imported here, and by name: the import itself fails where aiohttp has moved something.
    await import_module(".fastpath", __package__).exchange_in_memory()


def _run_at_once(make: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """True if a coroutine ends without waiting for anything, and well."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Outside a loop, where nobody opens connections but one may ask.
        async def main() -> bool:
            return _run_at_once(make)

        return asyncio.run(main())
    trial = make()
    try:
        trial.send(None)
    except StopIteration:
        return True
    except Exception:  # noqa: BLE001 - whatever it is, it speaks against it
        return False
    finally:
        trial.close()
    return False
