"""Documents as Python objects, and the ids that the API's documentation shows."""

from typing import Any, Final

WALLET_ID: Final = "xYZkjABcde"
"""The id of the wallet in the API's published example, which the sandbox serves too."""

WALLET_PATH: Final = f"/api/customer_payment_sources/{WALLET_ID}"


def resource(type: Any = "customers", id: Any = "c1", **members: Any) -> dict[str, Any]:
    """Make a resource object with the attributes that every record has; a wrong type or id is written as it is."""
    times = {"created_at": "2018-01-01T12:00:00.000Z", "updated_at": "2018-01-01T12:00:00.000Z"}
    return {"type": type, "id": id, **members, "attributes": times | members.get("attributes", {})}


def document(data: Any = None, **members: Any) -> dict[str, Any]:
    """Make a document; without `data` it is about the customer c1."""
    return {"data": resource() if data is None else data} | members
