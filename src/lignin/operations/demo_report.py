"""The demo's report as plain text: what was found, what was refused and why, where each came from."""

import json
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lignin.operations.demo import DemoReport, Kept, Refused

WIDTH = 100
_NAMED = re.compile(r"(?<=only calls )\S+")
SHOWN_PER_REASON = 3
_STAGES = {
    "found": "Refused when found (no run needed)",
    "verified": "Refused by the sandbox",
    "promoted": "Proven, but the gate wants more",
}


def render_report(report: "DemoReport") -> str:
    """The report for a person, at most 100 columns wide."""
    parts = [_head(report), _kept(report.kept), _tests(report)]
    for stage, title in _STAGES.items():
        refused = [one for one in report.refused if one.stage == stage]
        if refused:
            parts.append(_refused(title, refused))
    parts += [_served(report), _call(report)]
    return "\n\n".join(part for part in parts if part)


def _head(report: "DemoReport") -> str:
    lines = []
    if report.note:
        lines += [*textwrap.wrap(report.note, WIDTH), ""]
    lines.append(
        f"{report.sessions} sessions in {report.files} files; "
        f"{report.steps_with_code} pieces of code that agents wrote"
    )
    if report.captured:
        told = ", ".join(
            f"{n} {how.replace('_', ' ')}" for how, n in sorted(report.captured.items())
        )
        lines.append(f"captured: {told}")
    if report.waiting:
        lines.append(
            f"waiting: {report.waiting} drafts, unproven or seen only once; kept 14 days, then let go"
        )
    if report.let_go:
        lines.append(
            f"let go: {report.let_go} drafts nobody reached for within 14 days; "
            "they come back when seen again"
        )
    if report.redacted:
        told = ", ".join(f"{n} {name}" for name, n in sorted(report.redacted.items()))
        lines.append(f"secrets redacted before anything was stored: {told}")
    lines += [f"not read: {n} x {reason}" for reason, n in sorted(report.unread.items())]
    return "\n".join(line for raw in lines for line in (_wrapped(raw) or [""]))


def _kept(kept: list["Kept"]) -> str:
    if not kept:
        return "Proven and promoted: nothing"
    lines = [f"Proven and promoted: {len(kept)}"]
    width = max(len(one.name) for one in kept)
    for one in kept:
        proof = "earlier result" if one.reused else f"{one.runs} sandbox runs"
        lines.append(
            f"  {one.name.ljust(width)}  {one.kind:<8} {one.digest[7:19]}  "
            f"{one.examples} examples, seen {one.sightings}x, {proof}"
        )
        lines.append(
            f"  {' ' * width}  from step {one.origin.step} of {one.origin.session[:12]}..., "
            f"{one.origin.author} ({one.origin.model or 'model unknown'}), {one.origin.how}"
        )
    return "\n".join(lines)


def _tests(report: "DemoReport") -> str:
    lines = [f"  {name}: {what}" for name, what in sorted(report.tests.items())]
    return "\n".join([f"Agent-written tests that count: {len(lines)}", *lines]) if lines else ""


def _refused(title: str, refused: list["Refused"]) -> str:
    by_reason: dict[str, list[Refused]] = defaultdict(list)
    for one in refused:
        by_reason[_NAMED.sub("another file of its session", one.reason)].append(one)
    total = sum(one.count for one in refused)
    lines = [f"{title}: {total}"]
    for reason, ones in sorted(by_reason.items(), key=lambda item: -sum(o.count for o in item[1])):
        count = sum(one.count for one in ones)
        lines += _wrapped(f"  {count:>3} x {reason}", "        ")
        shown = ", ".join(
            f"{one.name} (step {one.origin.step} of {one.origin.session[:12]}...)"
            for one in ones[:SHOWN_PER_REASON]
        )
        more = f" and {len(ones) - SHOWN_PER_REASON} more" if len(ones) > SHOWN_PER_REASON else ""
        lines += _wrapped(f"        {shown}{more}", "        ")
    return "\n".join(lines)


def _served(report: "DemoReport") -> str:
    if report.served is None:
        return ""
    lines = [f"Served from head {report.served.head}, revision {report.served.revision[7:19]}:"]
    for folder in report.served.folders:
        count = len(folder.written) + len(folder.replaced) + len(folder.kept)
        lines.append(
            f"  {folder.client}: {count} skills in {folder.folder} "
            f"({folder.listing_chars} of {folder.listing_budget} listing characters)"
        )
        for word, left in (("left out", folder.left_out), ("left alone", folder.left_alone)):
            lines += [f"    {word}: {one.name}: {one.reason}" for one in left]
    lines += [f"  no skill folder: {one.name}: {one.reason}" for one in report.served.not_skills]
    return "\n".join(_flat(_wrapped(line, "    ") for line in lines))


def _call(report: "DemoReport") -> str:
    called = report.call
    if called is None:
        return "Called: nothing, no proven program is served"
    given = _short(report.call_input)
    lines = [
        f"Called: lignin artifact call {called.name} --input '{given}'",
        f"  -> {_short(called.output)}  ({1000 * called.wall_s:.1f} ms in the {called.tier} sandbox)",
    ]
    same = called.output == report.call_expected
    lines.append(f"  {'as' if same else 'NOT as'} the agent's own run showed")
    return "\n".join(lines)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."


def _wrapped(line: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False)


def _flat(groups: Iterable[list[str]]) -> list[str]:
    return [line for group in groups for line in group]
