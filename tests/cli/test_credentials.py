"""Credentials from a file."""

import os

import pytest

CANARY = "canary-5f1e9c"
TOKEN = "token-of-the-file"
posix = pytest.mark.skipif(os.name != "posix", reason="file modes as POSIX has them")


@pytest.fixture
def file(tmp_path):
    """Writes a file of credentials."""

    def writing(text, mode=0o600):
        path = tmp_path / "credentials"
        path.touch(mode)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    return writing


def test_a_file_holds_what_the_environment_does(run, file, commercelayer_sandbox):
    path = file(
        "# the sandbox\n\n"
        f'export COMMERCELAYER_ORGANIZATION="{commercelayer_sandbox.url}"\n'
        f"COMMERCELAYER_CLIENT_ID = {commercelayer_sandbox.client_id}\n"
        f"COMMERCELAYER_CLIENT_SECRET='{commercelayer_sandbox.client_secret}'\n"
    )

    result = run("count", "customers", "--credentials", path)

    assert (result.code, result.err) == (0, "")
    assert result.out.strip().isdigit()


def test_a_byte_order_mark_at_the_beginning_is_none_of_it(run, file, commercelayer_sandbox):
    path = file(
        f"\ufeffCOMMERCELAYER_ORGANIZATION={commercelayer_sandbox.url}\n"
        f"COMMERCELAYER_ACCESS_TOKEN={commercelayer_sandbox.access_token}\n"
    )

    assert run("count", "customers", "--credentials", path).code == 0


def test_what_is_wrong_with_a_token_is_not_masked(run, environment):
    environment(organization="http://127.0.0.1:1", access_token="Bearer abc")

    result = run("count", "customers")

    assert result.code == 2
    assert result.err.startswith("error: the access token has characters that none can have (RFC 6750, 2.1)\nhint: ")


def test_the_organization_may_stay_in_the_environment(run, file, environment, commercelayer_sandbox):
    environment(organization=commercelayer_sandbox.url)

    result = run(
        "get",
        "customers",
        "nobody",
        "--credentials",
        file(f"COMMERCELAYER_ACCESS_TOKEN={commercelayer_sandbox.access_token}"),
    )

    assert result.code == 3


def test_a_token_of_the_environment_does_not_go_with_a_file(run, file, environment, commercelayer_sandbox):
    environment(organization=commercelayer_sandbox.url, access_token=commercelayer_sandbox.access_token)

    result = run("count", "customers", "--credentials", file("COMMERCELAYER_SCOPE=market:all\n"))

    assert result.code == 2
    assert "has no credentials\nhint: add COMMERCELAYER_ACCESS_TOKEN" in result.err


def test_an_organization_has_to_be_somewhere(run, file):
    result = run("count", "customers", "--credentials", file(f"COMMERCELAYER_ACCESS_TOKEN={CANARY}"))

    assert result.code == 2
    assert "has no COMMERCELAYER_ORGANIZATION\nhint: add it, or give --organization" in result.err
    assert CANARY not in result.err


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("root", ["", "/api", "/api/"])
def test_the_organization_may_be_an_option_before_or_after_the_command(
    run, environment, commercelayer_sandbox, root, *, before
):
    environment(organization="http://127.0.0.1:1", access_token=commercelayer_sandbox.access_token)
    option, command = ("--organization", commercelayer_sandbox.url + root), ("count", "customers")

    result = run(*option, *command) if before else run(*command, *option)

    assert (result.code, result.err) == (0, "")


def test_the_organization_of_the_option_goes_before_that_of_a_file(run, file, commercelayer_sandbox):
    path = file(
        "COMMERCELAYER_ORGANIZATION=http://127.0.0.1:1\n"
        f"COMMERCELAYER_ACCESS_TOKEN={commercelayer_sandbox.access_token}\n"
    )

    options = ("--credentials", path, "--organization", commercelayer_sandbox.url)

    assert run("count", "customers", *options).code == 0


def test_an_organization_alone_is_not_enough(run, environment):
    result = run("count", "customers", "--organization", "acme.commercelayer.io")

    assert result.code == 2
    assert "the environment has no credentials\nhint: add COMMERCELAYER_ACCESS_TOKEN" in result.err


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o601])
def test_a_file_that_others_can_read_is_refused(run, file, mode):
    path = file(f"COMMERCELAYER_ACCESS_TOKEN={CANARY}", mode)

    result = run("count", "customers", "--credentials", path)

    assert result.code == 2
    assert f"others can read or change {path} (mode {mode:04o})\nhint: run: chmod 600 {path}\n" in result.err
    assert CANARY not in result.err


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            f"COMMERCELAYER_ACCES_TOKEN={CANARY}",
            "line 1 is not NAME=value with a NAME that --help lists; did you mean 'COMM",
        ),
        (f"\n{CANARY}", "line 2 is not NAME=value with a NAME that --help lists;"),
        (f"{CANARY}=x", "line 1"),
        ("x" * 70_000, "is not a text of lines NAME=value"),
    ],
)
def test_a_malformed_file_is_refused_and_not_quoted(run, file, text, reason):
    result = run("count", "customers", "--credentials", file(text))

    assert result.code == 2
    assert reason in result.err.replace("\nhint: ", "; ")
    assert CANARY not in result.err


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_read_is_reported(run, tmp_path, name, reason):
    result = run("count", "customers", "--credentials", str(tmp_path / name))

    assert result.code == 2
    assert reason in result.err


def test_bytes_that_are_not_text_are_refused(run, tmp_path):
    path = tmp_path / "credentials"
    path.touch(0o600)
    path.write_bytes(b"\xff\xfe")

    assert "is not a text" in run("count", "customers", "--credentials", str(path)).err


def test_secrets_of_a_file_are_masked_in_errors_too(run, file, api):
    api.responses["/api/things/abc"] = (403, {"errors": [{"title": CANARY, "code": "NO", "detail": "no"}]})
    path = file(f"COMMERCELAYER_ORGANIZATION={api.url}\nCOMMERCELAYER_ACCESS_TOKEN={CANARY}\n")

    result = run("--debug", "get", "things", "abc", "--credentials", path)

    assert result.code == 4
    assert "Traceback" in result.err
    assert CANARY not in result.out + result.err
