"""Assertions: whom a trusted program speaks for, in a token of its own making (RFC 7523).

The service reads an assertion without checking who signed it: what counts is the client's secret beside it.
"""

import json
from collections.abc import Mapping
from typing import Final, cast

import attrs

from .claims import Owner
from .jwt import decode
from .refused import bad_request

_MOST_BYTES: Final = 4096
_CLAIM: Final = "https://commercelayer.io/claims"
_OWNER_TYPES: Final = frozenset({"Customer", "User"})


@attrs.frozen
class Assertion:
    """What an assertion says; one of the two at least."""

    owner: Owner | None
    custom_claim: str | None
    """As JSON."""


def read_assertion(assertion: object, *, now: float) -> Assertion:
    """Read the assertion of a request that arrives *now*, in seconds since 1970.

    Raises:
        AuthRefusal: 400 `invalid_assertion`.
    """
    if not isinstance(assertion, str) or len(assertion.encode(errors="replace")) > _MOST_BYTES:
        raise _refused("is missing, or has more than 4 KB")
    try:
        claims = decode(assertion)
    except (ValueError, RecursionError):
        raise _refused("is not a JSON Web Token") from None
    expires_at = claims.get("exp")
    if isinstance(expires_at, int | float) and expires_at <= now:
        raise _refused("has expired")
    content = _members(claims.get(_CLAIM), f"has no content: {_CLAIM} has an owner, a custom_claim, or both")
    owner = _owner(content.get("owner"))
    custom_claim = _custom_claim(content.get("custom_claim"))
    if owner is None and custom_claim is None:
        raise _refused(f"has no content: {_CLAIM} has an owner, a custom_claim, or both")
    return Assertion(owner, custom_claim)


def _owner(value: object) -> Owner | None:
    if value is None:
        return None
    owner = _members(value, "has an owner that is not an object with type and id")
    type, id = owner.get("type"), owner.get("id")
    if not isinstance(type, str) or type not in _OWNER_TYPES or not isinstance(id, str) or not id:
        raise _refused("has an owner whose type is neither Customer nor User, or which has no id")
    return Owner(type, id)


def _custom_claim(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(_members(value, "has a custom_claim that is not an object, or empty"), sort_keys=True)


def _members(value: object, otherwise: str) -> Mapping[str, object]:
    """Give the members of a claim that is an object and not empty."""
    if not isinstance(value, dict) or not value:
        raise _refused(otherwise)
    return cast("Mapping[str, object]", value)


def _refused(reason: str) -> Exception:
    return bad_request("invalid_assertion", f"The assertion {reason}.")
