"""Every error Lignin raises on purpose.

LigninError
├── InvalidRequestError      exit 2   HTTP 400   the caller must change the request
│   └── CodecError                               a value has no canonical form
├── NotFoundError            exit 3   HTTP 404
├── DeniedError              exit 4   HTTP 403
├── UnavailableError         exit 5   HTTP 503   try again later, nothing was decided
├── GateFailedError          exit 6   HTTP 422   evidence says no
│   └── CallFailedError                          an artifact that was called has no answer
├── LimitedError             exit 7   HTTP 429   a rate, budget or size bound was reached
├── ConflictError            exit 8   HTTP 409   read again, then retry
│   └── IllegalTransitionError                   the row's state does not allow the event
└── IntegrityError           exit 9   HTTP 500   stop: stored data contradict themselves

A message says what happened, expected versus got; `hint` is the next action. `fields` are JSON.
Exit code 10 (undecided or inconclusive) is an answer, not an error; 1 is a fault of ours.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class LigninError(Exception):
    """Root of the tree; never raised itself.

    Args:
        message: What happened, expected versus got.
        hint: What the reader can do next.
        fields: JSON values that identify the things concerned.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "", **fields: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fields: Mapping[str, Any] = fields


class InvalidRequestError(LigninError):
    code = "invalid_request"


class CodecError(InvalidRequestError):
    code = "not_canonical"


class NotFoundError(LigninError):
    code = "not_found"


class DeniedError(LigninError):
    code = "denied"


class UnavailableError(LigninError):
    code = "unavailable"


class GateFailedError(LigninError):
    code = "gate_failed"


class CallFailedError(GateFailedError):
    code = "call_failed"


class LimitedError(LigninError):
    code = "limited"


class ConflictError(LigninError):
    code = "conflict"


class IllegalTransitionError(ConflictError):
    code = "illegal_transition"


class IntegrityError(LigninError):
    code = "integrity"
