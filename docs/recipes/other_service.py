"""Read another JSON:API service: a `Follow` on aiohttp, a loop over pages, and times without an offset.

Run it with the URL of a list: `python docs/recipes/other_service.py https://blog.example/articles`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn

import aiohttp
import attrs
from yarl import URL

from commercelayer_async.jsonapi import Registry, Relationship, Resource, ToOne, parse


def in_utc(text: str) -> datetime:
    """The moment that this service means by a time without an offset; only its documentation can say that."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Person(Resource):
    """Who writes."""

    type: ClassVar[str] = "people"
    name: str


@attrs.frozen(kw_only=True)
class Article(Resource):
    """What is read."""

    type: ClassVar[str] = "articles"
    title: str
    published_at: datetime | None = attrs.field(default=None, converter=attrs.converters.optional(in_utc))
    author = ToOne["Person"]()


BLOG = Registry(Article, Person)


class Service:
    """Reads documents of one origin, and what their relationships lead to: a `Follow`."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._origin = URL(url).origin()

    async def read(self, url: str) -> tuple[Any, str | None]:
        """The resources of a document, and the URL of the next page."""
        if URL(url).origin() != self._origin:
            raise ValueError(f"{url} leads away from {self._origin}, and would take the session's headers along")
        headers = {"Accept": "application/vnd.api+json"}
        async with self._http.get(url, headers=headers, allow_redirects=False, raise_for_status=True) as response:
            document = parse(await response.read(), str(response.url))
        following = document.links.next
        return BLOG.decode(document, follow=self), None if following is None else following.url

    async def all(self, url: str | None) -> AsyncIterator[Any]:
        """Every resource of a list, page by page."""
        while url is not None:
            resources, url = await self.read(url)
            for resource in resources:
                yield resource

    async def follow(
        self,
        relationship: Relationship,
        *,
        include: Sequence[str] = (),
        anew: bool = False,  # noqa: ARG002 - it is always anew, as nothing is shared
    ) -> Any:
        """What a relationship leads to; awaiting it calls this."""
        related = relationship.links.related
        if related is None:
            raise LookupError(f"{relationship!r} has no link to follow")
        query = {"include": ",".join(include)} if include else {}
        resources, _ = await self.read(str(URL(related.url) % query))
        return resources

    def list(self, _: object, /) -> NoReturn:
        """Iterating over a to-many relationship calls this; here, give its link to `all`."""
        raise NotImplementedError("use all(relationship.links.related.url)")


async def main(url: str) -> None:
    """Print every article of a list with its author."""
    async with aiohttp.ClientSession() as http:
        async for article in Service(http, url).all(url):
            author = await article.author
            print(article.published_at, article.title, "by", author.name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
