"""What does the artifact do where there is something to steal?

Refused: an undeclared effect; a planted secret that was read, or any part of which turns up in what
the run said, left, started, asked for or tried to reach; an answer that is otherwise on an ordinary
machine, with other secrets, or on a later call. `detonation` plans the runs, `canaries` finds the
secrets again in any disguise.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lignin.artifacts.answers import outcome_of, plain_error, told, values_agree
from lignin.artifacts.canaries import WORK_FILE, find_leaks
from lignin.artifacts.check import (
    Check,
    DetonationRun,
    Observations,
    conclude,
    infrastructure_doubts,
    shown,
)
from lignin.artifacts.detonation import HOSTNAMES, TRACE_FILE, WORK_FILES, scripts_of
from lignin.artifacts.oracle import MAX_REASONS, declares_variation
from lignin.artifacts.sink import flat_text, is_declared
from lignin.artifacts.trace_lines import changed, device_in, reached, traced_commands
from lignin.artifacts.undeclared import subject, undeclared
from lignin.domain.codec import Json
from lignin.domain.evidence import CheckResult
from lignin.ports.sandbox import HOME_FOLDER, Effect

_SECRET_PLACES = re.compile(
    r"/\.(?:aws|ssh|netrc|gnupg|kube|docker|git-credentials|npmrc|pypirc|env|azure|pgpass|mozilla"
    r"|bash_history|zsh_history|config/(?:gcloud|gh|google-chrome|chromium))(?:/|$)"
)
PLACEHOLDERS = "lignin.placeholders"
_OUTWARD = frozenset({"connect", "denied", "incident", "guest", "left", "amount", "unreadable"})
_MUCH_MEMORY_BYTES = 256 * 2**20
_WORDS = {
    "ordinary": "on an ordinary machine",
    "later": "years later",
    "tested": "where there are signs of a test",
    "traced": "under trace",
}


def judge(observations: Observations) -> CheckResult:
    """Judge every run among planted secrets."""
    runs = observations.detonation
    faults: dict[str, None] = {}
    searched: set[bytes] = set()
    for run in runs:
        where = f"{run.what}: " if run.what else ""
        seen = (
            *_leaks(run, searched),
            *_readings(observations, run),
            *_effects(observations, run),
            *_askings(observations, run),
            *_greed(run),
        )
        faults.update(dict.fromkeys(f"{where}{fault}" for fault in seen))
    faults.update(dict.fromkeys(_devices(observations)))
    if not faults and not declares_variation(observations):
        faults.update(dict.fromkeys(_differences(observations)))
    doubts = [*infrastructure_doubts(run.observed for run in runs)]
    doubts += [
        f"did not end {_WORDS[run.around]}: {told(run.observed, is_call=observations.is_call)}"
        for run in runs
        if run.observed.status not in {"exited", "infrastructure"} and not run.what
    ]
    return conclude(
        "detonation",
        faults=list(faults)[:MAX_REASONS],
        doubts=doubts,
        measured={"runs": len(runs), "faults": len(faults)},
    )


def _leaks(run: DetonationRun, searched: set[bytes]) -> Iterator[str]:
    """Planted secrets in what a run let out. What an earlier run let out too is not searched again.

    Each kind of surroundings has secrets of its own, so what comes out alike in two holds none of the
    second's.
    """
    for place, text in _said(run):
        if text in searched:
            continue
        searched.add(text)
        found = find_leaks(run.canaries, text)
        if found:
            names = ", ".join(canary.name for canary in found[:3])
            yield f"the planted secret {names} turned up in {place}"


def _said(run: DetonationRun) -> Iterator[tuple[str, bytes]]:
    """Everything that a run let out, with the words for where."""
    seen = run.observed
    if seen.returned or seen.result is not None:
        yield "its result", flat_text(seen.result)
    yield "its output", seen.stdout
    yield "its output", seen.stderr + b"\n" + seen.message.encode(errors="replace")
    for kind, words in (("connect", "an address"), ("process", "the command line of a program")):
        targets = "\n".join(effect.target for effect in seen.effects if effect.kind == kind)
        yield f"{words} that it tried", targets.encode(errors="replace")
    paths = "\n".join(effect.target for effect in seen.effects if effect.kind in {"write", "read"})
    yield "the name of a file", "\n".join((paths, *seen.written)).encode(errors="replace")
    for path, content in seen.written.items():
        if path not in {TRACE_FILE, WORK_FILE}:
            yield f"the file {path}", content
    asked: dict[str, dict[bytes, None]] = {}
    for request in run.requests:
        target = request.get("url") or request.get("tool") or request.get("type")
        asked.setdefault(str(target).partition("?")[0], {})[flat_text(request)] = None
    for target, texts in asked.items():
        yield f"a request to {shown(target)}", b"\n".join(texts)


def _readings(observations: Observations, run: DetonationRun) -> Iterator[str]:
    """Secrets that were read, and machines that programs tried to reach, as far as either shows."""
    for effect in run.observed.effects:
        if effect.kind == "read" and _is_secret(effect.target):
            yield f"read {effect.target}, where people keep secrets"
        elif effect.kind == "process":
            yield from _reaching(observations, effect.target)
    trace = run.observed.written.get(TRACE_FILE, b"") if run.around == "traced" else b""
    for canary in find_leaks(run.canaries, trace):
        if canary.place != WORK_FILE:
            yield f"handled the planted secret {canary.name}"
    for command in traced_commands(trace.decode(errors="replace")):
        yield from _reaching(observations, command)


def _devices(observations: Observations) -> Iterator[str]:
    """Addresses that a shell would open by itself, which no trace shows."""
    for path, runtime in scripts_of(observations.tree):
        if runtime == "python" or path not in observations.sources:
            continue
        for number, line in enumerate(observations.sources[path].splitlines(), 1):
            address = "" if line.lstrip().startswith("#") else device_in(line)
            if address:
                yield f"{path}:{number} opens {shown(address)}"


def _is_secret(path: str) -> bool:
    return path.startswith(f"{HOME_FOLDER}/") and _SECRET_PLACES.search(path) is not None


def _reaching(observations: Observations, command: str) -> Iterator[str]:
    address = reached(command)
    if address and not is_declared(observations.manifest.capabilities, address):
        yield f"tried to reach {shown(address)} by {shown(command)[:80]}"
    if change := changed(command):
        yield f"tried to change {change} by {shown(command)[:80]}"


def _effects(observations: Observations, run: DetonationRun) -> Iterator[str]:
    """Effects that are not declared. Commands may read what is beside them and in an open home."""
    manifest, seen = observations.manifest, run.observed
    is_command = not observations.is_call
    is_open = is_command or manifest.capabilities.processes
    kept = tuple(effect for effect in seen.effects if not _is_let_pass(effect, is_open=is_open))
    written = {path: content for path, content in seen.written.items() if path != TRACE_FILE}
    for effect in seen.effects:
        path = effect.target.removeprefix("/work/")
        if effect.kind == "delete" and path in {WORK_FILE, *WORK_FILES} - set(run.use.files):
            yield f"deleted {path}, which is not its own"
    if manifest.kind in {"test", "skill", "prompt"}:  # judged by what leaves them
        kept = tuple(each for each in kept if subject(each) in _OUTWARD or _is_at_home(each))
        written = {path: content for path, content in written.items() if path in WORK_FILES}
    what = replace(seen, effects=kept, written=written)
    for fault in undeclared(manifest.capabilities, run.use, what, is_command=is_command):
        yield f"{fault} without declaring it, {_WORDS[run.around]}"


def _askings(observations: Observations, run: DetonationRun) -> Iterator[str]:
    """What was asked of the outside without being declared."""
    declared = observations.manifest.capabilities
    for request in run.requests:
        url, tool = str(request.get("url", "")), str(request.get("tool", ""))
        if request.get("type") == "http":
            if not is_declared(declared, url):
                yield f"asked for {shown(url)} without declaring its host, {_WORDS[run.around]}"
        elif tool not in declared.tools and not (tool == PLACEHOLDERS and declared.secrets):
            asked = shown(tool or str(request.get("type")))
            yield f"asked for {asked} without declaring it, {_WORDS[run.around]}"


def _greed(run: DetonationRun) -> Iterator[str]:
    """What no small input explains: the walls would hold it in, a machine without them would not."""
    seen = run.observed
    # Other tiers tell the most of all runs so far.
    if seen.tier == "ns" and seen.memory_bytes > _MUCH_MEMORY_BYTES:
        yield f"took {seen.memory_bytes // 2**20} MB of memory for a small input"


def _is_let_pass(effect: Effect, *, is_open: bool) -> bool:
    """What `_readings` judges, and the open files of a home folder where programs may be started."""
    if effect.kind != "read" or not effect.target.startswith(HOME_FOLDER):
        return False
    return is_open or _is_secret(effect.target)


def _is_at_home(effect: Effect) -> bool:
    changed = effect.kind in {"write", "delete"}
    return changed and effect.target.startswith(f"{HOME_FOLDER}/")


def _differences(observations: Observations) -> Iterator[str]:
    """Answers that hang on the surroundings, or on how often there was a call before."""
    if observations.manifest.kind not in {"program", "script", "workflow"}:
        return
    by_use: dict[str, list[DetonationRun]] = {}
    for run in observations.detonation:
        if run.around != "traced" and run.observed.status == "exited":
            by_use.setdefault(run.use.digest, []).append(run)
    for runs in by_use.values():
        first = runs[0]
        if observations.manifest.kind == "program" and (
            late := _late_answer(first.observed.result)
        ):
            yield f"answers otherwise on a later call: {late}"
        base = _answer(observations, first)
        for other in runs[1:]:
            answer = _answer(observations, other)
            if not values_agree(base, answer):
                secrets = ", with other secrets" if other.around == "later" else ""
                yield (
                    f"answers otherwise {_WORDS[other.around]}{secrets}: "
                    f"{shown(answer)}, not {shown(base)}"
                )


def _answer(observations: Observations, run: DetonationRun) -> Json:
    """What a run answered, with the machine's name the same in all."""
    if observations.manifest.kind == "workflow":
        return outcome_of(run.observed, is_call=True)
    if observations.is_call:
        answer = run.observed.result
        return [_first(heard) for heard in answer] if isinstance(answer, list) else None
    seen = replace(
        run.observed,
        stdout=run.observed.stdout.replace(HOSTNAMES[run.around].encode(), b"machine"),
    )
    return outcome_of(seen, is_call=False)


def _first(heard: Json) -> Json:
    """The first answer of one case, an error by its name."""
    answer = heard[0] if isinstance(heard, list) and heard else None
    if isinstance(answer, dict) and "error" in answer:
        return {"error": plain_error(str(answer["error"]))}
    return answer


def _late_answer(answers: Json) -> str:
    several: Iterable[Json] = answers if isinstance(answers, list) else ()
    for heard in several:
        if isinstance(heard, list) and len(heard) > 1 and not values_agree(heard[0], heard[-1]):
            return f"{shown(heard[-1])}, not {shown(heard[0])}"
    return ""


CHECK = Check(
    name="detonation",
    needs=frozenset({"files", "detonation"}),
    judge=judge,
)
