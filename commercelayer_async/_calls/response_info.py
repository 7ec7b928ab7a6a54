"""What came beside a document, and what its call took."""

from .._http.message import Response
from .._http.status import kept_headers
from .._markers import public
from ..jsonapi import MediaType, media_type


@public("commercelayer_async")
class ResponseInfo:
    """The response that ended a call: what `session.response_of(resource)` gives."""

    __slots__ = ("_response", "elapsed", "tries", "waited")

    def __init__(self, response: Response, *, tries: int, elapsed: float, waited: float) -> None:
        self._response = response
        self.tries = tries
        """Requests that the call took."""
        self.elapsed = elapsed
        """Seconds that the call took, its waits included."""
        self.waited = waited
        """Seconds of these that it waited for rate limits."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> dict[str, str]:
        """The headers worth keeping, by lower-case name."""
        return kept_headers(self._response.headers)

    @property
    def media_type(self) -> MediaType:
        """The `Content-Type` header, with the extensions and profiles that were applied to the document."""
        return media_type(self._response.headers.get("Content-Type"))

    @property
    def request_id(self) -> str | None:
        """What support will ask for; None if the server named none."""
        return self.headers.get("x-request-id")

    def __repr__(self) -> str:
        return f"<ResponseInfo {self.status}, {self.tries} tries, {self.elapsed:.3f} s>"
