"""Made-up values for attributes, the same ones for the same record in every run."""

from random import Random
from string import ascii_letters, digits
from typing import Final, TypeVar

_T = TypeVar("_T")

_FIRST_NAMES: Final = (
    "Ada",
    "Björn",
    "Chloé",
    "Dario",
    "Ewa",
    "Farid",
    "Giulia",
    "Haruki",
    "Inês",
    "João",
    "Kateřina",
)
_LAST_NAMES: Final = (
    "Amato",
    "Brontë",
    "Castillo",
    "Dvořák",
    "Eriksen",
    "Fontana",
    "Grünwald",
    "Hoxha",
    "Iglesias",
)


# Tables for bytes.translate, which turns random bytes into characters in one step. As 256 is not a multiple of 62
# or 10, some characters are a little likelier than others; that does no harm here.
_LETTERS: Final = bytes(ord((ascii_letters + digits)[byte % 62]) for byte in range(256))
_DIGITS: Final = bytes(ord(digits[byte % 10]) for byte in range(256))


class FakeValues:
    """A random generator for the values of one record.

    A page of a list takes a thousand values, so each of them is one step in C. The order of calls matters: a value
    depends on those that were taken before.

    Args:
        name: The seed. Equal names give equal values.
    """

    def __init__(self, name: str) -> None:
        self._random = Random(name)  # noqa: S311 - reproducible on purpose, nothing here is secret

    def token(self, prefix: str, length: int = 24) -> str:
        """Make a text of *prefix* and *length* letters and digits."""
        return prefix + self._random.randbytes(length).translate(_LETTERS).decode()

    def hexadecimal(self, length: int) -> str:
        """Make a text of *length* lower-case hexadecimal digits."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def digits(self, length: int) -> str:
        """Make a text of *length* decimal digits."""
        return self._random.randbytes(length).translate(_DIGITS).decode()

    def pick(self, *choices: _T) -> _T:
        """Choose one of *choices*, each equally likely."""
        return choices[int(self._random.random() * len(choices))]

    def number(self, first: int, last: int) -> int:
        """Choose an integer from *first* to *last*, both included."""
        return first + int(self._random.random() * (last - first + 1))

    def flag(self) -> bool:
        """Choose True or False, both equally likely."""
        return self._random.random() < 0.5  # noqa: PLR2004 - a coin has two sides

    def maybe(self, value: _T, probability: float = 0.75) -> _T | None:
        """Give *value* with *probability*, else None. Attributes that are nullable in the schema are filled by this."""
        return value if self._random.random() < probability else None

    def first_name(self) -> str:
        """Choose a given name, not always in ASCII."""
        return self.pick(*_FIRST_NAMES)

    def last_name(self) -> str:
        """Choose a family name, not always in ASCII."""
        return self.pick(*_LAST_NAMES)

    def card(self) -> dict[str, object]:
        """Make a `payment_instrument`, whose members are all texts."""
        return {
            "issuer": self.pick("visa", "mastercard", "amex"),
            "issuer_type": self.pick("credit card", "debit card"),
            "card_type": self.pick("credit", "debit"),
            "card_last_digits": self.digits(4),
            "card_expiry_month": f"{self.number(1, 12):02d}",
            "card_expiry_year": str(self.number(2027, 2032)),
            "card_holder_name": f"{self.first_name()} {self.last_name()}",
        }

    def metadata(self) -> dict[str, object] | None:
        """Make the `metadata` of a record: free keys and values, sometimes empty, sometimes null."""
        choices: list[dict[str, object] | None] = [
            {},
            {"foo": "bar"},
            {"crm": {"id": self.number(1, 999)}},
            None,
        ]
        return self.pick(*choices)
