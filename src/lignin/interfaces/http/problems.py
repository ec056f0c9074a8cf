"""Errors as problem details (RFC 9457), by the one table of `interfaces.errors`."""

import json
from typing import Any

from starlette.responses import Response

from lignin.domain.errors import LigninError
from lignin.interfaces.errors import envelope_of, status_of

MEDIA = "application/problem+json"
TITLES = {
    400: "The request must change",
    401: "The token is missing or another one",
    403: "Denied",
    404: "No such thing",
    405: "Another method is asked for",
    409: "Somebody else was first",
    413: "Too much at once",
    422: "The evidence says no",
    429: "A bound was reached",
    500: "A fault of the server",
    503: "Not now",
}
DECLARED = tuple(sorted(TITLES))
SCHEMA = {
    "type": "object",
    "description": "What went wrong and what to do next (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "always about:blank: `code` tells them apart"},
        "title": {"type": "string", "description": "the status in words"},
        "status": {"type": "integer", "description": "the HTTP status"},
        "detail": {"type": "string", "description": "what happened, expected versus got"},
        "code": {"type": "string", "description": "stable code of the error"},
        "remediation": {"type": "string", "description": "what to do next"},
        "fields": {"type": "object", "description": "what identifies the things concerned"},
    },
}


def problem_of(error: LigninError) -> dict[str, Any]:
    """The error as problem details."""
    said = envelope_of(error)
    return {
        "type": "about:blank",
        "title": TITLES[status_of(error)],
        "status": status_of(error),
        "detail": said.pop("error"),
        **said,
    }


def problem(status: int, detail: str, code: str, remediation: str = "") -> Response:
    """An answer of the server itself, such as 401 or 405."""
    body = {
        "type": "about:blank",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        "code": code,
        "remediation": remediation,
    }
    return _answer(status, body)


def answer_error(error: LigninError) -> Response:
    """The answer that an error becomes; what may be tried again says when."""
    return _answer(status_of(error), problem_of(error))


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = {"retry-after": "1"} if status in {429, 503} else {}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="lignin"'
    content = json.dumps(body, ensure_ascii=False, allow_nan=False)
    # what a caller sent may hold half a surrogate pair, which UTF-8 has no bytes for
    return Response(content.encode(errors="replace"), status, headers=headers, media_type=MEDIA)
