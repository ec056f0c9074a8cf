"""The one table that turns an error family into an exit code and an HTTP status."""

from collections.abc import Mapping
from typing import Any

from lignin.domain import errors

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INCONCLUSIVE = 10

FAMILIES: Mapping[type[errors.LigninError], tuple[int, int]] = {
    errors.InvalidRequestError: (2, 400),
    errors.NotFoundError: (3, 404),
    errors.DeniedError: (4, 403),
    errors.UnavailableError: (5, 503),
    errors.GateFailedError: (6, 422),
    errors.LimitedError: (7, 429),
    errors.ConflictError: (8, 409),
    errors.IntegrityError: (9, 500),
}


def exit_code_of(error: errors.LigninError) -> int:
    """The exit code of an error's family; 1 where it has none."""
    return next((code for kind, (code, _) in FAMILIES.items() if isinstance(error, kind)), 1)


def envelope_of(error: errors.LigninError) -> dict[str, Any]:
    """The error as every surface sends it."""
    envelope: dict[str, Any] = {
        "error": error.message,
        "code": error.code,
        "remediation": error.hint,
    }
    fields = {name: value for name, value in error.fields.items() if value is not None}
    if fields:
        envelope["fields"] = fields
    return envelope
