"""A type of Commerce Layer that this package has no class for, in ten lines: `python docs/examples/orders.py`."""

from typing import ClassVar

import attrs

from commercelayer_async import AccessToken, Session
from commercelayer_async.jsonapi import Registry, Resource, ToOne
from commercelayer_async.resources import Customer


@attrs.frozen(kw_only=True)
class Order(Resource):
    """Only what is listed here is asked for, as `sparse` says."""

    type: ClassVar[str] = "orders"
    sparse: ClassVar[bool] = True

    number: int | None = None
    status: str | None = None
    formatted_total_amount_with_taxes: str | None = None

    customer = ToOne["Customer | None"]()


BODY = b"""{"data": {"type": "orders", "id": "NaxQhLYbXe",
  "attributes": {"number": 1234, "status": "placed", "formatted_total_amount_with_taxes": "10,00"},
  "relationships": {"customer": {"data": null}}}}"""


async def show(session: Session, id_: str) -> None:
    """Print an order and its customer, asked for in one request."""
    order = await session.get(Order, id_, include=["customer"])
    customer = await order.customer
    print(order.number, order.status, "of", "a guest" if customer is None else customer.id)


def main() -> None:
    """Read an order from its bytes, as a session does; with one of your own, `asyncio.run(from_api(...))`."""
    order = Registry(Order, Customer).read(BODY)
    assert isinstance(order, Order)
    print(order.number, order.status, order.formatted_total_amount_with_taxes, order.customer.value)


async def from_api(organization: str, token: str, id_: str) -> None:
    """The same from the API."""
    async with Session(organization, AccessToken(token)) as session:
        await show(session, id_)


if __name__ == "__main__":
    main()
