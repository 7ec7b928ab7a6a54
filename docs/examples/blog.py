"""A blog that is not Commerce Layer, read through the JSON:API layer alone: `python docs/examples/blog.py`."""

from datetime import datetime
from typing import ClassVar

import attrs

from commercelayer_async.jsonapi import Registry, Resource, ToMany, ToOne


@attrs.frozen(kw_only=True)
class Person(Resource):
    """Who writes."""

    type: ClassVar[str] = "people"

    name: str


@attrs.frozen(kw_only=True)
class Comment(Resource):
    """What readers say."""

    type: ClassVar[str] = "comments"

    body: str

    author = ToOne["Person | None"]()


@attrs.frozen(kw_only=True)
class Article(Resource):
    """What is read."""

    type: ClassVar[str] = "articles"

    title: str
    published_at: datetime | None = None

    author = ToOne["Person"]()
    comments = ToMany["Comment"]()


BLOG = Registry(Article, Person, Comment)

BODY = b"""{
  "data": {
    "type": "articles", "id": "1",
    "attributes": {"title": "JSON:API in one page", "published_at": "2026-01-02T03:04:05Z", "likes": 3},
    "relationships": {
      "author": {"data": {"type": "people", "id": "7"}},
      "comments": {"data": [{"type": "comments", "id": "5"}], "links": {"related": "/articles/1/comments"}}
    },
    "links": {"self": "/articles/1"}
  },
  "included": [
    {"type": "people", "id": "7", "attributes": {"name": "Ada"}},
    {"type": "comments", "id": "5", "attributes": {"body": "First!"},
     "relationships": {"author": {"data": null}}}
  ]
}"""


def main() -> None:
    """Read a document that came from somewhere, however it came."""
    article = BLOG.read(BODY, url="https://blog.example/articles/1")
    assert isinstance(article, Article)
    print(article.title, "by", article.author.value.name)
    for comment in article.comments.value:
        author = comment.author.value
        print("-", comment.body, "by", "nobody" if author is None else author.name)
    print(article.links.self and article.links.self.url, dict(article.extra))


if __name__ == "__main__":
    main()
