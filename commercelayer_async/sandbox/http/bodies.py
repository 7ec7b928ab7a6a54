"""JSON in requests and responses."""

import json
from collections.abc import Mapping
from typing import cast

from aiohttp import web

from ..refusals import AuthRefusal


async def read_json_object(request: web.Request) -> Mapping[str, object]:
    """Read the body of *request*, of whatever `Content-Type`, as a JSON object.

    Raises:
        AuthRefusal: 400 if it is not one. Only the Auth API has requests with a body.
    """
    try:
        body: object = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise AuthRefusal(400, "BAD_REQUEST", "invalid_request", "The body is not a JSON object.")
    return cast("Mapping[str, object]", body)


def json_response(document: Mapping[str, object], status: int, content_type: str) -> web.Response:
    """Make a response whose body is *document* as compact JSON in UTF-8."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type=content_type)
