"""What a step of a workflow came to, from whatever answered it. Pure.

An answer is `{"value": ...}` or `{"error": {"class", "code", "message"}}`.
"""

from collections.abc import Mapping

from lignin.artifacts.workflow.records import Record
from lignin.domain.codec import Json
from lignin.domain.errors import LigninError
from lignin.domain.workflows import FailureClass
from lignin.ports.sandbox import Observed


def failure(kind: FailureClass, code: str, message: str) -> dict[str, Json]:
    """The answer that something failed."""
    return {"error": {"class": kind, "code": code[:100], "message": message[:1000]}}


def failure_of(error: LigninError) -> dict[str, Json]:
    """The answer that an error of ours stands for."""
    kinds: Mapping[str, FailureClass] = {
        "unavailable": "infrastructure",
        "limited": "infrastructure",
        "conflict": "conflict",
        "denied": "refused",
    }
    return failure(kinds.get(error.code, "refused"), error.code, error.message)


def answer_of_run(observed: Observed) -> Record:
    """Return what a called artifact answered, as the answer of a step."""
    if observed.status in {"infrastructure", "timeout"}:
        return failure(observed.status, observed.status, observed.message or "no answer in time")
    if observed.error is not None or observed.status != "exited":
        return failure("tool", observed.error or observed.status, observed.message)
    if observed.returned:
        return {"value": observed.result}
    stdout = observed.stdout.decode(errors="replace")
    return {"value": {"stdout": stdout, "exit_code": observed.exit_code}}


def answer_of_broker(said: Mapping[str, Json]) -> Record:
    """Return what a broker said of a tool call, as the answer of a step."""
    if "error" not in said:
        return {"value": said.get("result")}
    code, message = str(said["error"]), str(said.get("message", ""))
    if code in {"unavailable", "limited", "broker_failed", "not_recorded"}:
        return failure("infrastructure", code, message)
    if code in {"denied", "conflict", "invalid_request"}:
        return failure("refused", code, message)
    return failure("tool", code, message)
