"""What a routine's artifact is called, where plainer names are another artifact's."""

from collections.abc import Sequence

from lignin.artifacts.routine_text import by_what_differs
from lignin.artifacts.source.draft import artifact_name
from lignin.artifacts.store import load_tree
from lignin.domain.routines import Routine, parameters_in
from lignin.operations.context import Context
from lignin.ports.ledger import View


def free_name(
    context: Context, asked: str, mined: str, routine: Routine, names: Sequence[str]
) -> str:
    """Return the name that was asked for, else the first, and plainest, that is not another artifact's.

    Args:
        mined: Id of the routine that it comes of, as it was mined.
        names: What it may be called, the plainest first, one that nothing else has last.
    """
    if asked:
        return asked
    mine = f"routine {mined}"
    with context.view() as view:
        if _is_anothers(context, view, names[0], mine):
            steps = sorted(routine.steps, key=lambda step: not step.changes)
            slots = (slot for step in steps for slot in step.arguments.values())
            takes = [name for slot in slots for name in parameters_in(slot)]
            told = by_what_differs(names[0], takes, _taken_by(context, view, names[0]))
            names = [*names[1:-1], *filter(None, [told]), names[-1]]
        free = (each for each in names if not _is_anothers(context, view, each, mine))
        return next(free, names[-1])


def _taken_by(context: Context, view: View, name: str) -> list[str]:
    """What the newest version of an artifact takes."""
    rows = context.artifacts.versions(view, artifact_name(name), limit=1).rows
    trees = (load_tree(view, row.body["digest"]) for row in rows if row.state != "expired")
    return [
        each for tree in trees for each in tree.manifest.interface.input.get("properties") or ()
    ]


def _is_anothers(context: Context, view: View, name: str, task: str) -> bool:
    """True where the artifact of a name comes of something else."""
    artifact = artifact_name(name)
    if view.row(f"artifact/{artifact}") is None:
        return False
    versions = context.artifacts.versions(view, artifact, limit=1).rows
    told = (each for version in versions for each in version.body["provenance"])
    return all(each.get("task") != task for each in told)
