"""The demo's report as plain text: what was found, what was refused and why, where each came from.

The most telling come first and each takes a line; the JSON form has every reason in full.
"""

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lignin.artifacts.call_text import space_option

if TYPE_CHECKING:
    from lignin.operations.demo import DemoReport, Kept, Origin, Refused

WIDTH = 100
NAME_WIDTH = 20
SHOWN_PER_REASON = 3
_NAMED = re.compile(r"(?<=only calls )\S+")
_CHECKS = {
    "detonation": "steals or reaches out where there is something to steal",
    "outlets": "holds a way out that it does not declare",
    "prose": "tells its reader to do harm",
    "effects": "does what it does not declare",
    "examples": "gives another answer than the session recorded",
    "held_out": "gives another answer on held-out examples",
    "determinism": "does not answer the same twice",
    "memorised": "knows its examples by heart",
    "totality": "fails on other input of the kind it takes",
    "own_tests": "fails its own tests",
    "mutants": "its tests notice no faults",
    "sandbox_marks": "looks for the sandbox",
}
"""Checks in the order in which they tell a reader most; others follow under their own names."""
_CAPTURED = {
    "known": "known from before",
    "revived": "let go before and back",
    "same_code": "with the same code as one of them",
    "seen_again": "seen again",
}
"""How a piece was captured, in words; `new` as it is."""


def render_report(report: "DemoReport") -> str:
    """The report for a person, at most 100 columns wide."""
    judged = [one for one in report.refused if one.stage == "verified"]
    failed = [one for one in judged if not one.reason.startswith("inconclusive")]
    unclear = [one for one in judged if one.reason.startswith("inconclusive")]
    waiting = [one for one in report.refused if one.stage == "promoted"]
    found = [one for one in report.refused if one.stage == "found"]
    parts = [
        _head(report),
        _kept(report.kept),
        _tests(report),
        _failed(failed, report.space),
        _grouped("Proven, but the gate wants more", waiting),
        _grouped("Inconclusive (kept as drafts; not held against them)", unclear),
        _grouped("Refused when found, without a run", found),
        _served(report),
        _call(report),
        _after(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _head(report: "DemoReport") -> str:
    lines = [*textwrap.wrap(report.note, WIDTH), ""] if report.note else []
    lines.append(
        f"Found: {report.steps_with_code} pieces of code that agents wrote, "
        f"in {report.sessions} sessions ({report.files} files)"
    )
    if report.captured:
        told = ", ".join(
            f"{n} {_CAPTURED.get(how, how)}" for how, n in sorted(report.captured.items())
        )
        lines.append(f"  captured: {told}")
    if report.waiting:
        lines.append(
            f"  waiting: {report.waiting} draft{'s' * (report.waiting != 1)}, seen once or not provable yet; kept 14 days, then let go"
        )
    if report.let_go:
        lines.append(
            f"  let go: {report.let_go} drafts nobody reached for within 14 days; "
            "they come back when seen again"
        )
    if report.redacted:
        told = ", ".join(f"{n} {name}" for name, n in sorted(report.redacted.items()))
        lines.append(f"  secrets redacted before anything was stored: {told}")
    for reason, count in sorted(report.unread.items()):
        lines += _wrapped(f"  not read: {count} x {reason}", "    ")
    return "\n".join(lines)


def _kept(kept: Sequence["Kept"]) -> str:
    if not kept:
        return "Proven and promoted: nothing"
    lines = [f"Proven and promoted: {len(kept)}"]
    rows = [("", "kind", "digest", "examples", "seen", "runs", "first written by")]
    for one in kept:
        runs = "earlier" if one.reused else str(one.runs)
        by = f"{one.origin.author}, step {one.origin.step}, {one.origin.session[:12]}"
        rows.append(
            (one.name, one.kind, one.digest[7:15], str(one.examples), f"{one.sightings}x", runs, by)
        )
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(_cut("  " + "  ".join(cells).rstrip(), WIDTH))
    return "\n".join(lines)


def _failed(refused: Sequence["Refused"], space: str) -> str:
    """One line for each, under the check that told most: what it did, and on which input."""
    if not refused:
        return ""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in refused:
        check, said = _most_telling(one.reason)
        groups[check].append((one.name, f"{said.replace(' without declaring it', '')}"))
    lines = [f"Refused by the sandbox: {sum(one.count for one in refused)}"]
    order = [*_CHECKS, *sorted(set(groups) - set(_CHECKS))]
    for check in order:
        if check not in groups:
            continue
        lines.append(f"  {_CHECKS.get(check, check)}: {len(groups[check])}")
        for name, said in groups[check]:
            lines.append(_cut(f"    {name.ljust(NAME_WIDTH)}  {said}", WIDTH))
    lines.append(
        f"  `lignin artifact show NAME{space_option(space)}` has every reason and where it came from"
    )
    return "\n".join(lines)


def _most_telling(reason: str) -> tuple[str, str]:
    """The check that speaks first in `_CHECKS`, and what it said first."""
    plain = reason.removeprefix("earlier: ").removeprefix("fail: ")
    said = [part.partition(": ") for part in plain.split("; ")]
    for check in _CHECKS:
        for name, _, text in said:
            if name == check and text:
                return check, text
    name, _, text = said[0]
    return (name, text) if text else ("other", name)


def _tests(report: "DemoReport") -> str:
    lines = [f"  {name}: {what}" for name, what in sorted(report.tests.items())]
    return "\n".join([f"Agent-written tests that count: {len(lines)}", *lines]) if lines else ""


def _grouped(title: str, refused: Sequence["Refused"]) -> str:
    """Reasons with how often each was given, and the first few pieces it was given for."""
    if not refused:
        return ""
    by_reason: dict[str, list[Refused]] = defaultdict(list)
    for one in refused:
        plain = one.reason.removeprefix("inconclusive: ")
        by_reason[_NAMED.sub("another file of its session", plain)].append(one)
    lines = [f"{title}: {sum(one.count for one in refused)}"]
    for reason, ones in sorted(by_reason.items(), key=lambda item: -sum(o.count for o in item[1])):
        count = sum(one.count for one in ones)
        lines += _wrapped(f"  {count:>3} x {_cut(reason, 2 * WIDTH)}", "        ")
        shown = ", ".join(f"{one.name} ({_place(one.origin)})" for one in ones[:SHOWN_PER_REASON])
        more = f" and {len(ones) - SHOWN_PER_REASON} more" if len(ones) > SHOWN_PER_REASON else ""
        lines += _wrapped(f"        {shown}{more}", "        ")
    return "\n".join(lines)


def _served(report: "DemoReport") -> str:
    if report.served is None or not report.kept:
        return ""
    lines = [f"Served from head {report.served.head}, revision {report.served.revision[7:19]}:"]
    for folder in report.served.folders:
        count = len(folder.written) + len(folder.replaced) + len(folder.kept)
        lines.append(f"  {folder.client}: {count} skills in {folder.folder}")
        lines.append(
            f"    their names and descriptions take {folder.listing_chars} "
            f"of the {folder.listing_budget} characters that it lists"
        )
        for word, left in (("left out", folder.left_out), ("left alone", folder.left_alone)):
            lines += _flat(f"    {word}: {one.name}: {one.reason}" for one in left)
    lines += _flat(
        f"  no skill folder: {one.name}: {one.reason}" for one in report.served.not_skills
    )
    return "\n".join(lines)


def _call(report: "DemoReport") -> str:
    called = report.call
    if called is None:
        return "Called: nothing, no proven program is served"
    given, answer = _short(report.call_input), _short(called.output)
    same = called.output == report.call_expected
    lines = [
        f"Called: lignin artifact call {called.name}{space_option(report.space)} --input '{given}'",
        f"  answer {answer}, in {1000 * called.wall_s:.1f} ms in the {called.tier} sandbox",
        f"  {'the same as' if same else 'NOT the same as'} in the agent's own session",
    ]
    return "\n".join(lines)


def _after(report: "DemoReport") -> str:
    if not report.store:
        return ""
    where = space_option(report.space)
    return "\n".join(
        [
            f"Kept in space {report.space} of {report.store}",
            f"  look around: lignin artifact list{where}, lignin head history{where}",
            f"  undo: lignin head rollback{where}",
        ]
    )


def _place(origin: "Origin") -> str:
    return f"step {origin.step} of {origin.session[:12]}"


def _short(value: object) -> str:
    return _cut(json.dumps(value, ensure_ascii=False), WIDTH)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 3] + "..."


def _wrapped(line: str, indent: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False)


def _flat(lines: Iterable[str]) -> list[str]:
    return [piece for line in lines for piece in _wrapped(line, "      ")]
