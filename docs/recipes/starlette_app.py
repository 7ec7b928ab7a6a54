"""A Starlette service that serves a customer's wallets: the session in the lifespan's state, errors in one handler.

Run it by `uvicorn --app-dir docs/recipes starlette_app:app`.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypedDict

from error_answers import answer_to
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from commercelayer_async import CommerceLayerError, Session, presets
from commercelayer_async.resources import Customer


class IdConvertor(Convertor[str]):
    """What may be an id; another path is not found (404), and the API is not asked."""

    regex = "[A-Za-z0-9_-]{1,64}"

    def convert(self, value: str) -> str:
        """The id, as it stands in the path."""
        return value

    def to_string(self, value: str) -> str:
        """The part of a path for an id."""
        return value


register_url_convertor("id", IdConvertor())


class State(TypedDict):
    """What lives as long as the process."""

    session: Session


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[State]:
    """Open the one session when the process starts; close it when it stops."""
    async with Session.from_env(**presets.WEB) as session:
        yield {"session": session}


async def wallets(request: Request) -> JSONResponse:
    """Respond with the wallets of a customer, newest first."""
    session: Session = request.state.session
    customer = await session.get(Customer, request.path_params["customer_id"], include=["customer_payment_sources"])
    sources = sorted(await customer.customer_payment_sources, key=lambda source: source.created_at, reverse=True)
    return JSONResponse([{"id": source.id, "name": source.name} for source in sources])


async def on_error(_: Request, error: Exception) -> JSONResponse:
    """Respond to any error of the client with a status and a sentence."""
    if not isinstance(error, CommerceLayerError):
        raise error
    answer = answer_to(error)
    return JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)


app = Starlette(
    routes=[Route("/customers/{customer_id:id}/wallets", wallets)],
    exception_handlers={CommerceLayerError: on_error},
    lifespan=lifespan,
)
