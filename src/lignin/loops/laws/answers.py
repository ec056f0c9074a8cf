"""What an action or a checker said, read strictly and bounded. Foreign text: it grants nothing. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    """Read what an action said.

    Raises:
        InvalidRequestError: It is an object that begins as an answer and is none.
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
    findings = tuple(_finding(each) for each in table.tables("found"))
    ask = table.text("ask", "", most=MAX_TEXT_CHARS)
    note = table.text("note", "", most=MAX_TEXT_CHARS)
    progress = value.get("progress")
    table.close_to(_KEYS)
    if len({finding.key for finding in findings}) < len(findings):
        raise InvalidRequestError("found: two findings have one key", hint=HINT)
    left: Json = [f.to_json() for f in findings] or note or None
    if progress is not None:
        left = progress
    return Answer(
        findings=findings,
        spent=_spent(table),
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
    table.close()
    return finding


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.sequence(key)
    if len(value) > MAX_EVIDENCE or not all(isinstance(each, str) for each in value):
        raise table.fault(key, f"is no list of at most {MAX_EVIDENCE} texts", hint=HINT)
    return tuple(each[:MAX_TEXT_CHARS] for each in value)


def _spent(table: Table) -> Amounts:
    if "spent" not in table:
        return Amounts()
    spent = table.table("spent")
    amounts = Amounts(**{unit: spent.amount(unit) for unit in UNITS})
    spent.close()
    return amounts


def told_spent(said: bytes) -> Amounts:
    """What an action or a checker told that it spent, whatever else it said; nothing where it did not."""
    value = _answer_object(said[:MAX_SAID_BYTES].decode(errors="replace").strip())
    try:
        return _spent(Table(value or {}, ""))
    except InvalidRequestError:
        return Amounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a checker said: pass, fail, or None where it could not say."""

    passed: bool | None
    why: str = ""


def parse_verdict(ended: str, said: bytes, why: str) -> Verdict:
    """Read a checker's word: a JSON verdict, else how it ended.

    Args:
        ended: done, crashed or infrastructure, as a system under test ends.
        why: Why it did not come to an end; "exit N: ..." where it did with another code than 0.
    """
    value = _answer_object(said[:MAX_SAID_BYTES].decode(errors="replace").strip())
    if ended == "done" and value is not None and "verdict" in value:
        told = value["verdict"]
        note = str(value.get("note") or "")[:MAX_TEXT_CHARS]
        known = {"pass": True, "fail": False}
        return Verdict(passed=known.get(told) if isinstance(told, str) else None, why=note)
    if ended == "done":
        return Verdict(passed=True)
    if ended == "crashed" and why.startswith("exit "):
        return Verdict(passed=False, why=why[:MAX_TEXT_CHARS])
    return Verdict(passed=None, why=why[:MAX_TEXT_CHARS])


def joined(verdicts: Sequence[Verdict]) -> Verdict:
    """What several checkers come to: one that fails fails all, one that cannot say leaves it open."""
    for wanted in (False, None):
        for verdict in verdicts:
            if verdict.passed is wanted:
                return verdict
    return Verdict(passed=True)
