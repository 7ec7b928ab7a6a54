"""Which values are secret, and foreign text made fit for a terminal.

An attribute that a resource class declares is masked if the class leaves it out of its `repr`: secrets, free objects
of the payment gateways, URLs, personal data. Whatever no class declares is masked if its name looks like a secret's, at
any depth. Text that looks like an access token, or a URL with a secret in it, is masked wherever it stands.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeGuard, cast

import attrs

from .._text import printable, redact_exact
from ..jsonapi import GenericResource, Registry, Resource
from ..jsonapi.links import escape as escape_token
from ..resources import RESOURCES

MASKED: Final = "[masked]"

_OWN: Final = ("COMMERCELAYER_ACCESS_TOKEN", "COMMERCELAYER_CLIENT_SECRET")
_OWN_MINIMUM: Final = 6
"""Characters of a secret worth the name: shorter ones would black out ordinary text."""

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
    """Replaces secret values by `[masked]`, and notes where they stood; with `reveal` it lets everything through."""

    reveal: bool
    pointers: list[str] = attrs.field(factory=list, init=False)
    """JSON pointers to what was masked, in the order met."""

    def document(self, document: Mapping[str, object], at: str = "") -> dict[str, object]:
        """A JSON:API document with its resource objects masked by their classes."""
        return {
            name: self._resource_objects(member, f"{at}/{escape_token(name)}")
            if name in ("data", "included")
            else self.value(member, f"{at}/{escape_token(name)}")
            for name, member in document.items()
        }

    def attributes(self, cls: type[Resource], attributes: Mapping[str, object], at: str) -> dict[str, object]:
        """The attributes of a resource of `cls`, by their names on the wire."""
        shown = {} if cls is GenericResource else {field.alias: field.repr for field in attrs.fields(cls)}
        return {
            name: self._attribute(value, secret=not shown[name], at=f"{at}/{escape_token(name)}")
            if name in shown
            else self._member(name, value, at)
            for name, value in attributes.items()
        }

    def value(self, value: object, at: str) -> object:
        """A JSON value, whose members are masked if their names look like those of secrets."""
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
        cls = _REGISTRY.get(str(value.get("type")))
        return {name: self._member_of_resource(cls, name, entry, at) for name, entry in value.items()}

    def _member_of_resource(self, cls: type[Resource], name: str, value: object, at: str) -> object:
        below = f"{at}/{escape_token(name)}"
        if name == "attributes" and _is_object(value):
            return self.attributes(cls, value, below)
        if name == "relationships" and _is_object(value):
            # Their names are the schema's, and no secrets: a relationship may well be called `tokens`.
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


_REGISTRY: Final = Registry(*RESOURCES)


def class_of(type_: str) -> type[Resource] | None:
    """The resource class for a JSON:API type; None if this package has none."""
    cls = _REGISTRY.get(type_)
    return None if cls is GenericResource else cls


def own_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The credentials that the environment holds, which are never shown, whatever a server may echo."""
    return tuple(value for name in _OWN if len(value := environment.get(name, "")) >= _OWN_MINIMUM)


def clean(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of the `secrets`, and with control and direction characters escaped (CWE-117)."""
    shown = redact_exact(text, *secrets)
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)


def _holds_token(text: str) -> bool:
    """Whether there is something in `text` that every message of this package masks."""
    # An escaped character takes up to eight; whatever is cut off would go unseen.
    return printable(text, 10 * len(text) + 10).count(MASKED) > text.count(MASKED)


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)
