"""The base of the tree of errors, and those that need no transport.

`commercelayer_async.errors` draws the whole tree: it exports these, and adds what services and transports raise.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Self

from .._markers import public
from .._text import printable

_MESSAGE_LIMIT: Final = 2000
_USER: Final = re.compile(r"//[^/]*@")


@public("commercelayer_async")
def _restore_error(
    cls: type["CommerceLayerError"], args: tuple[Any, ...], state: dict[str, Any]
) -> "CommerceLayerError":
    """Make the error of a pickle."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


@public("commercelayer_async")
class CommerceLayerError(Exception):
    """The base of all errors that this package raises on purpose.

    If requests were made, `tries` is their number, `elapsed` the seconds that they and the waits between them took, and
    `failures` the errors of the earlier ones, in order. If reading a collection page by page failed, `start_from` is
    the argument with which another call goes on. If an export failed, `kept` is the number of records that it keeps for
    another run; 0 for any other error.
    """

    tries: int = 0
    elapsed: float = 0.0
    failures: "tuple[CommerceLayerError, ...]" = ()
    start_from: str | None = None
    kept: int = 0

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= _MESSAGE_LIMIT else f"{message[: _MESSAGE_LIMIT - 1]}…")

    def after(self, failures: "Sequence[CommerceLayerError]", *, tries: int, elapsed: float) -> Self:
        """Record the earlier failures of the same call on this error, which ended it, and return it."""
        self.failures = tuple(failure for failure in failures if failure is not self)
        self.tries = tries
        self.elapsed = elapsed
        return self

    # The default reducer calls the class with `args` alone, which loses or refuses everything keyword-only.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_error, (type(self), self.args, self.__dict__.copy())


@public("commercelayer_async")
class ConfigurationError(CommerceLayerError, ValueError):
    """A mistake in the program or its configuration, found before any request."""


@public("commercelayer_async")
class SessionError(CommerceLayerError):
    """A session cannot be used here: it is closed, of another event loop or process, or there is none."""


@public("commercelayer_async")
class DecodeError(CommerceLayerError):
    """A response, or a document of the caller's, that is malformed or does not fit.

    `url` is where the document came from (None for bytes of the caller's), `pointer` the JSON pointer to the value
    (RFC 6901; "" is the whole document), `expected` and `got` describe what should be there and what is, the latter
    shortened and without secrets. `resource` is the "type/id" of the resource that does not fit, None if the error is
    not about one; `offset` is the byte where decoding JSON failed, None if the JSON is valid.
    """

    def __init__(
        self,
        *,
        expected: str,
        got: str,
        pointer: str = "",
        url: str | None = None,
        resource: str | None = None,
        offset: int | None = None,
    ) -> None:
        self.url = url
        self.resource = resource
        self.pointer = pointer
        self.expected = expected
        self.got = got
        self.offset = offset
        where = f" at {printable(pointer)}" if pointer else ""
        where += f" (byte {offset})" if offset is not None else ""
        whose = f" of {printable(resource)}" if resource else ""
        source = f" in {printable(url)}" if url else ""
        super().__init__(f"expected {expected}, got {got}{where}{whose}{source}")


@public("commercelayer_async")
class LinkRefused(CommerceLayerError):
    """A link or redirect that must not be followed; no request was sent to its target.

    `link` is the link as given, shortened and without its query; `url` is the document that has it; `reason` says why.
    """

    def __init__(self, *, link: str, reason: str, url: str | None = None) -> None:
        self.link = printable(_USER.sub("//[masked]@", link.partition("?")[0]))
        self.url = url
        self.reason = reason
        source = f" in {printable(url)}" if url else ""
        super().__init__(f"link {self.link!r}{source} refused: {reason}")
