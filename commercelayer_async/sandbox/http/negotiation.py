"""Whether an `Accept` header admits JSON:API."""

from typing import Final

MEDIA_TYPE: Final = "application/vnd.api+json"

_ADMITTING: Final = frozenset({MEDIA_TYPE, "application/*", "*/*"})


def admits_json_api(accept: str | None) -> bool:
    """Whether an answer in `application/vnd.api+json` is welcome; without the header, everything is.

    A media type with parameters other than `profile` does not count: JSON:API says so.
    """
    return accept is None or any(_admits(item) for item in accept.split(","))


def _admits(item: str) -> bool:
    media_type, *parameters = (part.strip().lower() for part in item.split(";"))
    names = {name.strip(): value.strip() for name, _, value in (parameter.partition("=") for parameter in parameters)}
    quality = names.pop("q", "1")
    names.pop("profile", None)
    return media_type in _ADMITTING and not names and quality.strip("0.") != ""
