"""Integer keys and the texts that clients see instead of them.

Commerce Layer shows ten letters of mixed case that hide an integer key, and `13 digits, dash, digit` for
event stores. Both forms here are reversible, so finding a record by its id is arithmetic: no index, no
memory, whatever the size of the world. And the order of records is that of their keys, which is not the
alphabetical order of their ids.
"""

from string import ascii_letters
from typing import Final, Protocol

import attrs

_LENGTH: Final = 10
_BASE: Final = len(ascii_letters)
_SPACE: Final = _BASE**_LENGTH
# Near the golden ratio of the space, so that neighbours end up far apart. Neither 2 nor 13 divides it, so it
# has an inverse.
_MULTIPLIER: Final = 89_323_341_234_567_891
_INVERSE: Final = pow(_MULTIPLIER, -1, _SPACE)
# Two letters at once: a page of a list writes hundreds of ids.
_PAIR: Final = tuple(first + second for second in ascii_letters for first in ascii_letters)
_PAIRS: Final = len(_PAIR)
_DIGITS: Final = {letter: digit for digit, letter in enumerate(ascii_letters)}

_FIRST_EVENT_MS: Final = 1_748_736_000_000  # 2025-06-01: event stores are a recent feature
_EVENT_STEP_MS: Final = 7_001


class Ids(Protocol):
    """Turns the keys of one type into ids and back."""

    def id_of(self, key: int) -> str:
        """The text for *key*."""
        ...

    def key_of(self, id: str) -> int | None:
        """The key behind *id*, whether or not such a record exists; None for a text that is no id."""
        ...


@attrs.frozen
class LetterIds:
    """Ids of ten letters."""

    shift: int
    """What makes the ids of one type differ from those of another."""

    @classmethod
    def with_first(cls, id: str) -> "LetterIds":
        """Ids among which *id* stands for key 1."""
        return cls((_number(id) - _MULTIPLIER) % _SPACE)

    def id_of(self, key: int) -> str:
        """Ten letters for *key*."""
        number = (key * _MULTIPLIER + self.shift) % _SPACE
        number, a = divmod(number, _PAIRS)
        number, b = divmod(number, _PAIRS)
        number, c = divmod(number, _PAIRS)
        e, d = divmod(number, _PAIRS)
        return _PAIR[a] + _PAIR[b] + _PAIR[c] + _PAIR[d] + _PAIR[e]

    def key_of(self, id: str) -> int | None:
        """The key behind ten letters; None for any other text."""
        if len(id) != _LENGTH or not _DIGITS.keys() >= set(id):
            return None
        return (_number(id) - self.shift) * _INVERSE % _SPACE


@attrs.frozen
class EventIds:
    """Ids of event stores: the millisecond of the event, a dash, a digit."""

    def id_of(self, key: int) -> str:
        """The id of the event number *key*."""
        return f"{event_ms(key)}-{key % 10}"

    def key_of(self, id: str) -> int | None:
        """The number of the event; None for a text that no event has."""
        stamp = id.partition("-")[0]
        if not (stamp.isascii() and stamp.isdecimal()):
            return None
        key = (int(stamp) - _FIRST_EVENT_MS) // _EVENT_STEP_MS
        return key if self.id_of(key) == id else None


def event_ms(key: int) -> int:
    """When the event number *key* happened, in milliseconds since 1970."""
    return _FIRST_EVENT_MS + key * _EVENT_STEP_MS


def letter_shift(fraction: float) -> int:
    """A shift for `LetterIds` out of a number from 0 to 1."""
    return int(fraction * _SPACE)


def _number(id: str) -> int:
    number = 0
    for letter in reversed(id):
        number = number * _BASE + _DIGITS[letter]
    return number
