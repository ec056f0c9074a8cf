"""Skill folders: write what a head serves where agent clients look for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from lignin.artifacts.client import Client
from lignin.artifacts.folder import read_tree, resolve_skills_folder
from lignin.artifacts.listing import ListedSkill, plan_listing
from lignin.artifacts.packaging import assign_skill_names, package_artifact, redescribe
from lignin.artifacts.serve import read_state, serve_folder
from lignin.artifacts.serving_plan import Retirement, Served, ServingPlan, plan_serving
from lignin.artifacts.skillmd import parse_skill
from lignin.artifacts.store import load_examples, load_tree, trusted_givers
from lignin.artifacts.versions import is_simulated
from lignin.domain.artifacts import File, split_examples
from lignin.domain.errors import InvalidRequestError, LigninError, NotFoundError
from lignin.domain.events import NewEvent
from lignin.domain.harness import diff_revisions, parse_revision
from lignin.domain.states import Row
from lignin.domain.states.artifacts import SERVABLE
from lignin.operations.context import Context
from lignin.operations.heads import MAIN, version_of
from lignin.operations.registry import Request, Response, operation
from lignin.ports.ledger import View

SKILL_KINDS = frozenset({"skill", "program", "script", "prompt"})


class SkillServe(Request):
    folder: str = Field(".", description="the project whose skill folders are written")
    client: list[str] = Field(default_factory=list, description="only these clients; default: all")
    head: str = Field(MAIN, description="the head that is served")
    personal: bool = Field(False, description="into the home folder instead of the project")
    force: bool = Field(False, description="replace our files even where a person edited them")


class Left(Response):
    name: str = Field(description="the skill or slot")
    reason: str = Field(description="why")


class FolderServed(Response):
    client: str = Field(description="the agent client")
    folder: str = Field(description="the skill folder")
    written: list[str] = Field(description="new skills")
    replaced: list[str] = Field(description="skills that changed")
    kept: list[str] = Field(description="skills that stay as they are")
    removed: list[str] = Field(description="removed; a forwarding note stands in their place")
    left_alone: list[Left] = Field(description="not ours, or edited by a person")
    shortened: list[Left] = Field(description="descriptions cut to fit the listing budget")
    left_out: list[Left] = Field(description="skills that did not fit the listing budget")
    listing_chars: int = Field(description="characters of the client's listing in use")
    listing_budget: int = Field(description="characters the client lists at most")


class SkillsServed(Response):
    head: str = Field(description="the harness head")
    revision: str = Field(description="digest of the head's revision")
    not_skills: list[Left] = Field(description="slots that no skill folder can hold")
    simulated: list[str] = Field(
        description="skills seen only in the practice desk's simulated sessions; each says so"
    )
    folders: list[FolderServed] = Field(description="one entry per skill folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skill:
    name: str
    digest: str
    description: str
    files: Mapping[str, File]
    uses: int
    simulated: bool


@operation("skill.serve", effect="execute", idempotent=True)
def serve(context: Context, request: SkillServe) -> SkillsServed:
    """Write a head's skills where Claude Code and Codex look for them.

    Files not written by Lignin are never touched, hand-edited ones are respected, what left the
    head leaves a forwarding note, and nothing is dropped from a listing without being named.
    """
    base = context.person_home if request.personal else context.path(request.folder)
    clients = _clients(context, request.client)
    with context.view() as view:
        stable, _ = context.harness.stable(view, request.head)
        slots = context.harness.resolve(view, stable)
        skills, not_skills = _packaged(context, view, slots)
        retired = _retired(context, view, request.head, slots, stable)
        origin = _origin(view, request.head)
    folders: dict[Path, Client] = {}
    for client in clients:
        relative = client.personal_folder if request.personal else client.project_folder
        folder = resolve_skills_folder(base, relative)
        known = folders.get(folder)
        if known is None or client.listing_chars < known.listing_chars:
            folders[folder] = client  # one folder for two clients: the tighter budget holds
    served = [
        _serve_one(
            context,
            client,
            folder,
            skills=skills,
            retired=retired,
            revision=stable,
            origin=origin,
            force=request.force,
        )
        for folder, client in folders.items()
    ]
    return SkillsServed(
        head=request.head,
        revision=stable,
        not_skills=not_skills,
        simulated=[skill.name for skill in skills if skill.simulated],
        folders=served,
    )


def _clients(context: Context, names: list[str]) -> list[Client]:
    known = context.load_clients()
    for name in names:
        if name not in known:
            raise NotFoundError(f"no client {name!r}", hint=f"there are {', '.join(known)}")
    return [client for name, client in known.items() if not names or name in names]


def _packaged(
    context: Context, view: View, slots: Mapping[str, str]
) -> tuple[list[_Skill], list[Left]]:
    skills, left = [], []
    kinds, names = context.load_kinds(), assign_skill_names(slots)
    for slot, digest in slots.items():
        row = version_of(view, slot, digest)
        if row.state not in SERVABLE or row.body["kind"] not in SKILL_KINDS:
            left.append(Left(name=slot, reason=_why_not(row)))
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
            _Skill(
                name=names[slot],
                digest=digest,
                description=parse_skill(files["SKILL.md"].content).description,
                files=files,
                uses=usage.body["uses"] if usage else 0,
                simulated=is_simulated(row),
            )
        )
    return skills, left


def _origin(view: View, head: str) -> str:
    """A head's name that no other store's head has: with the id of its space's first event."""
    return f"{view.space}:{head}@{view.log(limit=1)[0].event_id[-10:]}"


def _why_not(row: Row) -> str:
    if row.state not in SERVABLE:
        return f"it is {row.state}"
    return f"a {row.body['kind']} is not served as a skill folder"


def _retired(
    context: Context, view: View, head: str, slots: Mapping[str, str], revision: str
) -> dict[str, Retirement]:
    """What left the head, or stands in it and may not be served, for forwarding notes."""
    found: dict[str, Retirement] = {}
    for move in context.harness.history(view, head):
        before, after = view.row(f"revision/{move.came_from}"), view.row(f"revision/{move.to}")
        if before is None or after is None:
            continue
        patch = diff_revisions(parse_revision(before.body), parse_revision(after.body))
        for slot, change in patch.items():
            if not change.new and slot not in slots and change.expected:
                row = view.row(f"version/{slot}@{change.expected}")
                reason = str(row.body["reason"]) if row else "it left"
                successor = str(row.body["forward_to"] or "") if row else ""
                found.setdefault(
                    assign_skill_names({slot, *slots})[slot],
                    Retirement(revision=move.to, reason=reason, successor=successor),
                )
    for slot, digest in slots.items():
        row = version_of(view, slot, digest)
        if row.state not in SERVABLE:
            name = assign_skill_names(slots)[slot]
            found[name] = Retirement(
                revision=revision,
                reason=f"it is {row.state}: {row.body['reason']}",
                successor=str(row.body["forward_to"] or ""),
            )
    return found


def _serve_one(
    context: Context,
    client: Client,
    folder: Path,
    *,
    skills: list[_Skill],
    retired: Mapping[str, Retirement],
    revision: str,
    origin: str,
    force: bool,
) -> FolderServed:
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
        kept=list(plan.names("keep")),
        removed=[*plan.names("forward"), *plan.names("remove")],
        left_alone=[Left(name=c.name, reason=c.reason) for c in plan.conflicts],
        shortened=[
            Left(name=s.name, reason=f"{s.from_chars} to {s.to_chars} characters: {s.reason}")
            for s in listing.shortened
        ],
        left_out=[Left(name=o.name, reason=o.reason) for o in listing.left_out],
        listing_chars=listing.chars,
        listing_budget=listing.budget,
    )


def _files(skill: _Skill, description: str) -> Mapping[str, File]:
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
