"""The one loop through which every request goes: authorize, send, judge.

Order matters here and nowhere else. The deadline stands around all of it. A token is put on last, so that what waited
before never goes out with a stale one.
"""

import msgspec

from ._answers import require_document
from ._auth import Keeper
from ._deadline import Deadline, Deadlines
from ._transport import Request, Response, Transport
from .errors import TransportError


class Sender:
    """Sends requests of one session and gives back documents."""

    def __init__(self, transport: Transport, keeper: Keeper, deadlines: Deadlines, *, url: str) -> None:
        self._transport = transport
        self._keeper = keeper
        self._deadlines = deadlines
        self._url = url

    async def send(self, target: str) -> Response:
        """The answer to a GET of `target`, which claims to be a document.

        Raises:
            ApiError, AuthError, DecodeError, LinkRefused, TransportError: as their descriptions say.
        """
        with Deadline(self._deadlines, f"{self._url}{target.partition('?')[0]}") as deadline:
            token = self._keeper.known()
            if token is None:
                deadline.phase = "token"
                token = await self._keeper.token()
            response = await self._transport.send(Request(target, f"Bearer {token}"), deadline)
        require_document(response, secret=token)
        return response


class TokenEndpoint:
    """The token endpoint, at `/oauth/token` below the auth URL."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path
        self.phase = "token"

    async def post(self, form: dict[str, str]) -> Response:
        """The answer to a token request, whatever its status.

        Raises:
            TransportError: there was none; its phase is "token".
        """
        request = Request(f"{self._path}/oauth/token", form=msgspec.json.encode(form))
        try:
            return await self._transport.send(request, self)
        except TransportError as error:
            error.phase = "token"
            raise
