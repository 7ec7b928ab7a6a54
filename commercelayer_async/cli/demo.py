"""`commercelayer-async demo`: one wallet, its customer and its payment source, and what goes over the wire for them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, cast

import attrs
import click

from .masking import MASKED, Mask
from .options import MASKING_HELP, json_option, reveal_option
from .output import Output, output_for_people, write_json
from .views import RelationshipView, ResourceView, relationship_view_of, show_resource, view_of

if TYPE_CHECKING:
    import aiohttp

    from .. import Resource
    from ..resources import CustomerPaymentSource
    from ..sandbox import ReceivedRequest, Sandbox

_ID: Final = "xYZkjABcde"
_RESOLVED: Final = ("customer", "payment_source")
_NOTABLE: Final = ("accept", "accept-encoding", "authorization", "user-agent")
_SHOWN_RELATIONSHIPS: Final = 3
_MORE: Final = "..."
_NO_ANSWER: Final = "?"

_INTRODUCTION: Final = (
    "A sandbox of the Commerce Layer API runs at {url} while this lasts. All that follows is real HTTP to it; nothing"
    " leaves this machine."
)
_NEXT_STEPS: Final = (
    "Next steps: run `python -m commercelayer_async.sandbox` to try your own code against this server, or set"
    " COMMERCELAYER_ORGANIZATION and COMMERCELAYER_ACCESS_TOKEN and run"
    " `commercelayer-async get customer_payment_sources ID`."
)

_EPILOG: Final = """\b
JSON (--json), always with these members:
  sandbox        the server's URL
  steps          each with title, code, explanation, requests and resource:
    requests     method, path, headers, status, content_type, size, milliseconds, body
    resource     class, type, id, attributes, relationships, meta
  relationships  by name, before and after: state, loaded, identifiers, link
  masked         JSON pointers to the values that were replaced by "[masked]";
                 with --reveal none are
The bearer token is masked always.

\b
Examples:
  commercelayer-async demo
  commercelayer-async demo --json | jq '.steps[].requests[] | .method, .path'"""


@attrs.define
class Answer:
    """An answer as it came over the wire."""

    content_type: str
    asked_at: float
    """Seconds on the clock of the event loop."""
    body: bytes = b""
    milliseconds: float = 0.0
    """From the request to the whole answer."""


@attrs.frozen
class Exchange:
    """A request as the server received it, and the answer as the client did."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """The notable ones; the bearer token is masked."""
    status: int | None
    content_type: str
    size: int
    """Bytes of the body."""
    milliseconds: float
    body: object
    """The JSON document, with secrets masked."""


@attrs.frozen
class Step:
    """A line of Python, and what it did."""

    title: str
    code: str
    explanation: str
    exchanges: tuple[Exchange, ...]
    view: ResourceView


@attrs.frozen
class Demonstration:
    """All that there is to show."""

    url: str
    steps: tuple[Step, ...]
    before: tuple[RelationshipView, ...]
    after: tuple[RelationshipView, ...]
    secrets: tuple[str, ...] = attrs.field(repr=False)
    """The sandbox's credentials, which are masked always."""


@click.command(
    short_help="See the library at work, against a sandbox.",
    epilog=_EPILOG,
    help=f"""Retrieve a wallet and follow its links, against a sandbox on this machine; no account is needed.

Shows each request and its answer, and the resources that come out of them.

{MASKING_HELP}""",
)
@json_option
@reveal_option
def demo(*, as_json: bool, reveal: bool) -> None:
    """Retrieve a wallet from a sandbox, and tell about it."""
    mask = Mask(reveal)
    demonstration = asyncio.run(_demonstrate(mask))
    if as_json:
        write_json(_document(demonstration, mask), demonstration.secrets)
    else:
        _tell(output_for_people(demonstration.secrets), demonstration, mask)


class _Wire:
    """The answers that an aiohttp session gets, in order; requests must not overlap."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self._asked_at = 0.0

    def trace(self) -> "aiohttp.TraceConfig":
        """What an aiohttp session is given to be watched."""
        import aiohttp  # noqa: PLC0415 - slow to import, and `--help` does without

        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._asked)
        config.on_request_end.append(self._answered)
        config.on_response_chunk_received.append(self._received)
        return config

    async def _asked(self, *_: object) -> None:
        self._asked_at = asyncio.get_running_loop().time()

    async def _answered(
        self, _session: "aiohttp.ClientSession", _context: SimpleNamespace, parameters: "aiohttp.TraceRequestEndParams"
    ) -> None:
        self.answers.append(Answer(parameters.response.headers.get("Content-Type", _NO_ANSWER), self._asked_at))

    async def _received(
        self,
        _session: "aiohttp.ClientSession",
        _context: SimpleNamespace,
        parameters: "aiohttp.TraceResponseChunkReceivedParams",
    ) -> None:
        answer = self.answers[-1]
        answer.body += parameters.chunk
        answer.milliseconds = (asyncio.get_running_loop().time() - answer.asked_at) * 1000


async def _demonstrate(mask: Mask) -> Demonstration:
    # Imported here: they are slow to import, and `--help` does without.
    import aiohttp  # noqa: PLC0415

    from .. import AccessToken, Session  # noqa: PLC0415
    from ..resources import CustomerPaymentSource  # noqa: PLC0415
    from ..sandbox import Sandbox  # noqa: PLC0415

    wire = _Wire()
    async with (
        Sandbox() as sandbox,
        aiohttp.ClientSession(trace_configs=[wire.trace()]) as http,
        Session(sandbox.url, AccessToken(sandbox.access_token), http=http) as session,
    ):
        log = _Log(sandbox, wire, mask)
        source = await session.get(CustomerPaymentSource, _ID)
        log.add(
            "Retrieve a wallet",
            f'source = await session.get(CustomerPaymentSource, "{_ID}")',
            "One GET. The answer is a JSON:API document; its resource object becomes a frozen attrs instance.",
            source,
        )
        before = _relationships(source, mask, "before")
        log.add(
            "Follow the link to its customer",
            "customer = await source.customer",
            "The document holds no customer, only a link to one; awaiting the relationship follows that link.",
            await source.customer,
        )
        log.add(
            "Follow the link to its payment source",
            "payment_source = await source.payment_source",
            "The same for the payment source. The type in the answer, one of ten, decides its class.",
            cast("Resource", await source.payment_source),
        )
        log.add(
            "Ask for the customer again",
            "customer = await source.customer",
            "Once more: no request, as what was fetched is kept on the resource.",
            await source.customer,
        )
        after = _relationships(source, mask, "after")
        secrets = (sandbox.access_token, sandbox.client_secret, sandbox.customer_password)
        return Demonstration(sandbox.url, tuple(log.steps), before, after, secrets)


@attrs.define
class _Log:
    """Turns what went over the wire since it was last asked into steps."""

    sandbox: "Sandbox"
    wire: _Wire
    mask: Mask
    steps: list[Step] = attrs.field(factory=list, init=False)
    _told: int = attrs.field(default=0, init=False)

    def add(self, title: str, code: str, explanation: str, resource: "Resource") -> None:
        """The step that `code` was, which gave `resource`."""
        at = f"/steps/{len(self.steps)}"
        received = list(self.sandbox.requests)[self._told :]
        exchanges = tuple(
            _exchange(request, answer, self.mask, f"{at}/requests/{n}/body")
            for n, (request, answer) in enumerate(zip(received, self.wire.answers[self._told :], strict=True))
        )
        self._told += len(received)
        self.steps.append(Step(title, code, explanation, exchanges, view_of(resource, self.mask, f"{at}/resource")))


def _exchange(request: "ReceivedRequest", answer: Answer, mask: Mask, at: str) -> Exchange:
    headers = {name: value for name, value in request.headers if name.lower() in _NOTABLE}
    return Exchange(
        method=request.method,
        path=request.raw_path,
        headers={name: f"Bearer {MASKED}" if name == "Authorization" else value for name, value in headers.items()},
        status=request.status,
        content_type=answer.content_type,
        size=len(answer.body),
        milliseconds=round(answer.milliseconds, 1),
        body=mask.document(json.loads(answer.body), at),
    )


def _relationships(source: "CustomerPaymentSource", mask: Mask, when: str) -> tuple[RelationshipView, ...]:
    return tuple(
        relationship_view_of(source.relationships[name], mask, f"/relationships/{name}/{when}") for name in _RESOLVED
    )


def _tell(output: Output, demonstration: Demonstration, mask: Mask) -> None:
    output.title("commercelayer-async demo", _INTRODUCTION.format(url=demonstration.url))
    for number, step in enumerate(demonstration.steps, start=1):
        _tell_step(output, number, step)
    output.heading("The relationships, before and after")
    output.prose("What the document says does not change; what was fetched since is kept beside it.")
    rows = [
        (before.name, before.state, _yes(before), _yes(after), before.leads_to)
        for before, after in zip(demonstration.before, demonstration.after, strict=True)
    ]
    columns = ("name", "the document says", "loaded before", "loaded after", "leads to")
    output.table("source.relationships", columns, rows)
    if mask.pointers:
        output.prose("")
        output.prose("Payment tokens and personal data are masked; --reveal shows them (they are made up).")
    output.prose("")
    output.prose(_NEXT_STEPS)


def _tell_step(output: Output, number: int, step: Step) -> None:
    output.heading(f"{number}. {step.title}")
    output.prose(step.explanation)
    output.code(step.code)
    for exchange in step.exchanges:
        headers = (f"{name}: {value}" for name, value in exchange.headers.items())
        output.lines("request", (f"{exchange.method} {exchange.path}", *headers))
        size, milliseconds = f"{exchange.size:,} bytes", f"{exchange.milliseconds} ms"
        output.lines("answer", (f"{exchange.status}, {exchange.content_type}, {size}, {milliseconds}",))
        body = _shortened(exchange.body)
        output.json("body" if body == exchange.body else "body, shortened; --json has all of it", body)
    if step.exchanges:
        show_resource(output, step.view)
    else:
        output.lines("requests", ("none",))


def _yes(view: RelationshipView) -> str:
    return "yes" if view.loaded else "no"


def _shortened(document: object) -> object:
    """A document with no more than a few relationships of its primary data; many of them all look alike."""
    members = cast("dict[str, dict[str, dict[str, object]]]", document)
    relationships = members["data"].get("relationships", {})
    more = len(relationships) - _SHOWN_RELATIONSHIPS
    if more <= 0:
        return members
    few: dict[str, object] = dict(list(relationships.items())[:_SHOWN_RELATIONSHIPS])
    return {**members, "data": {**members["data"], "relationships": {**few, _MORE: f"{more} more like these"}}}


def _document(demonstration: Demonstration, mask: Mask) -> dict[str, object]:
    return {
        "sandbox": demonstration.url,
        "steps": [
            {
                "title": step.title,
                "code": step.code,
                "explanation": step.explanation,
                "requests": [attrs.asdict(exchange) for exchange in step.exchanges],
                "resource": _resource(step.view),
            }
            for step in demonstration.steps
        ],
        "relationships": {
            before.name: {"before": _relationship(before), "after": _relationship(after)}
            for before, after in zip(demonstration.before, demonstration.after, strict=True)
        },
        "masked": mask.pointers,
    }


def _resource(view: ResourceView) -> dict[str, object]:
    return {
        "class": view.cls,
        "type": view.type,
        "id": view.id,
        "attributes": view.attributes,
        "relationships": _by_name(view.relationships),
        "meta": view.meta,
    }


def _by_name(views: Sequence[RelationshipView]) -> dict[str, object]:
    return {view.name: _relationship(view) for view in views}


def _relationship(view: RelationshipView) -> dict[str, object]:
    return {"state": view.state, "loaded": view.loaded, "identifiers": view.identifiers, "link": view.link}
