"""What an action or a checker said, read part by part and bounded. Foreign text: it grants nothing. Pure.

What is understood of an answer is used; what is not is a finding of its own, so that neither is lost.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lignin.domain.codec import Json, canonical_bytes, digest_bytes, digest_json, parse_json
from lignin.domain.errors import CodecError, InvalidRequestError
from lignin.domain.ids import derive_id
from lignin.domain.loops import UNITS, Amounts
from lignin.loops.laws.reading import Table

MAX_FINDINGS = 100
MAX_SAID_BYTES = 256 * 1024
MAX_TITLE_CHARS = 200
MAX_TEXT_CHARS = 8_000
MAX_EVIDENCE = 20
_KEYS = frozenset({"found", "spent", "progress", "note", "ask", "verdict", "data"})
"""`data` is for the stages behind, which refer to it; nothing of it is read here."""
_VERDICTS = {
    **{"pass": True, "fail": False, "inconclusive": None},
    **{"accept": True, "reject": False, "undecided": None},  # the gate's own words
}
_LAST_WORD = re.compile(r'(\{[^{}]*"verdict"[^{}]*\})\s*(?:```)?\Z')
HINT = "an answer is text, or one JSON object of found, spent, progress, note, ask and data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a run found.

    Args:
        key: What makes it the same finding in the next run.
        change: Its class of change, "" where nothing is proposed; `request` are the arguments for
            what the loop's file says applies that class.
    """

    key: str
    title: str
    evidence: tuple[str, ...] = ()
    change: str = ""
    proposed: str = ""
    request: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "key": self.key,
            "title": self.title,
            "evidence": list(self.evidence),
            "change": self.change,
            "proposed": self.proposed,
            "request": dict(self.request),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an action came to.

    Args:
        mark: Digest of what it left: what it calls progress, else all that it said.
        ask: A question to a person or to the outside, on which the run waits; "" for none.
        job: The job of a durable skill that said it; "" for none.
    """

    findings: tuple[Finding, ...] = ()
    spent: Amounts = field(default_factory=Amounts)
    mark: str = ""
    note: str = ""
    ask: str = ""
    job: str = ""


def item_id(loop: str, key: str) -> str:
    """The id under which a finding of a loop lies in the inbox: the same one each time it is found."""
    return derive_id("inb", [loop, key])


def parse_answer(said: bytes) -> Answer:
    """Read what an action said; what is not understood of it is its last finding.

    Raises:
        InvalidRequestError: It is too long, or cannot be used: what it found is no list, or what it asks
            is no text.
    """
    if len(said) > MAX_SAID_BYTES:
        raise InvalidRequestError(
            f"the answer has {len(said)} bytes; at most {MAX_SAID_BYTES}", hint=HINT
        )
    text = said.decode(errors="replace").strip()
    if not text:
        return Answer()
    value = _answer_object(text)
    if value is None:
        return _plain(text)
    table = Table(value, "")
    ask = table.text("ask", "", most=MAX_TEXT_CHARS)
    findings, faults = _findings(table.sequence("found"))
    note, fault = _part(lambda: table.text("note", "", most=MAX_TEXT_CHARS), "")
    spent, other = _spent(table)
    progress = value.get("progress")
    unread = [key for key in sorted(map(str, value)) if key not in _KEYS]
    faults = [*faults, *fault, *other, *(f"{key[:100]}: is no part of an answer" for key in unread)]
    left: Json = [f.to_json() for f in findings] or note or None
    if progress is not None:
        left = progress
    return Answer(
        findings=(*findings, _not_understood(faults, text)) if faults else findings,
        spent=spent,
        mark="" if left is None else digest_json(left),
        note=note,
        ask=ask,
    )


def _answer_object(text: str) -> dict[str, Json] | None:
    if not text.startswith("{"):
        return None
    try:
        value = parse_json(text)
    except CodecError:
        return None
    return value if isinstance(value, dict) and _KEYS & value.keys() else None


def _plain(text: str) -> Answer:
    """Plain text is one finding: whoever finds nothing says nothing."""
    title = text.splitlines()[0].strip()[:MAX_TITLE_CHARS]
    digest = digest_bytes(text.encode())
    found = Finding(key=digest[7:39], title=title, evidence=(text[:MAX_TEXT_CHARS],))
    return Answer(findings=(found,), mark=digest)


T = TypeVar("T")


def _part(read: Callable[[], T], usual: T) -> tuple[T, list[str]]:
    """A part of an answer, and what is wrong with it where it is not understood."""
    try:
        return read(), []
    except InvalidRequestError as error:
        return usual, [error.message]


def _findings(found: Sequence[Json]) -> tuple[tuple[Finding, ...], list[str]]:
    """The findings that are understood, one for each key, and what is not understood of them all."""
    known, faults = dict[str, Finding](), list[str]()
    for number, each in enumerate(found):
        place = f"found[{number}]"
        if not isinstance(each, Mapping):
            faults.append(f"{place}: is no table")
            continue
        table = Table(each, place)
        finding, fault = _part(lambda table=table: _finding(table), None)  # type: ignore[misc]
        faults += fault
        if finding is None:
            continue
        faults += [f"{key}: is no part of a finding" for key in table.unread()]
        if finding.key in known:
            faults.append(f"{place}: its key is that of another one: {finding.key}")
        known.setdefault(finding.key, finding)
    return tuple(known.values()), faults


def _not_understood(faults: Sequence[str], text: str) -> Finding:
    """The same where the same is not understood, whatever the numbers."""
    kinds = sorted({re.sub(r"\[\d+\]", "", fault) for fault in faults})
    return Finding(
        key=f"not understood: {digest_json(kinds)[7:39]}",
        title=f"a part of an answer was not understood: {faults[0]}"[:MAX_TITLE_CHARS],
        evidence=tuple(each[:MAX_TEXT_CHARS] for each in (*faults[: MAX_EVIDENCE - 1], text)),
        proposed=f"have the action say it in another way: {HINT}",
    )


def _finding(table: Table) -> Finding:
    title = " ".join(table.text("title", most=MAX_TEXT_CHARS).split())[:MAX_TITLE_CHARS]
    evidence = _texts(table, "evidence")
    request = table.mapping("request")
    finding = Finding(
        key=table.text("key", title, most=MAX_TITLE_CHARS) or title,
        title=title,
        evidence=evidence,
        change=table.text("change", "", most=63),
        proposed=table.text("proposed", "", most=MAX_TEXT_CHARS),
        request=request,
    )
    if len(canonical_bytes(request)) > MAX_TEXT_CHARS:
        raise table.fault("request", f"is longer than {MAX_TEXT_CHARS} bytes", hint=HINT)
    return finding


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.sequence(key)
    if len(value) > MAX_EVIDENCE or not all(isinstance(each, str) for each in value):
        raise table.fault(key, f"is no list of at most {MAX_EVIDENCE} texts", hint=HINT)
    return tuple(each[:MAX_TEXT_CHARS] for each in value)


def _spent(table: Table) -> tuple[Amounts, list[str]]:
    """What is understood of it, unit by unit: one that is not told counts as all that was set aside."""
    if "spent" not in table:
        return Amounts(), []
    spent, faults = _part(lambda: table.table("spent"), None)
    if spent is None:
        return Amounts(), faults
    amounts = dict[str, int | None]()
    for unit in UNITS:
        amounts[unit], fault = _part(lambda unit=unit: spent.amount(unit), None)  # type: ignore[misc]
        faults += fault
    faults += [f"{key}: is no unit: there are {', '.join(UNITS)}" for key in spent.unread()]
    return Amounts(**amounts), faults


def told_spent(said: bytes) -> Amounts:
    """What an action or a checker told that it spent, whatever else it said; nothing where it did not."""
    value = _answer_object(said[:MAX_SAID_BYTES].decode(errors="replace").strip())
    return _spent(Table(value or {}, ""))[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a checker said: pass, fail, or None where it could not say."""

    passed: bool | None
    why: str = ""


def parse_verdict(
    ended: str, said: bytes, why: str, *, errors: str = "", is_agent: bool = False
) -> Verdict:
    """Read a checker's word: a JSON verdict, else how it ended.

    Args:
        ended: done, crashed or infrastructure, as a system under test ends.
        why: Why it did not come to an end; "exit N: ..." where it did with another code than 0.
        errors: What it wrote to its error stream, told where it said nothing else.
        is_agent: It ends with 0 whatever it came to, so that only a verdict counts as a pass.
    """
    text = said[:MAX_SAID_BYTES].decode(errors="replace").strip()
    value = _answer_object(text) or _last_word(text)
    if ended == "done" and value is not None and "verdict" in value:
        told = value["verdict"]
        if not isinstance(told, str) or told not in _VERDICTS:
            return _unclear(text)
        return Verdict(passed=_VERDICTS[told], why=str(value.get("note") or "")[:MAX_TEXT_CHARS])
    if ended == "done":
        # A verdict that is cut short, or one of several, may as well be a fail.
        return _unclear(text) if is_agent or '"verdict"' in text else Verdict(passed=True)
    if ended == "crashed" and why.startswith("exit "):
        return _refused(text, value or {}, why, errors)
    return Verdict(passed=None, why=why[:MAX_TEXT_CHARS])


def _refused(text: str, value: Mapping[str, Json], why: str, errors: str) -> Verdict:
    """What a code other than 0 means: no, with the words that came with it; after a signal, nothing."""
    told = value.get("verdict")
    cannot_say = why.startswith("exit -") or (
        isinstance(told, str) and _VERDICTS.get(told, False) is None
    )
    words = str(value.get("note") or "") or text or errors.strip()
    # of many lines, a test's summary or an error's own name are at the end
    last = words[-MAX_TITLE_CHARS:].strip()
    whole = f"{why}: {last}" if last and last not in why else why
    return Verdict(passed=None if cannot_say else False, why=whole[:MAX_TEXT_CHARS])


def _last_word(text: str) -> dict[str, Json] | None:
    """The one verdict in a text that ends with it, as agents write: after what they thought, or in a fence."""
    found = _LAST_WORD.search(text)
    return _answer_object(found[1]) if found and text.count('"verdict"') == 1 else None


def _unclear(text: str) -> Verdict:
    return Verdict(passed=None, why=f"its verdict is not understood: {text}"[:MAX_TITLE_CHARS])


def joined(verdicts: Sequence[Verdict]) -> Verdict:
    """What several checkers come to: one that fails fails all, one that cannot say leaves it open."""
    for wanted in (False, None):
        for verdict in verdicts:
            if verdict.passed is wanted:
                return verdict
    return Verdict(passed=True)
