"""A secret as requests carry it, and what is masked wherever a server echoes it."""

import re
from typing import Final

import attrs

from .._text import Secret
from ..service import Service

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?([.-][a-z]{1,8})?")
"""A version as services have them; it is no secret, and an error that names it says what is wrong."""


@attrs.frozen
class Carried:
    """What a request carries for a token."""

    token: str = attrs.field(repr=False)
    """Empty for none."""
    authorization: str | None = attrs.field(repr=False)
    """The value of the header; None for none."""
    secrets: tuple[str, ...] = attrs.field(repr=False)
    """What no error may show."""


def carried(token: str, service: Service) -> Carried:
    """What a request of a service's carries for a token; empty for an anonymous session."""
    scheme = service.auth
    keys = tuple(Secret(value) for value in service.headers.values() if not _DATE.fullmatch(value))
    if not token:
        return Carried(token, None, keys)
    return Carried(token, Secret(scheme.value(token)), (*map(Secret, scheme.secrets_in(token)), *keys))
