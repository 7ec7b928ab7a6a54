"""What the servers of others hold: 25 posts, three authors, and two comments on each post, twelve on the first."""

from typing import Any, ClassVar, Final

import attrs

from commercelayer_async.jsonapi import Resource, ToMany, ToOne, member
from tests.services.calls import Related, World
from tests.services.values import DJANGO, FORTUNE, JSONAPI_SERVER


@attrs.frozen(kw_only=True)
class Author(Resource):
    type: ClassVar[str] = "authors"
    name: str | None = None


@attrs.frozen(kw_only=True)
class Comment(Resource):
    type: ClassVar[str] = "comments"
    body: str | None = None


@attrs.frozen(kw_only=True)
class Post(Resource):
    type: ClassVar[str] = "posts"
    title: str | None = None
    word_count: int | None = attrs.field(default=None, metadata=member("word-count"))
    author = ToOne[Author]()
    comments = ToMany[Comment]()


@attrs.frozen(kw_only=True)
class UnderscoredPost(Resource):
    """The same where names have no hyphens."""

    type: ClassVar[str] = "posts"
    title: str | None = None
    word_count: int | None = None
    author = ToOne[Author]()
    comments = ToMany[Comment]()


@attrs.frozen(kw_only=True)
class ArtProject(Resource):
    type: ClassVar[str] = "ArtProject"
    topic: str | None = None
    artist: str | None = None


@attrs.frozen(kw_only=True)
class ResearchProject(Resource):
    type: ClassVar[str] = "ResearchProject"
    topic: str | None = None
    supervisor: str | None = None


@attrs.frozen(kw_only=True)
class DjangoAuthor(Resource):
    type: ClassVar[str] = "Author"
    name: str | None = None
    current_project = ToOne[ArtProject | ResearchProject]("current-project")


@attrs.frozen(kw_only=True)
class DjangoComment(Resource):
    type: ClassVar[str] = "Comment"
    body: str | None = None


@attrs.frozen(kw_only=True)
class DjangoPost(Resource):
    type: ClassVar[str] = "Post"
    title: str | None = None
    word_count: int | None = attrs.field(default=None, metadata=member("word-count"))
    author = ToOne[DjangoAuthor]()
    comments = ToMany[DjangoComment]()


def _uuid(kind: int, n: int) -> str:
    return f"{kind:08}-0000-4000-8000-{n:012}"


def _world(ids: tuple[str, ...], post: type[Resource], author: str, comments: tuple[str, ...], **own: Any) -> World:
    return World(
        listed=post,
        ids=ids,
        page_size=7,
        to_one=Related(owner=post, id=ids[0], name="author", targets=(author,), others=ids[1:4]),
        to_many=Related(owner=post, id=ids[0], name="comments", targets=comments, others=ids[1:4]),
        **own,
    )


_NUMBERS: Final = range(1, 26)
_DJANGO_IDS: Final = tuple(str(n) for n in _NUMBERS)
_UUIDS: Final = tuple(_uuid(1, n) for n in _NUMBERS)
_FORTUNE_IDS: Final = tuple(f"post/{n:02}+=" for n in _NUMBERS)

REAL: Final = (
    _world(
        _DJANGO_IDS,
        DjangoPost,
        "2",
        ("1", "2", *(str(n) for n in range(51, 61))),
        name="Django REST framework JSON:API",
        service=DJANGO,
        classes=(DjangoPost, DjangoAuthor, DjangoComment, ArtProject, ResearchProject),
        sort="-word_count",
        sorted=_DJANGO_IDS[::-1],
        filter={"word_count": {"gt": 300, "lt": 1900}},
        filtered=_DJANGO_IDS[3:18],
    ),
    _world(
        _FORTUNE_IDS,
        Post,
        "author 2",
        tuple(f"comment-1-{n}" for n in range(1, 13)),
        name="Fortune.js",
        service=FORTUNE,
        classes=(Post, Author, Comment),
        sort="-word_count",
        sorted=_FORTUNE_IDS[::-1],
        filter={"word_count": {"min": 400, "max": 1800}},
        filtered=_FORTUNE_IDS[3:18],
        cannot=dict.fromkeys(("scan", "export", "resume"), "Fortune.js declares no keyset and no exact cursor"),
    ),
    _world(
        _UUIDS,
        UnderscoredPost,
        _uuid(2, 2),
        tuple(_uuid(3, 100 + n) for n in range(1, 13)),
        name="jsonapi-server",
        service=JSONAPI_SERVER,
        classes=(UnderscoredPost, Author, Comment),
        sort="-word_count",
        sorted=_UUIDS[::-1],
        filter={"word_count": ">2300"},
        filtered=_UUIDS[23:],
        cannot={
            "count": "jsonapi-server does not count lists of 'posts'",
            **dict.fromkeys(("scan", "export", "resume"), "jsonapi-server declares no keyset and no exact cursor"),
        },
    ),
)
