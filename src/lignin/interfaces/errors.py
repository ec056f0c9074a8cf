"""The one table that turns an error family into an exit code and an HTTP status."""

import errno
from collections.abc import Mapping
from typing import Any

from lignin.domain import errors

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_INCONCLUSIVE = 10
EXIT_INTERRUPTED = 130


class InternalError(errors.LigninError):
    """A fault of ours that nothing foresaw; exit code 1."""


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


# What the machine refuses is not our bug, wherever it comes up.
_SYSTEM = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN),
        *(errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ),
    }
)


def explain_fault(error: Exception) -> errors.LigninError:
    """The error that stands for one that nobody foresaw: the machine's refusal, or a bug of ours."""
    if isinstance(error, errors.LigninError):
        return error
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        from lignin.artifacts.disk import explain_error

        return explain_error(error, "the system refused")
    told = f"{type(error).__name__}: {error}"[:500]
    hint = "a bug in Lignin: repeat with LIGNIN_DEBUG=1 and report what it prints"
    return InternalError(told, hint=hint)


def exit_code_of(error: errors.LigninError) -> int:
    """The exit code of an error's family; 1 where it has none."""
    return next((code for kind, (code, _) in FAMILIES.items() if isinstance(error, kind)), 1)


def status_of(error: errors.LigninError) -> int:
    """The HTTP status of an error's family; 500 where it has none."""
    return next((status for kind, (_, status) in FAMILIES.items() if isinstance(error, kind)), 500)


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
