"""The top-level members of a document that are not decoded with its resources: `meta` and `links`."""

from collections.abc import Mapping
from typing import Any

from .._http.message import Response
from .._text import json_type_name
from ..errors import DecodeError
from ..jsonapi._compound import members_of
from ..jsonapi._json import loads
from ..jsonapi.document import strict_mapping


def meta_and_links(response: Response) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The meta and the links of a response's document; each is empty where the document has none.

    Raises:
        DecodeError: the document or one of the two is not an object.
    """
    url = response.url_without_query
    members = members_of(response.body)
    if members is None:
        got = json_type_name(loads(response.body, url=url))
        raise DecodeError(expected="a JSON:API document (an object)", got=got, url=url)
    meta, links = (
        strict_mapping(loads(members[name], url=url), f"/{name}", url) if name in members else {}
        for name in ("meta", "links")
    )
    return meta, links
