"""What the gate was asked last in a folder, and whether what it decided is about what stands there now.

Owns the log of runs of `gate prove`: one record each, in `record/gates`, also of those that ended without a
decision. A record holds the question; it is asked again of the files as they are, and where that is the question
of a decision, the decision is about them. Nothing is run for it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import LigninError
from lignin.domain.events import format_time
from lignin.operations.context import Context
from lignin.operations.gatework import find_decision
from lignin.operations.logs import append_record, bounded, read_records
from lignin.operations.questions import GateProve, question_of

STREAM = "gates"
MAX_READ = 2000
MAX_ASKED = 100
"""So many questions of a run are asked again; of more it is said."""
_MAX_WHY_CHARS = 1000
_NOT_ASKED = {"again", "parallel", "workers", "bank"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was decided of what stands now, by one question of the last ones.

    Args:
        asked: The systems in question, in words.
        decision: The decision about what stands now; "" where there is none.
        why: Why there is none.
        is_same: Whether nothing differs, so that there is nothing to decide.
    """

    asked: str
    decision: str = ""
    why: str = ""
    is_same: bool = False


@contextmanager
def noted(context: Context, request: GateProve) -> Iterator[None]:
    """Note in the log what is asked and, where it ends without a decision, why."""
    try:
        yield
    except LigninError as error:
        _note(context, request, error.message)
        raise
    _note(context, request, "")


def _note(context: Context, request: GateProve, why: str) -> None:
    if context.dry_run:
        return
    said: dict[str, Json] = {
        "folder": str(context.cwd.resolve()),
        "question": request.model_dump(mode="json", exclude_defaults=True, exclude=_NOT_ASKED),
        "why": bounded(why, _MAX_WHY_CHARS),
        "run": context.scope.correlation_id,
        "at": format_time(context.clock.now()),
    }
    append_record(context, STREAM, said, type_="gate.record")


def standing_decisions(context: Context) -> list[Standing]:
    """What was decided of what stands now in the caller's folder, by what was asked last; the last first.

    Gates of one run of tests are asked together.
    """
    with context.view() as view:
        records = [each for each in read_records(view, STREAM, MAX_READ) if _is_of(context, each)]
    latest: dict[bytes, Mapping[str, Json]] = {}
    for record in reversed(records):
        if record is records[-1] or (record["run"] and record["run"] == records[-1]["run"]):
            latest.setdefault(canonical_bytes(record["question"]), record)
    asked = list(latest.values())
    found = [_standing(context, record) for record in asked[:MAX_ASKED]]
    if (more := len(asked) - MAX_ASKED) > 0:
        why = f"the last {MAX_ASKED} of a run are asked again, and these came before"
        found.append(Standing(asked=f"{more} gates more", why=why))
    return found


def _is_of(context: Context, record: Json) -> bool:
    return isinstance(record, dict) and record.get("folder") == str(context.cwd.resolve())


def _standing(context: Context, record: Mapping[str, Json]) -> Standing:
    """Ask a question again of what stands now."""
    try:
        request = GateProve.model_validate(record["question"])
    except ValidationError:  # a version of before could be asked what this one cannot
        return Standing(asked="a gate", why="it was asked by another version of Lignin")
    asked = request.proposal or f"{request.candidate} against {request.incumbent}"
    try:
        question = question_of(context, request)
    except LigninError as error:
        is_same = "same" in error.fields
        return Standing(asked=asked, why=error.message, is_same=is_same)
    with context.view() as view:
        _, row, outdated = find_decision(view, question, anew=False)
    if row is not None and row.state != "open":
        return Standing(asked=asked, decision=row.key)
    why = str(record["why"])
    why = f"the last run ended without: {why}" if why else "nothing was decided of what stands now"
    if outdated:
        why = f"nothing was decided of what stands now: {outdated}"
    if row is not None:
        why = f"the decision {row.key} is open: the same `lignin gate prove` goes on with it"
    return Standing(asked=asked, why=why)
