"""Set a project up for the agent clients used in it, and take everything out again."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lignin.artifacts.client import Client
from lignin.artifacts.projects.files import Target, read_target
from lignin.artifacts.projects.install import Change, Project, Removal
from lignin.artifacts.projects.place import Launch, Place
from lignin.artifacts.projects.plan import fill
from lignin.artifacts.projects.rivals import find_rivals
from lignin.artifacts.projects.skills import clear_skills, is_begun, skill_folder
from lignin.domain.codec import Json, digest_bytes
from lignin.domain.errors import (
    DeniedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
)
from lignin.domain.events import NewEvent
from lignin.operations.context import Context
from lignin.operations.init_models import (
    ClientSet,
    FileSet,
    How,
    Init,
    LeftAlone,
    ProjectSet,
    diff_of,
)
from lignin.operations.registry import operation
from lignin.operations.skill import serve
from lignin.operations.skill_models import SkillServe, SkillsServed


@operation("init", effect="execute", idempotent=True, remote=False)
def init(context: Context, request: Init) -> ProjectSet:
    """Set a project up for the agent clients used in it: shows what would change, writes with --yes.

    Finds Claude Code, Codex, Cursor, OpenCode and Gemini CLI in the project and on this machine. Each gets
    the MCP server, hooks that take its sessions in and show approved lessons before tools, telemetry to
    this machine, a section in its instructions, and the skills of the head `main`, in its own files and
    format. Files are only added to; what is there under the same name stays and is told. It is all
    written or nothing is. `--undo` takes it out byte for byte; where somebody edited a file since, only
    what still stands as it was written goes.
    """
    folder = _folder(context, request.folder)
    project = Project(folder, context.home, context.disk)
    writes = request.yes and not context.dry_run
    if not writes and project.record().pending is not None:
        raise InvalidRequestError(
            f"an earlier run in {folder} was cut off", hint="--yes takes it back and goes on"
        )
    if not writes:
        return _done(context, project, request, writes=False)
    with project.locked():
        recovered = project.recover()
        done = _done(context, project, request, writes=True, recovered=recovered)
        return done.model_copy(update={"recovered": list(recovered)})


def _done(
    context: Context,
    project: Project,
    request: Init,
    *,
    writes: bool,
    recovered: Sequence[str] = (),
) -> ProjectSet:
    if request.undo:
        return _undone(context, project, writes, recovered)
    return _set(context, project, request, writes)


def _folder(context: Context, named: str) -> Path:
    folder = context.path(named)
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}", hint="name the project's folder")
    if folder.resolve() == context.person_home.resolve():
        raise InvalidRequestError(
            f"{folder} is your home folder, no project", hint="name a project's folder"
        )
    return folder.resolve()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A file and what clients want in it."""

    target: Target
    places: tuple[Place, ...]


def _set(context: Context, project: Project, request: Init, writes: bool) -> ProjectSet:
    clients = _clients(context, project, request.client)
    launch = Launch(
        command=launch_words(context, request.command),
        telemetry=request.telemetry,
        hooks=request.hooks,
    )
    places = [place for client, _ in clients for place in client.places(launch)]
    left, files, changes, uses = [], [], [], []
    for asked in _asked(context, project.folder, places, personal=request.personal):
        path = asked.target.path
        rivalled, wanted = _without_rivals(context, project.folder, asked)
        left += rivalled
        try:
            filled = fill(asked.target.before, wanted)
        except LigninError as error:
            hint = error.hint or "repair the file, or leave that client out with --client"
            raise type(error)(f"{path}: {error.message}", hint=hint) from error
        left += [LeftAlone(path=str(path), part=kept.part, why=kept.why) for kept in filled.kept]
        parts = list(dict.fromkeys(put.part for put in filled.puts))
        if filled.puts:
            changes.append(Change(target=asked.target, after=filled.after, puts=filled.puts))
            diff = diff_of(context, path, asked.target.before, filled.after.content)
            how: How = "made" if asked.target.before is None else "changed"
            files.append(FileSet(path=str(path), how=how, parts=parts, diff=diff))
        elif filled.there:
            there = list(filled.there)
            files.append(FileSet(path=str(path), how="as before", parts=there, diff=""))
            uses += [path] if project.is_new_use(path) else []
    served = _serve(context, project.folder, clients, dry_run=True)
    begun = _begun(project, clients)
    if writes and (changes or uses or begun or _is_new(served)):
        names = [client.name for client, _ in clients]
        if changes or uses or begun:
            project.install(changes, skills=begun, clients=names, uses=uses)
        _serve(context, project.folder, clients, dry_run=False)
        paths = [str(one.target.path) for one in changes]
        _note(context, project, "project.prepared", names, paths)
    return ProjectSet(
        folder=str(project.folder),
        written=writes,
        clients=[ClientSet(name=client.name, found=found) for client, found in clients],
        files=files,
        left_alone=left,
        skills=_told_skills(project, clients, served),
        to_do=[
            *_to_do(clients, launch, files, personal=request.personal),
            *(_path_notes(context, launch, request.command) if files else ()),
        ],
    )


def _without_rivals(
    context: Context, folder: Path, asked: _Asked
) -> tuple[list[LeftAlone], list[Place]]:
    """What goes into a file, but for parts that another file of the client is already set for."""
    bases = {"project": folder, "home": context.person_home, "machine": Path("/")}
    left: list[LeftAlone] = []
    places: list[Place] = []
    for place in asked.places:
        rivals = place.rivals
        wanted = [each for each in place.settings if rivals and each.part == rivals.part]
        if rivals is None or not wanted:
            places.append(place)
            continue
        found = find_rivals(rivals, wanted, asked.target.path, bases, context.environment)
        left += [LeftAlone(path=str(one.path), part=rivals.part, why=one.why) for one in found]
        others = tuple(each for each in place.settings if each.part != rivals.part)
        places.append(replace(place, settings=others) if found else place)
    return left, places


def _begun(project: Project, clients: Sequence[tuple[Client, str]]) -> list[Path]:
    """Skill folders that are ours from now on, so that an undo clears them: whatever a session brings there
    later too, but not what was served there before."""
    noted = {name for run in project.record().runs for name in run.skills}
    folders = dict.fromkeys(skill_folder(project.folder, client) for client, _ in clients)
    return [each for each in folders if str(each) not in noted and not is_begun(each)]


def _clients(context: Context, project: Project, named: list[str]) -> list[tuple[Client, str]]:
    known = context.load_clients()
    for name in named:
        if name not in known:
            raise NotFoundError(f"no client {name!r}", hint=f"there are {', '.join(known)}")
    if named:
        return [(client, "named") for name, client in known.items() if name in named]
    found = [(client, _how_found(context, project, client)) for client in known.values()]
    used = [(client, how) for client, how in found if how]
    if not used:
        raise NotFoundError(
            f"no agent client is used in {project.folder} or on this machine",
            hint=f"--client names one: {', '.join(known)}",
        )
    return used


def _how_found(context: Context, project: Project, client: Client) -> str:
    runs = project.record().runs
    if any(client.name in run.clients for run in runs):
        return "set up before"
    made = {mark.path for run in runs for mark in run.files if not mark.before}
    made.update(folder for run in runs for folder in run.folders)
    for marker in client.markers:
        path = project.folder / marker
        if path.exists() and str(path.resolve()) not in made:  # ours is no sign of use
            return f"{marker} is in the project"
    if client.command and shutil.which(client.command, path=context.environment.get("PATH", "")):
        return f"the command {client.command} is installed"
    for marker in client.markers:
        if marker.startswith(".") and (context.person_home / marker).is_dir():
            return f"~/{marker} is there"
    return ""


def launch_words(context: Context, command: str) -> tuple[str, ...]:
    """The words that start Lignin: those given, `lignin` where a fresh shell finds it, else this one by its path.

    Raises:
        InvalidRequestError: The words given cannot be told apart.
    """
    if command:
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise InvalidRequestError(
                f"--command: {error}", hint="quote it as a shell would"
            ) from error
        if words:
            return words
    if shutil.which("lignin", path=fresh_path(context)):
        return ("lignin",)
    return (sys.executable, "-m", "lignin")


def fresh_path(context: Context) -> str:
    """PATH as a shell has it in which no environment was activated: clients are started from such ones too."""
    environment = context.environment
    active = [environment.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
    if sys.prefix != sys.base_prefix:
        active.append(sys.prefix)
    inside = [Path(folder) for folder in active if folder]
    folders = environment.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(
        each for each in folders if not any(Path(each).is_relative_to(one) for one in inside)
    )


def _path_notes(context: Context, launch: Launch, named: str) -> list[str]:
    """What there is to know of the command that clients start."""
    word = launch.command[0]
    if named:
        if shutil.which(word, path=fresh_path(context)):
            return []
        return [f"A fresh shell does not find {word}: clients could not start it; put it on PATH."]
    if word == "lignin":
        return []
    return [
        f"A fresh shell does not find lignin, so clients start {shlex.join(launch.command)}: that holds "
        "on this machine only. Install lignin on PATH (or name a command with --command) before you "
        "share these files."
    ]


def _asked(
    context: Context, folder: Path, places: Sequence[Place], *, personal: bool
) -> list[_Asked]:
    """Every real file once, with all that goes into it; nothing is written where one is refused."""
    found: dict[Path, _Asked] = {}
    for place in places:
        if place.base == "home" and not personal:
            continue
        target = _target(context, folder, place)
        known = found.get(target.path)
        before = known.places if known is not None else ()
        found[target.path] = _Asked(target=target, places=(*before, place))
    return list(found.values())


def _target(context: Context, folder: Path, place: Place) -> Target:
    base, names = folder, place.names
    if place.base == "home":
        base = context.person_home
        if place.variable and (moved := context.environment.get(place.variable[0])):
            base = Path(moved)
            names = tuple(name.removeprefix(f"{place.variable[1]}/") for name in names)
            if not base.is_dir():
                raise NotFoundError(
                    f"{place.variable[0]} names no folder: {base}", hint="make it, or unset that"
                )
    there = [name for name in names if (base / name).exists() or (base / name).is_symlink()]
    if place.section is not None and len(there) > 1:
        first = read_target(base, there[0])
        if f"@{there[1]}".encode() in (first.before or b""):  # one includes the other
            return read_target(base, there[1])
    return read_target(base, (there or [place.fresh or names[0]])[0])


def _serve(
    context: Context, folder: Path, clients: Sequence[tuple[Client, str]], *, dry_run: bool
) -> SkillsServed | None:
    """Serve the head `main`, or tell what that would do; None where there is no such head."""
    names = [client.name for client, _ in clients]
    for client, _ in clients:
        skill_folder(folder, client)  # refuses a link that leads out, whatever the head holds
    request = SkillServe(folder=str(folder), client=names, head="main", personal=False, force=False)
    try:
        return serve(replace(context, dry_run=dry_run), request)
    except NotFoundError:
        return None
    except DeniedError as error:
        if "practice" in error.message:
            return None
        raise


def _is_new(served: SkillsServed | None) -> bool:
    folders = served.folders if served else []
    return any(each.written or each.replaced or each.removed for each in folders)


def _told_skills(
    project: Project, clients: Sequence[tuple[Client, str]], served: SkillsServed | None
) -> list[str]:
    names = {
        each.folder: [*each.written, *each.replaced, *each.kept]
        for each in (served.folders if served else [])
    }
    folders = dict.fromkeys(str(skill_folder(project.folder, client)) for client, _ in clients)
    later = "none yet; what is promoted comes when a session begins"
    return [f"{folder}: {', '.join(names.get(folder, ())) or later}" for folder in folders]


def _to_do(
    clients: Sequence[tuple[Client, str]], launch: Launch, files: list[FileSet], *, personal: bool
) -> list[str]:
    """What a person has yet to do: nobody else may."""
    found = [note for client, _ in clients for note in client.notes]
    if launch.telemetry:
        found.append("Telemetry is taken in while `lignin up --otlp default` runs.")
        at_home = [
            client.title
            for client, _ in clients
            if any(place.base == "home" for place in client.places(launch))
        ]
        if at_home and not personal:
            who = " and ".join(at_home)
            found.append(
                f"For telemetry of {who} only your home folder counts: --personal writes it."
            )
    return found if files else []


def _undone(
    context: Context, project: Project, writes: bool, recovered: Sequence[str] = ()
) -> ProjectSet:
    record = project.record()
    if not record.runs and not recovered:
        raise NotFoundError(
            f"nothing was put into {project.folder} by this store's `lignin init`",
            hint="markers `lignin:begin` and the name `lignin` tell what is Lignin's",
        )
    removals = project.removals()
    left = [
        LeftAlone(path=str(each.path), part=kept.part, why=kept.why)
        for each in removals
        for kept in each.emptied.kept
    ]
    left += [
        LeftAlone(path=str(each.path), part="what was put in", why=each.refused)
        for each in removals
        if each.refused
    ]
    files = [_file_undone(context, each) for each in removals if not each.refused]
    skills = list(dict.fromkeys(Path(name) for run in record.runs for name in run.skills))
    staying: list[Path] = []
    if writes and record.runs:
        kept = clear_skills(skills, now=context.clock.now(), disk=context.disk)
        left += [LeftAlone(path=path, part="skills", why=why) for path, why in kept.items()]
        staying = [folder for folder in skills if any(_is_in(path, folder) for path in kept)]
        project.uninstall(removals, staying)
        names = sorted({name for run in record.runs for name in run.clients})
        _note(context, project, "project.restored", names, [str(each.path) for each in removals])
    return ProjectSet(
        folder=str(project.folder),
        undo=True,
        written=writes,
        clients=[],
        files=files,
        left_alone=left,
        skills=[f"{folder}: {_how_cleared(folder in staying)}" for folder in skills],
        to_do=[],
    )


def _is_in(path: str, folder: Path) -> bool:
    return Path(path).is_relative_to(folder)


def _how_cleared(stays: bool) -> str:
    return "removed but for what is left alone" if stays else "removed"


def _file_undone(context: Context, removal: Removal) -> FileSet:
    before, after = removal.before, removal.emptied.after
    how: How = "as before"
    if before != after and after is None:
        how = "removed"
    elif before != after:
        how = "restored" if removal.emptied.how == "exactly" else "taken out of"
    diff = "" if before == after else diff_of(context, removal.path, before, after)
    return FileSet(path=str(removal.path), how=how, parts=[], diff=diff)


def _note(
    context: Context, project: Project, what: str, clients: Sequence[str], paths: Sequence[str]
) -> None:
    name = digest_bytes(str(project.folder).encode(errors="replace"))[7:33]
    facts: dict[str, Json] = {
        "folder": str(project.folder),
        "clients": list(clients),
        "files": list(paths),
    }
    event = NewEvent(
        stream=f"project/prj_{name}",
        type=what,
        payload=facts,
        event_id=context.ids.new("evt"),
    )
    context.commit(context.scope.change(events=(event,)))
