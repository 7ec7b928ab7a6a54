"""A token as the bytes that a store of this package keeps: JSON, encrypted if the caller has something to do it with.

The key under which it is kept is in it, so that whoever can write to the store, but not decrypt, cannot give the token
of one to another. What cannot be read is no token: damaged, of another release, or encrypted with another key.
"""

import hashlib
import logging
from typing import Final, Protocol, cast

import msgspec

from .._markers import public
from ..errors import ConfigurationError
from .credentials import StoredToken, readable

_log: Final = logging.getLogger("commercelayer_async")


@public("commercelayer_async.shared")
class Encryption(Protocol):
    """What keeps stored tokens from whoever can read the store, such as `cryptography`'s `Fernet(key)` as it is.

    All processes that share a store need the same. It should authenticate too, as Fernet and AES-GCM do.
    """

    def encrypt(self, data: bytes, /) -> bytes:
        """What is kept in place of `data`."""
        ...

    def decrypt(self, data: bytes, /) -> bytes:
        """What was encrypted; anything may be raised for what was not, and the token counts as missing."""
        ...


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    value: str
    received_at: float
    life: float
    refresh_token: str | None


_decode: Final = msgspec.json.Decoder(_Kept).decode


def name_of(key: str) -> str:
    """What a store of this package keeps a token under: a hash, whatever the key is."""
    return hashlib.sha256(f"commercelayer_async token {key}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def packed(key: str, token: StoredToken, encryption: Encryption | None) -> bytes:
    """The bytes that are kept."""
    refresh_token = token.refresh_token
    kept = _Kept(
        key=name_of(key),
        # Plain texts: the values are of a class that shows nothing of itself.
        value=str(token.value),
        received_at=token.received_at,
        life=token.life,
        refresh_token=str(refresh_token) if refresh_token is not None else None,
    )
    data = msgspec.json.encode(kept)
    return data if encryption is None else encryption.encrypt(data)


def unpacked(key: str, data: bytes, encryption: Encryption | None) -> StoredToken | None:
    """The token of such bytes; None, and a warning, for what cannot be read."""
    try:
        kept = _decode(data if encryption is None else encryption.decrypt(data))
    except Exception as error:  # noqa: BLE001 - the encryption is the caller's, and may raise anything
        _log.warning("a stored token cannot be read (%s); another is asked for", type(error).__name__)
        return None
    if kept.key != name_of(key):
        _log.warning("a stored token is not that of its key; another is asked for")
        return None
    token = StoredToken(
        value=kept.value, received_at=kept.received_at, life=kept.life, refresh_token=kept.refresh_token
    )
    return readable(token)


def require_encryption(encryption: Encryption | None) -> None:
    """Refuse what cannot encrypt.

    Raises:
        ConfigurationError: it does not have both functions.
    """
    functions = [getattr(cast("object", encryption), name, None) for name in ("encrypt", "decrypt")]
    if encryption is not None and not all(map(callable, functions)):
        raise ConfigurationError(
            "encrypt must have the methods encrypt and decrypt, bytes to bytes, as cryptography's Fernet(key) has"
        )
