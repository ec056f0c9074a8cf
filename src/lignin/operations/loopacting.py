"""Doing what a loop says: commands, agents, skills, operations, tools of a server. Decides nothing.

A command runs in the sandbox unless the loop's file says otherwise; then it works in the loop's folder. An operation that governs is never
an action: only the ladder lets one be, for a class of change.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from lignin.artifacts.stopping import StoppableSandbox
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import DeniedError, InvalidRequestError, LigninError, NotFoundError
from lignin.domain.loops import Action
from lignin.loops.laws.answers import MAX_SAID_BYTES, Finding
from lignin.loops.laws.filling import filled
from lignin.operations.context import Context
from lignin.operations.exits import bound_tools
from lignin.operations.loopsending import send_once
from lignin.operations.registry import Operation, Response, load_noun, nouns
from lignin.ports.sandbox import never
from lignin.ports.system import SystemAsked
from lignin.ports.tools import Observation, ToolSpec
from lignin.traces.redact import redact

NEVER = ("loop", "inbox", "up")
"""Nouns that a loop does not act by: it would answer its own questions, or start itself."""
MAX_WAITED_S = 3600.0
MAX_PULLED_BYTES = 64 * 1024
MAX_ERRORS_CHARS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of doing something.

    Args:
        ended: done, crashed (its own failure) or infrastructure (something outside did not hold).
        findings: What an operation's answer amounts to; of others `said` is read.
        job: The job that did it, where it was a durable skill; empty otherwise.
        errors: The end of what it wrote to its error stream, where it failed.
    """

    ended: str
    said: bytes = b""
    why: str = ""
    time_s: float = 0.0
    findings: tuple[Finding, ...] | None = None
    job: str = ""
    errors: bytes = b""

    def to_json(self) -> dict[str, Json]:
        return {
            "ended": self.ended,
            "said": self.said[:MAX_SAID_BYTES].decode(errors="replace"),
            "why": self.why,
            "time_s": self.time_s,
            "findings": None if self.findings is None else [f.to_json() for f in self.findings],
            "job": self.job,
            "errors": self.errors.decode(errors="replace")[-MAX_ERRORS_CHARS:],
        }


class _NoTools:
    """What a loop runs is given no tools beyond those that it brings."""

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        return {}

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:  # noqa: ARG002
        return Observation(error="unknown_tool", message="a loop's command is given no tools")


def perform(
    context: Context,
    action: Action,
    task: Mapping[str, Json],
    *,
    folder: Path,
    place: AbstractContextManager[Path],
    limit_s: float,
    key: str = "",
    stop: Callable[[], bool] = never,
) -> Done:
    """Do one thing and say what came of it. Never raises for what it does.

    Args:
        task: What it is given: goal, context, memory, what came with the occurrence.
        folder: Where the loop's file lies.
        place: Gives the folder in which a command works, and whose files it names.
        limit_s: What is left of its time, in seconds.
        key: Names this act, the same whoever makes it again: what is sent is sent once under it.
        stop: Whether nobody wants it any more: a command, and what runs in the sandbox, is ended then.
    """
    began = time.monotonic()
    act = replace(context, open_sandbox=lambda: StoppableSandbox(context.open_sandbox(), stop))
    do: Callable[[], Done] = {
        "command": lambda: _run(context, action, task, place, limit_s, stop=stop),
        "agent": lambda: _run(context, action, task, place, limit_s, stop=stop),
        "skill": lambda: _call_skill(act, action, task, limit_s),
        "operation": lambda: _operate(act, action, task),
        "tool": lambda: _call_tool(act, action, task),
        "send": lambda: _send(act, action, task, folder, key),
    }[action.kind]
    try:
        done = do()
    except LigninError as error:
        ended = "infrastructure" if error.code == "unavailable" else "crashed"
        done = Done(ended=ended, why=f"{error.code}: {error.message} {error.hint}".strip())
    return Done(
        ended=done.ended,
        said=without_secrets(context, done.said),
        why=without_secrets(context, done.why.encode(errors="replace")).decode(),
        time_s=round(time.monotonic() - began, 3),
        findings=done.findings,
        job=done.job,
        errors=without_secrets(context, done.errors),
    )


def without_secrets(context: Context, said: bytes) -> bytes:
    """What was said, with every secret in it redacted: it is kept, and shown."""
    return redact(said, context.redaction_key).content


def _run(
    context: Context,
    action: Action,
    task: Mapping[str, Json],
    place: AbstractContextManager[Path],
    limit_s: float,
    *,
    stop: Callable[[], bool],
) -> Done:
    told = {**task, "prompt": action.prompt} if action.prompt else task
    with place as folder:
        asked = SystemAsked(
            spec=action.run,
            folder=folder,
            environment=context.environment if action.unsandboxed else {},
            unsandboxed=action.unsandboxed,
            place=folder if action.unsandboxed else None,
            limit_s=max(1.0, min(action.limit_s, limit_s)),
            stop=stop,
        )
        run = context.open_system(asked).run(told, 0, _NoTools())
    errors = b"" if run.ended == "done" else run.errors
    return Done(ended=run.ended, said=run.said, why=run.why, errors=errors)


def _call_skill(context: Context, action: Action, task: Mapping[str, Json], limit_s: float) -> Done:
    wait_s = max(1.0, min(action.limit_s, limit_s, MAX_WAITED_S))
    request = {"name": action.name, "input": filled(action.request, task), "wait_s": wait_s}
    called = run_operation(context, "artifact.call", request, frozenset({"read", "execute"}))
    error, job = getattr(called, "error", None), getattr(called, "job", "")
    if error is not None:
        why = f"exit {error}: {getattr(called, 'message', '')}"
        return Done(ended="crashed", why=why, job=job)
    output = getattr(called, "output", None)
    if job and output is None and (told := str(getattr(called, "message", ""))):
        # taken for an answer, it would be a run that found nothing
        return Done(ended="infrastructure", why=f"not over after {wait_s:g} s; {told}", job=job)
    said = output.encode() if isinstance(output, str) else canonical_bytes(output)
    return Done(ended="done", said=b"" if output in (None, [], {}) else said, job=job)


def _operate(context: Context, action: Action, task: Mapping[str, Json]) -> Done:
    answer = run_operation(
        context,
        action.name,
        filled(action.request, task),
        frozenset({"read", "write", "execute"}),
    )
    said = canonical_bytes(answer.model_dump(mode="json"))
    return Done(ended="done", said=said, findings=findings_of(action.name, answer))


def _call_tool(context: Context, action: Action, task: Mapping[str, Json]) -> Done:
    tools = bound_tools(context, action.server)
    observation = tools.call(action.name, filled(action.request, task))
    if observation is None:
        return Done(ended="infrastructure", why=f"{action.server} does not know the answer")
    if observation.error is not None:
        return Done(ended="crashed", why=f"exit {observation.error}: {observation.message}")
    result = observation.result
    said = result.encode() if isinstance(result, str) else canonical_bytes(result)
    return Done(ended="done", said=b"" if result in (None, [], {}, "") else said)


def _send(
    context: Context, action: Action, task: Mapping[str, Json], folder: Path, key: str
) -> Done:
    request = filled(action.request, task)
    sent = send_once(context, action, request, folder=folder, key=key)
    ended = "infrastructure" if sent.why else "done"
    return Done(
        ended=ended, said=canonical_bytes(dict(sent.told)), why=sent.why, findings=sent.findings
    )


def find_operation(name: str, effects: frozenset[str]) -> Operation:
    """The operation of a name, if a loop may use it so.

    Raises:
        NotFoundError: There is none.
        DeniedError: Its effect is another one, or it is about loops themselves.
    """
    noun = name.partition(".")[0]
    found = load_noun(noun).get(name) if noun in nouns() else None
    if found is None:
        known = load_noun(noun) if noun in nouns() else nouns()
        close = get_close_matches(name, known, n=1)
        near = f"is it {close[0]!r}? " if close else ""
        raise NotFoundError(f"no operation {name!r}", hint=f"{near}`lignin schema` lists them")
    if noun in NEVER or found.effect not in effects:
        raise DeniedError(
            f"a loop may not use {name!r} ({found.effect}) here",
            hint=f"here it may {', '.join(sorted(effects))}; what governs is for a class of change",
        )
    return found


def run_operation(
    context: Context, name: str, request: Mapping[str, Json], effects: frozenset[str]
) -> Response:
    """Run an operation by name.

    Raises:
        InvalidRequestError: The request is none of its.
        LigninError: Whatever it raises.
    """
    operation = find_operation(name, effects)
    try:
        asked = operation.request.model_validate(dict(request))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the request"
        raise InvalidRequestError(
            f"{name}: {where}: {first['msg']}", hint=f"`lignin schema {name}` says what it takes"
        ) from error
    answer: Response = operation.run(context, asked)
    return answer


def pull(context: Context, name: str, request: Mapping[str, Json]) -> Json:
    """What a reading operation says, bounded; a fault is told in its place and stops nothing."""
    try:
        answer = run_operation(context, name, request, frozenset({"read"}))
    except LigninError as error:
        return {"error": error.code, "message": error.message}
    value = answer.model_dump(mode="json")
    size = len(canonical_bytes(value))
    if size > MAX_PULLED_BYTES:
        text = json.dumps(value, ensure_ascii=False)[: MAX_PULLED_BYTES // 2]
        return {"cut_at_bytes": MAX_PULLED_BYTES // 2, "of_bytes": size, "text": text}
    return value


def findings_of(name: str, answer: Response) -> tuple[Finding, ...]:
    """What an operation's answer amounts to: proposals to take, backslides to undo, a verdict that is none
    of success."""
    reader = _READERS.get(name)
    if reader is not None:
        return reader(answer)
    code = answer.exit_code()
    if code == 0:
        return ()
    text = answer.to_text() or canonical_bytes(answer.model_dump(mode="json")).decode()
    title = f"{name} ended with {code}: {text.splitlines()[0] if text else ''}"[:200]
    return (Finding(key=f"{name}:{code}", title=title, evidence=(text[:8000],)),)


def _of_improve(answer: Response) -> tuple[Finding, ...]:
    told = answer.model_dump(mode="json")
    if not told["proposal"] or told["outcome"] != "accept":
        return ()
    finding = Finding(
        key=told["proposal"],
        title=f"an improvement of {told['head']} is proven: {told['proposal']}",
        evidence=tuple(told["reasons"][:20]),
        change="improvement",
        proposed=f"apply {told['proposal']}; `lignin gate explain {told['decision']}` says why",
        request={"proposal": told["proposal"]},
    )
    return (finding,)


def _of_sweep(answer: Response) -> tuple[Finding, ...]:
    told = answer.model_dump(mode="json")
    return tuple(
        Finding(
            key=each["backslide"],
            title=f"{each['case']} was fixed and fails again",
            evidence=(each["why"],),
            change="rollback" if each["rollback"] else "",
            proposed=f"roll back by {each['rollback']}" if each["rollback"] else "",
            request={"proposal": each["rollback"]} if each["rollback"] else {},
        )
        for each in told["backslides"]
        if each["rollback_state"] != "applied"
    )


def _of_review(answer: Response) -> tuple[Finding, ...]:
    told = answer.model_dump(mode="json")
    return tuple(
        Finding(
            key=f"{each['name']}@{each['version']}:{each['verdict']}",
            title=f"{each['name']}: {each['verdict']}: {each['reasons'][0]}"[:200],
            evidence=(*each["reasons"], *(f"lacking: {text}" for text in each["lacking"])),
            proposed=_DO[each["verdict"]].format(**each),
        )
        for each in told["items"]
        if each["verdict"] in _DO
    )


def _of_repair(answer: Response) -> tuple[Finding, ...]:
    told = answer.model_dump(mode="json")
    return tuple(
        Finding(
            key=each["proposal"],
            title=f"{each['name']}: other thresholds are proven: {each['proposal']}"[:200],
            evidence=(each["why"],),
            change="repair",
            proposed=f"apply {each['proposal']}, which is {each['decision']}",
            request={"proposal": each["proposal"]},
        )
        for each in told["items"]
        if each["proposal"] and each["decision"] in ("open", "accepted", "undecided")
    )


_DO: Mapping[str, str] = {
    "repair": "`lignin job repair --skill {name}` fits its thresholds; or look at its runs, and hand in a better version",
    "retire-candidate": "take it out of service: `lignin artifact deprecate {name}`, or say why not",
}
_READERS: Mapping[str, Callable[[Response], tuple[Finding, ...]]] = {
    "improve": _of_improve,
    "eval.sweep": _of_sweep,
    "job.review": _of_review,
    "job.repair": _of_repair,
}
