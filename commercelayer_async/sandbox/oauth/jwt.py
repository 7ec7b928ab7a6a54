"""JSON Web Tokens, signed with HS256 by the standard library alone.

The real service signs with RS512 and publishes its keys. Only the sandbox itself checks a token of the sandbox, so a
secret of its own will do.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping


def sign(claims: Mapping[str, object], key: bytes) -> str:
    """Make a token of *claims*, signed with *key*."""
    header = {"alg": "HS256", "typ": "JWT", "kid": hashlib.sha256(key).hexdigest()[:16]}
    signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
    return f"{signed}.{_encode(hmac.digest(key, signed.encode(), 'sha256'))}"


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
