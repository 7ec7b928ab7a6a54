"""`login`, `logout`, `profiles`, and `--profile`."""

import io
import json
import os
import stat
import sys
import threading
from types import ModuleType

import pytest

from commercelayer_async.cli import keyrings
from commercelayer_async.cli.profiles import profiles_file
from commercelayer_async.sandbox import Sandbox


class KeyringLocked(Exception):  # as `keyring.errors` calls it
    pass


class NoKeyringError(Exception):  # as `keyring.errors` calls it
    pass


class Keyring(ModuleType):
    """The package `keyring`, with a backend that does as a test wants."""

    def __init__(self):
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.hangs: threading.Event | None = None
        self.lies = False

    def _answer(self):
        if self.hangs is not None:
            self.hangs.wait(30)
        if self.failure is not None:
            raise self.failure

    def set_password(self, service, name, secret):
        self._answer()
        if not self.lies:
            self.kept[service, name] = secret

    def get_password(self, service, name):
        self._answer()
        return self.kept.get((service, name))

    def delete_password(self, service, name):
        self._answer()
        del self.kept[service, name]


@pytest.fixture
def keyring(monkeypatch):
    fake = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", fake)
    return fake


@pytest.fixture
def no_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def login(run, monkeypatch, commercelayer_sandbox):
    """Logs in to the sandbox; answers come from stdin."""

    def logging_in(*arguments, sandbox=commercelayer_sandbox, secret=None):
        answers = f"{sandbox.url}\n{sandbox.client_id}\n{secret or sandbox.client_secret}\n"
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        return run("login", *arguments)

    return logging_in


def test_a_secret_is_kept_in_the_keyring_and_used(login, run, keyring, commercelayer_sandbox):
    secret = commercelayer_sandbox.client_secret

    result = login()

    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"Profile default: organization {commercelayer_sandbox.url}, test mode;"
        " the secret is in the system's keyring.\n"
    )
    assert keyring.kept == {("commercelayer-async", "default"): secret}
    assert secret not in profiles_file().read_text()
    assert run("count", "customers").code == 0
    whoami = run("whoami", "--json").document
    assert whoami["credentials"] == "the profile 'default', whose secret is in the system's keyring"


def test_a_profile_has_a_name(login, run, keyring):
    login("--profile", "live")

    assert run("count", "customers").code == 2
    assert run("count", "customers", "--profile", "live").code == 0
    result = run("count", "customers", "--profile", "liev")
    assert result.code == 2
    assert "there is no profile 'liev'\nhint: did you mean 'live'?" in result.err


def test_without_a_keyring_the_secret_is_in_a_private_file_which_is_said(login, run, no_keyring):
    result = login()

    assert result.code == 0
    assert "note: the package keyring is not installed; run: pip install 'commercelayer-async[keyring]'" in result.err
    assert f"note: the secret is in a file that only you can read, {profiles_file()}" in result.err
    if os.name == "posix":
        assert stat.S_IMODE(profiles_file().stat().st_mode) == 0o600
    assert run("count", "customers").code == 0


def test_a_system_without_a_keyring_is_the_same(login, run, keyring):
    keyring.failure = NoKeyringError("none")

    result = login()

    assert "note: there is no keyring on this system" in result.err
    assert run("count", "customers").code == 0


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (KeyringLocked("the secret"), "the system's keyring is locked\nhint: unlock it"),
        (RuntimeError("canary-5f1e9c"), "the system's keyring failed (RuntimeError)\nhint: see its settings"),
        (SystemError(), "the system's keyring failed (SystemError)"),
    ],
)
def test_a_keyring_that_fails_is_an_error_and_nothing_is_kept(login, run, keyring, failure, sentence):
    keyring.failure = failure

    result = login()

    assert result.code == 2
    assert sentence in result.err
    assert "canary" not in result.err
    assert not profiles_file().exists()
    keyring.failure = None
    login()
    keyring.failure = failure
    assert sentence in run("count", "customers").err


def test_a_keyring_that_hangs_is_an_error(login, keyring, monkeypatch):
    monkeypatch.setattr(keyrings, "_PATIENCE", 0.05)
    keyring.hangs = threading.Event()

    result = login()

    keyring.hangs.set()
    assert result.code == 2
    assert "the system's keyring did not answer within 0.05 s\nhint: unlock it" in result.err


def test_a_keyring_that_lies_is_an_error(login, keyring):
    keyring.lies = True

    assert "the system's keyring did not keep the secret" in login().err


def test_a_secret_that_has_gone_is_an_error(login, run, keyring):
    login()
    keyring.kept.clear()

    result = run("count", "customers")

    assert result.code == 2
    assert "has no secret of the profile 'default' any more\nhint: run: commercelayer-async login" in result.err


def test_a_keyring_that_was_removed_is_an_error(login, run, keyring, monkeypatch):
    login()
    monkeypatch.setitem(sys.modules, "keyring", None)

    result = run("count", "customers")

    assert result.code == 2
    assert (
        "but the package keyring is not installed\nhint: run: pip install 'commercelayer-async[keyring]'" in result.err
    )


def test_credentials_that_are_refused_are_not_kept(login, keyring):
    result = login(secret="wrong-canary-5f1e9c")

    assert result.code == 4
    assert "canary" not in result.out + result.err
    assert not profiles_file().exists()
    assert not keyring.kept


def test_the_environment_goes_before_a_profile(login, run, environment, keyring, commercelayer_sandbox):
    login()
    environment(organization=commercelayer_sandbox.url, access_token=commercelayer_sandbox.access_token)

    result = run("whoami", "--json", "--profile", "default")

    assert result.document["credentials"] == "the environment"
    assert result.err == "note: the environment has credentials, which go before those of a profile\n"
    assert run("whoami", "--profile", "other").code == 2


def test_a_profile_is_not_used_for_another_organization_by_chance(login, run, environment, keyring):
    login()
    environment(organization="acme")

    result = run("count", "customers")

    assert result.code == 2
    assert "COMMERCELAYER_ORGANIZATION is 'acme', and the profile 'default' is of 'http" in result.err


def test_a_file_and_a_profile_are_one_too_many(run, keyring):
    result = run("count", "customers", "--profile", "a", "--credentials", "b")

    assert result.code == 2
    assert "exclude each other" in result.err


def test_profiles_are_listed_and_deleted(login, run, keyring, commercelayer_sandbox):
    login()
    login("--profile", "live")

    listed = run("profiles", "--json").document["profiles"]
    assert [one["profile"] for one in listed] == ["default", "live"]
    assert commercelayer_sandbox.client_secret not in run("profiles").out
    assert run("logout", "--profile", "live").out == "Profile live is deleted.\n"
    assert [*keyring.kept] == [("commercelayer-async", "default")]
    assert run("logout").code == 0
    assert run("profiles").out == "There are no profiles; `commercelayer-async login` makes one.\n"
    assert run("logout").code == 2


@pytest.mark.skipif(os.name != "posix", reason="file modes as POSIX has them")
def test_a_file_of_profiles_that_others_can_read_is_refused(login, run, no_keyring):
    login()
    profiles_file().chmod(0o644)

    result = run("count", "customers")

    assert result.code == 2
    assert "others can read or change" in result.err


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"nonsense": 1}}'])
def test_a_broken_file_of_profiles_is_an_error(run, text):
    profiles_file().parent.mkdir(parents=True)
    profiles_file().touch(0o600)
    profiles_file().write_text(text)

    result = run("profiles")

    assert result.code == 2
    assert "is not a file of profiles\nhint: delete it, and log in again" in result.err


@pytest.mark.parametrize("name", ["", "-x", "a/b", "../x", "a b", "x" * 65])
def test_a_name_is_a_name(run, name):
    assert "is not a profile's name" in run("login", f"--profile={name}").err


def test_nobody_to_ask_is_an_error(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("acme\n"))

    result = run("login")

    assert result.code == 2
    assert "login asks on a terminal, or reads organization, client id and secret from stdin" in result.err


@pytest.mark.skipif(os.name != "posix", reason="ptys as POSIX has them")
def test_on_a_terminal_the_secret_is_not_shown(environment, commercelayer_sandbox: Sandbox):
    import pty  # noqa: PLC0415 - POSIX only
    import subprocess  # noqa: PLC0415 - beside the one above

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "commercelayer_async", "login", "--organization", commercelayer_sandbox.url],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    os.close(theirs)
    received = b""
    for prompt, answer in (
        (b"Client id: ", commercelayer_sandbox.client_id),
        (b"none): ", commercelayer_sandbox.client_secret),
    ):
        while prompt not in received:
            received += os.read(ours, 4096)
        os.write(ours, f"{answer}\n".encode())
    while True:
        try:
            received += (more := os.read(ours, 4096))
        except OSError:  # how Linux says that the other end was closed
            break
        if not more:
            break
    os.close(ours)

    assert process.wait(30) == 0
    assert commercelayer_sandbox.client_secret.encode() not in received
    assert json.loads(profiles_file().read_text())["default"]["organization"] == commercelayer_sandbox.url
