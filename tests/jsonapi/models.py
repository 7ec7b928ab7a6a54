"""A small service that is not Commerce Layer, to read documents of."""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from commercelayer_async.jsonapi import Registry, Resource, ToMany, ToOne

URL = "https://blog.example/api/articles/1"


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


@attrs.frozen(kw_only=True)
class Person(Resource):
    type: ClassVar[str] = "people"

    name: str
    email: str | None = attrs.field(default=None, repr=False)
    born: int | None = None

    articles = ToMany["Article"]()


@attrs.frozen(kw_only=True)
class Article(Resource):
    type: ClassVar[str] = "articles"

    title: str | None = None
    created_at: datetime | None = None
    rating: float | None = None
    views: int | None = None
    public: bool | None = None
    mood: Mood | None = None
    tags: tuple[str, ...] | None = None
    settings: Mapping[str, Any] | None = None

    author = ToOne["Person | None"]()
    comments = ToMany["Comment"]()
    mentions = ToMany["Resource"]()
    next_part = ToOne["Article | None"]("next-part")


@attrs.frozen(kw_only=True)
class Comment(Resource):
    type: ClassVar[str] = "comments"

    body: str | None = None

    author = ToOne["Person | None"]()


CLASSES = (Article, Person, Comment)
BLOG = Registry(*CLASSES)


def body_of(document: Any) -> bytes:
    """The bytes of a document."""
    return json.dumps(document).encode()


def read(document: Any, *, registry: Registry = BLOG, url: str | None = URL) -> Any:
    """The primary resources of a document."""
    return registry.read(document if isinstance(document, bytes) else body_of(document), url=url)


def article(id_: str = "1", /, **members: Any) -> dict[str, Any]:
    """A resource object."""
    return {"type": "articles", "id": id_, **members}


def related(**relationships: Any) -> dict[str, Any]:
    """A document with one article and these relationships."""
    return {"data": article(relationships=relationships)}
