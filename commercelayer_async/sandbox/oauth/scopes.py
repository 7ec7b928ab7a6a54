"""Scopes: the markets, stores and stock locations that a token is for.

The forms are published; that any other is refused, and that `provisioning-api` and `metrics-api` are, is the sandbox's
own: they are for other APIs than those it serves.
"""

import re
from typing import Final

from .refused import bad_request

_DEFAULT: Final = "market:all"
_FORM: Final = re.compile(r"market:all|(market|store|stock_location):(id|code):[^\s:]+")


def read_scope(scope: object, *, required: bool = False) -> str:
    """Check the scope of a request; without one, give that of an application that sends none.

    Args:
        scope: Such as `market:id:xYZkjABcde stock_location:code:eu`.
        required: Whether a market has to be named, as sales channels have to.

    Raises:
        AuthRefusal: 400 `invalid_scope`.
    """
    if scope is None or scope == "":
        if required:
            raise bad_request("invalid_scope", "A sales channel has to name a market, such as market:code:europe.")
        return _DEFAULT
    if not isinstance(scope, str):
        raise bad_request("invalid_scope", "The scope is not a text.")
    entries = scope.split(" ")
    for entry in entries:
        if not _FORM.fullmatch(entry):
            raise bad_request("invalid_scope", "The scope has an entry that is none, such as market:id:xYZkjABcde.")
    if not any(entry.startswith("market:") for entry in entries) and (
        required or any(entry.startswith("stock_location:") for entry in entries)
    ):
        raise bad_request("invalid_scope", "The scope has no market, which a sales channel and a stock location need.")
    return scope
