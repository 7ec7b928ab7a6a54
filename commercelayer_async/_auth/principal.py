"""Whom a token speaks for, as far as it says so itself: it decides which records are seen, and what of them.

The claims are unverified, as everywhere in a client: good for noticing that two tokens differ, never for trust.
"""

from collections.abc import Mapping

import attrs

from ..jsonapi._json import as_object
from .credentials import claims_of


@attrs.frozen(kw_only=True)
class Principal:
    """The world that a token opens; None for what it does not say, which is everything if it is opaque."""

    mode: str | None = None
    """`"test"` or `"live"`."""
    organization_id: str | None = None
    application: Mapping[str, str] | None = None
    """`kind` and `id`, such as a sales channel's."""
    owner: Mapping[str, str] | None = None
    """`type` and `id` of the customer or user who signed in."""
    scope: str | None = None
    """What may be read, its words in alphabetical order."""

    def differences(self, other: "Principal") -> list[str]:
        """The names of the fields in which another one differs."""
        mine, theirs = attrs.asdict(self), attrs.asdict(other)
        return [name for name in mine if mine[name] != theirs[name]]


def principal_of(token: str) -> Principal:
    """Read whom a token speaks for. Nothing of the token itself is kept."""
    claims = claims_of(token)
    test, scope = claims.get("test"), claims.get("scope")
    organization = _texts(claims.get("organization"), "id") or {}
    return Principal(
        mode=("test" if test else "live") if isinstance(test, bool) else None,
        organization_id=organization.get("id"),
        application=_texts(claims.get("application"), "kind", "id"),
        # The tokens of the vendor's own applications name a user instead.
        owner=_texts(claims.get("owner"), "type", "id") or _texts(claims.get("user"), "id"),
        scope=" ".join(sorted(scope.split())) if isinstance(scope, str) else None,
    )


def _texts(claim: object, *names: str) -> dict[str, str] | None:
    """The members of a claim that are texts; None if there are none."""
    members = as_object(claim) or {}
    return {name: members[name] for name in names if isinstance(members.get(name), str)} or None
