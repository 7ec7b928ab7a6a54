"""The system's keyring, which keeps client secrets; through the package `keyring` (extra `keyring`).

A keyring is somebody else's program. It may be missing, locked, broken, or wait for a window that nobody sees: each of
these is an error that says so, and none of them shows what was to be kept.
"""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import click

SERVICE: Final = "commercelayer-async"
"""What the entries of this program are filed under."""
_PATIENCE: Final = 20.0
"""Seconds for one answer: it may ask for a password first."""


class NoKeyring(Exception):
    """There is no keyring; the text says why."""


def keep(name: str, secret: str) -> None:
    """Keep a secret.

    Raises:
        NoKeyring: there is none.
        UsageError: there is one, and it does not work.
    """
    keyring = _module()

    def store() -> str | None:
        keyring.set_password(SERVICE, name, secret)
        found: str | None = keyring.get_password(SERVICE, name)
        return found

    if _asked(store) != secret:
        raise click.UsageError("the system's keyring did not keep the secret; see its settings")


def look_up(name: str) -> str | None:
    """A secret that was kept; None if there is none any more.

    Raises:
        UsageError: the keyring is not there any more, or does not work.
    """
    try:
        keyring = _module()
        secret: str | None = _asked(lambda: keyring.get_password(SERVICE, name))
    except NoKeyring as error:
        raise click.UsageError(f"the secret of this profile is in the system's keyring, but {error}") from None
    return secret


def forget(name: str) -> None:
    """Delete a secret; one that is not there any more is no error.

    Raises:
        UsageError: as for `look_up`.
    """
    if look_up(name) is not None:
        keyring = _module()
        _asked(lambda: keyring.delete_password(SERVICE, name))


def _module() -> Any:
    try:
        return import_module("keyring")
    except ImportError:
        raise NoKeyring(
            "the package keyring is not installed; run: pip install 'commercelayer-async[keyring]'"
        ) from None


def _asked(ask: Callable[[], Any]) -> Any:
    """What `ask` gives, in a thread that is left behind if it takes too long."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(ask())
        except BaseException as error:  # noqa: BLE001 - the backend may raise anything
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if outcome:
        return outcome[0]
    if not failure:
        raise click.UsageError(
            f"the system's keyring did not answer within {_PATIENCE:g} s; unlock it, or use --credentials FILE"
        )
    # Its text may hold anything, so only its class is shown.
    name = type(failure[0]).__name__
    if name == "NoKeyringError":
        raise NoKeyring("there is no keyring on this system")
    if name == "KeyringLocked":
        raise click.UsageError("the system's keyring is locked; unlock it, or use --credentials FILE")
    raise click.UsageError(f"the system's keyring failed ({name}); see its settings, or use --credentials FILE")
