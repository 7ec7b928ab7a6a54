"""Answers that are errors, in the shapes of the two APIs.

Core API: `{"errors": [{title, detail, code, status}]}` with `status` as text. Auth API: the same with
`status` as a number, and the OAuth name of the error as `title`. Published answers show INVALID_TOKEN,
RECORD_NOT_FOUND and, of the Auth API, UNAUTHORIZED and FORBIDDEN. The codes of bad parameters and of 406 are
those of the jsonapi-resources gem, whose defaults Commerce Layer's known errors match; the rest, 429 included, is
made up.
"""

import attrs


@attrs.frozen
class Refusal(Exception):
    """A request of the Core API that is refused."""

    status: int
    code: str
    title: str
    detail: str

    def body(self) -> dict[str, object]:
        """The document to answer with."""
        error = {"title": self.title, "detail": self.detail, "code": self.code, "status": str(self.status)}
        return {"errors": [error]}


@attrs.frozen
class AuthRefusal(Exception):
    """A request of the Auth API that is refused."""

    status: int
    code: str
    title: str
    detail: str

    def body(self) -> dict[str, object]:
        """The object to answer with."""
        error = {"title": self.title, "detail": self.detail, "code": self.code, "status": self.status}
        return {"errors": [error]}


def invalid_token() -> Refusal:
    """No token, one that nobody handed out, or one that is over."""
    return Refusal(401, "INVALID_TOKEN", "Invalid token", "The access token you provided is invalid.")


def record_not_found(id: str) -> Refusal:
    """No record called *id*."""
    return Refusal(404, "RECORD_NOT_FOUND", "Record not found", f"There is no record with the id {id}.")


def not_found(path: str) -> Refusal:
    """No such route, type or relationship."""
    return Refusal(404, "NOT_FOUND", "Not found", f"Nothing is served at {path}.")


def method_not_allowed(method: str) -> Refusal:
    """A route that exists, with another method."""
    return Refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed", f"{method} is not served here.")


def not_acceptable(accept: str) -> Refusal:
    """A client that does not want JSON:API."""
    detail = f"Answers are application/vnd.api+json, which the Accept header does not admit: {accept}"
    return Refusal(406, "NOT_ACCEPTABLE", "Not acceptable", detail)


def misdirected(host: str) -> Refusal:
    """A request meant for another host, as from a web page whose name was rebound to loopback."""
    return Refusal(
        421, "MISDIRECTED_REQUEST", "Misdirected request", f"This server answers on loopback, not as {host}."
    )


def too_many_requests() -> Refusal:
    """One request more than a rate limit admits."""
    return Refusal(429, "TOO_MANY_REQUESTS", "Too many requests", "You have exceeded the rate limit of this API.")


def too_many_token_requests() -> AuthRefusal:
    """One request for a token more than its rate limit admits."""
    return AuthRefusal(429, "TOO_MANY_REQUESTS", "too_many_requests", "You have exceeded the rate limit of this API.")


def bad_request(code: str, detail: str) -> Refusal:
    """A parameter that cannot be served; *code* says of which kind."""
    return Refusal(400, code, code.replace("_", " ").capitalize(), detail)
