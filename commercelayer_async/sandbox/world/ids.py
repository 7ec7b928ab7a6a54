"""Ids: the texts that clients see, and the integer keys behind them.

Commerce Layer shows ten letters of mixed case that hide an integer key. The ids of event stores are thirteen digits,
a dash and a digit. Both forms are reversible here, so finding a record by its id is arithmetic: it needs no index and
no memory, whatever the size of the world. Records are ordered by their keys, which is not the alphabetical order of
their ids.
"""

from string import ascii_letters
from typing import Final, Protocol

import attrs

_LENGTH: Final = 10
_BASE: Final = len(ascii_letters)
_SPACE: Final = _BASE**_LENGTH
# Near the golden ratio of the space, so that the ids of neighbouring keys look unrelated. Neither 2 nor 13, the prime
# factors of the space, divides it, so it has an inverse.
_MULTIPLIER: Final = 89_323_341_234_567_891
_INVERSE: Final = pow(_MULTIPLIER, -1, _SPACE)
# Two letters at a time: a page of a list writes hundreds of ids.
_PAIR: Final = tuple(first + second for second in ascii_letters for first in ascii_letters)
_PAIRS: Final = len(_PAIR)
_DIGITS: Final = {letter: digit for digit, letter in enumerate(ascii_letters)}

_FIRST_EVENT_MS: Final = 1_748_736_000_000  # 2025-06-01: event stores are a recent feature
_EVENT_STEP_MS: Final = 7_001


class Ids(Protocol):
    """A reversible mapping from the keys of one type to ids."""

    def id_of(self, key: int) -> str:
        """Write *key* as an id."""
        ...

    def key_of(self, id: str) -> int | None:
        """Read the key behind *id*, whether or not there is such a record; None for a text that is not an id."""
        ...


@attrs.frozen
class LetterIds:
    """Ids of ten letters, as all types but event stores have them."""

    shift: int
    """Added to every number, so that equal keys of two types have different ids."""

    @classmethod
    def with_first(cls, id: str) -> "LetterIds":
        """Choose the shift with which *id* belongs to key 1."""
        return cls((_number(id) - _MULTIPLIER) % _SPACE)

    def id_of(self, key: int) -> str:
        """Write *key* as ten letters."""
        number = (key * _MULTIPLIER + self.shift) % _SPACE
        number, a = divmod(number, _PAIRS)
        number, b = divmod(number, _PAIRS)
        number, c = divmod(number, _PAIRS)
        e, d = divmod(number, _PAIRS)
        return _PAIR[a] + _PAIR[b] + _PAIR[c] + _PAIR[d] + _PAIR[e]

    def key_of(self, id: str) -> int | None:
        """Read the key behind ten letters; None for any other text."""
        if len(id) != _LENGTH or not _DIGITS.keys() >= set(id):
            return None
        return (_number(id) - self.shift) * _INVERSE % _SPACE


@attrs.frozen
class EventIds:
    """Ids of event stores: the millisecond of the event, a dash, a digit."""

    def id_of(self, key: int) -> str:
        """Write the id of the event with *key*."""
        return f"{event_ms(key)}-{key % 10}"

    def key_of(self, id: str) -> int | None:
        """Read the key of an event; None for a text that cannot be the id of one."""
        stamp = id.partition("-")[0]
        if not (stamp.isascii() and stamp.isdecimal()):
            return None
        key = (int(stamp) - _FIRST_EVENT_MS) // _EVENT_STEP_MS
        return key if self.id_of(key) == id else None


@attrs.frozen
class GivenIds:
    """Ids that are given: the first is that of key 1."""

    ids: tuple[str, ...]

    def id_of(self, key: int) -> str:
        """Give the id of *key*."""
        return self.ids[key - 1]

    def key_of(self, id: str) -> int | None:
        """Find the key of an id; None for any other text."""
        return self.ids.index(id) + 1 if id in self.ids else None


def event_ms(key: int) -> int:
    """Tell when the event with *key* happened, in milliseconds since 1970."""
    return _FIRST_EVENT_MS + key * _EVENT_STEP_MS


def letter_shift(fraction: float) -> int:
    """Choose a shift for `LetterIds` by a number from 0 (included) to 1 (excluded)."""
    return int(fraction * _SPACE)


def _number(id: str) -> int:
    number = 0
    for letter in reversed(id):
        number = number * _BASE + _DIGITS[letter]
    return number
