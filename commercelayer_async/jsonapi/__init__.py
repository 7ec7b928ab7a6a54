"""JSON:API 1.1 for a reader: documents, resources, relationships. No input or output, and no particular service.

    document = parse(body, url="https://blog.example/articles/1")      # every member as received
    article = Registry(Article, Person).decode(document)               # your attrs classes

A resource class is an attrs class made from `Resource`; its relationships are declared with `ToOne` and `ToMany`.
What is included in a document is found there; for anything else a `Follow` is needed, which a session is.
"""

from ._compound import _restore_document  # noqa: F401  # pyright: ignore[reportPrivateUsage, reportUnusedImport]
from ._schema import member
from .declaration import ToMany, ToOne
from .document import MAX_RESOURCES, Document, ResourceObject, parse
from .follow import Collection, Follow
from .links import Link, Links
from .media_type import JSON_API, MediaType, media_type
from .objects import ErrorObject, ResourceIdentifier
from .registry import Decoded, Registry
from .relationship import Relationship, RelationshipState, ToManyRelationship, ToOneRelationship
from .resource import GenericResource, Resource

__all__ = [
    "JSON_API",
    "MAX_RESOURCES",
    "Collection",
    "Decoded",
    "Document",
    "ErrorObject",
    "Follow",
    "GenericResource",
    "Link",
    "Links",
    "MediaType",
    "Registry",
    "Relationship",
    "RelationshipState",
    "Resource",
    "ResourceIdentifier",
    "ResourceObject",
    "ToMany",
    "ToManyRelationship",
    "ToOne",
    "ToOneRelationship",
    "media_type",
    "member",
    "parse",
]
