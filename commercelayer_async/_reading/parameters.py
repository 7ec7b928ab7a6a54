"""Query parameters as encoded `name=value` pairs.

Names come from the facts of the service, as they are written in its documentation. Brackets in them are encoded, as
JSON:API 1.1 asks for ("Square Brackets in Parameter Names").
"""

from functools import lru_cache
from urllib.parse import quote

from ..service import Paging


def parameter(name: str, value: str, *, safe: str = "") -> str:
    """Encode one query parameter; of its value, the characters in `safe` stay as they are."""
    return f"{_encoded_name(name)}={quote(value, safe=safe)}"


def page_parameters(paging: Paging, *, number: int | None, size: int) -> tuple[str, ...]:
    """Encode which page to ask for; `number` is None for a list that is paged by cursors."""
    numbered = () if number is None else (parameter(paging.number_parameter, str(number)),)
    return (*numbered, parameter(paging.size_parameter, str(size)))


@lru_cache(maxsize=256)
def _encoded_name(name: str) -> str:
    return quote(name, safe="")
