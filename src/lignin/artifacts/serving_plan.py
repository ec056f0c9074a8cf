"""What to do with a skills folder so that it holds what is served. Pure.

Owns the receipt (which files are ours), the plan and the forwarding note. Refuses disk and clock:
`serve` carries plans out and times arrive as arguments.

Invariants: only what the receipt names is ever replaced or removed. A folder of somebody else's is
a conflict. A file of ours that a person edited makes its skill theirs until `force` says otherwise,
and then the edited file stays under another name.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lignin.artifacts.skillmd import (
    SKILL_PATH,
    SkillDocument,
    clean_description,
    is_skill_name,
    render_skill,
    with_metadata,
)
from lignin.domain.artifacts import File, require_safe_path
from lignin.domain.codec import Digest, canonical_bytes, digest_bytes, parse_json
from lignin.domain.errors import ConflictError, IntegrityError, InvalidRequestError, LigninError

RECEIPT_PATH = ".lignin-served.json"
KEEP_NOTES_DAYS = 30
Action = Literal["write", "replace", "keep", "forward", "remove", "forget"]
Nature = Literal["folder", "file", "link", "other"]
Fate = Literal["retired", "quarantined", "rolled back", "withdrawn", "withheld"]
"""Of a skill that is no longer served: `withdrawn` left the head, `withheld` stands in it still."""


class Entry(BaseModel):
    """One skill folder of ours: the artifact's digest and the SHA-256 of each file we wrote.

    `state` is `served` or `forwarding`; `retired_at` is set (RFC 3339) for a forwarding note.
    `origin` names the head (and store) that serves it: another one's skills are not ours to change.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    digest: str
    files: dict[str, str]
    state: Literal["served", "forwarding"] = "served"
    retired_at: str = ""
    origin: str = ""


class Receipt(BaseModel):
    """`.lignin-served.json`: what in this skills folder is ours.

    `intents` are the entries that a run is about to put in place; each is there from before the
    first byte is staged until after the last old file is gone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    schema_version: Literal[1] = 1
    skills: dict[str, Entry] = Field(default_factory=dict)
    intents: dict[str, Entry] = Field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The receipt as canonical JSON and a line feed."""
        return canonical_bytes(self.model_dump(mode="json")) + b"\n"

    def with_entry(self, name: str, entry: Entry | None) -> "Receipt":
        """Return the receipt with one skill's entry set, or gone where None, and its intent done."""
        skills = {k: v for k, v in self.skills.items() if k != name}
        intents = {k: v for k, v in self.intents.items() if k != name}
        return Receipt(skills=skills | ({name: entry} if entry else {}), intents=intents)


def parse_receipt(raw: bytes) -> Receipt:
    """Parse a receipt, which a person may have edited.

    Raises:
        IntegrityError: It does not say reliably what is ours, so nothing may be touched.
    """
    hint = f"restore {RECEIPT_PATH}, or move it away: every skill there then counts as yours"
    try:
        value: Any = parse_json(raw)
        receipt = Receipt.model_validate(value)
        for name, entry in [*receipt.skills.items(), *receipt.intents.items()]:
            if not is_skill_name(name):
                raise InvalidRequestError(f"{name!r} is no skill name")
            for path in entry.files:
                require_safe_path(path)
    except (LigninError, ValidationError) as error:
        reason = error.message if isinstance(error, LigninError) else str(error).splitlines()[0]
        raise IntegrityError(f"{RECEIPT_PATH} cannot be read: {reason}", hint=hint) from error
    return receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What stands under one name in a skills folder.

    `files` is filled for folders that the receipt names: SHA-256 of regular files at paths that
    the receipt names, an empty string for everything else in it.
    """

    nature: Nature
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """A skills folder as it was read: its receipt and what is there, hidden names left out."""

    receipt: Receipt = field(default_factory=Receipt)
    present: Mapping[str, Presence] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A skill to serve: the artifact's digest and its packaged files."""

    digest: Digest
    files: Mapping[str, File]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retirement:
    """Why a skill left: what became of it, the harness revision, a reason in words, the
    successor's skill name.
    """

    what: Fate = "withdrawn"
    revision: str = ""
    reason: str = "it left the harness revision"
    successor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A skill that was left alone, why, and the paths concerned. `edited`: a person changed ours."""

    name: str
    reason: str
    paths: tuple[str, ...] = ()
    edited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do to one skill's folder.

    `entry` is the receipt's entry afterwards, None where the skill is forgotten; `files` what to
    put there; `set_aside` paths of edited or foreign files to keep under another name.
    """

    name: str
    action: Action
    entry: Entry | None
    files: Mapping[str, File] = field(default_factory=dict)
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """What to do, in name order, and what is left alone. `base` is the state it was made for."""

    base: FolderState
    steps: tuple[Step, ...]
    conflicts: tuple[Conflict, ...]

    def names(self, action: Action) -> tuple[str, ...]:
        """Names of the skills with one action."""
        return tuple(step.name for step in self.steps if step.action == action)

    @property
    def skills_kept(self) -> tuple[str, ...]:
        """Names of the skills that stay as they are, forwarding notes left out."""
        return tuple(
            step.name
            for step in self.steps
            if step.action == "keep" and step.entry is not None and step.entry.state == "served"
        )

    @property
    def is_empty(self) -> bool:
        """True where nothing on the disk would change."""
        return all(step.action == "keep" for step in self.steps)


def plan_serving(
    desired: Mapping[str, Served],
    current: FolderState,
    *,
    now: datetime,
    retired: Mapping[str, Retirement] | None = None,
    revision: str = "",
    keep_notes_days: int = KEEP_NOTES_DAYS,
    drop_notes: Collection[str] = (),
    force: bool = False,
    origin: str = "",
) -> ServingPlan:
    """Return what brings a skills folder from its state to what is served.

    Args:
        desired: Skill name to its packaged files; validated by the packager.
        current: The folder as read; one without unfinished intents.
        now: Aware UTC; decides when forwarding notes end.
        retired: What to say of skills that leave; others are said to have left `revision`. A
            note that says something else by now is written anew and ends when it would have.
        revision: The harness revision that is being served.
        keep_notes_days: Forwarding notes are removed after so many days.
        drop_notes: Names whose note is removed now.
        force: Replace edited skills; the edited files are kept as `<file>.edited-<n>`.
        origin: The head that serves; skills of another origin stay, and clash where names meet.

    Raises:
        InvalidRequestError: A desired name or file path that is not valid.
        ConflictError: An earlier run has not been finished.
    """
    if current.receipt.intents:
        raise ConflictError(
            "an earlier run of serving was cut off in this folder",
            hint="finish it with recover_folder, then read the folder again",
        )
    steps: list[Step] = []
    conflicts: list[Conflict] = []
    for name in sorted({*desired, *current.receipt.skills}):
        entry, present = current.receipt.skills.get(name), current.present.get(name)
        foreign = entry is not None and entry.origin != origin and not force
        outcome: Step | Conflict
        if foreign and name not in desired:
            continue
        if foreign and entry is not None:
            outcome = Conflict(name=name, reason=f"another head serves it here: {entry.origin}")
        elif name in desired:
            wanted = entry_of(desired[name], origin)
            outcome = _plan_desired(name, desired[name], wanted, entry, current, force=force)
        else:
            assert entry is not None
            due = entry.state == "forwarding" and (
                name in drop_notes or _is_due(entry, now, keep_notes_days)
            )
            known = (retired or {}).get(name)
            if known is None and entry.state == "served":
                known = Retirement(revision=revision)
            outcome = _plan_leaving(
                name, entry, present, retirement=known, now=now, due=due, force=force
            )
        if isinstance(outcome, Conflict):
            conflicts.append(outcome)
        else:
            steps.append(outcome)
    return ServingPlan(base=current, steps=tuple(steps), conflicts=tuple(conflicts))


def must_stop(
    plan: ServingPlan,
    name: str,
    desired: Collection[str],
    retired: Mapping[str, Retirement],
    stopped: Collection[str],
) -> str:
    """Why a skill that was left alone must not be used any more; empty where it may be.

    Args:
        stopped: Digests that are quarantined, whatever stands in the head now.
    """
    entry = plan.base.receipt.skills.get(name)
    if entry is None or entry.state != "served":
        return ""
    if entry.digest in stopped:
        return "its version is quarantined"
    if name in desired:
        return ""
    why = retired.get(name, Retirement())
    return f"{why.what}: {why.reason}"


def entry_of(served: Served, origin: str = "") -> Entry:
    """Return the receipt's entry for a skill once it is in place."""
    files = {path: file.sha256 for path, file in served.files.items()}
    return Entry(digest=served.digest, files=files, origin=origin)


def edited_paths(entry: Entry, present: Presence) -> tuple[str, ...]:
    """Paths of ours that are missing or whose bytes are no longer those we wrote."""
    return tuple(
        path for path, sha256 in sorted(entry.files.items()) if present.files.get(path) != sha256
    )


def _plan_desired(
    name: str,
    served: Served,
    wanted: Entry,
    entry: Entry | None,
    current: FolderState,
    *,
    force: bool,
) -> Step | Conflict:
    if not is_skill_name(name) or SKILL_PATH not in served.files:
        raise InvalidRequestError(f"{name!r} is not a packaged skill")
    present = current.present.get(name)
    twin = _case_twin(name, current)
    if present is None and twin:
        return Conflict(name=name, reason=f"{twin!r} is there, the same name where case is ignored")
    if present is None:
        return Step(name=name, action="write", entry=wanted, files=served.files)
    if entry is None or present.nature != "folder":
        return Conflict(name=name, reason=_foreign(present))
    if entry == wanted and not edited_paths(entry, present):
        return Step(name=name, action="keep", entry=entry)
    return _plan_replacement(
        Step(name=name, action="replace", entry=wanted, files=served.files), entry, present, force
    )


def _plan_replacement(step: Step, entry: Entry, present: Presence, force: bool) -> Step | Conflict:
    changed = edited_paths(entry, present)
    if changed and not force:
        reason = "a person edited it; it is left as it is"
        return Conflict(name=step.name, reason=reason, paths=changed, edited=True)
    theirs = (path for path in present.files if path not in entry.files)
    in_the_way = tuple(sorted(path for path in theirs if _blocks(path, step.files)))
    if in_the_way and not force:
        reason = "files that are not ours stand where this version writes"
        return Conflict(name=step.name, reason=reason, paths=in_the_way)
    edited = (path for path in changed if path in present.files)
    return replace(step, set_aside=tuple(sorted({*edited, *in_the_way})))


def _blocks(path: str, files: Mapping[str, File]) -> bool:
    folded = path.casefold()
    return any(
        new.casefold() == folded
        or new.casefold().startswith(folded + "/")
        or folded.startswith(new.casefold() + "/")
        for new in files
    )


def _plan_leaving(
    name: str,
    entry: Entry,
    present: Presence | None,
    *,
    retirement: Retirement | None,
    now: datetime,
    due: bool,
    force: bool,
) -> Step | Conflict:
    if present is None:
        return Step(name=name, action="forget", entry=None)
    if present.nature != "folder":
        return Conflict(name=name, reason=_foreign(present))
    if due:
        return _plan_removal(name, entry, present, force)
    if retirement is None or (entry.state == "forwarding" and SKILL_PATH not in present.files):
        return Step(name=name, action="keep", entry=entry)  # a reader may have removed the note
    note = {SKILL_PATH: File(content=forwarding_note(name, entry.digest, retirement))}
    wanted = Entry(
        digest=entry.digest,
        files={SKILL_PATH: note[SKILL_PATH].sha256},
        state="forwarding",
        retired_at=entry.retired_at or now.isoformat().replace("+00:00", "Z"),
        origin=entry.origin,
    )
    if wanted == entry:
        return Step(name=name, action="keep", entry=entry)
    return _plan_replacement(
        Step(name=name, action="forward", entry=wanted, files=note), entry, present, force
    )


def _plan_removal(name: str, entry: Entry, present: Presence, force: bool) -> Step | Conflict:
    # A note that is gone was removed by its reader, or by a run cut off before the receipt.
    edited = tuple(path for path in edited_paths(entry, present) if path in present.files)
    if edited and not force:
        reason = "a person edited its forwarding note; it is left as it is"
        return Conflict(name=name, reason=reason, paths=edited, edited=True)
    return Step(name=name, action="remove", entry=None, set_aside=edited)


def _is_due(entry: Entry, now: datetime, keep_days: int) -> bool:
    try:
        retired_at = datetime.fromisoformat(entry.retired_at)
        return retired_at + timedelta(days=keep_days) <= now
    except (ValueError, TypeError):
        return False


def _case_twin(name: str, current: FolderState) -> str:
    twins = (other for other in current.present if other != name and other.casefold() == name)
    return next(twins, "")


def _foreign(present: Presence) -> str:
    what = {"folder": "a folder", "file": "a file", "link": "a symbolic link"}
    return f"{what.get(present.nature, 'something')} of that name is there and is not ours"


def forwarding_note(name: str, digest: Digest, retirement: Retirement) -> bytes:
    """Return the SKILL.md that stays in the place of a skill that is no longer served."""
    successor, what = retirement.successor, retirement.what
    instead = f" Use {successor} instead." if successor else ""
    on = f" on revision {retirement.revision}" if retirement.revision else ""
    reason = clean_description(retirement.reason).replace("!`", "! `") or "no reason was given"
    body = [f"# {name} is {what}", "", f"This skill was {what}{on}: {reason.rstrip('.')}.", ""]
    if successor:
        body += [f"Use the skill `{successor}` in its place.", ""]
    else:
        body += ["There is no successor. Do the task without it.", ""]
    doc = SkillDocument(
        name=name,
        description=clean_description(f"{what.capitalize()}; do not use.{instead}"),
        body="\n".join(body),
    )
    fields = {"digest": digest, "state": what, "successor": successor}
    return render_skill(with_metadata(doc, fields | {"revision": retirement.revision}))


def sha256_of(content: bytes) -> str:
    """Hexadecimal SHA-256, as entries carry it."""
    return digest_bytes(content).removeprefix("sha256:")
