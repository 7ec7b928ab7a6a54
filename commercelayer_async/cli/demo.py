"""`commercelayer-async demo`: retrieve one wallet, its customer and its payment source, and show the HTTP for them."""

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
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
_NO_TYPE: Final = "?"

_INTRODUCTION: Final = (
    "A sandbox of the Commerce Layer API ran at {url} during this demo. All requests below were real HTTP to it;"
    " nothing left this machine."
)
_EVERYTHING: Final = (
    "Every request and response of this demo, and what became of them:",
    "commercelayer_async demo --verbose",
)
_NEXT_STEPS: Final = (
    ("The same server for code of yours; it prints lines to paste into a shell:", "commercelayer_async sandbox"),
    (
        "Your organization, once COMMERCELAYER_ORGANIZATION and COMMERCELAYER_ACCESS_TOKEN are set:",
        "commercelayer_async list customer_payment_sources",
    ),
)
"""What to do next, and the module to run for it."""

_EPILOG: Final = """\b
JSON (--json), always with these members:
  sandbox        the server's URL
  steps          each with title, code, explanation, requests and resource:
    requests     method, path, headers, status, content_type, size, milliseconds, body
    resource     class, type, id, attributes, relationships, meta
  relationships  by name, before and after: state, loaded, identifiers, link
  masked         JSON pointers to the values that were replaced by "[masked]";
                 empty with --reveal
The bearer token is always masked.

\b
Examples:
  commercelayer-async demo
  commercelayer-async demo --verbose
  commercelayer-async demo --json | jq '.steps[].requests[] | .method, .path'"""


@attrs.define
class Received:
    """A response as the client received it."""

    content_type: str
    requested_at: float
    """When its request began, in seconds on the clock of the event loop."""
    body: bytes = b""
    milliseconds: float = 0.0
    """From the beginning of the request to the last byte of the response."""


@attrs.frozen
class Exchange:
    """A request as the server received it, and the response as the client received it."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Those of `_NOTABLE`; the bearer token is masked."""
    status: int | None
    content_type: str
    size: int
    """Bytes of the body."""
    milliseconds: float
    body: object
    """The JSON document, with secrets masked."""


@attrs.frozen
class DemoStep:
    """A line of Python, the requests it made, and the resource it gave."""

    title: str
    code: str
    explanation: str
    exchanges: tuple[Exchange, ...]
    view: ResourceView


@attrs.frozen
class Demonstration:
    """All that the demo shows."""

    url: str
    steps: tuple[DemoStep, ...]
    before: tuple[RelationshipView, ...]
    after: tuple[RelationshipView, ...]
    secrets: tuple[str, ...] = attrs.field(repr=False)
    """The sandbox's credentials, which are always masked."""


@click.command(
    short_help="Show the library at work, against a sandbox.",
    epilog=_EPILOG,
    help=f"""Retrieve a wallet and follow its links, against a sandbox on this machine; no account is needed.

It says in a few lines what was asked for and what came back; --verbose shows each request and its response, and the
resources that are decoded from them.

{MASKING_HELP}""",
)
@click.option("-v", "--verbose", is_flag=True, help="Show each request, its response and the resource it gave.")
@json_option
@reveal_option
def demo(*, verbose: bool, as_json: bool, reveal: bool) -> None:
    """Retrieve a wallet from a sandbox, and show how."""
    mask = Mask(reveal)
    demonstration = asyncio.run(_demonstrate(mask))
    if as_json:
        write_json(_document(demonstration, mask), demonstration.secrets)
    else:
        output = output_for_people(demonstration.secrets)
        output.title("commercelayer-async demo", _INTRODUCTION.format(url=demonstration.url))
        if verbose:
            _show_everything(output, demonstration, mask)
        output.lines("summary", _summary(demonstration))
        _show_next_steps(output, _NEXT_STEPS if verbose else (_EVERYTHING, *_NEXT_STEPS))


class _Recorder:
    """Records the responses of an aiohttp session, in order. Requests must not overlap."""

    def __init__(self) -> None:
        self.responses: list[Received] = []
        self._requested_at = 0.0

    def trace(self) -> "aiohttp.TraceConfig":
        """Make the trace configuration to give to the aiohttp session."""
        import aiohttp  # noqa: PLC0415 - slow to import, and `--help` does without

        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._on_request)
        config.on_request_end.append(self._on_headers)
        config.on_response_chunk_received.append(self._on_chunk)
        return config

    async def _on_request(self, *_: object) -> None:
        self._requested_at = asyncio.get_running_loop().time()

    async def _on_headers(
        self, _session: "aiohttp.ClientSession", _context: SimpleNamespace, parameters: "aiohttp.TraceRequestEndParams"
    ) -> None:
        content_type = parameters.response.headers.get("Content-Type", _NO_TYPE)
        self.responses.append(Received(content_type, self._requested_at))

    async def _on_chunk(
        self,
        _session: "aiohttp.ClientSession",
        _context: SimpleNamespace,
        parameters: "aiohttp.TraceResponseChunkReceivedParams",
    ) -> None:
        response = self.responses[-1]
        response.body += parameters.chunk
        response.milliseconds = (asyncio.get_running_loop().time() - response.requested_at) * 1000


async def _demonstrate(mask: Mask) -> Demonstration:
    import aiohttp  # noqa: PLC0415 - slow to import, and `--help` does without

    from .. import AccessToken, Session  # noqa: PLC0415 - slow to import, and `--help` does without
    from ..resources import CustomerPaymentSource  # noqa: PLC0415 - slow to import, and `--help` does without
    from ..sandbox import Sandbox  # noqa: PLC0415 - slow to import, and `--help` does without

    recorder = _Recorder()
    async with (
        Sandbox() as sandbox,
        aiohttp.ClientSession(trace_configs=[recorder.trace()]) as http,
        Session(sandbox.url, AccessToken(sandbox.access_token), http=http) as session,
    ):
        steps = _Steps(sandbox, recorder, mask)
        source = await session.get(CustomerPaymentSource, _ID)
        steps.add(
            "Retrieve a wallet",
            f'source = await session.get(CustomerPaymentSource, "{_ID}")',
            "One GET. The response is a JSON:API document; its resource object becomes a frozen attrs instance.",
            source,
        )
        before = _relationships(source, mask, "before")
        await _follow_relationships(source, steps)
        after = _relationships(source, mask, "after")
        secrets = (sandbox.access_token, sandbox.client_secret, sandbox.customer_password)
        return Demonstration(sandbox.url, tuple(steps.made), before, after, secrets)


async def _follow_relationships(source: "CustomerPaymentSource", steps: "_Steps") -> None:
    steps.add(
        "Follow the link to its customer",
        "customer = await source.customer",
        "The document holds no customer, only a link to one; awaiting the relationship follows that link.",
        await source.customer,
    )
    steps.add(
        "Follow the link to its payment source",
        "payment_source = await source.payment_source",
        "The same for the payment source. The type in the response, one of ten, decides its class.",
        cast("Resource", await source.payment_source),
    )
    steps.add(
        "Ask for the customer again",
        "customer = await source.customer",
        "This makes no request, as the customer that was fetched is kept on the resource.",
        await source.customer,
    )


@attrs.define
class _Steps:
    """Collects the steps of the demo, each with the requests that were made since the step before."""

    sandbox: "Sandbox"
    recorder: _Recorder
    mask: Mask
    made: list[DemoStep] = attrs.field(factory=list, init=False)
    _requests: int = attrs.field(default=0, init=False)
    """Requests that belong to the steps so far."""

    def add(self, title: str, code: str, explanation: str, resource: "Resource") -> None:
        """Add the step of the line `code`, which gave `resource`."""
        at = f"/steps/{len(self.made)}"
        requests = list(self.sandbox.requests)[self._requests :]
        responses = self.recorder.responses[self._requests :]
        exchanges = tuple(
            _exchange(request, response, self.mask, f"{at}/requests/{n}/body")
            for n, (request, response) in enumerate(zip(requests, responses, strict=True))
        )
        self._requests += len(requests)
        view = view_of(resource, self.mask, f"{at}/resource")
        self.made.append(DemoStep(title, code, explanation, exchanges, view))


def _exchange(request: "ReceivedRequest", response: Received, mask: Mask, at: str) -> Exchange:
    headers = {name: value for name, value in request.headers if name.lower() in _NOTABLE}
    return Exchange(
        method=request.method,
        path=request.raw_path,
        headers={name: f"Bearer {MASKED}" if name == "Authorization" else value for name, value in headers.items()},
        status=request.status,
        content_type=response.content_type,
        size=len(response.body),
        milliseconds=round(response.milliseconds, 1),
        body=mask.document(json.loads(response.body), at),
    )


def _relationships(source: "CustomerPaymentSource", mask: Mask, when: str) -> tuple[RelationshipView, ...]:
    return tuple(
        relationship_view_of(source.relationships[name], mask, f"/relationships/{name}/{when}") for name in _RESOLVED
    )


def _show_everything(output: Output, demonstration: Demonstration, mask: Mask) -> None:
    for number, step in enumerate(demonstration.steps, start=1):
        _show_step(output, number, step)
    output.heading("The relationships, before and after")
    output.prose("The document and what it says stay the same; resources that were fetched later are kept beside it.")
    rows = [
        (before.name, before.state, _yes(before), _yes(after), before.leads_to)
        for before, after in zip(demonstration.before, demonstration.after, strict=True)
    ]
    columns = ("name", "the document says", "loaded before", "loaded after", "leads to")
    output.table("source.relationships", columns, rows)
    if mask.pointers:
        output.prose("")
        output.prose("Payment tokens and personal data are masked; --reveal shows them (they are invented).")


def _summary(demonstration: Demonstration) -> Iterator[str]:
    """A line for each step, and one for all."""
    for step in demonstration.steps:
        yield f"{step.title}: {step.view.cls}, {_cost(step.exchanges)}"
    exchanges = [exchange for step in demonstration.steps for exchange in step.exchanges]
    yield f"{len(demonstration.steps)} resources by {len(exchanges)} requests: {_cost(exchanges)}"


def _cost(exchanges: Sequence[Exchange]) -> str:
    if not exchanges:
        return "no request"
    size, milliseconds = sum(one.size for one in exchanges), sum(one.milliseconds for one in exchanges)
    return f"{size:,} bytes in {milliseconds:.1f} ms"


def _show_next_steps(output: Output, steps: Iterable[tuple[str, str]]) -> None:
    python = _python()
    output.prose("")
    output.prose("Next steps, in this shell:")
    for text, module in steps:
        output.prose("")
        output.prose(text)
        # As it is: a line that is broken or framed cannot be copied.
        click.echo(f"  {python} -m {module}")


def _python() -> str:
    """The interpreter of this environment, as a shell in this folder finds it."""
    path = Path(sys.executable)
    if shutil.which("python") == str(path):
        return "python"
    if path.parent == Path.cwd():
        return f"./{path.name}"
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def _show_step(output: Output, number: int, step: DemoStep) -> None:
    output.heading(f"{number}. {step.title}")
    output.prose(step.explanation)
    output.code(step.code)
    for exchange in step.exchanges:
        headers = (f"{name}: {value}" for name, value in exchange.headers.items())
        output.lines("request", (f"{exchange.method} {exchange.path}", *headers))
        size, milliseconds = f"{exchange.size:,} bytes", f"{exchange.milliseconds} ms"
        output.lines("response", (f"{exchange.status}, {exchange.content_type}, {size}, {milliseconds}",))
        body = _shortened(exchange.body)
        output.json("body" if body == exchange.body else "body, shortened; --json has all of it", body)
    if step.exchanges:
        show_resource(output, step.view)
    else:
        output.lines("requests", ("none",))


def _yes(view: RelationshipView) -> str:
    return "yes" if view.loaded else "no"


def _shortened(document: object) -> object:
    """The document, with only the first few relationships of its primary data, as they all look alike."""
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
