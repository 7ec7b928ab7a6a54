"""Which values are secret, and foreign text made safe for a terminal.

An attribute that a resource class declares is masked if the class leaves it out of its `repr`: secrets, the payment
gateways' own objects, URLs, personal data. A value that no class declares is masked if its name looks like that of a
secret, at any depth. Text that looks like an access token, or a URL with a secret in it, is masked everywhere.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeGuard, cast

import attrs

from .._text import printable, redact_exact
from ..jsonapi import GenericResource, Resource
from ..jsonapi.links import escape as escape_token
from .services import registry

MASKED: Final = "[masked]"

_OWN: Final = ("COMMERCELAYER_ACCESS_TOKEN", "COMMERCELAYER_CLIENT_SECRET")
_OWN_MINIMUM: Final = 6
"""The fewest characters of a secret: masking a shorter one would mask ordinary text."""

_SUSPECT: Final = (
    r"token|secret|nonce|passw|passphrase|credential|authorization|bearer|signature|session|e-?mail"
    r"|api[_-]?key|private[_-]?key|card[_-]?number|(?<![a-z])(?:otp|pin|cvv|cvc|jwt|iban)(?![a-z])"
)
_SECRET_NAME: Final = re.compile(_SUSPECT, re.IGNORECASE)
_SECRET_IN_URL: Final = re.compile(
    rf"[?&;#][^=&;#\s]*(?:{_SUSPECT})[^=&;#\s]*=[^&;#\s]|://[^/?#\s:@]*:[^/?#\s@]+@", re.IGNORECASE
)


@attrs.define
class Mask:
    """Replaces secret values by `[masked]`, and records where they were; with `reveal`, replaces nothing."""

    reveal: bool
    pointers: list[str] = attrs.field(factory=list, init=False)
    """JSON pointers to the masked values, in the order of the document."""

    def document(self, document: Mapping[str, object], at: str = "") -> dict[str, object]:
        """Mask a JSON:API document, its resource objects by their classes; `at` is its own JSON pointer."""
        return {
            name: self._resource_objects(member, f"{at}/{escape_token(name)}")
            if name in ("data", "included")
            else self.value(member, f"{at}/{escape_token(name)}")
            for name, member in document.items()
        }

    def attributes(self, cls: type[Resource], attributes: Mapping[str, object], at: str) -> dict[str, object]:
        """Mask the attributes of a resource of `cls`, given by their names in documents."""
        shown = {} if cls is GenericResource else {field.alias: field.repr for field in attrs.fields(cls)}
        return {
            name: self._attribute(value, secret=not shown[name], at=f"{at}/{escape_token(name)}")
            if name in shown
            else self._member(name, value, at)
            for name, value in attributes.items()
        }

    def value(self, value: object, at: str) -> object:
        """Mask a JSON value: members whose names look like those of secrets, and texts that hold one."""
        if _is_object(value):
            return {name: self._member(name, entry, at) for name, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(entry, f"{at}/{n}") for n, entry in enumerate(cast("Iterable[object]", value))]
        if isinstance(value, str) and not self.reveal and (_SECRET_IN_URL.search(value) or _holds_token(value)):
            return self._masked(at)
        return value

    def _resource_objects(self, value: object, at: str) -> object:
        if isinstance(value, list | tuple):
            entries = cast("Iterable[object]", value)
            return [self._resource_objects(entry, f"{at}/{n}") for n, entry in enumerate(entries)]
        if not _is_object(value):
            return value
        cls = registry().get(str(value.get("type")))
        return {name: self._member_of_resource(cls, name, entry, at) for name, entry in value.items()}

    def _member_of_resource(self, cls: type[Resource], name: str, value: object, at: str) -> object:
        below = f"{at}/{escape_token(name)}"
        if name == "attributes" and _is_object(value):
            return self.attributes(cls, value, below)
        if name == "relationships" and _is_object(value):
            # The names of relationships are not checked: a relationship called `tokens` is not a secret.
            return {
                relationship: self.value(entry, f"{below}/{escape_token(relationship)}")
                for relationship, entry in value.items()
            }
        return self._member(name, value, at)

    def _member(self, name: str, value: object, at: str) -> object:
        return self._attribute(value, secret=bool(_SECRET_NAME.search(name)), at=f"{at}/{escape_token(name)}")

    def _attribute(self, value: object, *, secret: bool, at: str) -> object:
        if secret and not self.reveal and not isinstance(value, bool) and value not in (None, "", {}, [], ()):
            return self._masked(at)
        return self.value(value, at)

    def _masked(self, at: str) -> str:
        self.pointers.append(at)
        return MASKED


def class_of(name: str) -> type[Resource] | None:
    """The resource class for the name of a JSON:API type; None if the service has none."""
    cls = registry().get(name)
    return None if cls is GenericResource else cls


def own_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The credentials of the environment. They are never shown, even where a response repeats them."""
    values = [environment.get(name, "") for name in _OWN]
    # Of a user and a password, the password alone is one too.
    passwords = [value.partition(":")[2] for value in values]
    return tuple(value for value in (*values, *passwords) if len(value) >= _OWN_MINIMUM)


def clean(text: str, secrets: Iterable[str]) -> str:
    """`text` with the `secrets` masked, and with control and direction characters escaped (CWE-117)."""
    shown = redact_exact(text, *secrets)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)


def _holds_token(text: str) -> bool:
    """True if `text` holds something that messages of this package mask, such as an access token."""
    # The limit leaves room for every character to be escaped: a token that was cut off would not be found.
    return printable(text, 10 * len(text) + 10).count(MASKED) > text.count(MASKED)


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
