"""What the operations on artifacts take and answer. Owns no behaviour."""

import json
from typing import Any, Literal

from pydantic import Field

from lignin.operations.registry import Listed, Request, Response, positional
from lignin.ports.sandbox import TIER_CAPABILITIES

State = Literal[
    "draft",
    "verified",
    "rejected",
    "expired",
    "promoted",
    "deprecated",
    "retired",
    "quarantined",
]

TOOLS = "for code that calls tools: what answers them, desk, desk:SEED or a server"


class ArtifactCapture(Request):
    path: str = positional("a file or a folder", default="")
    files: dict[str, str] | None = Field(
        None,
        description='the text of each file by its name, as JSON: {"double.py": "def double..."}',
    )
    name: str = Field("", description="what to call it; default: from its own text")
    kind: str | None = Field(
        None,
        description="program, script, workflow, skill, prompt or test; default: what it reads as",
    )
    function: str = Field(
        "", description="the function that a Python file is about, where it has several public ones"
    )
    examples: Any = Field(
        None,
        description="cases of real use, each with arguments and result, at least three: JSON, @file or -",
    )
    owner: str = Field("", description="who is accountable; default: you")
    successor: str = Field("", description="who follows the owner; default: the space's people")
    task: str = Field("", description="the task it was written for")
    session: str = Field("", description="the session that wrote it; it may call it at once")
    context: str = Field(
        "", description="what else is known of the task, such as inputs seen: a text, or JSON"
    )
    mode: str = Field("", description="the failure mode that it is meant for")
    verify: bool = Field(True, description="verify at once")
    recordings: str = Field("", description="a file of recorded tool calls that prove it")
    tools: str = Field("", description=TOOLS)
    requires: list[str] = Field(
        default_factory=list, description="a Python package that it imports, such as tabulate>=0.9"
    )


class VersionView(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    kind: str = Field(description="program, script, workflow, skill, prompt or test")
    state: str = Field(description="where it stands in its life")
    reason: str = Field(description="why it is in this state")
    sightings: int = Field(description="in how many places it was seen")
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    keep_until: str | None = Field(
        default=None, description="a draft nobody reaches for is let go then"
    )
    found_failed: int | None = Field(
        default=None, description="runs that used it and were later found to have failed"
    )


class BreakView(Response):
    check: str = Field(description="the check that found it")
    input: Any = Field(description="in the form of the input of a call")
    expected: Any = Field(description="what should have come; none where a rule was broken")
    got: Any = Field(description="what came: a result, an error, or how it ended")
    fault: str = Field(description="what is wrong with it")
    how: str = Field(description="where the input is from, or how it was made")


class VerificationView(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where it stands in its life")
    verdict: str = Field(description="pass, fail or inconclusive")
    reasons: list[str] = Field(description="every reason, in words")
    checks: list[dict[str, Any]] = Field(
        default_factory=list, description="each check with its verdict and reasons"
    )
    breaks: list[BreakView] = Field(
        default_factory=list, description="the smallest inputs that were seen to break it"
    )
    tier: str = Field(default="", description="the sandbox tier that ran it")
    runs: int = Field(default=0, description="runs in the sandbox")
    reused: bool = Field(False, description="an earlier result with the same content answered")

    def exit_code(self) -> int:
        return {"pass": 0, "fail": 6}.get(self.verdict, 10)


class DependantView(Response):
    name: str = Field(description="the dependant's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where it stands in its life")
    through: str = Field(description="the dependency through which it leans on the version")
    heads: list[str] = Field(description="heads that hold it and no longer serve it")


class Recalled(Response):
    taken_from: list[str] = Field(
        description="skills that went from folders of this machine; a note stands in their place"
    )
    still_in: list[str] = Field(
        description="skills or folders from which it could not be taken, and why: remove it there"
    )


class Quarantined(VersionView):
    heads: list[str] = Field(description="heads that hold it and no longer serve it")
    other_spaces: list[str] = Field(description="spaces in which it is still in use")
    dependants: list[DependantView] = Field(
        description="versions that lean on it and are refused with it"
    )
    folders: Recalled = Field(description="skill folders of this machine that had it")

    def exit_code(self) -> int:
        """8 where it is still in a skill folder: agents go on finding it."""
        return 8 if self.folders.still_in else 0

    def warnings(self) -> list[str]:
        return [f"warning: agents still find it: {left}" for left in self.folders.still_in]


class NearView(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where it stands in its life")
    why: list[str] = Field(description="why it is near")
    words: float = Field(description="how alike what both say of themselves is, 0 to 1")
    shape: float = Field(description="how alike the code is, 0 to 1")
    same: float | None = Field(
        description="the share of your examples that it does; none where it was not tried"
    )
    call: str = Field(description="how to call it; empty where it cannot be called")
    reason: str = Field(description="why it was rejected, where it was")


class CaseToPass(Response):
    case: str = Field(description="the eval case's id")
    summary: str = Field(description="what it demands, in a line")
    judge: str = Field(description="how a run is judged by it")


class CaptureView(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    how: str = Field(description="new, seen_again, same_code, revived or known")
    state: str = Field(description="where it stands in its life")
    reason: str = Field(description="why it is in this state")
    remediation: str = Field(description="what to do next, where it was rejected")
    keep_until: str = Field(description="a draft nobody reaches for is let go then")
    examples: int = Field(description="recorded examples that came with it")
    verification: VerificationView | None = Field(
        None, description="what the proof came to, where one was run"
    )
    breaks: list[BreakView] = Field(
        default_factory=list, description="the smallest inputs that were seen to break it"
    )
    nearest: list[NearView] = Field(
        default_factory=list, description="artifacts that are there already and near to it"
    )
    instead: str = Field(
        default="", description="what does all of your examples already, and how to call it"
    )
    call: str = Field(default="", description="how the session that wrote it calls it at once")
    cases: list[CaseToPass] = Field(
        default_factory=list, description="shown eval cases of the failure mode it is meant for"
    )
    held_out_cases: int = Field(default=0, description="cases of that mode that are not shown")

    def exit_code(self) -> int:
        """As of `artifact verify`, so that an agent hears from the code alone whether it holds."""
        if self.verification is not None:
            return self.verification.exit_code()
        return 6 if self.state == "rejected" else 0


class ArtifactList(Request):
    state: State | None = Field(None, description="only in this state")
    name: str = Field("", description="only names that begin so")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this key")


class VersionList(Listed):
    items: list[VersionView] = Field(description="this page of the list")


class ArtifactRef(Request):
    name: str = positional("NAME or NAME@DIGEST (6 digits or more)")


class DisputedExample(Response):
    input: str = Field(description="what went in")
    answers: list[dict[str, str]] = Field(description="each answer, and who gave it")


class ArtifactView(Response):
    name: str = Field(description="the artifact's name")
    kind: str = Field(description="program, script, skill, prompt or test")
    owner: str = Field(description="who is accountable")
    successor: str = Field(description="who follows the owner")
    versions: list[VersionView] = Field(description="every version, newest first")
    digest: str = Field(description="the digest of the version that is shown")
    state: str = Field(description="where that version stands in its life")
    others: str = Field(description="the other versions, newest first; empty where there are none")
    summary: str = Field(description="what it says it does")
    interface: dict[str, Any] = Field(description="JSON Schemas of input and output")
    capabilities: dict[str, Any] = Field(description="what it declares to touch")
    requires: list[str] = Field(description="the Python packages that it requires")
    locked: list[str] = Field(description="the exact versions that it is proven and run with")
    files: list[dict[str, Any]] = Field(description="path, mode and sha256 of each file")
    provenance: list[dict[str, Any]] = Field(
        description="where it was seen: session, step, author, model"
    )
    examples: int = Field(description="recorded examples that judge it")
    disputed: list[DisputedExample] = Field(
        default_factory=list, description="inputs recorded with two answers, and who gave each"
    )
    evidence: dict[str, Any] = Field(description="latest evidence by kind")
    tests: list[dict[str, Any]] = Field(description="tests tried on it, and whether they count")
    usage: dict[str, Any] = Field(description="how often it was called, and failed")
    found_failed: int | None = Field(
        default=None, description="runs that used it and were later found to have failed"
    )
    feedback: list[dict[str, Any]] = Field(
        default_factory=list, description="what it, or runs that used it, later turned out to be"
    )


class SourceView(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where that version stands in its life")
    others: str = Field(description="the other versions, newest first; empty where there are none")
    files: dict[str, str] = Field(description="text by path")

    def to_text(self) -> str | None:
        return "\n".join(f"--- {path}\n{text}" for path, text in self.files.items())

    def warnings(self) -> list[str]:
        shown = f"this is {self.digest[7:19]}, which is {self.state}"
        return [f"{shown}; others: {self.others}"] if self.others else []


class ArtifactVerify(ArtifactRef):
    again: bool = Field(False, description="run even where an earlier result could answer")
    recordings: str = Field("", description="a file of recorded tool calls, kept with the version")
    tools: str = Field("", description=TOOLS)


class ArtifactWithdraw(ArtifactRef):
    examples: Any = Field(
        None,
        description="those to withdraw, as they were given: JSON, @file or -; default: all yours",
    )
    tools: str = Field("", description=TOOLS)


class Withdrawn(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where it stands in its life")
    withdrawn: int = Field(description="examples that judge it no longer")
    verification: VerificationView | None = Field(
        None, description="what the proof came to, where only examples had rejected it"
    )

    def exit_code(self) -> int:
        return self.verification.exit_code() if self.verification else 0


class ArtifactPromote(ArtifactRef):
    head: str = Field("main", description="the harness head to move")
    approve: bool = Field(False, description="as the human who approves what asks for authority")
    breaking: bool = Field(
        False, description="also where callers of the served version would break"
    )
    token: int | None = Field(None, description="fencing token of the head's lease")
    hypothesis: str = Field("", description="what it should do better")


class Promoted(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    head: str = Field(description="the harness head")
    revision: str = Field(description="digest of the head's revision")
    proposal: str = Field(description="the proposal's id")
    reasons: list[str] = Field(description="every reason, in words")


class ArtifactCall(ArtifactRef):
    input: Any = Field(
        default_factory=dict,
        description="the arguments, as its interface says: JSON, @file, or - for stdin",
    )
    head: str = Field("main", description="the head from which a NAME is taken")
    session: str = Field(
        "", description="your session: call what you captured in it, or what it was pinned to"
    )
    tools: str = Field("", description=TOOLS)
    task: str = Field(
        default="",
        description="a task that was handed over half done: go on with it, repeating no change already made",
    )
    wait_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description="of a workflow: seconds to wait for its end; after that it goes on without you",
    )


class Called(Response):
    name: str = Field(description="the artifact's name")
    digest: str = Field(description="the version's digest")
    state: str = Field(description="where it stands in its life")
    output: Any = Field(description="the JSON it answered")
    error: str | None = Field(default=None, description="name of the error; none where it answered")
    message: str = Field(default="", description="what the error says")
    wall_s: float = Field(description="seconds in the sandbox")
    tier: str = Field(description="the sandbox tier that ran it")
    proven_in: str = Field(
        default="", description="the sandbox tier that it was proven in; may hold more than `tier`"
    )
    simulated: bool = Field(description="seen only in the practice desk's simulated sessions")
    reached: list[str] = Field(
        default_factory=list, description="what it asked of tools and hosts, and was denied"
    )
    job: str = Field(default="", description="of a workflow: the job that runs it")

    def exit_code(self) -> int:
        return 0 if self.error is None else 6

    def warnings(self) -> list[str]:
        held = [TIER_CAPABILITIES.get(tier, frozenset()) for tier in (self.proven_in, self.tier)]
        if not (lost := sorted(held[0] - held[1])):
            return []
        return [
            f"warning: it was proven in the sandbox tier {self.proven_in} and ran in {self.tier}, "
            f"which holds no {', '.join(lost)}: `lignin sandbox doctor` says why"
        ]

    def to_text(self) -> str | None:
        if self.error is not None:
            return f"{self.error}: {self.message}"
        if isinstance(self.output, str):
            return self.output
        return json.dumps(self.output, ensure_ascii=False)


class ArtifactMove(ArtifactRef):
    reason: str = Field("", description="why")


class ArtifactRetire(ArtifactMove):
    forward_to: str | None = Field(None, description="the artifact that follows it")
    token: int | None = Field(None, description="fencing token of the lease of a head it leaves")


class ArtifactReassign(Request):
    name: str = positional("the artifact")
    owner: str = Field(description="who is accountable from now on")
    successor: str = Field(description="who follows")


class Expired(Response):
    let_go: list[VersionView] = Field(description="the drafts that were let go")
    reason: str = Field(default="nobody reached for it within its keeping time", description="why")


class Nothing(Request):
    pass
