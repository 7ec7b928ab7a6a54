"""pydantic models of the documents, as many clients define them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class Record(BaseModel):
    """The attributes that all have in common."""

    created_at: datetime
    updated_at: datetime
    reference: str | None = None
    reference_origin: str | None = None
    metadata: dict[str, Any] | None = None


class WalletAttributes(Record):
    """The attributes of a wallet."""

    name: str | None = None
    customer_token: str | None = None
    payment_source_token: str | None = None


class CustomerAttributes(Record):
    """The attributes of a customer."""

    email: str | None = None
    status: str | None = None
    has_password: bool | None = None
    total_orders_count: int | None = None
    shopper_reference: str | None = None
    profile_id: str | None = None
    tax_exemption_code: str | None = None
    jwt_custom_claim: dict[str, Any] | None = None
    anonymization_info: dict[str, Any] | None = None
    anonymization_status: str | None = None


class PaymentAttributes(Record):
    """The attributes of a Stripe payment."""

    stripe_id: str | None = None
    client_secret: str | None = None
    connected_account: str | None = None
    charge_id: str | None = None
    publishable_key: str | None = None
    on_behalf_of: str | None = None
    transfer_group: str | None = None
    options: dict[str, Any] | None = None
    payment_method: dict[str, Any] | None = None
    mismatched_amounts: bool | None = None
    return_url: str | None = None
    receipt_email: str | None = None
    payment_instrument: dict[str, Any] | None = None


class Identifier(BaseModel):
    """Linkage."""

    type: str
    id: str


class RelationshipLinks(BaseModel):
    """The links of a relationship."""

    self: str
    related: str


class Relationship(BaseModel):
    """A relationship object."""

    links: RelationshipLinks
    data: Identifier | None = None


class WalletRelationships(BaseModel):
    """The relationships of a wallet."""

    customer: Relationship
    payment_source: Relationship


class PaymentRelationships(BaseModel):
    """The relationships of a Stripe payment."""

    order: Relationship
    payment_gateway: Relationship


class ResourceLinks(BaseModel):
    """The links of a resource."""

    self: str


class Wallet(BaseModel):
    """A wallet's resource object."""

    type: Literal["customer_payment_sources"]
    id: str
    links: ResourceLinks
    attributes: WalletAttributes
    relationships: WalletRelationships
    meta: dict[str, Any]


class Customer(BaseModel):
    """A customer's resource object."""

    type: Literal["customers"]
    id: str
    links: ResourceLinks
    attributes: CustomerAttributes
    relationships: dict[str, Relationship]
    meta: dict[str, Any]


class Payment(BaseModel):
    """A Stripe payment's resource object."""

    type: Literal["stripe_payments"]
    id: str
    links: ResourceLinks
    attributes: PaymentAttributes
    relationships: PaymentRelationships
    meta: dict[str, Any]


class Document(BaseModel):
    """A whole document."""

    data: Wallet | list[Wallet]
    included: list[Annotated[Customer | Payment, Field(discriminator="type")]] = []
    meta: dict[str, Any] | None = None
    links: dict[str, str] | None = None
