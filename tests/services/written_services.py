"""What the imitations hold, and what of it a session has to find."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import attrs

from commercelayer_async.jsonapi import Resource, ToMany, ToOne
from commercelayer_async.service import Service
from tests.services import imitations
from tests.services.calls import Related, World
from tests.services.values import (
    APP_STORE_CONNECT,
    DRUPAL,
    KITSU,
    KLAVIYO,
    PLANNING_CENTER,
    hcp_terraform,
)


@attrs.frozen(kw_only=True)
class KlaviyoList(Resource):
    type: ClassVar[str] = "list"


@attrs.frozen(kw_only=True)
class Profile(Resource):
    type: ClassVar[str] = "profile"
    email: str | None = None
    lists = ToMany[KlaviyoList]()


@attrs.frozen(kw_only=True)
class Event(Resource):
    type: ClassVar[str] = "event"
    profile = ToOne[Profile]()


@attrs.frozen(kw_only=True)
class Build(Resource):
    type: ClassVar[str] = "builds"
    app = ToOne["App"]()


@attrs.frozen(kw_only=True)
class App(Resource):
    type: ClassVar[str] = "apps"
    bundleId: str | None = None  # noqa: N815 - the member's name
    builds = ToMany[Build]()


@attrs.frozen(kw_only=True)
class Organization(Resource):
    type: ClassVar[str] = "organizations"


@attrs.frozen(kw_only=True)
class Output(Resource):
    type: ClassVar[str] = "workspace-outputs"


@attrs.frozen(kw_only=True)
class Workspace(Resource):
    type: ClassVar[str] = "workspaces"
    name: str | None = None
    organization = ToOne[Organization]()
    outputs = ToMany[Output]()


@attrs.frozen(kw_only=True)
class User(Resource):
    type: ClassVar[str] = "user--user"


@attrs.frozen(kw_only=True)
class Tag(Resource):
    type: ClassVar[str] = "taxonomy_term--tags"


@attrs.frozen(kw_only=True)
class Article(Resource):
    type: ClassVar[str] = "node--article"
    title: str | None = None
    uid = ToOne[User]()
    field_tags = ToMany[Tag]()


@attrs.frozen(kw_only=True)
class Email(Resource):
    type: ClassVar[str] = "Email"
    person = ToOne["Person"]()


@attrs.frozen(kw_only=True)
class Person(Resource):
    type: ClassVar[str] = "Person"
    first_name: str | None = None
    emails = ToMany[Email]()


@attrs.frozen(kw_only=True)
class Category(Resource):
    type: ClassVar[str] = "categories"


@attrs.frozen(kw_only=True)
class Anime(Resource):
    type: ClassVar[str] = "anime"
    slug: str | None = None
    categories = ToMany[Category]()


@attrs.frozen(kw_only=True)
class KitsuUser(Resource):
    type: ClassVar[str] = "users"


@attrs.frozen(kw_only=True)
class LibraryEntry(Resource):
    type: ClassVar[str] = "libraryEntries"
    user = ToOne[KitsuUser]()


@attrs.frozen(kw_only=True)
class Written:
    """A service that is written from its documentation, with what its imitation holds."""

    world: World
    imitation: type[imitations.Imitation]
    auth: Any
    header: tuple[str, str]
    """What a request has to carry."""
    sent: Mapping[str, str] = {}
    """Other headers that it has to carry."""

    def server(self) -> imitations.Imitation:
        """The imitation, which holds five resources, three that each leads to, and two that lead to the first."""
        world = self.world
        one, many = world.to_one, world.to_many
        to_one, to_many = _target_type(one), _target_type(many)
        attribute = next(iter(world.filter))
        held = {
            (world.listed.type, id): {"type": world.listed.type, "id": id, "attributes": {attribute: f"{n}@x.test"}}
            for n, id in enumerate(world.ids)
        }
        linkage: dict[tuple[str, str, str], Any] = {}
        for id in (one.id, *one.others):
            held.setdefault((one.owner.type, id), _plain(one.owner.type, id))
            held.setdefault((to_one, one.targets[0]), _plain(to_one, one.targets[0]))
            linkage[one.owner.type, id, one.name] = (to_one, one.targets[0])
        for id in (many.id, *many.others):
            held.setdefault((many.owner.type, id), _plain(many.owner.type, id))
            for target in many.targets:
                held.setdefault((to_many, target), _plain(to_many, target))
            linkage[many.owner.type, id, many.name] = [(to_many, target) for target in many.targets]
        return self.imitation(held.values(), linkage)


def _plain(type: str, id: str) -> dict[str, Any]:
    return {"type": type, "id": id, "attributes": {"name": f"{type} {id}"}}


def _target_type(related: Related) -> str:
    return _TARGETS[related.owner.type, related.name]


_TARGETS: Final = {
    ("event", "profile"): "profile",
    ("profile", "lists"): "list",
    ("builds", "app"): "apps",
    ("apps", "builds"): "builds",
    ("workspaces", "organization"): "organizations",
    ("workspaces", "outputs"): "workspace-outputs",
    ("node--article", "uid"): "user--user",
    ("node--article", "field_tags"): "taxonomy_term--tags",
    ("Email", "person"): "Person",
    ("Person", "emails"): "Email",
    ("libraryEntries", "user"): "users",
    ("anime", "categories"): "categories",
}


def _world(
    service: Service,
    classes: Sequence[type[Resource]],
    *,
    ids: Sequence[str],
    attribute: str,
    filtered: Sequence[int],
    several: bool = True,
    **own: Any,
) -> World:
    texts = [f"{n}@x.test" for n in filtered]
    return World(
        name=service.name,
        service=service,
        classes=tuple(classes),
        ids=tuple(ids),
        page_size=2,
        sort=f"-{attribute}",
        sorted=tuple(ids)[::-1],
        filter={attribute: texts if several else texts[0]},
        filtered=tuple(ids[n] for n in filtered),
        **own,
    )


def _scans(name: str) -> dict[str, str]:
    return dict.fromkeys(("scan", "export", "resume"), f"{name} declares no keyset and no exact cursor")


_UUIDS: Final = tuple(f"1111111{n}-2222-4333-8444-555555555555" for n in range(5))
_TAGS: Final = tuple(f"2222222{n}-2222-4333-8444-555555555555" for n in range(3))
_USER: Final = "99999999-2222-4333-8444-555555555555"
_PROFILES: Final = tuple(f"01HZX0A{n}" for n in range(5))

WRITTEN: Final = (
    Written(
        world=_world(
            KLAVIYO,
            (Profile, Event, KlaviyoList),
            listed=Profile,
            ids=_PROFILES,
            attribute="email",
            filtered=(1, 3),
            to_one=Related(owner=Event, id="e1", name="profile", targets=(_PROFILES[2],), others=("e2",)),
            to_many=Related(
                owner=Profile, id=_PROFILES[0], name="lists", targets=("L1", "L2", "L3"), others=_PROFILES[1:3]
            ),
            cannot={"count": "Klaviyo does not count lists of 'profile'"},
        ),
        imitation=imitations.Klaviyo,
        auth="pk_secret",
        header=("Authorization", "Klaviyo-API-Key pk_secret"),
        sent={"revision": "2026-07-15"},
    ),
    Written(
        world=_world(
            APP_STORE_CONNECT,
            (App, Build),
            listed=App,
            ids=[f"90000000{n}" for n in range(5)],
            attribute="bundleId",
            filtered=(1, 3),
            to_one=Related(owner=Build, id="b-1", name="app", targets=("900000000",), others=("b-2",)),
            to_many=Related(
                owner=App,
                id="900000000",
                name="builds",
                targets=("b-1", "b-2", "b-3"),
                others=("900000001",),
                is_cut=True,
            ),
            cannot=_scans("App Store Connect"),
        ),
        imitation=imitations.AppStoreConnect,
        auth="jwt.secret.jwt",
        header=("Authorization", "Bearer jwt.secret.jwt"),
        sent={"Accept": "application/json"},
    ),
    Written(
        world=_world(
            hcp_terraform("acme"),
            (Workspace, Organization, Output),
            listed=Workspace,
            ids=[f"ws-{n}" for n in range(5)],
            attribute="name",
            filtered=(2,),
            several=False,
            to_one=Related(owner=Workspace, id="ws-0", name="organization", targets=("acme",), others=("ws-1",)),
            to_many=Related(
                owner=Workspace, id="ws-0", name="outputs", targets=("wsout-1", "wsout-2", "wsout-3"), others=("ws-1",)
            ),
            cannot=_scans("HCP Terraform"),
        ),
        imitation=imitations.HcpTerraform,
        auth="secret.atlasv1.secret",
        header=("Authorization", "Bearer secret.atlasv1.secret"),
        sent={"Accept": "application/vnd.api+json"},
    ),
    Written(
        world=_world(
            DRUPAL,
            (Article, User, Tag),
            listed=Article,
            ids=_UUIDS,
            attribute="title",
            filtered=(1, 3),
            to_one=Related(owner=Article, id=_UUIDS[0], name="uid", targets=(_USER,), others=_UUIDS[1:2]),
            to_many=Related(owner=Article, id=_UUIDS[0], name="field_tags", targets=_TAGS, others=_UUIDS[1:2]),
            cannot={"count": "Drupal does not count lists of 'node--article'", **_scans("Drupal")},
        ),
        imitation=imitations.Drupal,
        auth=("editor", "secret"),
        header=("Authorization", "Basic ZWRpdG9yOnNlY3JldA=="),
    ),
    Written(
        world=_world(
            PLANNING_CENTER,
            (Person, Email),
            listed=Person,
            ids=[f"27{n}" for n in range(5)],
            attribute="first_name",
            filtered=(2,),
            several=False,
            to_one=Related(owner=Email, id="1", name="person", targets=("270",), others=("2",)),
            to_many=Related(owner=Person, id="270", name="emails", targets=("1", "2", "3"), others=("271",)),
            cannot=_scans("Planning Center"),
        ),
        imitation=imitations.PlanningCenter,
        auth=("application", "secret"),
        header=("Authorization", "Basic YXBwbGljYXRpb246c2VjcmV0"),
        sent={"X-PCO-API-Version": "2025-11-10"},
    ),
    Written(
        world=_world(
            KITSU,
            (Anime, Category, LibraryEntry, KitsuUser),
            listed=Anime,
            ids=[str(n) for n in range(1, 6)],
            attribute="slug",
            filtered=(1, 3),
            to_one=Related(owner=LibraryEntry, id="7", name="user", targets=("42",), others=("8",)),
            to_many=Related(owner=Anime, id="1", name="categories", targets=("11", "12", "13"), others=("2", "3")),
            cannot=_scans("Kitsu"),
        ),
        imitation=imitations.Kitsu,
        auth="secret",
        header=("Authorization", "Bearer secret"),
    ),
)
