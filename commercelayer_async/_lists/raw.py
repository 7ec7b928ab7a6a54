"""Scans that decode nothing: for whoever writes the pages elsewhere as they were received.

Of a record, type and id are read, which a scan has to know. So a record that does not fit its class stops nothing.
"""

from typing import Any, Final

import attrs
import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._http.message import Response
from .._markers import override
from .._text import printable
from ..errors import DecodeError
from ..jsonapi._json import FAILURES, require_utf8
from .list_reader import ListReader
from .pages import ReceivedPage


class _Identity(msgspec.Struct):
    type: str
    id: str


class _Page(msgspec.Struct):
    data: list[_Identity]
    errors: Raw | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Page).decode


@attrs.frozen(eq=False)
class RawItem:
    """A resource object that was not decoded, and the page that it came on."""

    type: str
    id: str
    body: bytes = attrs.field(repr=False)
    """The document of the whole page."""
    place: int = 0
    """Which of the page's resource objects it is, from 0."""


# A list is typed by its resources, and these are none.
class RawListReader(ListReader[Any]):
    """Reads the pages of a list into `RawItem`s."""

    @classmethod
    def of(cls, reader: ListReader[Any]) -> "RawListReader":
        """Make one that sends the same requests as `reader`."""
        return cls(
            reader.context,
            reader.send,
            reader.follower,
            reader.registry,
            reader.cls,
            reader.resource_type,
            reader.path,
            reader.path_query,
        )

    @override
    async def _receive(self, target: str) -> ReceivedPage[Any]:
        def read(response: Response, _: object) -> ReceivedPage[Any]:
            return self._received(response, self._items(response))

        return await self.send(target, self.endpoint, read)

    def _is_asked_for(self, one: _Identity) -> bool:
        type = self.resource_type
        return bool(one.id) and (one.type == type or (type is not None and self.service.is_of(one.type, type)))

    def _items(self, response: Response) -> tuple[RawItem, ...]:
        body, url = response.body, response.url_without_query
        # msgspec checks the encoding of what it decodes, but not of members that it skips.
        if not body.isascii():
            require_utf8(body, url=url)
        try:
            page = _decode(body)
        except FAILURES:
            page = None
        if page is None or page.errors is not UNSET:
            # Outside of the handler, so that the error has no context that quotes values. This one says what is wrong.
            self.registry.read(body, url=url)
            raise DecodeError(
                expected="an array of resource objects, each with type and id", got="another", pointer="/data", url=url
            )
        stranger = next((n for n, one in enumerate(page.data) if not self._is_asked_for(one)), None)
        if stranger is not None:
            # Perhaps the response to another request: responses got out of step on this connection.
            self.context.transport.discard_connections()
            found = page.data[stranger]
            raise DecodeError(
                expected=f"one of the {self.resource_type} asked for",
                got=f"{printable(found.type, 80)}/{printable(found.id, 80)}",
                pointer=f"/data/{stranger}",
                url=url,
            )
        return tuple(RawItem(one.type, one.id, body, place) for place, one in enumerate(page.data))
