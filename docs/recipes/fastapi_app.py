"""A FastAPI service that serves wallets: one session per process, a dependency that gives it, errors as statuses.

Run it by `uvicorn --app-dir docs/recipes fastapi_app:app`.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, TypedDict

from error_answers import answer_to
from fastapi import Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from commercelayer_async import CommerceLayerError, Session, presets
from commercelayer_async.resources import CustomerPaymentSource


class State(TypedDict):
    """What lives as long as the process."""

    session: Session


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[State]:
    """Open the one session when the process starts; close it, and its connections, when it stops."""
    async with Session.from_env(**presets.WEB, user_agent="wallet-service/1.0") as session:
        yield {"session": session}


app = FastAPI(title="Wallets", lifespan=lifespan)


def session_of(request: Request) -> Session:
    """The process's session."""
    session: Session = request.state.session
    return session


Wallets = Annotated[Session, Depends(session_of)]
Id = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,64}$")]


class Wallet(BaseModel):
    """What this service sends. It has no field for the tokens of the gateway, so they cannot be sent by mistake."""

    id: str
    name: str | None
    customer_status: str | None
    paid_with: str | None


@app.exception_handler(CommerceLayerError)
async def on_error(_: Request, error: CommerceLayerError) -> JSONResponse:
    """Respond to any error of the client with a status and a sentence."""
    answer = answer_to(error)
    return JSONResponse(answer.body, status_code=answer.status, headers=answer.headers)


@app.get("/wallets/{wallet_id}")
async def wallet(wallet_id: Id, session: Wallets) -> Wallet:
    """Respond with one wallet, its customer and its payment source, by one request to the API."""
    source = await session.get(CustomerPaymentSource, wallet_id, include=["customer", "payment_source"])
    customer = await source.customer
    payment_source = await source.payment_source
    return Wallet(
        id=source.id,
        name=source.name,
        customer_status=customer.status,
        paid_with=payment_source.type if payment_source is not None else None,
    )
