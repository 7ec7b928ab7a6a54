"""A small service of one's own, to be tested; its tests are in `test_greetings.py`."""

from commercelayer_async import NotFound, Session
from commercelayer_async.resources import CustomerPaymentSource


class Greetings:
    """Greets customers by what they pay with."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def greet(self, wallet_id: str) -> str:
        """A greeting for the owner of a wallet; a general one if there is no such wallet."""
        try:
            source = await self._session.get(CustomerPaymentSource, wallet_id, include=["customer"])
        except NotFound:
            return "Hello!"
        customer = await source.customer
        again = " again" if customer.status != "prospect" else ""
        return f"Hello{again}! Pay with {source.name or 'the usual'}?"
