"""What a proposal claims and changes, as the gate looks at it: its declaration, impact, parts and graders."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase as fnmatch

from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import File
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import InvalidRequestError, NotFoundError
from lignin.domain.harness import Patch, Revision, parse_patch
from lignin.domain.states import Row
from lignin.evals.laws.graders import GRADING, Grading, grading, grading_files
from lignin.evals.laws.impact import Altered
from lignin.evals.releases import last_release
from lignin.operations.context import Context
from lignin.operations.subjects import harness_files
from lignin.operations.trace_cases import cases_of_mode
from lignin.operations.trialwork import SuiteCase
from lignin.ports.ledger import View, require_known

TWO_CHANGES = "make two changes; a person decides on the one that judges"
_WORD = re.compile(r"[A-Za-z_][\w-]{1,100}")
_MAX_READ_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What whoever made a proposal said of it; "" and None where nothing was said."""

    mode: str = ""
    predicted: float | None = None
    surface: tuple[str, ...] = ()


def declared(row: Row) -> Declared:
    """Return what was said of a proposal when it was made."""
    facts = row.body["facts"]
    return Declared(
        mode=str(facts.get("mode") or ""),
        predicted=facts.get("predicted"),
        surface=tuple(facts.get("surface") or ()),
    )


def aims_of(view: View, mode: str, suite: Iterable[SuiteCase]) -> tuple[str, ...]:
    """The live cases of a suite that stand for a failure mode.

    Raises:
        NotFoundError: There are none.
    """
    if not mode:
        return ()
    of_mode = set(cases_of_mode(view, mode))
    found = [
        case.name
        for case in suite
        if case.kind != "recorded" and (case.name in of_mode or case.mode == mode)
    ]
    if not found:
        raise NotFoundError(
            f"no live case stands for the failure mode {mode!r:.80}",
            hint="`lignin trace cases --mode MODE` has its cases; --target names others",
        )
    return tuple(sorted(found))


def altered_by(
    context: Context, view: View, before: Revision, after: Revision, suite: Iterable[SuiteCase]
) -> Altered:
    """What differs between two revisions, and which of the suite's tools its texts name."""
    old, new = (context.harness.resolved(view, each) for each in (before, after))
    differing = {slot for slot in {*old, *new} if old.get(slot) != new.get(slot)}
    tools = {tool for case in suite for tool in _tools(case)}
    digests = {each.get(slot) for each in (old, new) for slot in differing} - {None}
    words = {
        word
        for digest in digests
        for file in load_tree(view, str(digest)).files.values()
        for word in _WORD.findall(file.content[:_MAX_READ_BYTES].decode(errors="replace"))
    }
    return Altered(
        slots=frozenset(slot for slot in differing if slot in old),
        added=frozenset(slot for slot in differing if slot not in old),
        tools=frozenset(tools & words),
    )


def _tools(case: SuiteCase) -> Iterable[str]:
    tools = case.task.get("tools")
    return tools if isinstance(tools, Mapping) else ()


def counted_in(
    files: tuple[Mapping[str, File], Mapping[str, File]],
) -> dict[str, tuple[float, float]]:
    """What both revisions have, by column: parts, and bytes of their files."""
    parts = [len({path.partition("/")[0] for path in each}) for each in files]
    sizes = [sum(len(file.content) for file in each.values()) for each in files]
    return {
        "parts": (float(parts[0]), float(parts[1])),
        "harness_bytes": (float(sizes[0]), float(sizes[1])),
    }


def both_harnesses(
    context: Context, view: View, before: Revision, after: Revision
) -> tuple[Mapping[str, File], Mapping[str, File]]:
    """The files of two revisions."""
    return harness_files(context, view, before), harness_files(context, view, after)


def grading_of(context: Context, view: View, before: Revision, after: Revision) -> Grading:
    """What a change from one revision to another does to what judges: slots by kind, files by name."""
    old, new = (context.harness.resolved(view, each) for each in (before, after))
    kinds, files = dict[str, frozenset[str]](), list[str]()
    for slot in sorted(each for each in {*old, *new} if old.get(each) != new.get(each)):
        trees = [
            load_tree(view, digest) if digest else None for digest in (old.get(slot), new.get(slot))
        ]
        kinds[slot] = frozenset(tree.manifest.kind for tree in trees if tree)
        was, becomes = (tree.files if tree else {} for tree in trees)
        differing = {path for path in {*was, *becomes} if was.get(path) != becomes.get(path)}
        if not kinds[slot] & GRADING:
            files += [f"{slot}/{path}" for path in differing]
    by_kind, by_name = grading(kinds), grading_files(files)
    return Grading(
        graders=tuple(sorted((*by_kind.graders, *by_name.graders))),
        others=by_name.others if by_name.graders else by_kind.others,
    )


def require_alone(context: Context, view: View, before: Revision, after: Revision) -> None:
    """Raise where a change touches what judges together with something else.

    Raises:
        InvalidRequestError: It does; both are named.
    """
    found = grading_of(context, view, before, after)
    if found.is_mixed:
        raise InvalidRequestError(found.told, hint=TWO_CHANGES)


def require_within(view: View, patch: Patch, surface: Sequence[str]) -> None:
    """Raise where a change leaves the surface that was declared for it.

    Args:
        surface: Patterns of `SLOT` or `SLOT/PATH`; none: nothing was declared.

    Raises:
        InvalidRequestError: Files outside are named.
    """
    if not surface:
        return
    outside = [
        path
        for path in _changed_files(view, patch)
        if not any(fnmatch(path, each) or path.startswith(f"{each}/") for each in surface)
    ]
    if outside:
        raise InvalidRequestError(
            f"outside of the surface {', '.join(surface)}: {', '.join(outside[:10])}",
            hint="leave these as they are, or declare what is to be changed",
        )


def _changed_files(view: View, patch: Patch) -> list[str]:
    changed = []
    for slot, change in sorted(patch.items()):
        old, new = (
            load_tree(view, digest).files if digest else {}
            for digest in (change.expected, change.new)
        )
        differing = [p for p in sorted({*old, *new}) if old.get(p) != new.get(p)]
        changed += [f"{slot}/{path}" for path in differing] or [f"{slot}/"]
    return changed


def checked_prediction(view: View, row: Row) -> dict[str, Json] | None:
    """What a proposal predicted beside what its last decision by trials measured."""
    reached = [
        each
        for each in view.page("decision", parent=row.key, limit=1000).rows
        if each.body["result"]
    ]
    if not reached:
        return None
    last = max(reached, key=lambda each: (each.body["opened_at"], each.key))
    prediction: dict[str, Json] | None = parse_json(view.blob(last.body["result"]["told"])).get(
        "prediction"
    )
    return prediction


def require_ungraded(context: Context, view: View, before: Revision, after: Revision) -> None:
    """Raise where trials cannot decide, for what judges them is changed.

    Raises:
        InvalidRequestError: It touches a grader.
    """
    found = grading_of(context, view, before, after)
    if found.told:
        raise InvalidRequestError(
            f"{found.told}: no score decides on that",
            hint="a person does: `lignin proposal decide ID --approve`, of graders by themselves",
        )


def stood_before(context: Context, view: View, row: Row) -> str:
    """Say at which revision a head stood that held what a proposal restores.

    Every slot that it changes has to hold what it held there.

    Raises:
        InvalidRequestError: It never did.
    """
    patch, head = parse_patch(row.body["patch"]), row.body["head"]
    for move in context.harness.history(view, head):
        was = context.harness.revision(view, move.came_from)
        is_same = all(
            (was.slots.get(slot) or None) == (change.new or None) for slot, change in patch.items()
        )
        if is_same and row.body["extends"] in (None, was.extends):
            return move.came_from
    raise InvalidRequestError(
        f"head {head!r} never held what the proposal would restore",
        hint="`lignin head history` lists its moves; claim `better` for what is new",
    )


def improved_head(view: View, head: str) -> str:
    """The head whose releases count for a head: of a campaign's side head the one it is for."""
    row = require_known(view, f"head/{head}")
    campaign = row.body.get("campaign")
    if not campaign:
        return head
    improved: str = require_known(view, f"improve/{campaign}").body["head"]
    return improved


def release_for(view: View, named: str, line: str) -> Row:
    """The release that a claim to be no worse is compared with.

    Raises:
        InvalidRequestError: It was not cut.
        NotFoundError: There is none.
    """
    row = view.row(f"release/{named}") if named else last_release(view, line)
    if row is None:
        told = f"no release {named!r:.60}" if named else f"{line}: nothing was released yet"
        raise NotFoundError(told, hint="`lignin release cut` makes what claims are compared with")
    if row.state != "cut":
        raise InvalidRequestError(
            f"the release {row.key} is not cut yet", hint="the same `release cut` goes on with it"
        )
    return row
