"""Skills over MCP (SEP-2640): what a head serves, with the digest of every file, straight from the store."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import yaml
from fastmcp.resources import Resource, ResourceContent, ResourceResult
from fastmcp.server.dependencies import get_context
from fastmcp.server.extensions import MethodBinding, ServerExtension
from fastmcp.server.providers import Provider
from fastmcp.skills import (
    GetSkillResult,
    ListSkillsResult,
    Skill,
    SkillFrontmatter,
    SkillResource,
)
from fastmcp.skills.models import GetSkillParams, ListSkillsParams
from fastmcp.utilities.versions import VersionSpec
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import AnyUrl, PrivateAttr

from lignin.domain.artifacts import File
from lignin.domain.errors import DeniedError, LigninError, NotFoundError
from lignin.domain.events import format_time
from lignin.interfaces.calls import Call, Calls
from lignin.interfaces.mcp.tools import actor_of, caller_of, client_of
from lignin.operations.heads import MAIN
from lignin.operations.receiving import note_use
from lignin.operations.skill_reading import PackagedSkill
from lignin.operations.skill_show import read_skills

SKILL_MD = "SKILL.md"
_VERSIONS = frozenset(MODERN_PROTOCOL_VERSIONS)
_TYPES = {".md": "text/markdown", ".json": "application/json", ".py": "text/x-python"}


class HeadSkills(Provider):
    """The skills of a head as resources; read anew each time, so what is withdrawn is gone at once."""

    def __init__(self, calls: Calls, head: str = MAIN) -> None:
        super().__init__()
        self._calls = calls
        self._head = head

    async def skills(self) -> list[PackagedSkill]:
        """What the head serves now; nothing where there is no such head yet."""

        def read() -> list[PackagedSkill]:
            try:
                return read_skills(self._calls.context_of(Call()), self._head)[1]
            except (NotFoundError, DeniedError):
                return []

        found: list[PackagedSkill] = await self._calls.apart(read)
        return found

    async def _list_resources(self) -> Sequence[Resource]:
        return [
            _resource(skill, path, file)
            for skill in await self.skills()
            for path, file in sorted(skill.files.items())
        ]

    async def _get_resource(
        self,
        uri: str,
        version: VersionSpec | None = None,  # noqa: ARG002
    ) -> Resource | None:
        if not uri.startswith("skill://"):
            return None
        for skill in await self.skills():
            for path, file in skill.files.items():
                if uri_of(skill, path) == uri:
                    found = _resource(skill, path, file)
                    found._noted = self._note(skill) if path == SKILL_MD else None
                    return found
        return None

    def _note(self, skill: PackagedSkill) -> Callable[[], Awaitable[None]]:
        """What keeps that a skill was loaded, by who asks for it."""

        async def note() -> None:
            wire = get_context()
            client = client_of(wire)
            call = Call(actor=actor_of(self._calls, client), caller=caller_of(wire, client))
            context = self._calls.context_of(call)
            at = format_time(context.clock.now())
            # who loads it gets it, also where the store takes no more
            with contextlib.suppress(LigninError):
                await self._calls.apart(
                    lambda: note_use(context, f"{skill.slot}@{skill.digest}", at, at, is_load=True)
                )

        return note


class SkillsOfHead(ServerExtension):
    """`skills/list` and `skills/get`."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self, provider: HeadSkills) -> None:
        self._provider = provider

    def methods(self) -> Sequence[MethodBinding]:
        """The two methods, in the versions that have extensions."""
        return (
            MethodBinding("skills/list", ListSkillsParams, self._list, _VERSIONS),
            MethodBinding("skills/get", GetSkillParams, self._get, _VERSIONS),
        )

    async def _list(self, context: Any, params: Any) -> ListSkillsResult:  # noqa: ARG002
        return ListSkillsResult(
            skills=[_entry(skill) for skill in await self._provider.skills()],
            ttl_ms=0,
            cache_scope="private",
        )

    async def _get(self, context: Any, params: GetSkillParams) -> GetSkillResult:  # noqa: ARG002
        for skill in await self._provider.skills():
            if uri_of(skill, SKILL_MD) == params.uri:
                return GetSkillResult(skill=_entry(skill), ttl_ms=0, cache_scope="private")
        raise MCPError(code=INVALID_PARAMS, message=f"no skill {params.uri!r:.200}")


def uri_of(skill: PackagedSkill, path: str) -> str:
    """The address of a skill's file."""
    return f"skill://{skill.name}/{path}"


def _entry(skill: PackagedSkill) -> Skill:
    return Skill(
        uri=uri_of(skill, SKILL_MD),
        frontmatter=SkillFrontmatter(_front_matter(skill.files[SKILL_MD].content)),
        resources=[
            SkillResource(
                uri=uri_of(skill, path), digest=f"sha256:{file.sha256}", size=len(file.content)
            )
            for path, file in sorted(skill.files.items())
        ],
    )


def _front_matter(content: bytes) -> dict[str, Any]:
    """The front matter that packaging wrote and checked."""
    _, front, _ = content.decode().split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(front)
    return found


class _SkillFile(Resource):
    _content: bytes = PrivateAttr(default=b"")
    _noted: Callable[[], Awaitable[None]] | None = PrivateAttr(default=None)

    async def read(self) -> ResourceResult:
        """The file's bytes, as text where they are."""
        if self._noted is not None:
            await self._noted()
        try:
            said: str | bytes = self._content.decode()
        except UnicodeDecodeError:
            said = self._content
        return ResourceResult(contents=[ResourceContent(said, mime_type=self.mime_type)])


def _resource(skill: PackagedSkill, path: str, file: File) -> _SkillFile:
    suffix = path[path.rfind(".") :] if "." in path else ""
    made = _SkillFile(
        uri=AnyUrl(uri_of(skill, path)),
        name=f"{skill.name}/{path}",
        description=skill.description if path == SKILL_MD else None,
        mime_type=_TYPES.get(suffix, "text/plain"),
    )
    made._content = file.content
    return made
