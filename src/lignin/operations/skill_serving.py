"""Writing what a head serves into one skill folder of a client, and noting it in the ledger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lignin.artifacts.client import Client
from lignin.artifacts.folder import read_tree
from lignin.artifacts.listing import ListedSkill, plan_listing
from lignin.artifacts.packaging import assign_skill_names, redescribe
from lignin.artifacts.serve import read_state, serve_folder
from lignin.artifacts.serving_plan import (
    Retirement,
    Served,
    ServingPlan,
    must_stop,
    plan_serving,
)
from lignin.artifacts.skillmd import parse_skill
from lignin.domain.artifacts import File
from lignin.domain.errors import LigninError
from lignin.domain.events import NewEvent
from lignin.domain.harness import diff_revisions, parse_revision
from lignin.harness.laws import Move
from lignin.operations.context import Context
from lignin.operations.skill_models import FolderServed, Left
from lignin.operations.skill_reading import (
    PackagedSkill,
    packaged,
    parting,
    stable_served,
    withheld,
)
from lignin.ports.ledger import View, every_row


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a head serves now: its skills, what left it or may not be served, and what is no skill."""

    head: str
    revision: str
    origin: str
    skills: tuple[PackagedSkill, ...]
    not_skills: tuple[Left, ...]
    retired: Mapping[str, Retirement]
    stopped: Collection[str]


def offer_of(context: Context, view: View, head: str) -> Offer:
    """What a head serves now.

    Raises:
        NotFoundError: No such head.
        DeniedError: It is a practice head.
    """
    revision, slots = stable_served(context, view, head)
    stopping = withheld(view, slots)
    skills, not_skills = packaged(context, view, slots, stopping)
    quarantined = every_row(view, "version", state="quarantined")
    return Offer(
        head=head,
        revision=revision,
        origin=origin_of(view, head),
        skills=tuple(skills),
        not_skills=tuple(not_skills),
        retired=_retired(context, view, head, slots, stopping),
        stopped=frozenset(str(row.body["digest"]) for row in quarantined),
    )


def origin_of(view: View, head: str) -> str:
    """A head's name that no other store's head has: with the id of its space's first event."""
    return f"{view.space}:{head}@{view.log(limit=1)[0].event_id[-10:]}"


def _retired(
    context: Context,
    view: View,
    head: str,
    slots: Mapping[str, str],
    stopping: Mapping[str, Retirement],
) -> dict[str, Retirement]:
    """What left the head, or stands in it and may not be served, for forwarding notes."""
    names = assign_skill_names(slots)
    found = {names[slot]: why for slot, why in stopping.items()}
    moves = context.harness.history(view, head)
    for at, move in enumerate(moves):
        before, after = view.row(f"revision/{move.came_from}"), view.row(f"revision/{move.to}")
        if before is None or after is None:
            continue
        patch = diff_revisions(parse_revision(before.body), parse_revision(after.body))
        for slot, change in patch.items():
            if not change.new and slot not in slots and change.expected:
                row = view.row(f"version/{slot}@{change.expected}")
                why = (parting(row) if row else None) or _moved_off(view, move, moves[at + 1 :])
                name = assign_skill_names({slot, *slots})[slot]
                found.setdefault(name, replace(why, revision=move.to))
    return found


def _moved_off(view: View, move: Move, earlier: Sequence[Move]) -> Retirement:
    """What a head's move did to the slots that it dropped: went back, or went on without them."""
    back = move.claim == "restore" and any(move.to == one.came_from for one in earlier)
    proposal = view.row(f"proposal/{move.proposal}") if move.proposal else None
    said = str(proposal.body["hypothesis"]) if proposal else ""
    if back:
        return Retirement(what="rolled back", reason=said or "the head went back to what it held")
    return Retirement(what="withdrawn", reason=said or "it left the head")


def serve_one(
    context: Context,
    client: Client,
    folder: Path,
    offer: Offer,
    *,
    force: bool = False,
    only: Collection[str] | None = None,
) -> FolderServed:
    """Bring one skill folder to what a head serves; a dry run tells what that would do.

    Args:
        force: Replace our files even where a person edited them.
        only: Serve nothing but these.
    """
    skills = [each for each in offer.skills if only is None or each.name in only]
    retired, revision, origin = offer.retired, offer.revision, offer.origin
    others = _others_chars(client, folder, {skill.name for skill in skills})
    listed = [ListedSkill(name=s.name, description=s.description, uses=s.uses) for s in skills]
    listing = plan_listing(listed, client, folder=str(folder), taken_chars=others)
    texts = {entry.name: entry.description for entry in listing.entries}
    desired = {
        skill.name: Served(digest=skill.digest, files=_files(skill, texts[skill.name]))
        for skill in skills
        if skill.name in texts
    }
    now = context.clock.now()
    if context.dry_run:
        state = read_state(folder)
        plan = plan_serving(
            desired,
            state,
            now=now,
            retired=retired,
            revision=revision,
            force=force,
            origin=origin,
        )
    else:
        done = serve_folder(
            folder,
            desired,
            now=now,
            retired=retired,
            revision=revision,
            force=force,
            origin=origin,
            disk=context.disk,
        )
        plan = done.plan
        _record(context, client, folder, revision, plan)
    return FolderServed(
        client=client.name,
        folder=str(folder),
        written=list(plan.names("write")),
        replaced=list(plan.names("replace")),
        kept=list(plan.skills_kept),
        removed=[*plan.names("forward"), *plan.names("remove")],
        left_alone=[Left(name=c.name, reason=c.reason) for c in plan.conflicts],
        still_there=[
            Left(name=c.name, reason=f"{why}; {c.reason}")
            for c in plan.conflicts
            if (why := must_stop(plan, c.name, desired, retired, offer.stopped))
        ],
        shortened=[
            Left(name=s.name, reason=f"{s.from_chars} to {s.to_chars} characters: {s.reason}")
            for s in listing.shortened
        ],
        left_out=[Left(name=o.name, reason=o.reason) for o in listing.left_out],
        listing_chars=listing.chars,
        listing_budget=listing.budget,
    )


def _files(skill: PackagedSkill, description: str) -> Mapping[str, File]:
    if description == skill.description:
        return skill.files
    return redescribe(skill.files, description)


def _others_chars(client: Client, folder: Path, ours: set[str]) -> int:
    """Characters that skills of other people already take in the client's listing."""
    taken = 0
    for path in sorted(folder.glob("*/SKILL.md")) if folder.is_dir() else ():
        if path.parent.name in ours:
            continue
        try:
            content = read_tree(path.parent)["SKILL.md"].content
            text = parse_skill(content).description
        except (LigninError, KeyError):
            text = ""
        taken += len(client.entry(path.parent.name, text, str(folder))) + 1
    return taken


def _record(
    context: Context, client: Client, folder: Path, revision: str, plan: ServingPlan
) -> None:
    """Note in the ledger what was served where; nothing where nothing changed."""
    if plan.is_empty:
        return
    payload = {
        "client": client.name,
        "folder": str(folder),
        "revision": revision,
        "written": len(plan.names("write")) + len(plan.names("replace")),
        "removed": len(plan.names("forward")) + len(plan.names("remove")),
    }
    event = NewEvent(
        stream=f"serving/{client.name}:{folder}",
        type="skills.served",
        payload=payload,
        event_id=context.ids.new("evt"),
    )
    context.commit(context.scope.change(events=(event,)))
