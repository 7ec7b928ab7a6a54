"""A small service that uses a session; its tests are in `test_greetings.py`."""

from commercelayer_async import NotFound, Session
from commercelayer_async.resources import CustomerPaymentSource


class Greetings:
    """Greets customers, and names what they pay with."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def greet(self, wallet_id: str) -> str:
        """Greet the owner of a wallet; in general words if there is no such wallet."""
        try:
            source = await self._session.get(CustomerPaymentSource, wallet_id, include=["customer"])
        except NotFound:
            return "Hello!"
        customer = await source.customer
        again = " again" if customer.status != "prospect" else ""
        return f"Hello{again}! Pay with {source.name or 'the usual'}?"
