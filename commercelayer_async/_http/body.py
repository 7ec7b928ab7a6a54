"""The body of a response: read to its end, within a limit, and unpacked."""

import zlib
from typing import TYPE_CHECKING, Final

import aiohttp
import attrs

from .._text import printable
from ..errors import BodyTooLarge
from .failures import NotHTTP, unasked_coding_error
from .message import without_query

if TYPE_CHECKING:
    from .fastpath import RawResponse

_GZIP: Final = frozenset({"gzip", "x-gzip"})
"""What is asked for, and its other name (RFC 9110, 8.4.1.3)."""
_NONE: Final = frozenset({"", "identity"})
_LOWEST_STATUS: Final = 100
_FIRST_ERROR: Final = 300


@attrs.frozen
class BodyReader:
    """Reads the bodies of one transport."""

    max_body: int
    """Bytes of a body at most, as received and as unpacked."""
    reads_buffered: bool = attrs.field(kw_only=True)
    """True if what came with the headers may be taken at once: a caller's session may trace what is read of it."""

    async def read(self, response: "aiohttp.ClientResponse | RawResponse", url: str) -> bytes:
        """The whole body, unpacked.

        Raises:
            NotHTTP: the status is not one of HTTP.
            BodyTooLarge: it has more bytes than are accepted, as received or as unpacked; no more of it was read.
            TransportError: nobody asked for its encoding.
            aiohttp.ClientError: it broke off, or is not encoded as its headers say.
        """
        if response.status < _LOWEST_STATUS:
            raise NotHTTP
        body = await self._received(response, url)
        coding = response.headers.get("Content-Encoding")
        return body if coding is None else self._unpack(body, coding.strip().lower(), response.status, url)

    async def _received(self, response: "aiohttp.ClientResponse | RawResponse", url: str) -> bytes:
        """The whole body as it was sent."""
        announced = response.content_length
        if announced is not None:
            if announced > self.max_body:
                raise self._too_large(url)
            content = response.content
            if self.reads_buffered and content.is_eof():
                # All of a short body came with its headers.
                return content.read_nowait()
            return await response.read()
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self.max_body:
                raise self._too_large(url)
            chunks.append(chunk)
        return b"".join(chunks)

    def _unpack(self, body: bytes, coding: str, status: int, url: str) -> bytes:
        """A body without its encoding.

        It is not left to aiohttp, whose older releases unpack at once whatever arrived, however much it becomes.

        Raises:
            BodyTooLarge: it has more bytes than are accepted; no more of it was unpacked.
            aiohttp.ClientPayloadError: it is not encoded like that.
            TransportError: nobody asked for this encoding.
        """
        if coding in _NONE or not body:
            return body
        if coding in _GZIP:
            return self._gunzip(body, url)
        if status < _FIRST_ERROR:
            raise unasked_coding_error(printable(coding, 40), url=without_query(url))
        return body  # the status says enough

    def _gunzip(self, body: bytes, url: str) -> bytes:
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            unpacked = unpacker.decompress(body, self.max_body + 1)
        except zlib.error:
            raise aiohttp.ClientPayloadError from None
        if len(unpacked) > self.max_body:
            raise self._too_large(url)
        if not unpacker.eof or unpacker.unused_data:
            # Cut short, or with something behind its end that would be lost.
            raise aiohttp.ClientPayloadError
        return unpacked

    def _too_large(self, url: str) -> BodyTooLarge:
        where = without_query(url)
        return BodyTooLarge(
            f"the response of {where} has more than {self.max_body} bytes; raise max_body if that is expected",
            url=where,
            limit=self.max_body,
        )
