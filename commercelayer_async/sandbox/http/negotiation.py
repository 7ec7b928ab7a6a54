"""Content negotiation: whether an `Accept` header allows JSON:API."""

from typing import Final

MEDIA_TYPE: Final = "application/vnd.api+json"

_ACCEPTED: Final = frozenset({MEDIA_TYPE, "application/*", "*/*"})


def accepts_json_api(accept: str | None) -> bool:
    """Tell whether a response in `application/vnd.api+json` is acceptable. Without the header, it is.

    A media type with parameters other than `profile` does not count (JSON:API 1.1, "Server Responsibilities").
    """
    return accept is None or any(_is_json_api(media_range) for media_range in accept.split(","))


def _is_json_api(media_range: str) -> bool:
    media_type, *rest = (part.strip().lower() for part in media_range.split(";"))
    parameters = {name.strip(): value.strip() for name, _, value in (parameter.partition("=") for parameter in rest)}
    quality = parameters.pop("q", "1")
    parameters.pop("profile", None)
    return media_type in _ACCEPTED and not parameters and quality.strip("0.") != ""
