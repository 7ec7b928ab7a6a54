"""What a token request's members are, and what an answer or a stored token is good for: pure functions."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    AuthError,
    AuthorizationCode,
    ClientCredentials,
    JwtBearer,
    Password,
    RefreshToken,
    StoredToken,
)
from commercelayer_async._auth.credentials import (
    Credentials,
    ended,
    is_fresh,
    is_good,
    is_used_up,
    readable,
    store_key,
    stored_of,
    token_of,
)

URL = "https://auth.commercelayer.io"
texts = st.text(min_size=1, max_size=12)
credentials = st.one_of(
    st.builds(ClientCredentials, texts, st.none() | texts, scope=st.none() | texts),
    st.builds(Password, texts, texts, texts, scope=st.none() | texts),
    st.builds(RefreshToken, texts, texts, st.none() | texts),
    st.builds(AuthorizationCode, texts, texts, texts, texts, scope=st.none() | texts),
    st.builds(JwtBearer, texts, texts, texts, scope=st.none() | texts),
)


@given(credentials, credentials, st.sampled_from([URL, "https://auth.example"]))
def test_other_credentials_have_another_key(one: Credentials, other: Credentials, url: str) -> None:
    """Two requests that differ in anything share no token."""
    assert (store_key(one, URL) == store_key(other, url)) == (one == other and url == URL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ClientCredentials("id", "right"), ClientCredentials("id", "wrong")),
        (ClientCredentials("id", "s", scope="a"), ClientCredentials("id", "s", scope="b")),
        (Password("id", "ada", "right"), Password("id", "ada", "wrong")),
        (RefreshToken("id", "alice"), RefreshToken("id", "bob")),
        (AuthorizationCode("id", "s", "alice", "https://a"), AuthorizationCode("id", "s", "bob", "https://a")),
        (JwtBearer("id", "s", "alice"), JwtBearer("id", "s", "bob")),
        (Password("id", "a\nb", "c"), Password("id", "a", "b\nc")),
    ],
)
def test_each_secret_is_in_the_key(one: Credentials, other: Credentials) -> None:
    assert store_key(one, URL) != store_key(other, URL)
    assert store_key(one, URL) == store_key(one, URL)


def test_a_key_is_the_same_in_every_process_and_version() -> None:
    """It is kept beyond a process: whoever changes it loses the refresh tokens that are stored."""
    assert store_key(Password("id", "ada", "p\ud800ß", scope="market:all"), URL) == (
        "commercelayer-token-3336cb425ef62c24eebcaab4fb74f07469bd2477c0e14187d033b7f537ad269b"
    )


def answer(**members: Any) -> bytes:
    return json.dumps({"access_token": "granted-1", "token_type": "bearer", "expires_in": 7200} | members).encode()


@pytest.mark.parametrize(
    "secret", ["token", "bearer", "access", "7200", "granted-1", "expires_in", "access_token", "\\u"]
)
def test_a_secret_that_is_part_of_the_answer_changes_nothing_in_it(secret: str) -> None:
    stored = stored_of(200, answer(refresh_token=secret), at=5.0, secrets=(secret,))

    assert (str(stored.value), str(stored.refresh_token), stored.life) == ("granted-1", secret, 7200.0)


@pytest.mark.parametrize("shape", ["detail", "title", "error", "error_description", "escaped"])
def test_a_secret_that_a_refusal_echoes_is_masked(shape: str) -> None:
    secret = "canary-" + "0123456789" * 30
    body: dict[str, Any] = {"errors": [{"title": "invalid_client", shape: f"no {secret}"}]}
    if shape.startswith("error"):
        body = {"error": "invalid_client"} | {shape: f"no {secret}"}
    text = json.dumps(body)
    if shape == "escaped":
        text = json.dumps({"error_description": "?"}).replace("?", "".join(f"\\u{ord(char):04x}" for char in secret))
    with pytest.raises(AuthError) as caught:
        stored_of(401, text.encode(), at=0.0, secrets=(secret,))

    assert secret[:40] not in f"{caught.value}{vars(caught.value)}"
    assert "[masked]" in str(caught.value)


def test_a_short_secret_is_not_masked() -> None:
    """It is part of too many words: the mask would show where."""
    with pytest.raises(AuthError, match="no entrance for an ent"):
        stored_of(401, b'{"error_description": "no entrance for an ent"}', at=0.0, secrets=("ent", "no entr"))


def test_the_name_of_a_refusal_stays_where_a_password_is_the_same() -> None:
    with pytest.raises(AuthError) as caught:
        stored_of(401, b'{"error": "invalid_grant"}', at=0.0, secrets=("invalid_grant",))

    assert caught.value.code == "invalid_grant"


def test_a_refusal_of_many_levels_is_a_refusal() -> None:
    body = '{"error": "invalid_grant", "errors": ' + "[" * 400 + "]" * 400 + "}"
    with pytest.raises(AuthError, match="invalid_grant"):
        stored_of(401, body.encode(), at=0.0, secrets=())


@pytest.mark.parametrize(
    ("status", "code", "used_up"),
    [
        (400, "invalid_grant", True),
        (401, "Invalid Grant", True),
        (401, None, True),
        (401, "invalid_client", False),
        (400, "invalid_scope", False),
        (403, "invalid_grant", False),
        (None, None, False),
        (503, "invalid_grant", False),
    ],
)
def test_a_used_refresh_token_is_told_from_a_refused_client(
    status: int | None, code: str | None, *, used_up: bool
) -> None:
    assert is_used_up(AuthError("m", status=status, code=code)) is used_up


def kept(**members: Any) -> Any:
    usual: dict[str, Any] = {"value": "t", "received_at": 1000.0, "life": 100.0, "refresh_token": None}
    return StoredToken(**usual | members)


def test_a_stored_token_is_judged_by_its_age() -> None:
    token = kept()

    assert is_fresh(token, wall_time=1074.9)
    assert not is_fresh(token, wall_time=1075.0)
    assert is_good(token, wall_time=1094.9)
    assert not is_good(token, wall_time=1095.0)
    assert is_good(kept(life=7200.0), wall_time=1000 + 7200 - 30.1)
    assert not is_good(kept(life=7200.0), wall_time=1000 + 7200 - 30.0)


def test_what_has_ended_is_neither_fresh_nor_good_and_keeps_its_refresh_token() -> None:
    rest = ended(kept(refresh_token="r"))

    assert rest == kept(value="", life=0.0, refresh_token="r")
    assert not is_fresh(rest, wall_time=0.0)
    assert not is_good(rest, wall_time=0.0)


@pytest.mark.parametrize("age", [0.0, 10.0, 80.0, -5.0])
@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_a_token_is_renewed_by_its_age_and_not_by_when_it_was_read(age: float, spread: float) -> None:
    token = token_of(kept(), now=500.0, age=age, spread=spread)
    received = 500.0 - max(0.0, age)

    assert token.renew_at == pytest.approx(received + 75 + 10 * spread)
    assert token.unusable_at == pytest.approx(received + 95)


@pytest.mark.parametrize(
    "what",
    [
        {"value": "t"},
        "t",
        5,
        b"t",
        object(),
        kept(value=None),
        kept(value="a b"),
        kept(value="t\r\nX: y"),
        kept(value=5),
        kept(refresh_token=5),
        kept(refresh_token=""),
        kept(received_at="1"),
        kept(received_at=float("nan")),
        kept(received_at=None),
        kept(life=float("inf")),
        kept(life=-1.0),
        kept(life=1e9),
        kept(life="7200"),
    ],
)
def test_what_a_store_makes_up_is_not_read(what: object) -> None:
    assert readable(what) is None


@pytest.mark.parametrize("what", [kept(), kept(refresh_token="r"), kept(value="", life=0.0), kept(life=7200)])
def test_what_was_saved_is_read(what: object) -> None:
    assert readable(what) is what
