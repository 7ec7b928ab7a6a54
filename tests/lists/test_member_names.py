"""Members are named as the class calls them, or as documents do: in filters, sort keys and includes alike."""

import re
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import unquote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    ConfigurationError,
    GenericResource,
    RateLimits,
    Resource,
    Session,
    ToMany,
    ToOne,
)
from commercelayer_async._lists.filters import QueryCapabilities, filter_parameters, sort_keys
from commercelayer_async.jsonapi import Registry, member
from commercelayer_async.jsonapi.query import include_paths
from commercelayer_async.service import COMMERCE_LAYER
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


@attrs.frozen(kw_only=True)
class Writer(Resource):
    type: ClassVar[str] = "writers"
    full_name: str | None = attrs.field(default=None, metadata=member("full-name"))
    home_town = ToOne["Writer"]("home-town")


@attrs.frozen(kw_only=True)
class Post(Resource):
    type: ClassVar[str] = "blog-posts"
    published_at: str | None = attrs.field(default=None, metadata=member("published-at"))
    word_count: int | None = attrs.field(default=None, alias="wordCount")
    seo_title: str | None = attrs.field(default=None, metadata=member("seo.title"))
    strasse: str | None = attrs.field(default=None, metadata=member("straße"))
    title_or_name: str | None = None
    max_eq: int | None = None
    checked_not: bool | None = None
    written_by = ToOne["Writer"]("written-by")
    see_also = ToMany["Post"]("see.also")


REGISTRY = Registry(Post, Writer)
POSTS = QueryCapabilities(Post, REGISTRY, COMMERCE_LAYER)
NAMES = {
    "published_at": "published-at",
    "published-at": "published-at",
    "word_count": "wordCount",
    "wordCount": "wordCount",
    "seo_title": "seo.title",
    "seo.title": "seo.title",
    "strasse": "straße",
    "straße": "straße",
    "title_or_name": "title_or_name",
    "max_eq": "max_eq",
    "checked_not": "checked_not",
}
PATHS = NAMES | {
    "written_by_full_name": "written-by_full-name",
    "written-by_full-name": "written-by_full-name",
    "written_by_home_town_full-name": "written-by_home-town_full-name",
    "see_also_written_by_full_name": "see.also_written-by_full-name",
    "published_at_or_word_count": "published-at_or_wordCount",
    "written_by_full_name_or_seo_title": "written-by_full-name_or_seo.title",
    "title_or_name_or_published_at": "title_or_name_or_published-at",
}
PREDICATES = {
    "eq": "x",
    "not_eq": "x",
    "in": ["x"],
    "not_in": ["x"],
    "null": True,
    "not_null": False,
    "cont_any": ["x"],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("minus", ["", "-"])
def test_a_sort_key_has_the_members_name(name: str, minus: str) -> None:
    (key,) = sort_keys(f"{minus}{name}", POSTS)

    assert unquote(key) == f"{minus}{NAMES[name]}"
    assert key.isascii()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("predicate", PREDICATES)
def test_a_filter_has_the_members_names(path: str, predicate: str) -> None:
    (sent,) = filter_parameters({f"{path}_{predicate}": PREDICATES[predicate]}, POSTS)

    assert unquote(sent.partition("=")[0]) == f"filter[q][{PATHS[path]}_{predicate}]"


def test_of_two_ways_to_part_a_name_the_longer_predicate_is_meant_where_both_exist() -> None:
    """So the service reads it too."""

    @attrs.frozen(kw_only=True)
    class Check(Resource):
        type: ClassVar[str] = "checks"
        done: str | None = None
        done_not: str | None = None

    checks = QueryCapabilities(Check, Registry(Check), COMMERCE_LAYER)

    assert filter_parameters({"done_not_in": ["x"]}, checks) == ("filter%5Bq%5D%5Bdone_not_in%5D=x",)
    assert filter_parameters({"done_not_not_in": ["x"]}, checks) == ("filter%5Bq%5D%5Bdone_not_not_in%5D=x",)
    with pytest.raises(ConfigurationError, match="list, tuple or set"):
        filter_parameters({"done_not_in": "x"}, checks)


def test_one_attribute_by_two_names_is_there_twice() -> None:
    with pytest.raises(ConfigurationError, match="more than once"):
        sort_keys(["published_at", "-published-at"], POSTS)


@pytest.mark.parametrize(
    "name", ["publishedat", "max_eq_or_", "published-at ", "published/at", "", "-", "--published-at", "a,b", "."]
)
def test_what_is_neither_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^sort: "):
        sort_keys([name], POSTS)
    with pytest.raises(ConfigurationError, match=r"^filter: "):
        filter_parameters({f"{name}_eq": "x"}, POSTS)


def sorted_by(name: str) -> None:
    sort_keys([name], POSTS)


def filtered_by(name: str) -> None:
    values: tuple[Any, ...] = ("x", ["x"], True, {})
    for value in values:
        try:
            filter_parameters({name: value}, POSTS)
        except ConfigurationError as error:
            if " takes " not in str(error):
                raise
        else:
            return
    raise AssertionError(name)


def advice(ask: Callable[[str], None], name: str) -> str | None:
    """What the error for a name advises to write instead; None if there is no error, or no advice."""
    try:
        ask(name)
    except ConfigurationError as error:
        _, found, rest = str(error).partition("did you mean '")
        return rest.removesuffix("'?") if found else None
    return None


@given(name=st.text(max_size=30) | st.from_regex(r"[a-z-]{1,8}(_eq|_or_[a-z]{1,5})*", fullmatch=True))
def test_what_an_error_advises_is_accepted(name: str) -> None:
    """Else the advice leads from one error to the next."""
    for ask, given_name in ((sorted_by, name), (filtered_by, name), (filtered_by, f"{name}_eq")):
        advised = advice(ask, given_name)
        if advised is not None:
            ask(advised)


@pytest.mark.parametrize(
    "name", ["publishd_at", "publishd-at", "word_cont", "wordcount", "max_eq", "written_by_fullname"]
)
def test_a_near_miss_is_advised_and_what_is_advised_is_accepted(name: str) -> None:
    advised = advice(filtered_by, f"{name}_eqq")

    assert advised is not None
    filtered_by(advised)


@pytest.mark.parametrize(
    ("include", "paths"),
    [
        ("written_by", ("written-by",)),
        ("written-by.home_town", ("written-by.home-town",)),
        (["written_by.home_town", "see.also"], ("written-by.home-town", "see.also")),
        ("see_also.see.also.written_by", ("see.also.see.also.written-by",)),
    ],
)
def test_an_include_path_has_the_members_names(include: Any, paths: tuple[str, ...]) -> None:
    assert include_paths(include, Post, REGISTRY) == paths


@pytest.mark.parametrize(
    ("include", "told"),
    [
        ("writen_by", "Post has no relationship 'writen_by'; did you mean 'written_by'?"),
        ("see_also.writen_by", "Post, which 'see.also' leads to, has no relationship 'writen_by'; did you mean"),
        ("written_by.home_town.home_twon.home_town", "Writer, which 'written-by.home-town' leads to, has no relation"),
        ("see_also.what_ever", "Post, which 'see.also' leads to, has no relationship 'what_ever'"),
    ],
)
def test_a_slip_in_an_include_path_is_told_at_every_depth(include: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^include: {re.escape(told)}"):
        include_paths(include, Post, REGISTRY)


def test_a_name_of_a_path_may_be_that_of_any_class_it_may_lead_to() -> None:
    """Of several classes, one is enough; where one is not known or declares no relationships, any name may be right."""

    @attrs.frozen(kw_only=True)
    class Plain(Resource):
        type: ClassVar[str] = "plain-things"

    @attrs.frozen(kw_only=True)
    class Shelf(Resource):
        type: ClassVar[str] = "shelves"
        holds = ToMany["Post | Writer"]()
        beside = ToMany["Post | Plain"]()
        under = ToOne[GenericResource]()

    registry = Registry(Post, Writer, Plain, Shelf)
    open_paths = ("holds.home-town", "holds.see.also", "beside.whatever", "under.whatever.else")
    assert include_paths(open_paths, Shelf, registry) == open_paths
    with pytest.raises(ConfigurationError, match=r"none of the 2 classes that 'holds' leads to has a .* 'home_town'\?"):
        include_paths("holds.home_twon", Shelf, registry)


@pytest.mark.parametrize("include", [5, b"written_by", [5], [None], ["written_by", b"x"]])
def test_an_include_of_other_than_names_is_refused(include: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^include takes names"):
        include_paths(include, Post)


async def test_a_session_names_members_alike_everywhere() -> None:
    linkage = {"written-by": {"data": {"type": "writers", "id": "w1"}}}
    answer = reply({"data": [resource("blog-posts", "p1", relationships=linkage)], "meta": {"record_count": 1}})
    one = reply({"data": resource("blog-posts", "p1"), "included": [resource("writers", "w1")]})
    async with (
        ScriptedServer(answer, paths={"/api/blog-posts/p1?include=written-by.home-town": one}) as server,
        Session(server.url, AccessToken("secret"), limits=RateLimits.none(), resources=[Post, Writer]) as session,
    ):
        (post,) = await session.list(Post, sort="-published_at", filter={"written_by_full_name_cont": "x"})
        await session.get(Post, "p1", include="written_by.home_town")
        await session.scan(Post, include=["written_by"], filter={"seo_title_eq": "x"}).pages().__anext__()
        await session.prefetch([post], "written_by.home_town")
        sent = [unquote(path) for path in server.paths]

    assert "filter[q][written-by_full-name_cont]=x" in sent[0]
    assert "sort=-published-at,id" in sent[0]
    assert sent[1].endswith("?include=written-by.home-town")
    assert "filter[q][seo.title_eq]=x" in sent[2]
    assert "include=written-by" in sent[2]
    assert "include=written-by.home-town" in sent[-1]
