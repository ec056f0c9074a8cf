"""What a piece is told: its own words, and digests of the pieces before it. Pure; the same from the same.

A digest says what was changed, why, what was decided, what is open, and how the interfaces read now. It is
made from the difference and from the notes that the agent left, and both are bounded; the notes are
another's text, which is said beside them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lignin.domain.codec import Json
from lignin.domain.fleets import FleetPlan, Piece
from lignin.loops.laws.fleet_meaning import Sources, added_names, changed_names

MAX_NOTE_CHARS = 1200
MAX_ITEMS = 10
MAX_PATHS = 40
MAX_NAMES = 60
MAX_DIGEST_CHARS = 6000
MAX_NEAR_CHARS = 24_000
MAX_FAR_CHARS = 300
MAX_BACK_CHARS = 8000
FOLDER = ".lignin-piece"
NOTES, BRIEF = f"{FOLDER}/notes.json", f"{FOLDER}/BRIEF.md"

HOW = f"""## How to hand it in

You are in a tree of your own, at a commit that has the pieces before yours. Change files in place; what you
leave is your result, and you need not commit. Then write `{NOTES}`:

    {{"why": "what you did and why", "decisions": ["..."], "open": ["what is left open"]}}

`tokens` and `cost_microusd` there are counted against the piece's budget. If you will not do this, write
`{{"refused": "why"}}` instead.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What an agent said of its own work: bounded text, and figures that nobody has checked."""

    why: str = ""
    decisions: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    refused: str = ""
    spent: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Why a result was sent back, and the change that it was."""

    reason: str
    patch: str = ""


def read_notes(value: Json) -> Notes:
    """The notes in what an agent wrote; whatever is not as it should be is left out."""
    if not isinstance(value, dict):
        return Notes()
    units = {"tokens": "tokens", "microusd": "cost_microusd"}
    spent = {unit: _count(value.get(key)) for unit, key in units.items()}
    return Notes(
        why=_text(value.get("why")),
        decisions=_texts(value.get("decisions")),
        open=_texts(value.get("open")),
        refused=_text(value.get("refused")),
        spent={unit: count for unit, count in spent.items() if count},
    )


def digest_of(
    piece: Piece,
    lines: Mapping[str, tuple[int, int]],
    notes: Notes,
    before: Sources,
    after: Sources,
) -> dict[str, Json]:
    """Return the digest of a result.

    Args:
        lines: Per changed path how many lines came and went.
        before, after: The Python files that changed.
    """
    gone = changed_names(before, after)
    names = [
        *({"path": path, "now": told} for path, told in added_names(before, after)),
        *({"path": each.path, "was": each.was, "now": each.now or ""} for each in gone),
    ]
    return {
        "piece": piece.id,
        "what": piece.what[:MAX_FAR_CHARS],
        "changed": [[path, *lines[path]] for path in sorted(lines)[:MAX_PATHS]],
        "more": max(0, len(lines) - MAX_PATHS),
        "names": names[:MAX_NAMES],
        "why": notes.why,
        "decisions": list(notes.decisions),
        "open": list(notes.open),
    }


def tell_digest(digest: Mapping[str, Json]) -> str:
    """A digest as text, at most `MAX_DIGEST_CHARS`."""
    told = [f"### {digest['piece']}: {_line(digest['what'])}"]
    told += [f"- {path} (+{came} -{went})" for path, came, went in digest["changed"]]
    if digest["more"]:
        told.append(f"- and {digest['more']} more files")
    for each in digest["names"]:
        if not each.get("was"):
            told.append(f"- new in {each['path']}: {each['now']}")
        elif each["now"]:
            told.append(f"- changed in {each['path']}: {each['was']} is now {each['now']}")
        else:
            told.append(f"- gone from {each['path']}: {each['was']}")
    if digest["why"]:
        told.append(f"Its agent says: {_line(digest['why'])}")
    told += [f"- decided: {_line(each)}" for each in digest["decisions"]]
    told += [f"- open: {_line(each)}" for each in digest["open"]]
    if answer := digest.get("answer"):
        told.append(f"A person answered: {answer}")
    return "\n".join(told)[:MAX_DIGEST_CHARS]


def prompt_of(
    plan: FleetPlan,
    piece: Piece,
    digests: Mapping[str, Mapping[str, Json]],
    returned: Sequence[Returned],
) -> str:
    """Return what a piece's agent is told: all of it is data on the ledger.

    Args:
        digests: Of every piece before it that has one.
        returned: Why its earlier results were sent back, the last one last.
    """
    far = plan.before(piece.id) - set(piece.needs)
    near = "\n\n".join(tell_digest(digests[name]) for name in piece.needs if name in digests)
    distant = "\n".join(
        f"- {each.id}: {_line(digests[each.id]['what'])}"
        for each in plan.pieces
        if each.id in far and each.id in digests
    )
    parts = [
        f"# Goal\n\n{plan.goal}",
        f"# Your piece: {piece.id}\n\n{piece.what}",
        "You may change only these paths: " + ", ".join(f"`{each}`" for each in piece.touches),
        "It must pass, in a fresh copy:\n" + "\n".join(f"    {check}" for check in piece.checks),
    ]
    if near:
        parts.append(f"# What was done right before\n\n{near[:MAX_NEAR_CHARS]}")
    if distant:
        parts.append(f"# And earlier\n\n{distant[:MAX_NEAR_CHARS]}")
    if returned:
        last = returned[-1]
        parts.append(f"# Your earlier result was sent back\n\n{last.reason[:MAX_BACK_CHARS]}")
        if last.patch:
            parts.append(f"It was this change:\n\n{_indented(last.patch[:MAX_BACK_CHARS])}")
    return "\n\n".join([*parts, HOW])


def planner_prompt(goal: str, paths: Sequence[str], refused: str = "") -> str:
    """Return what a planner is told: the goal, the files that there are, and the form of a plan."""
    shown = "\n".join(f"- {path}" for path in paths[:500])
    more = f"\n- and {len(paths) - 500} more" if len(paths) > 500 else ""
    parts = [
        f"# Goal\n\n{goal}",
        f"# The repository's files\n\n{shown}{more}",
        PLAN_FORM,
    ]
    if refused:
        parts.append(f"# Your earlier plan was refused\n\n{refused[:MAX_BACK_CHARS]}")
    return "\n\n".join(parts)


PLAN_FORM = """# What is wanted of you

Split the goal into pieces that agents can do apart from each other, and write nothing but the plan as JSON
in one fenced block:

    {"goal": "...", "pieces": [
      {"id": "parse", "what": "all that its agent must know", "needs": [],
       "touches": ["src/parse.py", "tests/test_parse.py"], "checks": ["python -m pytest tests/test_parse.py"]},
      {"id": "choose", "what": "the question", "kind": "judgement", "needs": ["parse"]}]}

Pieces that do not need each other run at the same time and must not touch the same files. Each has at least
one acceptance check, a command that must exit with 0. A piece of kind judgement is a question to a person,
touches nothing and has no check. `gate` "approval" has a person approve a result before it is merged;
`budget` may bound `seconds` of a run and `attempts`."""


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _text(value: Any) -> str:
    return value[:MAX_NOTE_CHARS] if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        return ()
    return tuple(_text(each) for each in list(value)[:MAX_ITEMS] if isinstance(each, str))


def _count(value: Any) -> int:
    return value if type(value) is int and 0 < value < 2**53 else 0
