"""JSON Web Tokens, signed with RS512 as the service signs them, by the standard library alone (RFC 7515, RFC 8017).

The key pair stands in the source and is no secret: what a token of a sandbox is worth depends on whether this sandbox
issued it, and never on its signature. That is there for programs which verify tokens against `/.well-known/jwks.json`.
Every sandbox has the same key, so a program that keeps keys by `kid` may meet many sandboxes.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Final, cast

_P: Final = int(
    "f12208d38161e3ade5f967f888eb02f41701a95e21873dd3cfd9c73240c500c9642c254eafb7bba8a53e4c87934741c4"
    "877a19ff4c9b10f056d8c4663111afb156c6b5e528cda09178eed4d230947c759e2a6b75da0777517c38dcf3efb21472"
    "2a7defa2f8293bc9a313e1133abea3a68183072157a389acea7befd1bdfdbb1b",
    16,
)
_Q: Final = int(
    "c5ad2867cf07e36160ea19e6e36ce93a2e4635fcbe743332a815d3c7568265cd0244bb12bd1d48ba626bcc5ca8a04c0f"
    "5dd2a60ba1b1a45b6e80361aed0c2e36132200bbe0512d61322b815e8bf82768ad61b735fe806321a5fde00d56269c3f"
    "d1c231e27cd84f91894f5c365713176d325304bef347330e2664a48d31df8ce3",
    16,
)
_E: Final = 65_537
_N: Final = _P * _Q
_D: Final = pow(_E, -1, (_P - 1) * (_Q - 1))
_D_P, _D_Q, _Q_INVERSE = _D % (_P - 1), _D % (_Q - 1), pow(_Q, -1, _P)
_SIZE: Final = (_N.bit_length() + 7) // 8
_SHA512_DIGEST_INFO: Final = bytes.fromhex("3051300d060960864801650304020305000440")
"""What stands before a SHA-512 digest in a signature (RFC 8017, 9.2, note 1)."""
_KEY_ID: Final = hashlib.sha256(_N.to_bytes(_SIZE, "big")).hexdigest()[:16]


def sign(claims: Mapping[str, object]) -> str:
    """Make a token of *claims*."""
    header = {"alg": "RS512", "typ": "JWT", "kid": _KEY_ID}
    signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
    return f"{signed}.{_encode(_signature(signed.encode()))}"


def key_set() -> dict[str, object]:
    """Give the public key as a JSON Web Key Set (RFC 7517)."""
    key = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS512",
        "kid": _KEY_ID,
        "n": _encode(_N.to_bytes(_SIZE, "big")),
        "e": _encode(_E.to_bytes(3, "big")),
    }
    return {"keys": [key]}


def decode(token: str) -> Mapping[str, object]:
    """Read the claims of *token*, whoever signed it.

    Raises:
        ValueError: it is not a JSON Web Token.
    """
    _header, payload, _signature = token.split(".")
    claims: object = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if not isinstance(claims, dict):
        raise ValueError("its payload is not a JSON object")  # noqa: TRY004 - what was sent is wrong, not a call
    return cast("Mapping[str, object]", claims)


def _signature(signed: bytes) -> bytes:
    """Sign by RSASSA-PKCS1-v1_5, with the Chinese remainder theorem, which makes it four times as fast."""
    digest = _SHA512_DIGEST_INFO + hashlib.sha512(signed).digest()
    padding = b"\xff" * (_SIZE - len(digest) - 3)
    message = int.from_bytes(b"\x00\x01" + padding + b"\x00" + digest, "big")
    of_p, of_q = pow(message, _D_P, _P), pow(message, _D_Q, _Q)
    return (of_q + _Q * ((of_p - of_q) * _Q_INVERSE % _P)).to_bytes(_SIZE, "big")


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
