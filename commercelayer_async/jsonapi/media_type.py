"""The media type of JSON:API and its two parameters."""

import re
from typing import Final

import attrs

from .._markers import public

JSON_API: Final = "application/vnd.api+json"
"""The media type of JSON:API documents."""

# RFC 9110, section 5.6: a token or a quoted string, so that `;` and `,` may stand inside quotes.
_PARAMETER: Final = re.compile(r';\s*([^\s=;,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)


@public("commercelayer_async.jsonapi")
@attrs.frozen
class MediaType:
    """A parsed `Content-Type` header; of its parameters, only `ext` and `profile` are kept (JSON:API 1.1)."""

    name: str = ""
    """The type in lower case, such as `application/vnd.api+json`; empty if the header has none."""
    ext: tuple[str, ...] = ()
    """URIs of the extensions applied to the document; compared character by character, never fetched."""
    profile: tuple[str, ...] = ()
    """URIs of the profiles applied."""

    @property
    def is_json_api(self) -> bool:
        """True if it is the media type of JSON:API."""
        return self.name == JSON_API


@public("commercelayer_async.jsonapi")
def media_type(content_type: str | None) -> MediaType:
    """Parse a `Content-Type` header; never fails, whatever it is."""
    text = content_type or ""
    uris: dict[str, tuple[str, ...]] = {}
    for parameter in _PARAMETER.finditer(text):
        name = parameter[1].lower()
        value = _QUOTED_PAIR.sub(r"\1", parameter[2]) if parameter[2] is not None else parameter[3]
        # RFC 9110 forbids a parameter twice; the first one counts, as in most implementations.
        uris.setdefault(name, tuple(uri for uri in value.split(" ") if uri))
    name = re.split(r"[;,]", text, maxsplit=1)[0].strip().lower()
    return MediaType(name=name, ext=uris.get("ext", ()), profile=uris.get("profile", ()))
