"""Names of a class that is written from a sample: the class's own, and those of its attributes and relationships.

Members of documents have names of every style: `createdAt`, `first-name`, `class`, `größe`. In Python these are
`created_at`, `first_name`, `class_`, `größe`. Each is an identifier, hides nothing that a resource has or that the
written module uses, and is there once.
"""

import re
from collections.abc import Iterable, Mapping
from keyword import iskeyword
from typing import Final
from unicodedata import normalize

from .._text import printable
from ..errors import ConfigurationError
from ..jsonapi import Resource

_CLASSES: Final = frozenset({"Any", "ClassVar", "Resource", "ToMany", "ToOne"})
"""The classes that a written module imports from elsewhere than `resources`."""
_USED: Final = frozenset(
    {"type", "attrs", "member", "str", "datetime", "date", "int", "float", "bool", "dict", "list", "self"}
)
"""What annotations, fields and methods of a written class mean: an attribute called `date` would hide the type."""

_LONGEST: Final = 50
_LONGEST_BEYOND_ASCII: Final = 24
"""The most characters of a name. Those of some scripts are as wide as two."""
_NAMELESS: Final = "field"
"""The name of what has no character that a name may have."""

_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNDERSCORES: Final = re.compile("_+")

_SINGULARS: Final[Mapping[str, str]] = {
    "buses": "bus",
    "caches": "cache",
    "children": "child",
    "cookies": "cookie",
    "criteria": "criterion",
    "heroes": "hero",
    "indices": "index",
    "matrices": "matrix",
    "men": "man",
    "movies": "movie",
    "people": "person",
    "quizzes": "quiz",
    "shelves": "shelf",
    "ties": "tie",
    "women": "woman",
}
_UNCHANGED: Final = re.compile(
    r".*(ss|is)|.*(ser|spec)ies|news|gas|lens"
    r"|(bon|b|camp|cens|corp|foc|pl|radi|stat|surpl|vir|previo)us"
)
"""Words that end in s and are not plurals, or are their own. Others in -us are: menus, SKUs."""
_ENDINGS: Final = (
    (re.compile("(?<=[^aeiou])ies$"), "y"),
    (re.compile("(?<=ss|sh|ch|zz)es$|(?<=x)es$"), ""),
    (re.compile("(?<=[a-z]{2}[^aeo]us)es$"), ""),  # statuses, but neither houses nor causes
    (re.compile("s$"), ""),
)
"""Endings of plurals, and what is there in the singular; the first that fits counts."""


def singular(word: str) -> str:
    """Return the singular of an English noun in lower case, `person` for `people`; any other word unchanged."""
    if word in _SINGULARS or _UNCHANGED.fullmatch(word):
        return _SINGULARS.get(word, word)
    return next((pattern.sub(ending, word) for pattern, ending in _ENDINGS if pattern.search(word)), word)


def is_plural(name: str) -> bool:
    """Return True if the last word of a member name is a plural, as far as its letters tell."""
    word = _snake(name).rpartition("_")[2]
    return singular(word) != word


def class_name(type: str) -> str:
    """Return the name of the class for a JSON:API type: `CustomerPaymentSource` for `customer_payment_sources`.

    Raises:
        ConfigurationError: the type has no such name.
    """
    *before, last = _snake(type).split("_")
    name = "".join(word[:1].upper() + word[1:] for word in (*before, singular(last)))
    if name in _CLASSES or iskeyword(name):
        name = f"{name}Record"
    if not is_class_name(name):
        raise ConfigurationError(f"no class name can be made from the type {printable(type)!r}; give one with --class")
    return name


def is_class_name(name: str) -> bool:
    """Return True if a written class may have this name."""
    is_identifier = name.isidentifier() and normalize("NFKC", name) == name and not iskeyword(name)
    return is_identifier and name[0] != "_" and name not in _CLASSES | _USED


def python_names(members: Iterable[str]) -> Mapping[str, str]:
    """Return a name in Python for each member name of a class, in their order: its own where that is possible.

    Raises:
        ConfigurationError: a member name is empty.
    """
    bases = {member: _snake(member) or _NAMELESS for member in members}
    if "" in bases:
        raise ConfigurationError(
            "an attribute or relationship has an empty name, which JSON:API does not allow and no class can declare"
        )
    # First those that are called in Python as they are in documents: no other may take their names.
    taken = {member for member, base in bases.items() if member == base and not _is_reserved(base)}
    names = {member: member if member in taken else "" for member in bases}
    for member, base in bases.items():
        if not names[member]:
            names[member] = _free(base, taken)
            taken.add(names[member])
    return names


def _free(base: str, taken: set[str]) -> str:
    found, number = f"{base}_" if _is_reserved(base) else base, 2
    while found in taken:
        found, number = f"{base}_{number}", number + 1
    return found


def _is_reserved(name: str) -> bool:
    return iskeyword(name) or name in _USED or hasattr(Resource, name)


def _snake(text: str) -> str:
    """Return a text as words of lower case, joined by underscores; empty if no character of it may be in a name."""
    words = normalize("NFKC", _HUMP.sub("_", text).lower())
    fit = "".join(char if f"a{char}".isidentifier() else "_" for char in words)
    name = _UNDERSCORES.sub("_", fit).strip("_")
    name = name[: _LONGEST if name.isascii() else _LONGEST_BEYOND_ASCII].rstrip("_")
    return name if not name or name.isidentifier() else f"{_NAMELESS}_{name}"
