"""What can go wrong, as one tree.

    CommerceLayerError
    ├── ConfigurationError        misuse found before any request (also a ValueError)
    ├── SessionError              used after close, in another event loop, after a fork
    ├── TransportError            no answer: url, phase
    │   ├── ConnectError          nobody there, or the name does not resolve
    │   ├── TLSError              the certificate or the handshake was refused
    │   ├── TimeoutError          the time was up (also the builtin)
    │   └── BodyTooLarge          more bytes than `max_body`
    ├── DecodeError               an answer that does not fit: url, pointer, expected, got
    ├── LinkRefused               a link or redirect that leaves the origin
    ├── AuthError                 no token to be had
    ├── ApiError                  an answer with a bad status, or with errors
    │   ├── BadRequest 400, Unauthorized 401, Forbidden 403, NotFound 404, NotAcceptable 406
    │   ├── UnsupportedMediaType 415, Unprocessable 422, Locked 423
    │   ├── RateLimited 429       retry_after
    │   └── ServerError 5xx
    ├── ExportError               an export to a file that cannot begin or go on: path
    │   ├── ExportExists          the file is there, or an interrupted export to it
    │   ├── ExportLocked          another process is at it
    │   ├── ExportMismatch        what an interrupted export left is damaged, or another export's
    │   └── DiskFull              no room, or a limit on the size of files; what was written stays
    └── BulkError                 from get_many and prefetch: an ExceptionGroup of the above

Every error says what, where and what to do next, survives `pickle` and `copy`, and never holds a token, a request
header or a body.
"""

import builtins
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Self

from ._markers import public
from ._text import printable
from .jsonapi import ErrorObject, Resource
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
    "TLSError",
    "TimeoutError",
    "TransportError",
    "Unauthorized",
    "Unprocessable",
    "UnsupportedMediaType",
    "api_error_class",
]

_SHOWN_ERRORS: Final = 3


@public("commercelayer_async")
class TransportError(CommerceLayerError):
    """No whole answer came.

    `url` is what was asked for, without its query; `phase` is where it ended: "queue", "token", "connect", "headers"
    or "body". Whether the server saw the request is unknown from "headers" on.
    """

    def __init__(self, message: str, *, url: str, phase: str) -> None:
        self.url = url
        self.phase = phase
        super().__init__(message)


@public("commercelayer_async")
class ConnectError(TransportError):
    """No connection: refused, unreachable, or a name that does not resolve. Nothing was sent."""


@public("commercelayer_async")
class TLSError(TransportError):
    """The server's certificate or the handshake was refused. Nothing was sent."""


@public("commercelayer_async")
class TimeoutError(TransportError, builtins.TimeoutError):  # the contract's name
    """The time was up; `seconds` is how long was allowed, `phase` what was going on."""

    def __init__(self, message: str, *, url: str, phase: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(message, url=url, phase=phase)


@public("commercelayer_async")
class BodyTooLarge(TransportError):
    """The answer is larger than `limit` bytes, as received or as unpacked; reading stopped there."""

    def __init__(self, message: str, *, url: str, limit: int) -> None:
        self.limit = limit
        super().__init__(message, url=url, phase="body")


@public("commercelayer_async")
class AuthError(CommerceLayerError):
    """No token to be had: the credentials were refused, or the token endpoint gave no usable answer.

    `status` is that of the token endpoint's answer, None if none came; `code` its error name, such as
    "invalid_client".
    """

    retry_after: float | None = None
    """Seconds to wait before asking again, as the token endpoint wishes; None if it does not say."""

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


@public("commercelayer_async")
class ApiError(CommerceLayerError):
    """The API answered, but not with what was asked for.

    `status` is the HTTP status, which decides the class; `errors` are the JSON:API error objects in the server's
    order, empty if the answer held none; `method` and `url` name the request (no query); `headers` are those worth
    keeping, by lower-case name; `request_id` is what support will ask for; `content_type` what the answer said it
    was.
    """

    statuses: ClassVar[tuple[int, ...]] = ()
    """The HTTP statuses that this class stands for."""
    retry_after: float | None = None
    """Seconds to wait before asking again: the server's wish, else, after a 429, for how long this session holds its
    requests back; None if neither is known."""
    advice: ClassVar[str] = ""
    """What to do next."""

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

    def _message(self) -> str:
        said = "; ".join(str(error) for error in self.errors[:_SHOWN_ERRORS])
        more = len(self.errors) - _SHOWN_ERRORS
        parts = [f"{self.status}" + (f" {said}" if said else f" {type(self).__name__}")]
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
    """403: the credentials may not do this."""

    statuses = (403,)


@public("commercelayer_async")
class NotFound(ApiError):
    """404: no such record, or no such route; also for a record of the other mode (test or live)."""

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
    """422: what was sent does not validate; each error object's `source.pointer` names a member."""

    statuses = (422,)


@public("commercelayer_async")
class Locked(ApiError):
    """423: others depend on this record."""

    statuses = (423,)


@public("commercelayer_async")
class RateLimited(ApiError):
    """429: too many requests; `retry_after` is how many seconds to wait before asking again."""

    statuses = (429,)
    advice = "wait before asking again"


@public("commercelayer_async")
class ServerError(ApiError):
    """5xx: the server's own trouble; the same request may work later."""

    statuses = tuple(range(500, 600))
    advice = "try again later"


@public("commercelayer_async")
class ExportError(CommerceLayerError):
    """An export to a file cannot begin, or cannot go on; `path` is the file in question."""

    def __init__(self, message: str, *, path: str) -> None:
        self.path = path
        super().__init__(message)


@public("commercelayer_async")
class ExportExists(ExportError):
    """The file that was to be written is there already, or an interrupted export to it is; nothing was changed."""


@public("commercelayer_async")
class ExportLocked(ExportError):
    """Another process is exporting to the same file; nothing was changed."""


@public("commercelayer_async")
class ExportMismatch(ExportError):
    """What an interrupted export left cannot be gone on with: it is damaged, or of an export with other parameters.

    Nothing was changed.
    """


@public("commercelayer_async")
class DiskFull(ExportError):
    """There is no room for more: the disk, a quota or a limit on the size of files. What is whole can be resumed."""


@public("commercelayer_async")
class BulkError(CommerceLayerError, ExceptionGroup[CommerceLayerError]):
    """Several of many failed: `exceptions` are their errors, so `except*` picks it apart.

    `failed` names them by id, in the order asked for; `fetched` are the resources of the others, by id.
    """

    failed: "Mapping[str, CommerceLayerError]"
    fetched: "Mapping[str, Resource]"

    def __new__(cls, message: str, errors: "Sequence[CommerceLayerError]") -> Self:
        """As an exception group is made."""
        return ExceptionGroup.__new__(cls, message, errors)

    def __init__(self, message: str, errors: "Sequence[CommerceLayerError]") -> None:
        super().__init__(message)
        self.args = (message, errors)
        self.failed = {}
        self.fetched = {}

    @classmethod
    def of(cls, failed: "Mapping[str, CommerceLayerError]", fetched: "Mapping[str, Resource]") -> Self:
        """The error for what failed of a bulk read."""
        first = next(iter(failed))
        error = cls(
            f"{len(failed)} of {len(failed) + len(fetched)} failed, first {printable(first)}: {failed[first]}",
            list(failed.values()),
        )
        error.failed = dict(failed)
        error.fetched = dict(fetched)
        return error

    def derive(self, errors: "Sequence[CommerceLayerError]") -> "BulkError":  # type: ignore[override]
        """The part of this error that `except*` takes."""
        part = type(self)(self.message, list(errors))
        part.failed = {id_: error for id_, error in self.failed.items() if error in errors}
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


def api_error_class(status: int) -> type[ApiError]:
    """The class for an HTTP status: the one that names it, else that of its family (RFC 9110, section 15)."""
    return _BY_STATUS.get(status, ApiError)
