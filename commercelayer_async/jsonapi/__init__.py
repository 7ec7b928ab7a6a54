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

from ._compound import _restore_document as _restore_document  # pyright: ignore[reportPrivateUsage] # named by pickles
from ._depth import _DeepValue as _DeepValue  # pyright: ignore[reportPrivateUsage] # named by pickles
from ._schema import member
from .declaration import ToMany, ToOne
from .document import MAX_RESOURCES, Document, ResourceObject, parse
from .follow import Collection, Follow
from .links import Link, Links
from .links import _restore_links as _restore_links  # pyright: ignore[reportPrivateUsage] # named by pickles
from .media_type import JSON_API, MediaType, media_type
from .objects import ErrorObject, ResourceIdentifier
from .registry import Decoded, Registry
from .registry import _RegistryOptions as _RegistryOptions  # pyright: ignore[reportPrivateUsage] # named by pickles
from .registry import _restore_registry as _restore_registry  # pyright: ignore[reportPrivateUsage] # named by pickles
from .relationship import (
    GenericRelationship,
    Relationship,
    RelationshipState,
    ToManyRelationship,
    ToOneRelationship,
)
from .relationship import _restore_relationship as _restore_relationship  # pyright: ignore[reportPrivateUsage] # named by pickles
from .resource import GenericResource, Resource
from .resource import _RareFields as _RareFields  # pyright: ignore[reportPrivateUsage] # named by pickles
from .resource import _restore_resource as _restore_resource  # pyright: ignore[reportPrivateUsage] # named by pickles

# The underscored names are for pickles, which name this package and no module of it.

__all__ = [
    "JSON_API",
    "MAX_RESOURCES",
    "Collection",
    "Decoded",
    "Document",
    "ErrorObject",
    "Follow",
    "GenericRelationship",
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
