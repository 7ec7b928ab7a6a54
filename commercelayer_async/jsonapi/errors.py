"""The base of the tree of errors, and what reading a document can raise.

`commercelayer_async.errors` draws the whole tree: it takes these over and adds what services and transports raise.
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
    """Anything this package raises on purpose.

    Where requests were made, `tries` is how many, `elapsed` how many seconds they and the waits between them took, and
    `failures` what went wrong before, in order. Where a walk through pages failed, `start_from` is what to hand to the
    next one for it to go on.
    """

    tries: int = 0
    elapsed: float = 0.0
    failures: "tuple[CommerceLayerError, ...]" = ()
    start_from: str | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= _MESSAGE_LIMIT else f"{message[: _MESSAGE_LIMIT - 1]}…")

    def after(self, failures: "Sequence[CommerceLayerError]", *, tries: int, elapsed: float) -> Self:
        """This error, as the last of several."""
        self.failures = tuple(failure for failure in failures if failure is not self)
        self.tries = tries
        self.elapsed = elapsed
        return self

    # The default reducer calls the class with `args` alone, which loses or refuses everything keyword-only.
    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_error, (type(self), self.args, self.__dict__.copy())


@public("commercelayer_async")
class ConfigurationError(CommerceLayerError, ValueError):
    """A mistake in the program or its configuration, found before anything was sent."""


@public("commercelayer_async")
class SessionError(CommerceLayerError):
    """A session was used where it cannot work: after close, in another event loop or process, or not at all."""


@public("commercelayer_async")
class DecodeError(CommerceLayerError):
    """An answer that is not what it should be.

    `url` is where the document came from (None for bytes of the caller's), `pointer` the place in it (RFC 6901; ""
    is the whole document), `expected` and `got` what was wanted and what was there, the latter shortened and without
    secrets. `resource` is the "type/id" of the resource that does not fit, None if the trouble is elsewhere;
    `offset` is the byte where reading JSON failed, None if the JSON is fine.
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
        place = f" at {printable(pointer)}" if pointer else ""
        place += f" (byte {offset})" if offset is not None else ""
        whose = f" of {printable(resource)}" if resource else ""
        source = f" in {printable(url)}" if url else ""
        super().__init__(f"expected {expected}, got {got}{place}{whose}{source}")


@public("commercelayer_async")
class LinkRefused(CommerceLayerError):
    """A link or redirect that must not be followed; nothing was sent to where it leads.

    `link` is the link as given, shortened and without its query; `url` is where it stood; `reason` tells why.
    """

    def __init__(self, *, link: str, reason: str, url: str | None = None) -> None:
        self.link = printable(_USER.sub("//[masked]@", link.partition("?")[0]))
        self.url = url
        self.reason = reason
        source = f" in {printable(url)}" if url else ""
        super().__init__(f"link {self.link!r}{source} refused: {reason}")
