"""Error responses, in the shapes of the two APIs.

Core API: `{"errors": [{title, detail, code, status}]}`, with `status` as text. Auth API: the same, with `status` as a
number and the OAuth name of the error as `title`.

Published are INVALID_TOKEN, UNAUTHORIZED, RECORD_NOT_FOUND and, of the Auth API, UNAUTHORIZED and FORBIDDEN. The codes
for wrong parameters and for 406 are those of the jsonapi-resources gem, whose defaults are like Commerce Layer's known
errors. The others, 429 included, are made up.
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
        """Give the document to respond with."""
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
        """Give the JSON object to respond with."""
        error = {"title": self.title, "detail": self.detail, "code": self.code, "status": self.status}
        return {"errors": [error]}


def invalid_token() -> Refusal:
    """Refuse a request without a token, or with one that is unknown or expired."""
    return Refusal(401, "INVALID_TOKEN", "Invalid token", "The access token you provided is invalid.")


def access_denied(what: str) -> Refusal:
    """Refuse a token that is valid, but does not permit to read *what*."""
    return Refusal(401, "UNAUTHORIZED", "Access denied", f"You are not authorized to read {what} with this token.")


def record_not_found(id: str) -> Refusal:
    """Refuse a request for a record that does not exist."""
    return Refusal(404, "RECORD_NOT_FOUND", "Record not found", f"There is no record with the id {id}.")


def not_found(path: str) -> Refusal:
    """Refuse a request for a route, type or relationship that does not exist."""
    return Refusal(404, "NOT_FOUND", "Not found", f"Nothing is served at {path}.")


def method_not_allowed(method: str) -> Refusal:
    """Refuse a method that the route does not have."""
    return Refusal(405, "METHOD_NOT_ALLOWED", "Method not allowed", f"{method} is not served here.")


def not_acceptable(accept: str) -> Refusal:
    """Refuse a client that does not accept JSON:API."""
    detail = f"Responses are application/vnd.api+json, which the Accept header does not allow: {accept}"
    return Refusal(406, "NOT_ACCEPTABLE", "Not acceptable", detail)


def misdirected(host: str) -> Refusal:
    """Refuse a request that was meant for another host."""
    return Refusal(
        421, "MISDIRECTED_REQUEST", "Misdirected request", f"This server is served on loopback, not as {host}."
    )


def too_many_requests() -> Refusal:
    """Refuse a request of the Core API that is over a rate limit."""
    return Refusal(429, "TOO_MANY_REQUESTS", "Too many requests", "You have exceeded the rate limit of this API.")


def too_many_token_requests() -> AuthRefusal:
    """Refuse a request for a token that is over the rate limit."""
    return AuthRefusal(429, "TOO_MANY_REQUESTS", "too_many_requests", "You have exceeded the rate limit of this API.")


def bad_request(code: str, detail: str) -> Refusal:
    """Refuse a query parameter. *code* names what is wrong with it, as in `INVALID_INCLUDE`."""
    return Refusal(400, code, code.replace("_", " ").capitalize(), detail)
