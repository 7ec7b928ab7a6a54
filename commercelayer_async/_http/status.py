"""What an answer means: a body to read, or which error."""

from collections.abc import Mapping
from typing import Any, Final

from .._text import LIMIT, Secret, printable, redact
from ..errors import ApiError, CommerceLayerError, DecodeError, LinkRefused, api_error_class
from ..jsonapi import JSON_API, ErrorObject
from ..jsonapi._json import as_array, as_object, as_text, loads
from ..jsonapi.objects import errors_from_json
from .message import Response

_KEPT_HEADERS: Final = ("content-type", "date", "retry-after", "server", "via")
_KEPT_PREFIXES: Final = ("x-ratelimit-", "x-request-id", "x-correlation-id")
READABLE: Final = frozenset({200, 203})
"""Statuses of a response that holds what was asked for; 203 is what a proxy makes of 200 (RFC 9110, 15.3.4)."""
_MAX_MEDIA_TYPE: Final = 2000
"""Characters of a `Content-Type` that are kept: it lists URIs of profiles."""
_STEM: Final = 12
"""Characters by which a token is recognised."""
_MOST_ERRORS: Final = 10_000
"""Error objects that are kept; nobody reads so many, and a server may send a hundred times as many."""


def require_document(response: Response, *, secrets: tuple[str, ...] = ()) -> bytes:
    """The body of an answer that claims to be a document.

    Raises:
        ApiError: the status is an error; `secrets` are masked where the answer echoes them.
        LinkRefused: it is a redirect.
        DecodeError: it is a success without a JSON document.
    """
    media_type = response.headers.get("Content-Type", "")
    if response.status in READABLE and (not media_type or is_json(media_type)):
        return response.body
    # An error tracker shows the variables of this frame.
    secrets = tuple(map(Secret, secrets))
    raise _failure(response, media_type, secrets)


def is_json(media_type: str) -> bool:
    """Whether a Content-Type is JSON; its parameters do not matter to a reader (JSON:API 1.1, A.3)."""
    if media_type.startswith(JSON_API):
        return True
    name = media_type.partition(";")[0].strip().lower()
    return name.endswith(("/json", "+json"))


def redact_error(error: CommerceLayerError, *secrets: str) -> CommerceLayerError:
    """`error`, without `secrets` in what it quotes of a document, which may echo what was sent.

    A quotation is cut to a length, so the beginning of a secret stands for all of it.
    """
    if not isinstance(error, DecodeError):
        return error
    masked = *secrets, *(secret[:_STEM] for secret in secrets)
    text = str(error)
    if not any(secret and secret in text for secret in masked):
        return error
    return DecodeError(
        expected=redact(error.expected, *masked),
        got=redact(error.got, *masked),
        pointer=redact(error.pointer, *masked),
        url=error.url,
        resource=redact(error.resource, *masked) if error.resource else None,
        offset=error.offset,
    )


def api_error(response: Response, *, secrets: tuple[str, ...] = ()) -> ApiError:
    """The error that an answer stands for, whatever its body."""
    headers = kept_headers(response.headers, secrets=secrets)
    return api_error_class(response.status)(
        status=response.status,
        method="GET",
        url=response.url_without_query,
        errors=_errors(response, secrets),
        headers=headers,
        request_id=headers.get("x-request-id"),
        content_type=headers.get("content-type"),
    )


def kept_headers(headers: Mapping[str, str], *, secrets: tuple[str, ...] = ()) -> dict[str, str]:
    """The headers worth keeping on an error, by lower-case name; `secrets` are masked where one echoes them."""
    lowered = ((name.lower(), value) for name, value in headers.items())
    return {
        name: printable(redact(value, *secrets), _MAX_MEDIA_TYPE if name == "content-type" else LIMIT)
        for name, value in lowered
        if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
    }


def _failure(response: Response, media_type: str, secrets: tuple[str, ...]) -> CommerceLayerError:
    status = response.status
    url = response.url_without_query
    if 300 <= status < 400 and "Location" in response.headers:  # noqa: PLR2004 - RFC 9110, section 15.4
        return LinkRefused(
            link=redact(response.headers["Location"].partition("?")[0], *secrets),
            reason=f"redirects ({status}) are not followed",
            url=url,
        )
    if status in READABLE:
        return DecodeError(expected="a JSON:API document", got=printable(redact(media_type, *secrets), 60), url=url)
    if 200 < status < 300:  # noqa: PLR2004 - RFC 9110, section 15.3
        return DecodeError(expected="status 200 and a document", got=f"status {status}", url=url)
    return api_error(response, secrets=secrets)


def _errors(response: Response, secrets: tuple[str, ...]) -> tuple[ErrorObject, ...]:
    try:
        document = as_object(loads(response.body))
        members: Any = document.get("errors") if document is not None else None
        entries = as_array(members)
        kept = members if entries is None else entries[:_MOST_ERRORS]
        return errors_from_json(_hushed(kept, secrets), base=response.url_without_query)
    except (DecodeError, RecursionError):
        return ()


def _hushed(value: Any, secrets: tuple[str, ...]) -> Any:
    """A JSON value without the secrets that its texts quote, however the server wrote them."""
    text, members, entries = as_text(value), as_object(value), as_array(value)
    if text is not None:
        return redact(text, *secrets)
    if members is not None:
        return {redact(name, *secrets): _hushed(member, secrets) for name, member in members.items()}
    return [_hushed(entry, secrets) for entry in entries] if entries is not None else value
