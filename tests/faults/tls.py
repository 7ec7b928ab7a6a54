"""Servers' TLS, good and bad, and what the client trusts."""

import functools
import ssl
from datetime import UTC, datetime, timedelta

import trustme


@functools.cache
def authority() -> trustme.CA:
    """A private root."""
    return trustme.CA()


@functools.cache
def stranger() -> trustme.CA:
    """A root that nobody trusts."""
    return trustme.CA()


@functools.cache
def trusting() -> ssl.SSLContext:
    """What the client is given: the private root alone."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@functools.cache
def serving(kind: str) -> ssl.SSLContext:
    """What the server has."""
    now = datetime.now(UTC)
    issue = authority().issue_cert
    match kind:
        case "expired":
            certificate = issue("127.0.0.1", not_before=now - timedelta(days=9), not_after=now - timedelta(days=2))
        case "early":
            certificate = issue("127.0.0.1", not_before=now + timedelta(days=2), not_after=now + timedelta(days=9))
        case "other-host":
            certificate = issue("shop.example")
        case "unknown-root":
            certificate = stranger().issue_cert("127.0.0.1")
        case _:
            certificate = issue("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
