"""Files of loops: templates to begin from, and the audit of what a team has already."""

import tomllib
from importlib.resources import files

from lignin.domain.errors import ConflictError, InvalidRequestError, NotFoundError
from lignin.loops.laws.audit import audit_loop, audit_scripts, parse_scripts
from lignin.loops.laws.reading import parse_file
from lignin.operations.context import Context
from lignin.operations.loop import read_file
from lignin.operations.loop_models import (
    Audited,
    FindingView,
    LoopAudit,
    LoopNew,
    TemplatesAsked,
    TemplatesListed,
    TemplateView,
    Written,
)
from lignin.operations.registry import operation


@operation("loop.audit", effect="read", idempotent=True, remote=False)
def audit(context: Context, request: LoopAudit) -> Audited:
    """Say what is broken about the scripts that a team has, the worst first, or about a loop's file.

    The file describes each script by its five parts: what triggers it, what it looks at, what it does, who
    checks that, when it stops. Nothing is run. 6 where something is missing or weak.
    """
    value = parse_file(read_file(context, request.file))
    if "scripts" in value:
        scripts = parse_scripts(value)
        names, found = [script.name for script in scripts], audit_scripts(scripts)
    elif "loop" in value:
        found = audit_loop(value)
        names = [found[0].script if found else str(value["loop"])]
    else:
        raise InvalidRequestError(
            f"{request.file!r} describes no scripts and is no loop",
            hint="[[scripts]] with name, trigger, context, action, gate and stop",
        )
    broken = {finding.script for finding in found}
    lacking = {finding.script for finding in found if finding.kind != "weak"}
    return Audited(
        scripts=len(names),
        whole=sum(name not in lacking for name in names),
        sound=sum(name not in broken for name in names),
        items=[FindingView(**finding.to_json()) for finding in found],
    )


@operation("loop.templates", effect="read", idempotent=True)
def templates(context: Context, request: TemplatesAsked) -> TemplatesListed:  # noqa: ARG001
    """List the templates of loops, and the built-in loops, which run as they are."""
    items = [
        TemplateView(name=name, about=_about(text), built_in=_is_built_in(text))
        for name, text in sorted(shipped().items())
    ]
    return TemplatesListed(items=items, total=len(items))


@operation("loop.new", effect="write", remote=False)
def new(context: Context, request: LoopNew) -> Written:
    """Write a template or a built-in loop into a file of yours, to edit and to add."""
    known = shipped()
    if request.template not in known:
        raise NotFoundError(
            f"no template {request.template!r}", hint=f"one of {', '.join(sorted(known))}"
        )
    text = known[request.template]
    named = request.to or f"{tomllib.loads(text)['loop']}.toml"
    path = context.path(named)
    if not context.dry_run:
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError as error:
            raise ConflictError(f"{named!r} is there already", hint="--to another name") from error
        except OSError as error:
            raise InvalidRequestError(f"cannot write {named!r}: {error.strerror}") from error
    return Written(path=str(path), next=f"edit it, then `lignin loop add {named}`")


def shipped() -> dict[str, str]:
    """The loops that come with the package: name to the file's text."""
    folder = files("lignin.loops") / "shipped"
    return {
        each.name.removesuffix(".toml"): each.read_text(encoding="utf-8")
        for each in folder.iterdir()
        if each.name.endswith(".toml")
    }


def _about(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ").removeprefix("Built in: ")


def _is_built_in(text: str) -> bool:
    return text.startswith("# Built in: ")
