"""The nearest artifacts that exist already: looked up by outline, then tried on the caller's examples.

Owns the rows `outline/`, one per digest, made when they are first missed. Only what the caller may see
is told; only what is proven and reaches nothing outside is tried, in the sandbox and for a short time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.artifacts.answers import (
    answers_agree,
    expected_outcome,
    plain_error,
    schema_fault,
    values_agree,
)
from lignin.artifacts.lookup import visible
from lignin.artifacts.nearest import (
    OUTLINE_FORM,
    Near,
    Outline,
    nearest,
    outline_of,
    parse_outline,
    words_of,
)
from lignin.artifacts.plan import mount_dependencies, plan_in_turn, plan_run
from lignin.artifacts.promotion import lacking_walls
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import Capabilities, File, Tree
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import LigninError, NotFoundError
from lignin.domain.events import Change, NewEvent
from lignin.domain.examples import Example
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.operations.artifact_models import NearView
from lignin.operations.context import Context
from lignin.operations.lifecycle import dependencies_of
from lignin.operations.packages import equipment_of
from lignin.ports.ledger import View, every_row
from lignin.ports.sandbox import Limits, Sandbox

MAX_OUTLINED = 500
"""So many versions get their outline in one go; what is left gets it the next time."""
ROWS_TOGETHER = 50
MAX_TRIED = 4
MAX_EXAMPLES = 20
TRY_LIMITS = Limits(wall_s=1.5, cpu_s=1)
TRY_BUDGET_S = 3.0
TOLD = PROVEN | {"draft", "rejected"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """The nearest artifacts, and which one to use instead; empty where none does the same."""

    items: Sequence[NearView]
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    row: Row
    tree: Tree
    others: Mapping[str, Tree]

    @property
    def files(self) -> Mapping[str, File]:
        return mount_dependencies(self.tree, self.others)


def nearest_to(
    context: Context, row: Row, examples: Sequence[Example], *, limit: int = 5, tried: bool = True
) -> Nearness:
    """Find what is near a version that was just handed over.

    Args:
        examples: The caller's own; whoever does all of them could be used instead.
        tried: Try them at all.
    """
    chosen = sorted(examples if tried else (), key=_size)[:MAX_EXAMPLES]
    known = _outlined(context, row.key)
    with context.view() as view:
        mine = known.pop(row.key, None)
        if mine is None:
            return Nearness(items=(), instead="")
        ranked = nearest(mine, _words(context, view, row), known)
        rows = _told_rows(context, view, ranked, limit)
        near = [each for each in ranked if each.key in rows]
        alike = [rows[each.key] for each in near if _kind(rows[each.key]) == _kind(row)]
        trials = _trials(view, alike, chosen) if chosen else []
    did = _did(context, trials, chosen)
    views = [_view(each, rows[each.key], did.get(each.key)) for each in near]
    views = [each for each in views if each.why]
    views.sort(key=lambda each: -(each.same or 0.0))
    return Nearness(items=views[:limit], instead=_instead(views))


def _size(example: Example) -> int:
    return len(canonical_bytes(example.to_json()))


def _outlined(context: Context, first: str) -> dict[str, Outline]:
    """The outlines of the space's versions; those that have none get it, `MAX_OUTLINED` at a time.

    Args:
        first: The version that is asked about, which gets its outline in any case.
    """

    def decide(view: View) -> tuple[dict[str, Outline], Sequence[Change]]:
        known = {
            each.key: parse_outline(each.body)
            for each in every_row(view, "outline")
            if each.body["form"] == OUTLINE_FORM
        }
        if len(known) == view.page("version", limit=1).total:
            return known, ()
        missing = {each.key: each for each in every_row(view, "version") if each.key not in known}
        chosen = sorted(missing, key=lambda key: (key != first, key))[:MAX_OUTLINED]
        made = {key: _outline(context, view, missing[key]) for key in chosen}
        events = [
            NewEvent(
                stream=f"outline/{key}",
                type="outline.noted",
                payload=outline.to_json(),
                event_id=context.ids.new("evt"),
            )
            for key, outline in made.items()
        ]
        return {**known, **made}, [context.scope.change(events=tuple(events))]

    return context.decide_and_commit(decide)


def _outline(context: Context, view: View, row: Row) -> Outline:
    try:
        tree = load_tree(view, row.body["digest"])
    except NotFoundError:
        return Outline(words=frozenset(), shape=frozenset())  # its bytes were let go
    return outline_of(tree, _words(context, view, row, tree))


def _words(context: Context, view: View, row: Row, tree: Tree | None = None) -> dict[int, str]:
    """What a version says of itself: its name, its summary and the tasks that it was written for."""
    tree = tree or load_tree(view, row.body["digest"])
    tasks = dict.fromkeys(seen["task"] for seen in row.body["provenance"])
    return words_of(row.body["name"], context.load_kinds()[_kind(row)].summary(tree), *tasks)


def _kind(row: Row) -> str:
    return str(row.body["kind"])


def _told_rows(context: Context, view: View, ranked: Sequence[Near], limit: int) -> dict[str, Row]:
    """The rows of the first that the caller may see: so many near ones, so many that take the same."""
    found: dict[str, Row] = {}
    for is_near in (True, False):
        part = [each.key for each in ranked if each.is_near is is_near]
        told: dict[str, Row] = {}
        for first in range(0, len(part), ROWS_TOGETHER):
            rows = view.rows([f"version/{key}" for key in part[first : first + ROWS_TOGETHER]])
            seen = visible(view, context.scope.actor, rows.values())
            told |= {each.key: each for each in seen if each.state in TOLD}
            if len(told) >= limit:
                break
        found |= {key: told[key] for key in [key for key in part if key in told][:limit]}
    return found


def _trials(view: View, near: Sequence[Row], examples: Sequence[Example]) -> list[_Trial]:
    """Those of the nearest that may be tried: proven, and reaching nothing outside."""
    found: list[_Trial] = []
    for row in near:
        if row.state not in PROVEN:
            continue
        tree = load_tree(view, row.body["digest"])
        if not _is_free(tree) or not _takes(tree, examples):
            continue
        try:
            others = dependencies_of(view, tree.manifest, PROVEN)
        except LigninError:  # what it leans on was withdrawn: it is not run for anybody
            continue
        found.append(_Trial(row=row, tree=tree, others=others))
    return found[:MAX_TRIED]


def _is_free(tree: Tree) -> bool:
    granted = tree.manifest.capabilities
    return granted.model_copy(update={"clock": False, "randomness": False}) == Capabilities()


def _takes(tree: Tree, examples: Sequence[Example]) -> bool:
    """True where the examples fit what it takes; those that are to be refused need not."""
    manifest = tree.manifest
    return manifest.kind != "program" or not any(
        each.error is None and schema_fault(manifest.interface.input, dict(each.arguments or {}))
        for each in examples
    )


def _did(
    context: Context, trials: Sequence[_Trial], examples: Sequence[Example]
) -> dict[str, tuple[int, int]]:
    """How many of the examples each does, of how many; what could not be run is left out."""
    found: dict[str, tuple[int, int]] = {}
    spent_s = 0.0
    for trial in trials:
        if spent_s > TRY_BUDGET_S:
            break
        try:
            equipment = equipment_of(context, trial.row, [trial.tree, *trial.others.values()])
            sandbox = context.open_sandbox()
        except LigninError:  # nothing is known of it then
            continue
        if equipment.why_not or lacking_walls(trial.tree.manifest, sandbox.tier):
            continue
        run = _by_call if trial.tree.manifest.kind == "program" else _by_command
        right, wall_s = run(equipment.around(sandbox), trial, examples)
        found[trial.row.key] = right, len(examples)
        spent_s += wall_s
    return found


def _by_call(sandbox: Sandbox, trial: _Trial, examples: Sequence[Example]) -> tuple[int, float]:
    """All the examples in one process; a lie in its answer costs a wrong hint and nothing else."""
    execution = plan_in_turn(trial.tree.manifest, trial.files, examples)
    seen = sandbox.run(replace(execution, limits=TRY_LIMITS))
    answers = seen.result if isinstance(seen.result, list) else []
    right = sum(
        isinstance(heard, list)
        and bool(heard)
        and all(_agrees(example, answer) for answer in heard)
        for heard, example in zip(answers, examples, strict=False)
    )
    return right, seen.wall_s


def _agrees(example: Example, answer: Json) -> bool:
    if isinstance(answer, dict) and "error" in answer:
        answer = {"error": plain_error(str(answer["error"]))}
    return values_agree(expected_outcome(example, is_call=True), answer)


def _by_command(sandbox: Sandbox, trial: _Trial, examples: Sequence[Example]) -> tuple[int, float]:
    right, spent_s = 0, 0.0
    for example in examples:
        execution = plan_run(trial.tree.manifest, trial.files, example)
        seen = sandbox.run(replace(execution, limits=TRY_LIMITS))
        spent_s += seen.wall_s
        if not answers_agree(example, seen, is_call=False):
            break  # it is not the same; how many it would do tells nothing more
        right += 1
        if spent_s > TRY_BUDGET_S:
            break
    return right, spent_s


def _view(near: Near, row: Row, did: tuple[int, int] | None) -> NearView:
    why = [f"does {did[0]} of {did[1]} of your examples"] if did and did[0] else []
    if near.shape and near.is_near:
        why.append(f"its code has {near.shape:.0%} of its pieces in common")
    if near.shared and near.is_near:
        why.append(f"both speak of {', '.join(near.shared)}")
    pinned = f"{row.body['name']}@{row.body['digest'][7:19]}"
    is_run = row.body["kind"] in {"program", "script"} and row.state in PROVEN
    return NearView(
        name=row.body["name"],
        digest=row.body["digest"],
        state=str(row.state),
        why=why,
        words=near.words,
        shape=near.shape,
        same=None if did is None else round(did[0] / did[1], 4),
        call=f"lignin artifact call {pinned} --input -" if is_run else "",
        reason=str(row.body["reason"]) if row.state == "rejected" else "",
    )


def _instead(views: Sequence[NearView]) -> str:
    """What to use instead: the first that does every example; promoted before others."""
    same = [each for each in views if each.same == 1.0]
    if not same:
        return ""
    best = min(same, key=lambda each: each.state != "promoted")
    return f"{best.name} ({best.state}) does all of your examples already: use it instead, `{best.call}`"
