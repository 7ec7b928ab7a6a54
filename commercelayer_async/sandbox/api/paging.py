"""Pages of a list: by number, with counts; or by cursor, without counts.

A page has 10 records by default and 25 at most. What the API does with a larger size is not published: here it is 400,
as for a size or number that is not a number from 1 on. A page beyond the end is empty.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import attrs

from ..refusals import bad_request

_DEFAULT_SIZE: Final = 10
_MAX_SIZE: Final = 25


@attrs.frozen
class ListPage:
    """One page of a list: its keys, and the `meta` and `links` of its document."""

    keys: Sequence[int]
    meta: Mapping[str, int]
    links: Mapping[str, str]


@attrs.frozen
class PageLinks:
    """Links to other pages of a list: the URL of the request with other `page` parameters."""

    url: str
    """Without the query."""
    parameters: Mapping[str, str]
    """Those of the request, decoded."""

    def to(self, **page: object) -> str:
        """Make the link whose `page[...]` parameters are *page*. Its query is sorted and percent-encoded."""
        others = {name: value for name, value in self.parameters.items() if not name.startswith("page[")}
        query = others | {f"page[{name}]": str(value) for name, value in page.items()}
        return f"{self.url}?{urlencode(sorted(query.items()), safe='', quote_via=quote)}"


def numbered_page(keys: Sequence[int], page: Mapping[str, str], links: PageLinks) -> ListPage:
    """Cut the page out of *keys* that `page[number]` asks for."""
    number, size = _positive(page, "number", 1), _size(page)
    last = max(1, -(-len(keys) // size))
    urls = {"first": links.to(number=1, size=size)}
    if number > 1:
        urls["prev"] = links.to(number=min(number - 1, last), size=size)
    if number < last:
        urls["next"] = links.to(number=number + 1, size=size)
    urls["last"] = links.to(number=last, size=size)
    meta = {"record_count": len(keys), "page_count": -(-len(keys) // size)}
    return ListPage(keys[(number - 1) * size : number * size], meta, urls)


def cursor_page(keys: Sequence[int], page: Mapping[str, str], links: PageLinks) -> ListPage:
    """Cut the page out of ascending *keys* that `page[after]` or `page[before]` asks for; without them, the first."""
    size = _size(page)
    start, end = 0, len(keys)
    if "after" in page:
        start = bisect_right(keys, _key_of(page["after"]))
        end = min(end, start + size)
    elif "before" in page:
        end = bisect_left(keys, _key_of(page["before"]))
        start = max(0, end - size)
    else:
        end = min(end, size)
    urls = dict[str, str]()
    if start > 0 and start < end:
        urls["prev"] = links.to(before=_cursor_of(keys[start]), size=size)
    if end < len(keys) and start < end:
        urls["next"] = links.to(after=_cursor_of(keys[end - 1]), size=size)
    return ListPage(keys[start:end], {}, urls)


def _size(page: Mapping[str, str]) -> int:
    size = _positive(page, "size", _DEFAULT_SIZE)
    if size > _MAX_SIZE:
        raise bad_request("INVALID_PAGE_VALUE", f"page[size] is {size}; it must be {_MAX_SIZE} or less.")
    return size


def _positive(page: Mapping[str, str], name: str, default: int) -> int:
    text = page.get(name, str(default))
    # Nine digits are enough for any page, and int() raises at thousands of digits.
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):  # noqa: PLR2004 - as said above
        raise bad_request("INVALID_PAGE_VALUE", f"page[{name}] is {text}; it must be a number from 1 on.")
    return int(text)


def _cursor_of(key: int) -> str:
    return urlsafe_b64encode(f"event:{key}".encode()).decode()


def _key_of(cursor: str) -> int:
    try:
        prefix, _, key = urlsafe_b64decode(cursor.encode()).decode().partition(":")
    except (Base64Error, UnicodeError):
        prefix, key = "", ""
    if prefix != "event" or not (key.isascii() and key.isdecimal()):
        raise bad_request("INVALID_PAGE_VALUE", "The cursor is not one of this server's.")
    return int(key)
