"""What a fault may be made of: each mistake is told where the fault is written, and never at the request it is for.

A wrong type is a `TypeError`, and a value that cannot be is a `ValueError`.
"""

import inspect
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

Headers: TypeAlias = tuple[tuple[str, str], ...]
GivenHeaders: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

_FIRST_STATUS, _LAST_STATUS = 200, 599  # those before 200 are interim, and another response follows them
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PATH: Final = re.compile(r"/[^\s#\x00-\x1f\x7f]*")


def headers_of(given: GivenHeaders) -> Headers:
    """Take headers as a mapping or as pairs, of which two may have the same name."""
    return tuple(_header(pair) for pair in _iterated("headers are", given))


def _iterated(what: str, given: object) -> Iterable[object]:
    """Iterate over pairs, or over one of them."""
    if isinstance(given, Mapping):
        return cast("Mapping[object, object]", given).items()
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"{what} {_shown(given)}; give a mapping, or pairs of name and value")
    return cast("Iterable[object]", given)


def _header(pair: object) -> tuple[str, str]:
    parts = tuple(_iterated("headers have", pair))
    if len(parts) != 2:  # noqa: PLR2004 - a pair
        raise TypeError(f"headers have {pair!r}; give a mapping, or pairs of name and value")
    name, value = parts
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"the header {name!r} is {_shown(value)}; name and value are texts")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header (RFC 9110, 5.1)")
    if _CONTROL.search(value) or not _is_encodable(value):
        raise ValueError(f"the header {name!r} has a character that no value of a header can have (RFC 9110, 5.5)")
    if name.lower() == "content-length" and not (value.isascii() and value.isdecimal()):
        raise ValueError(f"the header {name!r} is {value!r}; it must be a number of bytes")
    return name, value


def require_status(status: object) -> None:
    """Accept the status of a final response."""
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"status is {_shown(status)}; it must be an int")
    if not _FIRST_STATUS <= status <= _LAST_STATUS:
        raise ValueError(f"status is {status}; that of a response is one from {_FIRST_STATUS} to {_LAST_STATUS}")


def require_body(body: object) -> None:
    """Accept bytes."""
    if not isinstance(body, bytes):
        raise TypeError(f"body is {_shown(body)}; it must be bytes, such as b'{{}}'")


def require_text(name: str, text: object) -> None:
    """Accept a text that can be sent."""
    if not isinstance(text, str):
        raise TypeError(f"{name} is {_shown(text)}; it must be a text")
    if not _is_encodable(text):
        raise ValueError(f"{name} has half a character, which cannot be sent")


def require_share(name: str, share: object) -> None:
    """Accept a number from 0 to 1."""
    if not _is_number(share):
        raise TypeError(f"{name} is {_shown(share)}; it must be a number from 0 to 1")
    if not 0 <= cast("float", share) <= 1:
        raise ValueError(f"{name} is {share}; it must be a number from 0 to 1")


def require_seconds(name: str, seconds: object) -> None:
    """Accept a time of 0 or more seconds that ends."""
    if not _is_number(seconds):
        raise TypeError(f"{name} is {_shown(seconds)}; it must be a number")
    if not 0 <= cast("float", seconds) < math.inf:
        raise ValueError(f"{name} is {seconds}; it must be 0 or more, and end")


def require_waitable(until: object) -> None:
    """Accept what has an async method `wait`; that of a `threading.Event` would stop the whole sandbox."""
    if isinstance(until, type) or not inspect.iscoroutinefunction(getattr(until, "wait", None)):
        raise TypeError(f"until is {_shown(until)}; it must be a Gate, or another object with an async method wait()")


def require_effect(name: str, effect: object, effects: tuple[type, ...]) -> None:
    """Accept an instance of one of the classes *effects*."""
    if isinstance(effect, effects):
        return
    names = ", ".join(cls.__name__ for cls in effects)
    hint = f"; write {effect.__name__}(...)" if isinstance(effect, type) and effect in effects else ""
    raise TypeError(f"{name} is {_shown(effect)}; it must be an instance of one of {names}{hint}")


def require_effects(name: str, given: object, effects: tuple[type, ...]) -> None:
    """Accept instances of the classes *effects*, one or more."""
    if isinstance(given, effects) or not isinstance(given, Sequence):
        raise TypeError(f"{name} is {_shown(given)}; it must be a sequence of faults")
    for effect in cast("Sequence[object]", given):
        require_effect(f"one of {name}", effect, effects)
    if not given:
        raise ValueError(f"{name} is empty; name one fault or more")


def require_retry_after(value: object) -> None:
    """Accept whole seconds, a text of any kind, or None for no such header."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise TypeError(f"retry_after is {_shown(value)}; it must be a number of whole seconds, a text, or None")


def require_times(times: object) -> None:
    """Accept a whole number of requests, 1 or more, or None for all."""
    if times is None:
        return
    if not isinstance(times, int) or isinstance(times, bool):
        raise TypeError(f"times is {_shown(times)}; it must be an int, or None for all requests from now on")
    if times < 1:
        raise ValueError(f"times is {times}; it must be 1 or more, or None for all requests from now on")


def require_where(where: object) -> None:
    """Accept the beginning of a path, a function of one request, or None for all requests."""
    if where is None:
        return
    if isinstance(where, str):
        if not _PATH.fullmatch(where):
            raise ValueError(
                f"where is {where!r}; it must be the beginning of a path and query as they are sent, such as"
                " '/api/customers'; give a function to look at the method or anything else"
            )
        return
    if not callable(where):
        raise TypeError(f"where is {_shown(where)}; it must be a text, a function, or None")
    if inspect.iscoroutinefunction(where):
        raise TypeError(f"where is {_shown(where)}, which is async; it must be a function that gives True or False")
    try:
        signature = inspect.signature(where)
    except ValueError:  # of some callables in C it is not known
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(f"where is {_shown(where)}, which cannot be called with a request: {error}") from None


def require_seed(seed: object) -> None:
    """Accept an int: with None, no two runs would be alike."""
    if not isinstance(seed, int):
        raise TypeError(f"seed is {_shown(seed)}; it must be an int")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else repr(value)
