"""The errors of this package, as one tree.

    CommerceLayerError
    ├── ConfigurationError        misuse found before any request (also a ValueError)
    ├── SessionError              used after close, in another event loop, after a fork
    ├── TransportError            no complete response: url, phase
    │   ├── ConnectError          connection refused, host unreachable, or its name does not resolve
    │   ├── TLSError              the certificate or the handshake was refused
    │   ├── TimeoutError          the time was up (also the builtin)
    │   └── BodyTooLarge          more bytes than `max_body`
    ├── DecodeError               a response that does not fit: url, pointer, expected, got
    ├── LinkRefused               a link or redirect that leaves the origin
    ├── AuthError                 no token could be obtained
    ├── SharedBudgetError         a rate budget that processes share cannot be reached: store
    ├── TokenStoreError           a token store cannot be reached: store
    ├── ApiError                  a response with an error status, or with errors
    │   ├── BadRequest 400, Unauthorized 401, Forbidden 403, NotFound 404, NotAcceptable 406
    │   ├── UnsupportedMediaType 415, Unprocessable 422, Locked 423
    │   ├── RateLimited 429       retry_after
    │   └── ServerError 5xx
    ├── ExportError               an export to a file that cannot start or continue: path
    │   ├── ExportExists          the file exists already, or an interrupted export to it
    │   ├── ExportLocked          another process is exporting to it
    │   ├── ExportMismatch        the partial file of an interrupted export is damaged, or another export's
    │   └── DiskFull              no space, or a limit on the size of files; what was written stays
    └── BulkError                 from get_many and prefetch: an ExceptionGroup of the above

Every error says what happened, where, and what to do next. It survives `pickle` and `copy`, and never holds a token, a
request header or a body. The classes that need no transport are defined in `jsonapi.errors`.
"""

import builtins
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

from ._markers import public
from ._text import printable
from .jsonapi import ErrorObject, MediaType, Resource, media_type
from .jsonapi.errors import CommerceLayerError, ConfigurationError, DecodeError, LinkRefused, SessionError

__all__ = [
    "ApiError",
    "AuthError",
    "BadRequest",
    "BodyTooLarge",
    "BulkError",
    "CommerceLayerError",
    "ConfigurationError",
    "ConnectError",
    "DecodeError",
    "DiskFull",
    "ExportError",
    "ExportExists",
    "ExportLocked",
    "ExportMismatch",
    "Forbidden",
    "LinkRefused",
    "Locked",
    "NotAcceptable",
    "NotFound",
    "RateLimited",
    "ServerError",
    "SessionError",
    "SharedBudgetError",
    "TLSError",
    "TimeoutError",
    "TokenStoreError",
    "TransportError",
    "Unauthorized",
    "Unprocessable",
    "UnsupportedMediaType",
    "api_error_class",
]

_SHOWN_ERRORS: Final = 3


@public("commercelayer_async")
class TransportError(CommerceLayerError):
    """There was no complete response.

    `url` is that of the request, without its query; `phase` is how far it came: "queue", "token", "connect", "headers"
    or "body". From "headers" on, the server may have seen the request.
    """

    is_final: bool = False
    """Whether asking again would end the same way, so that no other attempt is made."""

    def __init__(self, message: str, *, url: str, phase: str) -> None:
        self.url = url
        self.phase = phase
        super().__init__(message)


@public("commercelayer_async")
class ConnectError(TransportError):
    """The connection failed: refused, unreachable, or the name does not resolve. Nothing was sent."""


@public("commercelayer_async")
class TLSError(TransportError):
    """The server's certificate or the handshake was refused. Nothing was sent."""


@public("commercelayer_async")
class TimeoutError(TransportError, builtins.TimeoutError):  # the contract's name
    """The time was up; `seconds` is how much was allowed, `phase` how far the request came."""

    def __init__(self, message: str, *, url: str, phase: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message, url=url, phase=phase)


@public("commercelayer_async")
class BodyTooLarge(TransportError):
    """The response is larger than `limit` bytes, as received or as unpacked; reading stopped there."""

    def __init__(self, message: str, *, url: str, limit: int) -> None:
        self.limit = limit
        super().__init__(message, url=url, phase="body")


@public("commercelayer_async")
class AuthError(CommerceLayerError):
    """No token: the credentials were refused, or the token endpoint gave no usable response.

    `status` is that of the token endpoint's response, None without one; `code` is its OAuth error code, such as
    "invalid_client".
    """

    retry_after: float | None = None
    """Seconds to wait before asking again, as the token endpoint wishes; None if it does not say."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


@public("commercelayer_async")
class SharedBudgetError(CommerceLayerError):
    """A rate budget that processes share cannot be reached, so nobody knows whether a request may leave.

    `store` says where the budget is: "file" or "redis". Nothing was sent.
    """

    def __init__(self, message: str, *, store: str) -> None:
        self.store = store
        super().__init__(message)


@public("commercelayer_async")
class TokenStoreError(CommerceLayerError):
    """A token store of this package cannot be reached, or what it keeps cannot be read.

    `store` says where it is: "file" or "redis". A session logs it, and goes on with a token of its own.
    """

    def __init__(self, message: str, *, store: str) -> None:
        self.store = store
        super().__init__(message)


@public("commercelayer_async")
class ApiError(CommerceLayerError):
    """The API responded with an error.

    `status` is the HTTP status, which decides the class; `errors` are the JSON:API error objects in the server's
    order, empty if the response has none; `method` and `url` are those of the request (no query); `headers` are a
    selection, by lower-case name; `request_id` is what support will ask for; `content_type` is that of the response.
    """

    statuses: ClassVar[tuple[int, ...]] = ()
    """The HTTP statuses of this class."""
    retry_after: float | None = None
    """Seconds to wait before the next request: from the server, else, after a 429, how long this session holds its
    requests back; None if neither is known."""
    advice: ClassVar[str] = ""
    """What to do next, as the message ends."""

    def __init__(
        self,
        *,
        status: int,
        method: str,
        url: str,
        errors: "tuple[ErrorObject, ...]" = (),
        headers: Mapping[str, str] | None = None,
        request_id: str | None = None,
        content_type: str | None = None,
    ) -> None:
        self.status = status
        self.method = method
        self.url = url
        self.errors = errors
        self.headers = dict(headers or {})
        self.request_id = request_id
        self.content_type = content_type
        super().__init__(self._message())

    @property
    def code(self) -> str | None:
        """The first error object's `code`, an open set of upper-case words; None if there is none."""
        return next((error.code for error in self.errors if error.code), None)

    @property
    def media_type(self) -> MediaType:
        """`content_type`, parsed, with the extensions and profiles that it lists."""
        return media_type(self.content_type)

    def _message(self) -> str:
        details = "; ".join(str(error) for error in self.errors[:_SHOWN_ERRORS])
        more = len(self.errors) - _SHOWN_ERRORS
        parts = [f"{self.status}" + (f" {details}" if details else f" {type(self).__name__}")]
        if more > 0:
            parts.append(f"and {more} more errors")
        if not self.errors and self.content_type:
            parts.append(f"no error document, but {printable(self.content_type, 60)}")
        parts.append(f"{self.method} {printable(self.url)}")
        if self.advice:
            parts.append(self.advice)
        if self.request_id:
            parts.append(f"request id {printable(self.request_id, 100)}")
        return ", ".join(parts)


@public("commercelayer_async")
class BadRequest(ApiError):
    """400: a parameter the API does not support; `errors[0].source` may name it."""

    statuses = (400,)


@public("commercelayer_async")
class Unauthorized(ApiError):
    """401: `code` INVALID_TOKEN means a bad, expired or revoked token, UNAUTHORIZED no permission for this record."""

    statuses = (401,)
    advice = "check the token and what its scope may read"


@public("commercelayer_async")
class Forbidden(ApiError):
    """403: the credentials do not permit this request."""

    statuses = (403,)


@public("commercelayer_async")
class NotFound(ApiError):
    """404: the record or the route does not exist, or the record is of the other mode (test or live)."""

    statuses = (404,)
    advice = "check the id, and that the token's mode (test or live) is the record's"


@public("commercelayer_async")
class NotAcceptable(ApiError):
    """406: the server refused the `Accept` header that was sent, application/vnd.api+json."""

    statuses = (406,)
    advice = "sent Accept: application/vnd.api+json"


@public("commercelayer_async")
class UnsupportedMediaType(ApiError):
    """415: the server refused the `Content-Type` header; a read sends none."""

    statuses = (415,)
    advice = "no Content-Type was sent"


@public("commercelayer_async")
class Unprocessable(ApiError):
    """422: the request's content is invalid; each error object's `source.pointer` names a member."""

    statuses = (422,)


@public("commercelayer_async")
class Locked(ApiError):
    """423: the record is locked, since others depend on it."""

    statuses = (423,)


@public("commercelayer_async")
class RateLimited(ApiError):
    """429: too many requests; `retry_after` is how many seconds to wait before the next one."""

    statuses = (429,)
    advice = "wait before asking again"


@public("commercelayer_async")
class ServerError(ApiError):
    """5xx: an error on the server; the same request may work later."""

    statuses = tuple(range(500, 600))
    advice = "try again later"


@public("commercelayer_async")
class ExportError(CommerceLayerError):
    """An export to a file cannot start or continue; `path` is the file in question."""

    def __init__(self, message: str, *, path: str) -> None:
        self.path = path
        super().__init__(message)


@public("commercelayer_async")
class ExportExists(ExportError):
    """The file exists already, or an interrupted export to it does; nothing was changed."""


@public("commercelayer_async")
class ExportLocked(ExportError):
    """Another process is exporting to the same file; nothing was changed."""


@public("commercelayer_async")
class ExportMismatch(ExportError):
    """An export cannot go on: its partial file is damaged, its parameters were others, or its records another one's.

    The last: the token speaks for somebody else than at its beginning, or records of another mode or organization came.
    What was there is unchanged, and nothing of these records was written.
    """


@public("commercelayer_async")
class DiskFull(ExportError):
    """No space is left: on the disk, in a quota or under a limit on the size of files. The export can be resumed."""


@public("commercelayer_async")
class BulkError(CommerceLayerError, ExceptionGroup[CommerceLayerError]):
    """Some of many reads failed: `exceptions` are their errors, which `except*` selects by class.

    `failed` has the same errors by id, in the order of the request; `fetched` the resources of the others, by id.
    """

    failed: "Mapping[str, CommerceLayerError]"
    fetched: "Mapping[str, Resource]"

    def __new__(cls, message: str, errors: "Sequence[CommerceLayerError]") -> Self:
        """Make the exception group: its errors are an argument of `__new__`."""
        return ExceptionGroup.__new__(cls, message, errors)

    def __init__(self, message: str, errors: "Sequence[CommerceLayerError]") -> None:
        super().__init__(message)
        self.args = (message, errors)
        self.failed = {}
        self.fetched = {}

    @classmethod
    def of(cls, failed: "Mapping[str, CommerceLayerError]", fetched: "Mapping[str, Resource]") -> Self:
        """Make the error of a bulk read from its failures and its resources, by id."""
        first = next(iter(failed))
        error = cls(
            f"{len(failed)} of {len(failed) + len(fetched)} failed, first {printable(first)}: {failed[first]}",
            list(failed.values()),
        )
        error.failed = dict(failed)
        error.fetched = dict(fetched)
        return error

    def derive(self, errors: "Sequence[CommerceLayerError]") -> "BulkError":  # type: ignore[override] # narrower
        """Make the part of this error that `except*` or `split` selects."""
        part = type(self)(self.message, list(errors))
        part.failed = {id: error for id, error in self.failed.items() if error in errors}
        part.fetched = self.fetched
        return part


_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    status: cls for cls in ApiError.__subclasses__() for status in cls.statuses
}


def closed_error() -> SessionError:
    """The error for the use of a session after it was closed."""
    return SessionError("the session is closed; make another, or close it later")


def closed_meanwhile() -> SessionError:
    """The error for a call that was under way when its session was closed."""
    return SessionError("the session was closed while the response was awaited")


def stopped_meanwhile(exception: str) -> SessionError:
    """The error for those who waited for what an exception ended that stops the program, such as KeyboardInterrupt."""
    return SessionError(f"the program was being stopped ({exception}) while the response was awaited")


def api_error_class(status: int) -> type[ApiError]:
    """Return the class of errors for an HTTP status; `ApiError` itself if there is none for it."""
    return _BY_STATUS.get(status, ApiError)
