"""What every engine does alike with values: refuses a bad start or queue, records a failure, raises it
again, and says how long to wait before another attempt."""

import json
import math
from collections.abc import Iterator, Mapping

from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import InvalidRequestError, LigninError
from lignin.ports.engine import MOST_VALUE_BYTES, Failure, Queue, Retry, Start, StepFaultError

MOST_ID_CHARS = 300
MOST_NAME_CHARS = 100
MOST_PRIORITY = 2**31 - 1
MOST_WAIT_S = 366 * 86_400.0
_MESSAGE_CHARS = 4_000


def recorded(what: str, value: Json) -> tuple[str, Json]:
    """The text a value is recorded as, and the value as whoever reads it back gets it.

    Raises:
        InvalidRequestError: It is no JSON value (`CodecError`), or larger than `MOST_VALUE_BYTES`.
    """
    text = canonical_bytes(value)
    if len(text) > MOST_VALUE_BYTES:
        raise InvalidRequestError(
            f"{what} has {len(text)} bytes, at most {MOST_VALUE_BYTES} are recorded",
            hint="store it as a blob or a file, and record its digest",
        )
    return text.decode(), json.loads(text)


def require_start(start: Start) -> str:
    """The recorded text of a start's input, after its fields were looked at.

    Raises:
        InvalidRequestError: A field is out of range, or the input cannot be recorded.
    """
    _require_text("run_id", start.run_id, MOST_ID_CHARS)
    _require_text("kind", start.kind, MOST_NAME_CHARS)
    _require_text("queue", start.queue, MOST_NAME_CHARS)
    for name, text in (("key", start.key), ("dedup_key", start.dedup_key)):
        if text:
            _require_text(name, text, MOST_ID_CHARS)
    if not 0 <= start.priority <= MOST_PRIORITY:
        raise InvalidRequestError(
            f"priority is {start.priority}, expected 0 to {MOST_PRIORITY}",
            hint="the smaller the sooner; 0 is the first",
        )
    if start.at is not None and start.at.tzinfo is None:
        raise InvalidRequestError(
            f"the instant {start.at} has no time zone", hint="give an aware time, such as UTC"
        )
    if start.timeout_s is not None:
        require_seconds("timeout_s", start.timeout_s)
        if start.timeout_s == 0:
            raise InvalidRequestError("timeout_s is 0", hint="leave it out for no bound")
    return recorded(f"the input of run {start.run_id}", start.input)[0]


def require_queue(queue: Queue) -> None:
    """Refuse bounds that contradict each other.

    Raises:
        InvalidRequestError: They do.
    """
    _require_text("queue", queue.name, MOST_NAME_CHARS)
    for name, bound in (
        ("concurrency", queue.concurrency),
        ("worker_concurrency", queue.worker_concurrency),
        ("rate.count", queue.rate.count if queue.rate else None),
    ):
        if bound is not None and bound < 1:
            raise InvalidRequestError(
                f"queue {queue.name}: {name} is {bound}, expected at least 1",
                hint="pause the queue to stop it",
            )
    if queue.rate and not (math.isfinite(queue.rate.period_s) and queue.rate.period_s > 0):
        raise InvalidRequestError(
            f"queue {queue.name}: rate.period_s is {queue.rate.period_s}, expected more than 0"
        )
    if (
        queue.concurrency is not None
        and queue.worker_concurrency is not None
        and queue.worker_concurrency > queue.concurrency
    ):
        raise InvalidRequestError(
            f"queue {queue.name}: worker_concurrency {queue.worker_concurrency} is more than"
            f" concurrency {queue.concurrency}, which bounds all workers",
            hint="lower the one or raise the other",
        )


def require_seconds(name: str, seconds: float) -> None:
    """Refuse a span that is negative, endless or longer than a year."""
    if not (math.isfinite(seconds) and 0 <= seconds <= MOST_WAIT_S):
        raise InvalidRequestError(
            f"{name} is {seconds}, expected 0 to {MOST_WAIT_S:.0f} seconds",
            hint="for longer, start another run with `at`",
        )


def _require_text(name: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most or any(ord(char) < 32 for char in text):
        raise InvalidRequestError(
            f"{name} is {text!r:.80}, expected 1 to {most} characters without control characters"
        )


def retry_wait_s(retry: Retry, attempt: int) -> float:
    """Seconds between attempt `attempt` (1 is the first) and the next one."""
    try:
        wait_s = retry.first_wait_s * retry.factor ** (attempt - 1)
    except OverflowError:
        return retry.longest_wait_s
    return max(0.0, min(wait_s, retry.longest_wait_s))


def is_worth_retrying(retry: Retry, failure: Failure, attempt: int) -> bool:
    """Whether another attempt is to be made after attempt `attempt` failed."""
    return attempt < retry.attempts and failure.code in retry.codes


def failure_of(error: Exception) -> Failure:
    """An error as it is recorded. Fields that are no JSON are left out; text is cut."""
    if not isinstance(error, LigninError):
        told = f"{type(error).__name__}: {error}"[:_MESSAGE_CHARS]
        fields: Mapping[str, Json] = {"error": type(error).__name__}
        return Failure(code=StepFaultError.code, message=_sound(told), fields=fields)
    kept = {}
    for name, value in error.fields.items():
        try:
            kept[name] = recorded(name, value)[1]
        except InvalidRequestError:
            continue
    return Failure(
        code=error.code,
        message=_sound(error.message[:_MESSAGE_CHARS]),
        hint=_sound(error.hint[:_MESSAGE_CHARS]),
        fields=kept,
    )


def error_of(failure: Failure) -> LigninError:
    """The error that a failure was recorded from: the class its code names, else `StepFaultError`."""
    fields = {name: value for name, value in failure.fields.items() if name not in _OWN}
    kind = next((each for each in _classes(LigninError) if each.code == failure.code), None)
    return (kind or StepFaultError)(failure.message, hint=failure.hint, **fields)


_OWN = frozenset({"self", "message", "hint"})


def failure_as_json(failure: Failure) -> Json:
    """A failure as a JSON object."""
    return {
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "fields": dict(failure.fields),
    }


def failure_from_json(value: Json) -> Failure:
    """The failure that `failure_as_json` wrote; anything else is one that says so."""
    if not isinstance(value, dict) or not isinstance(value.get("fields", {}), dict):
        return Failure(code=StepFaultError.code, message=f"an unreadable failure: {value!r:.200}")
    return Failure(
        code=str(value.get("code", "")),
        message=str(value.get("message", "")),
        hint=str(value.get("hint", "")),
        fields=value.get("fields", {}),
    )


def _classes(kind: type[LigninError]) -> Iterator[type[LigninError]]:
    for each in kind.__subclasses__():
        if each.code != LigninError.code:
            yield each
        yield from _classes(each)


def _sound(text: str) -> str:
    """Without what no database stores: lone surrogates and NUL."""
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
