"""HTTP responses as bytes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

JSON_API = "application/vnd.api+json"


def reply(
    body: Any = b"",
    *,
    status: int = 200,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    content_type: str | None = JSON_API,
    length: bool = True,
) -> bytes:
    """Write a whole response; anything but bytes and text is sent as JSON.

    Headers of a mapping replace those that would be sent anyway, headers of a sequence are sent beside them.
    """
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    usual = {"Content-Length": str(len(content))} if length else {}
    if content_type is not None:
        usual["Content-Type"] = content_type
    lines = [*(usual | dict(headers)).items()] if isinstance(headers, Mapping) else [*usual.items(), *headers]
    return head(lines, status=status) + (content if status >= 200 else b"")


def head(headers: Sequence[tuple[str, str]] = (), *, status: int = 200, reason: str = "Whatever") -> bytes:
    """Write the status line and the headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode("latin-1")


def chunked(*chunks: bytes, last: bool = True) -> bytes:
    """Write a success in chunks."""
    start = head([("Content-Type", JSON_API), ("Transfer-Encoding", "chunked")])
    return start + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + (b"0\r\n\r\n" if last else b"")


def errors_of(code: str, *, status: int) -> bytes:
    """Write an error document with one code."""
    return reply({"errors": [{"status": str(status), "code": code}]}, status=status)
