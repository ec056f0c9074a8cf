"""Skill folders: write what a head serves where agent clients look for it."""

from pathlib import Path

from lignin.artifacts.client import Client
from lignin.artifacts.folder import resolve_skills_folder
from lignin.domain.errors import NotFoundError
from lignin.operations.context import Context
from lignin.operations.registry import operation
from lignin.operations.skill_models import SkillServe, SkillsServed
from lignin.operations.skill_serving import offer_of, serve_one


@operation("skill.serve", effect="execute", idempotent=True, remote=False)
def serve(context: Context, request: SkillServe) -> SkillsServed:
    """Write a head's skills where Claude Code and Codex look for them.

    Files not written by Lignin are never touched, hand-edited ones are respected, what left the
    head leaves a note that says what became of it, and nothing is dropped from a listing without
    being named. What leans on a version that is not proven any more is withheld.
    """
    base = context.person_home if request.personal else context.path(request.folder)
    clients = _clients(context, request.client)
    with context.view() as view:
        offer = offer_of(context, view, request.head)
    folders: dict[Path, Client] = {}
    for client in clients:
        relative = client.personal_folder if request.personal else client.project_folder
        folder = resolve_skills_folder(base, relative)
        known = folders.get(folder)
        if known is None or client.listing_chars < known.listing_chars:
            folders[folder] = client  # one folder for two clients: the tighter budget holds
    return SkillsServed(
        head=request.head,
        revision=offer.revision,
        not_skills=list(offer.not_skills),
        simulated=[skill.name for skill in offer.skills if skill.simulated],
        folders=[
            serve_one(context, client, folder, offer, force=request.force)
            for folder, client in folders.items()
        ],
    )


def _clients(context: Context, names: list[str]) -> list[Client]:
    known = context.load_clients()
    for name in names:
        if name not in known:
            raise NotFoundError(f"no client {name!r}", hint=f"there are {', '.join(known)}")
    return [client for name, client in known.items() if not names or name in names]
