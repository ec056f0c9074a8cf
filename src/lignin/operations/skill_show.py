"""Skills without folders: what a head serves, listed and handed out with the digest of every file."""

import base64

from pydantic import Field

from lignin.domain.errors import NotFoundError
from lignin.operations.context import Context
from lignin.operations.heads import MAIN
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.skill_models import Left
from lignin.operations.skill_reading import PackagedSkill, packaged, stable_served, withheld


class SkillList(Request):
    head: str = Field(MAIN, description="the head that is served")
    limit: int = Field(100, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this skill")


class SkillFile(Response):
    path: str = Field(description="the file, within the skill's folder")
    digest: str = Field(description="SHA-256 of its bytes")
    size_bytes: int = Field(description="how many bytes it has")


class SkillView(Response):
    name: str = Field(description="the skill's name, and that of its folder")
    description: str = Field(description="when to use it, in its author's words: data")
    digest: str = Field(description="digest of the version that it is made from")
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    files: list[SkillFile] = Field(description="its files")


class SkillsListed(Listed):
    head: str = Field(description="the head")
    revision: str = Field(description="digest of the head's revision")
    items: list[SkillView] = Field(description="this page, by name")
    not_served: list[Left] = Field(description="what is in the head and not served, and why")


class SkillShow(Request):
    name: str = positional("the skill's name")
    head: str = Field(MAIN, description="the head that is served")


class SkillContent(SkillFile):
    text: str | None = Field(description="its text; none where it is no UTF-8")
    base64: str | None = Field(description="its bytes in base64, where it is no UTF-8")


class SkillShown(Response):
    name: str = Field(description="the skill's name")
    description: str = Field(description="when to use it, in its author's words: data")
    digest: str = Field(description="digest of the version that it is made from")
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    contents: list[SkillContent] = Field(description="its files, whole")


@operation("skill.list", effect="read", idempotent=True)
def list_(context: Context, request: SkillList) -> SkillsListed:
    """List the skills that a head serves, each with the digests of its files."""
    revision, skills, left = read_skills(context, request.head)
    names = [skill.name for skill in skills]
    start = 0 if request.after is None else sum(name <= request.after for name in names)
    page = skills[start : start + request.limit]
    is_end = start + request.limit >= len(skills)
    return SkillsListed(
        head=request.head,
        revision=revision,
        items=[_view(skill) for skill in page],
        not_served=left,
        total=len(skills),
        next_after=None if is_end else page[-1].name,
    )


@operation("skill.show", effect="read", idempotent=True)
def show(context: Context, request: SkillShow) -> SkillShown:
    """Hand out a skill of a head: its files whole, each with its digest."""
    _, skills, left = read_skills(context, request.head)
    skill = next((each for each in skills if each.name == request.name), None)
    if skill is None:
        why = next((f"{one.name}: {one.reason}" for one in left if one.name == request.name), "")
        raise NotFoundError(
            f"head {request.head!r} serves no skill {request.name!r}{why and f': {why}'}",
            hint="`lignin skill list` has the names",
        )
    return SkillShown(
        name=skill.name,
        description=skill.description,
        digest=skill.digest,
        simulated=skill.simulated,
        contents=[_content(skill, path) for path in sorted(skill.files)],
    )


def read_skills(context: Context, head: str) -> tuple[str, list[PackagedSkill], list[Left]]:
    """A head's revision, the skills that it serves by name, and what it does not serve."""
    with context.view() as view:
        revision, slots = stable_served(context, view, head)
        skills, left = packaged(context, view, slots, withheld(view, slots))
    return revision, sorted(skills, key=lambda skill: skill.name), left


def _view(skill: PackagedSkill) -> SkillView:
    return SkillView(
        name=skill.name,
        description=skill.description,
        digest=skill.digest,
        simulated=skill.simulated,
        files=[
            SkillFile(path=path, digest=f"sha256:{file.sha256}", size_bytes=len(file.content))
            for path, file in sorted(skill.files.items())
        ],
    )


def _content(skill: PackagedSkill, path: str) -> SkillContent:
    file = skill.files[path]
    try:
        text, packed = file.content.decode(), None
    except UnicodeDecodeError:
        text, packed = None, base64.b64encode(file.content).decode()
    return SkillContent(
        path=path,
        digest=f"sha256:{file.sha256}",
        size_bytes=len(file.content),
        text=text,
        base64=packed,
    )
