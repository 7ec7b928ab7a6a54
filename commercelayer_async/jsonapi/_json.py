"""Decode JSON without loss, with one error class for all that can be wrong with it.

Integers keep every digit, and so do decimal numbers: one that a float cannot hold becomes a `Decimal`. NaN, Infinity,
a byte order mark, invalid UTF-8, text after the end, numbers of thousands of digits, and nesting deeper than the
interpreter's stack are refused (RFC 8259, sections 6 to 9). Of two members of one name the last one counts.
"""

from decimal import Decimal, DecimalException
from typing import Any, Final, cast

import msgspec

from .errors import DecodeError

FAILURES: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What msgspec raises on bytes that are not JSON, or not of the type asked for."""

_BOM: Final = b"\xef\xbb\xbf"
_ALWAYS_EXACT: Final = 16
"""A number of so many characters, without exponent, is exact as a float: 15 digits and the point."""


def exact(text: str) -> float | Decimal:
    """Parse a decimal number: a float if that loses no digit, else a Decimal."""
    number = float(text)
    if len(text) <= _ALWAYS_EXACT and "e" not in text and "E" not in text:
        return number
    try:
        precise = Decimal(text)
        lossless = Decimal(repr(number)) == precise
    except DecimalException:
        raise ValueError("a number of sane size") from None
    return number if lossless else precise


_decode: Final = msgspec.json.Decoder(float_hook=exact).decode
_check: Final = msgspec.json.Decoder(msgspec.Raw).decode


def as_object(value: object) -> dict[str, Any] | None:
    """Return `value` if it is a JSON object, else None."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[Any] | None:
    """Return `value` if it is a JSON array, else None."""
    entries: Any = value
    return entries if isinstance(value, list) else None


def as_text(value: object) -> str | None:
    """Return `value` if it is a JSON string, else None."""
    return value if isinstance(value, str) else None


def loads(body: bytes | msgspec.Raw, *, url: str | None = None) -> Any:
    """Decode JSON.

    Raises:
        DecodeError: `body` is not JSON; `offset` is the byte where that shows.
    """
    try:
        return _decode(body)
    except FAILURES as error:
        failure = not_json(bytes(body), error, url=url)
    try:
        raise failure
    finally:
        # Its traceback leads to this frame: a variable that holds it would make a cycle.
        del failure


def not_json(body: bytes, error: Exception, *, url: str | None = None) -> DecodeError:
    """Return the error for a `body` that msgspec refused with `error`; the body is never quoted."""
    if isinstance(error, RecursionError):
        return DecodeError(expected="JSON of reasonable depth", got="deeper nesting than can be read", url=url)
    if body.startswith(_BOM):
        return DecodeError(expected="JSON in UTF-8", got="a byte order mark", url=url, offset=0)
    if not body.strip():
        return DecodeError(expected="a JSON document", got="an empty body", url=url, offset=0)
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        offset = wrong.start
    else:
        reason = str(error)
        if isinstance(error, msgspec.ValidationError) or not isinstance(error, msgspec.DecodeError):
            return DecodeError(expected="JSON with numbers of sane size", got=_lower(reason), url=url)
        return DecodeError(expected="JSON", got=_reason(reason, body), url=url, offset=_offset(body, reason))
    return DecodeError(expected="JSON in UTF-8", got="bytes that are not UTF-8", url=url, offset=offset)


def require_utf8(body: bytes, *, url: str | None = None) -> None:
    """Refuse a `body` that is not UTF-8, be it in a member that will not be decoded.

    Raises:
        DecodeError: `offset` is the first byte that is not.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        failure = not_json(body, error, url=url)
    else:
        return
    raise failure


def _reason(text: str, body: bytes) -> str:
    if "truncated" not in text:
        return _lower(text.partition(" (byte")[0])
    # msgspec reports half a surrogate pair as truncated, too.
    return "half a surrogate pair" if body.rstrip()[-1:] in (b"}", b"]") else "a body that was cut short"


def _lower(text: str) -> str:
    return text.replace("JSON is malformed: ", "").lower()


def _offset(body: bytes, text: str) -> int:
    _, _, tail = text.partition("(byte ")
    number = tail.rstrip(")")
    return int(number) if number.isdigit() else len(body)
