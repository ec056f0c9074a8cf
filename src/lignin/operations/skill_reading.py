"""Skills as a head serves them: packaged in memory, with what is withheld and why. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

from lignin.artifacts.packaging import assign_skill_names, package_artifact
from lignin.artifacts.serving_plan import Retirement
from lignin.artifacts.skillmd import parse_skill
from lignin.artifacts.store import load_examples, load_manifest, load_tree, trusted_givers
from lignin.artifacts.versions import is_simulated
from lignin.domain.artifacts import File
from lignin.domain.errors import DeniedError, InvalidRequestError
from lignin.domain.examples import split_examples
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN, SERVABLE
from lignin.operations.context import Context
from lignin.operations.heads import is_practice, version_of
from lignin.operations.lifecycle import require_dependencies
from lignin.operations.skill_models import Left
from lignin.ports.ledger import View, require_known

SKILL_KINDS = frozenset({"skill", "program", "script", "prompt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedSkill:
    name: str
    slot: str
    digest: str
    description: str
    files: Mapping[str, File]
    uses: int
    simulated: bool


def stable_served(context: Context, view: View, head: str) -> tuple[str, Mapping[str, str]]:
    """A head's stable revision and its slots.

    Raises:
        NotFoundError: No such head.
        DeniedError: It is a practice head: what is in it was simulated.
    """
    stable, _ = context.harness.stable(view, head)
    if is_practice(require_known(view, f"head/{head}")):
        raise DeniedError(
            f"{head!r} is a practice head: what is in it was simulated, and is not served",
            hint="--head names another; `lignin head list` shows them",
        )
    return stable, context.harness.resolve(view, stable)


def packaged(
    context: Context,
    view: View,
    slots: Mapping[str, str],
    stopped: Mapping[str, Retirement],
) -> tuple[list[PackagedSkill], list[Left]]:
    skills, left = [], []
    kinds, names = context.load_kinds(), assign_skill_names(slots)
    for slot, digest in slots.items():
        row = version_of(view, slot, digest)
        if slot in stopped:
            left.append(Left(name=slot, reason=f"{stopped[slot].what}: {stopped[slot].reason}"))
            continue
        if row.body["kind"] not in SKILL_KINDS:
            reason = f"a {row.body['kind']} is not served as a skill folder"
            left.append(Left(name=slot, reason=reason))
            continue
        tree = load_tree(view, digest)
        visible, _ = split_examples(load_examples(view, digest, trusted_givers(view, row)))
        try:
            files = package_artifact(
                tree,
                name=slot,
                kind=row.body["kind"],
                summary=kinds[row.body["kind"]].summary(tree),
                digest=digest,
                space=context.scope.space,
                examples=visible,
                skill_name=names[slot],
                simulated=is_simulated(row),
            )
        except InvalidRequestError as error:
            left.append(Left(name=slot, reason=error.message))
            continue
        usage = view.row(f"usage/{digest}")
        skills.append(
            PackagedSkill(
                name=names[slot],
                slot=slot,
                digest=digest,
                description=parse_skill(files["SKILL.md"].content).description,
                files=files,
                uses=usage.body["uses"] if usage else 0,
                simulated=is_simulated(row),
            )
        )
    return skills, left


def withheld(view: View, slots: Mapping[str, str]) -> dict[str, Retirement]:
    """Slots whose version stands in the head and may not be served now, and why."""
    found = {}
    for slot, digest in slots.items():
        row = version_of(view, slot, digest)
        if row.state not in SERVABLE:
            found[slot] = parting(row) or Retirement(
                what="withheld", reason=f"it is {row.state}: {row.body['reason']}"
            )
            continue
        try:
            require_dependencies(view, load_manifest(view, digest), PROVEN)
        except DeniedError as error:
            found[slot] = Retirement(what="withheld", reason=error.message)
    return found


def parting(row: Row) -> Retirement | None:
    """What became of a version, where its state says so."""
    if row.state not in {"retired", "quarantined"}:
        return None
    return Retirement(
        what="retired" if row.state == "retired" else "quarantined",
        reason=str(row.body["reason"]),
        successor=str(row.body["forward_to"] or ""),
    )
