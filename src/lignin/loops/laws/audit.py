"""What is broken about the loops that a team has, from what they say of their scripts. Pure.

Each script is described in a file by its five parts; a part that is not there, or says nothing, is a
finding. Findings are ranked by what can go wrong, times what the script may touch, times the hours
that go through it.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.loops import PARTS, Loop
from lignin.loops.laws.parse import ASKS, parse_loop
from lignin.loops.laws.reading import Table

Part = Literal["trigger", "context", "action", "gate", "stop", "memory", "overlap", "sandbox"]
Touches = Literal["nothing", "files", "people", "production"]
Kind = Literal["missing", "weak", "refused"]
TOUCHES: Mapping[str, int] = {"nothing": 1, "files": 2, "people": 3, "production": 4}
_NOTHING = re.compile(r"|-|\?|tbd|todo|none|no|nothing|never|n/?a|unclear|unknown|not yet|nobody")
_BOUND = re.compile(
    r"\d|\b(one|two|three|once|twice|first|single)\b|\b(max|most|limit|timeout|budget|cap)\w*\b"
)
_LOOKS = re.compile(
    r"\b(look\w* (ok|good|fine)|seems?|should|hopefully|eyeball\w*|vibes?|usually|sometimes)\b"
)
_AGENT = re.compile(r"\b(agents?|claude|codex|cursor|llm|gpt|gemini|model|prompt)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is broken about a script.

    Args:
        kind: Whether the part is not there, or there and weak, or such that the loop is refused.
        weight: What it is ranked by: the heavier, the sooner it should be mended.
        why: What could go wrong.
        mend: What to do about it.
    """

    script: str
    part: Part
    kind: Kind
    weight: float
    found: str
    why: str
    mend: str

    def to_json(self) -> dict[str, Json]:
        return {
            "script": self.script,
            "part": self.part,
            "kind": self.kind,
            "weight": self.weight,
            "found": self.found,
            "why": self.why,
            "mend": self.mend,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A script as its team describes it; a part that says nothing is ""."""

    name: str
    parts: Mapping[str, str]
    touches: Touches = "files"
    hours_per_week: float = 1.0
    remembers: str = ""


def parse_scripts(value: Mapping[str, Json]) -> tuple[Script, ...]:
    """Read the description of some scripts.

    Raises:
        InvalidRequestError: It is none; the message begins with the place.
    """
    root = Table(value, "")
    scripts = []
    for table in root.tables("scripts"):
        parts = {part: _said(table.text(part, "")) for part in PARTS}
        touches: Touches = table.choice("touches", tuple(TOUCHES), "files")
        scripts.append(
            Script(
                name=table.text("name", most=200),
                parts=parts,
                touches=touches,
                hours_per_week=table.number("hours_per_week", 10_000) or 1.0,
                remembers=_said(table.text("remembers", "")),
            )
        )
        table.text("about", "")
        table.close()
    root.close()
    if not scripts:
        raise root.fault("scripts", "has none", hint="[[scripts]] with name and the five parts")
    return tuple(scripts)


def _said(text: str) -> str:
    told = " ".join(text.split())
    return "" if _NOTHING.fullmatch(told.lower().rstrip(".!")) else told


def audit_scripts(scripts: Sequence[Script]) -> list[Finding]:
    """Return what is broken, the worst first."""
    found = [finding for script in scripts for finding in (*_missing(script), *_weak(script))]
    return sorted(found, key=lambda each: (-each.weight, each.script, each.part))


def audit_loop(value: Mapping[str, Json]) -> list[Finding]:
    """Return what is broken or weak about a loop in this project's own form."""
    name = str(value.get("loop") or "the loop")[:63]
    try:
        loop = parse_loop(value)
    except InvalidRequestError as error:
        missing = error.fields.get("missing")
        if not missing:
            return [
                _finding(
                    name,
                    _part_of(error),
                    8.0,
                    error.message,
                    "it is refused",
                    error.hint,
                    kind="refused",
                )
            ]
        return [
            _finding(name, part, 8.0, f"no {part}", _WRONG[part], ASKS[part], kind="missing")
            for part in missing
        ]
    return sorted(_weak_loop(loop), key=lambda each: (-each.weight, each.part))


_WRONG: Mapping[str, str] = {
    "trigger": "it runs when somebody thinks of it, so the work sits idle until then",
    "context": "it acts blind: on what it was told once, not on how things stand",
    "action": "it starts and nothing comes of it",
    "gate": "nobody checks what comes out: mistakes go where it writes",
    "stop": "nothing ends it: it can run, and cost, without bound",
}
_MEND: Mapping[str, str] = {
    "trigger": "say what starts it: a cron line, a webhook, new files or traces, a message",
    "context": "say what it pulls before acting",
    "action": "say which skill, agent or command does it",
    "gate": "say which check, by somebody else than the maker, or whose approval it needs",
    "stop": "say how many iterations, how many without progress, and how much money, tokens or time",
}
_HARM: Mapping[str, float] = {
    "stop": 5.0,
    "gate": 5.0,
    "action": 3.0,
    "trigger": 2.0,
    "context": 2.5,
}


def _missing(script: Script) -> list[Finding]:
    return [
        _of(script, part, _HARM[part], f"no {part}", _WRONG[part], _MEND[part], kind="missing")
        for part in PARTS
        if not script.parts[part]
    ]


def _weak(script: Script) -> list[Finding]:
    parts, found = script.parts, list[Finding]()
    gate, stop, action = parts["gate"], parts["stop"], parts["action"]
    if stop and not _BOUND.search(stop.lower()):
        why = "whether it is done is a matter of opinion, and so is the bill"
        found.append(_of(script, "stop", 4.0, f"no number in {stop!r:.80}", why, _MEND["stop"]))
    if gate and _LOOKS.search(gate.lower()):
        why = "a gate that nobody can repeat lets through what it lets through"
        found.append(_of(script, "gate", 3.5, f"no check in {gate!r:.80}", why, _MEND["gate"]))
    if gate and _is_same(action, gate):
        why = "the maker is too agreeable about its own work"
        mend = "let another agent, with instructions of its own, or a test judge it"
        found.append(_of(script, "gate", 4.5, "the maker checks itself", why, mend))
    if not script.remembers:
        why = "the next run begins where this one began, and tries again what failed"
        mend = "keep what was tried, what passed and what is open, and give it to the next run"
        found.append(_of(script, "memory", 1.5, "nothing is remembered", why, mend))
    return found


def _is_same(action: str, gate: str) -> bool:
    first = _program(action)
    return bool(first) and bool(_AGENT.search(action.lower())) and first == _program(gate)


def _program(text: str) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return words[0].lower() if words else ""


def _weak_loop(loop: Loop) -> list[Finding]:
    found = []
    for stage in loop.stages:
        if stage.gate.kind == "nothing":
            told = f"nothing checks the stage {stage.name!r}"
            found.append(_finding(loop.name, "gate", 5.0, told, _WRONG["gate"], _MEND["gate"]))
        elif not stage.gate.head and loop.autonomy.classes:
            why = "its gate was never measured, so that it goes no further than draft"
            mend = "let it bring proposals on a head (gate.kind = 'head'), and measure that head's suite"
            told = f"the gate of {stage.name!r} has no measured power"
            found.append(_finding(loop.name, "gate", 1.0, told, why, mend))
        if stage.action.unsandboxed:
            why = "it may do all that you may, on text that it reads"
            mend = "leave `unsandboxed` out where it needs no network and no home folder"
            told = f"{stage.action.run!r:.60} runs as you"
            found.append(_finding(loop.name, "sandbox", 3.0, told, why, mend))
    if any(stage.action.unsandboxed for stage in loop.stages):
        found += [_finding(loop.name, "gate", 1.0, *told) for told in _blind(loop)]
    if not loop.context:
        found.append(
            _finding(loop.name, "context", 2.5, "no query", _WRONG["context"], _MEND["context"])
        )
    if loop.stop.daily.to_json() == {} and loop.trigger.kind != "manual":
        why = "each run is bounded, how many there are is not"
        mend = "[stop.daily] with money_usd, tokens or time_s"
        found.append(_finding(loop.name, "stop", 2.0, "no budget for a day", why, mend))
    return found


def _blind(loop: Loop) -> list[tuple[str, str, str]]:
    """Checkers that do not see the folder in which the work is done."""
    checkers = [check for stage in loop.stages for check in stage.gate.checks]
    checkers += [loop.stop.goal] if loop.stop.goal else []
    why = (
        "it sees the result, and a copy of the files that its line names, not what else was changed"
    )
    mend = "`unsandboxed = true`, or name in its line what it is to look at"
    return [
        (f"{check.run!r:.60} checks from the sandbox what is done outside of it", why, mend)
        for check in checkers
        if check.run and not check.unsandboxed
    ]


def _part_of(error: InvalidRequestError) -> Part:
    where = str(error.fields.get("where", "")).partition(".")[0].partition("[")[0]
    known: dict[str, Part] = {part: part for part in PARTS}  # type: ignore[misc]
    return known.get(where, "action")


def _of(script: Script, part: str, harm: float, *told: str, kind: Kind = "weak") -> Finding:
    reach = TOUCHES[script.touches] if part in {"gate", "stop", "context"} else 2
    hours = min(40.0, max(0.25, script.hours_per_week))
    return _finding(script.name, part, round(harm * reach * hours**0.5, 2), *told, kind=kind)


def _finding(script: str, part: str, weight: float, *told: str, kind: Kind = "weak") -> Finding:
    """A finding; told are what was found, why that matters and what mends it."""
    found, why, mend = told
    return Finding(
        script=script,
        part=part,  # type: ignore[arg-type]
        kind=kind,
        weight=weight,
        found=found,
        why=why,
        mend=mend,
    )
