"""Paths of resources and lists, by the rules of a service.

Ids may be anything that the service's pattern takes, and are always percent-encoded, slashes included: one id is one
segment of a path. What would lead elsewhere, `.` and `..`, is refused whatever the pattern says.
"""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from .._plain import plain_text
from .._text import json_type_name, printable
from ..errors import ConfigurationError
from ..jsonapi.query import SEGMENT, segment
from .by_type import of_type
from .service import Service

_DOTS: Final = frozenset({".", ".."})
_PATH: Final = re.compile(r"([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+")


class _Rule(NamedTuple):
    """What is known of the resources of a type."""

    begin: str | None
    """What stands before an id; None where a function of the service makes the whole path."""
    end: str
    matches: Callable[[str], Any]
    """Gives something true for a text that can be an id."""
    pattern: str
    is_plain: bool
    """True if no id has anything to encode."""


class Paths:
    """Makes the targets of one service's resources and lists; what is known of a type is found out once."""

    def __init__(self, service: Service, api: str) -> None:
        """Make targets below `api`, the path that all of them begin with."""
        self._service = service
        self._api = api
        self._rules: dict[str, _Rule] = {}

    def item(self, type: str, id: object) -> tuple[str, str]:
        """Return a resource's id as a plain text, and its target.

        Raises:
            ConfigurationError: the type or the id cannot be one of the service's, or its rules are at fault.
        """
        rule = self._rules.get(type) or self._rule_of(type)
        text: Any = id
        if text.__class__ is not str or not rule.matches(text) or not text.isascii() or text in _DOTS:
            text = self.id(type, id)
        if rule.begin is None:
            return text, f"{self._api}{self._own_path(type, text)}{rule.end}"
        return text, f"{rule.begin}{text if rule.is_plain else quote(text, safe='')}{rule.end}"

    def list(self, type: str) -> str:
        """Return the target of the list of a type.

        Raises:
            ConfigurationError: the service has no such list, or its rule is at fault.
        """
        return f"{self._api}{self._service.list_path_of(segment(type, 'type'))}"

    def related(self, type: str, id: object, name: str) -> str:
        """Return where a resource's relationship is by the recommended rule (JSON:API 1.1, "URL Paths")."""
        _, target = self.item(type, id)
        return f"{target.rstrip('/')}/{segment(name, 'relationship')}{'/' if self._service.slash else ''}"

    def id(self, type: str, id: object, what: str = "id") -> str:
        """Return an id as a plain text, if the service can have one such.

        Raises:
            ConfigurationError: it cannot; `what` is how the error calls it.
        """
        rule = self._rules.get(type) or self._rule_of(type)
        if rule.pattern == SEGMENT:
            return segment(id, what)
        text = plain_text(id)
        if text is not None and text not in _DOTS and rule.matches(text) and _is_encodable(text):
            return text
        if text is None:
            shown = json_type_name(id) if id is None else f"a {id.__class__.__name__}"
        else:
            shown = repr(printable(text, 60)) if text else "an empty string"
        raise ConfigurationError(
            f"{what} must be an id of {self._service.name}'s {type}, which {rule.pattern} matches, not {shown}"
        )

    def _rule_of(self, type: str) -> _Rule:
        service = self._service
        segment(type, "type")
        pattern: str = of_type(service.ids, type) or SEGMENT
        begin = f"{self._api}{service.path_of(type)}/" if service.item_path is None else None
        rule = _Rule(begin, "/" if service.slash else "", re.compile(pattern).fullmatch, pattern, pattern == SEGMENT)
        if len(self._rules) < _MOST_RULES:
            # Types may be a caller's own texts, which must not fill this up.
            self._rules[type] = rule
        return rule

    def _own_path(self, type: str, id: str) -> str:
        """What a service's own function says, with a slash before it."""
        found: object
        try:
            found = self._service.item_path(type, id) if self._service.item_path is not None else None
        except Exception as error:
            raise ConfigurationError(
                f"the service's path of {printable(type, 60)}/{printable(id, 60)} cannot be had: its function raised"
                f" {error.__class__.__name__}"
            ) from error
        path = found.strip("/") if isinstance(found, str) else ""
        if not _PATH.fullmatch(path) or _DOTS & set(path.split("/")):
            raise ConfigurationError(
                f"the service's path of {printable(type, 60)}/{printable(id, 60)} is not a path such as 'orders/1'"
            )
        return f"/{path}"


_MOST_RULES: Final = 1024


def _is_encodable(text: str) -> bool:
    """False for a text with half a character, which has no UTF-8 form."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
