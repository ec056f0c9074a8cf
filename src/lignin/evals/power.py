"""What a suite catches: faults planted into what works, and fixes undone. Pure.

A fault is a change that somebody might make by mistake. Whether it is caught is for the guard to say, as
of any proposal; here are the faults themselves and what is told of them.
"""

import ast
import json
import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lignin.domain.artifacts import MANIFEST_PATH, File
from lignin.domain.codec import Json
from lignin.domain.ids import drawn
from lignin.evals.laws.binomial import exact_interval

FaultKind = Literal[
    "fix_undone",
    "admission_undone",
    "slot_emptied",
    "older_version",
    "text_cut",
    "text_turned",
    "agent_fault",
    "file_emptied",
    "program_mutated",
]
REVERTED: FaultKind = "fix_undone"
Caught = Literal["caught", "missed", "unclear"]
_TURNS = (
    (r"==", "!="), (r"!=", "=="), (r"<=", ">"), (r">=", "<"), (r"(?<![-<>=])>(?!=)", "<="),
    (r"\bTrue\b", "False"), (r"\bFalse\b", "True"), (r"\band\b", "or"), (r"\bor\b", "and"),
    (r"\bnot\b ?", ""), (r"\bnever\b", "always"), (r"\balways\b", "never"), (r"\bonly\b ?", ""),
    (r"\bbefore\b", "after"), (r"\bafter\b", "before"), (r"\bmust\b", "need not"),
    (r"(?<=\s)\+(?=\s)", "-"), (r"\b\d{1,6}\b", "#"),
)  # fmt: skip
"""What a turned text says instead, one place at a time; `#` is a number and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A fault in a file: what it is, in words, and the file with it; None where it is gone."""

    kind: FaultKind
    about: str
    path: str
    file: File | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the guard said of one fault; `trials` are all that it asked for."""

    kind: FaultKind
    about: str
    outcome: Caught
    broken: tuple[str, ...] = ()
    trials: int = 0

    def to_json(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "about": self.about,
            "outcome": self.outcome,
            "broken": list(self.broken),
            "trials": self.trials,
        }


def turned_texts(files: Mapping[str, File], seed: str, each: int = 2) -> list[Turned]:
    """Return faults in the texts of some files: some of a kind for each file, at random by the seed.

    A program that no longer parses is left out: anybody would notice. So is what changes nothing.
    """
    found = []
    for path, file in sorted(files.items()):
        try:
            text = file.content.decode()
        except UnicodeDecodeError:
            continue
        rng = random.Random(f"{seed} {path} {file.sha256}")  # noqa: S311
        for kind, about, new in (*_cuts(text), *_turns(text, rng, each)):
            changed = File(content=new.encode(), mode=file.mode)
            if not changes_nothing(path, file, changed) and (
                not path.endswith(".py") or _parses(new)
            ):
                found.append(Turned(kind=kind, about=f"{path}: {about}", path=path, file=changed))
    return found


def changes_nothing(path: str, before: File, after: File) -> bool:
    """Whether a changed file can make no difference to an agent: it is a manifest, which is ours to read, or what
    it says is the same but for comments, docstrings and blanks."""
    name = path.rpartition("/")[2]
    if name == MANIFEST_PATH:
        return True
    return _said(name, before.content) == _said(name, after.content)


def _said(name: str, content: bytes) -> object:
    """What a file comes to for who reads it by its form; its bytes where it has none that is known."""
    end = name.rpartition(".")[2]
    try:
        text = content.decode()
        if end == "py":
            return _program(text)
        if end in ("json", "toml"):
            return json.dumps(
                json.loads(text) if end == "json" else tomllib.loads(text), default=str
            )
    except (ValueError, SyntaxError, RecursionError):
        return content
    if end in _HASHED:
        lines = (line.strip() for line in text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]
    return content


def _program(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(node, _DOCUMENTED)
            and body
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = body[1:]
    return ast.dump(tree)


_HASHED = frozenset({"sh", "bash", "zsh", "yaml", "yml", "rb", "pl", "r", "cfg", "ini", "conf"})
"""Ends of files in which a line that begins with # says nothing."""
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _cuts(text: str) -> Iterable[tuple[FaultKind, str, str]]:
    lines = text.splitlines(keepends=True)
    half = len(lines) // 2
    if half:
        yield "text_cut", f"lines from {half + 1} on are missing", "".join(lines[:half])
        yield "text_cut", f"lines up to {half} are missing", "".join(lines[half:])


def _turns(text: str, rng: random.Random, most: int) -> Iterable[tuple[FaultKind, str, str]]:
    places = [
        (match.start(), match.end(), _as_written(match[0], new))
        for pattern, new in _TURNS
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]
    for start, end, new in sorted(rng.sample(places, min(most, len(places)))):
        said = str(int(text[start:end]) + 1) if new == "#" else new
        line = text.count("\n", 0, start) + 1
        about = f"line {line}: {text[start:end].strip()} turned into {said.strip() or 'nothing'}"
        yield "text_turned", about, text[:start] + said + text[end:]


def _as_written(old: str, new: str) -> str:
    return new.capitalize() if old[:1].isupper() else new.lower()


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def some_of(kinds: Sequence[tuple[FaultKind, str]], most: int, seed: str) -> list[int]:
    """Return which faults are planted where there are too many: of each kind in turn, nobody chooses."""
    lots: dict[str, list[int]] = {}
    for number in sorted(range(len(kinds)), key=lambda n: drawn(f"{seed} {kinds[n]}")):
        lots.setdefault(kinds[number][0], []).append(number)
    turns = [lot[turn] for turn in range(len(kinds)) for lot in lots.values() if turn < len(lot)]
    return sorted(turns[:most])


def share_caught(outcomes: Sequence[Outcome]) -> dict[str, Json]:
    """Return how many of some faults were caught, with the exact interval of the share."""
    caught = sum(each.outcome == "caught" for each in outcomes)
    between = exact_interval(caught, len(outcomes))
    return {
        "caught": caught,
        "of": len(outcomes),
        "unclear": sum(each.outcome == "unclear" for each in outcomes),
        "interval": [round(bound, 4) for bound in between] if between else None,
    }


def tell_power(outcomes: Sequence[Outcome]) -> dict[str, Json]:
    """Return a suite's power: of reverted fixes, of planted faults, and of each kind of these."""
    planted = [each for each in outcomes if each.kind != REVERTED]
    kinds = Counter(each.kind for each in planted)
    return {
        "reverted_fixes": share_caught([each for each in outcomes if each.kind == REVERTED]),
        "planted": {
            **share_caught(planted),
            "kinds": {
                kind: share_caught([each for each in planted if each.kind == kind])
                for kind in sorted(kinds)
            },
        },
    }


def parse_outcome(value: Mapping[str, Json]) -> Outcome:
    """Read an outcome back from its JSON."""
    return Outcome(
        kind=value["kind"],
        about=value["about"],
        outcome=value["outcome"],
        broken=tuple(value["broken"]),
        trials=int(value["trials"]),
    )


NO_ORACLE = (
    "consensus",
    "alone",
    "metamorphic",
    "differential",
    "differential+metamorphic",
    "rubric",
    "told",
)
"""Bases on which nobody declared what is right: runs that agree, the failed run alone, relations between
runs, another system, a judge, the system itself."""
_WORDS = {
    "consensus": "by runs that agree",
    "alone": "by the failed run alone",
    "metamorphic": "by relations between its own runs",
    "differential": "by agreement with another system",
    "differential+metamorphic": "by relations between runs and agreement with another system",
    "rubric": "by a judge with a rubric",
    "told": "by the system's own word",
}


def tell_basis(basis: Mapping[str, int]) -> str:
    """What cases rest on in words; "" where each has what was declared right."""
    without = {name: count for name, count in basis.items() if name in NO_ORACLE}
    if not without:
        return ""
    told = ", ".join(f"{count} {_WORDS[name]}" for name, count in without.items())
    return f"{sum(without.values())} of {sum(basis.values())} cases have no oracle: {told}"
