"""An aiohttp.web service that serves wallets: the session in a cleanup context, errors in a middleware.

Run it by `python docs/recipes/aiohttp_app.py`.
"""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler
from error_answers import answer_to

from commercelayer_async import CommerceLayerError, Session, presets
from commercelayer_async.resources import CustomerPaymentSource

SESSION = web.AppKey("SESSION", Session)


async def session_of(app: web.Application) -> AsyncIterator[None]:
    """Open the one session when the application starts; close it when it is cleaned up."""
    async with Session.from_env(**presets.WEB) as session:
        app[SESSION] = session
        yield


@web.middleware
async def map_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond to any error of the client with a status and a sentence."""
    try:
        return await handler(request)
    except CommerceLayerError as error:
        answer = answer_to(error)
        return web.json_response(answer.body, status=answer.status, headers=answer.headers)


async def wallet(request: web.Request) -> web.Response:
    """Respond with one wallet and its customer's status."""
    source = await request.app[SESSION].get(CustomerPaymentSource, request.match_info["wallet_id"], include="customer")
    customer = await source.customer
    return web.json_response({"id": source.id, "name": source.name, "customer_status": customer.status})


def make_app() -> web.Application:
    """Make the application; nothing is opened before it runs."""
    app = web.Application(middlewares=[map_errors])
    app.cleanup_ctx.append(session_of)
    app.router.add_get("/wallets/{wallet_id:[A-Za-z0-9_-]{1,64}}", wallet)
    return app


if __name__ == "__main__":
    web.run_app(make_app())
