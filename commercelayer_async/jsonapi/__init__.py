"""JSON:API 1.1 for readers of any service: documents, resources, relationships; no I/O.

    document = parse(body, url="https://blog.example/articles/1")      # every member as received
    article = Registry(Article, Person).decode(document)               # your attrs classes

A resource class is an attrs class derived from `Resource`; it declares its relationships with `ToOne` and `ToMany`.
Included resources are found in the document; anything else is fetched through a `Follow`, such as a session.

errors.py                                                the base of the tree of errors
document.py objects.py links.py media_type.py query.py   the specification's objects, as received; requests for them
resource.py declaration.py relationship.py registry.py   the classes that users derive, and what decodes into them
follow.py                                                the protocols through which relationships are fetched
_compound.py                                             the document behind resources, decoded on demand
_decode/                                                 from bytes to resources
_json.py _linkage.py _schema.py _dump.py _depth.py       JSON, relationship objects, fields, writing, deep nesting
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
