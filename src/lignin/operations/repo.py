"""Your own agent repository: changes are drafted on a commit, tried in copies, and come back as a branch."""

import contextlib
import shlex
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from lignin.domain.artifacts import File, require_safe_path
from lignin.domain.codec import Json, digest_bytes, parse_json
from lignin.domain.errors import ConflictError, GateFailedError, InvalidRequestError
from lignin.domain.states import Row
from lignin.evals.laws.graders import grading_files, judges_by_name
from lignin.harness.drafts import Drafts, RepositoryDraft, load_draft
from lignin.operations.claimwork import TWO_CHANGES
from lignin.operations.confining import confined
from lignin.operations.context import Context
from lignin.operations.drafting import (
    MAX_READ_BYTES,
    ask,
    brief_of,
    cases_of,
    facts_of,
    hidden_from,
    open_proposer,
    require_drafted,
    require_unquoted,
)
from lignin.operations.gate_prove import Decided, prove
from lignin.operations.gateplan import BANKED
from lignin.operations.gatework import USUAL_ALPHA
from lignin.operations.proposal_draft import DraftAsked
from lignin.operations.proposer import FileChange, file_changes
from lignin.operations.questions import EVERY_CASE, GateProve
from lignin.operations.registry import Listed, Request, Response, operation, positional
from lignin.operations.suites import SuiteRequest, load_suite
from lignin.ports.ledger import View, require_known
from lignin.ports.repository import Commit, Repository
from lignin.traces.view import clean, told

BRANCHES = "lignin/"
_NAMED = 10


class RepoPropose(DraftAsked):
    surface: list[str] = Field(
        description="what may be changed, as patterns of paths in the repository, such as 'prompts/*.md'"
    )
    repo: str = Field(".", description="the repository, or a folder in it")
    base: str = Field("HEAD", description="the commit to change")
    committed: bool = Field(
        False,
        description="leave out what is not committed; else a draft is refused while there is some",
    )


class RepoProve(SuiteRequest):
    draft: str = positional("a draft's id, as `repo list` shows it")
    system: str = Field(
        description='the agent as a command line in the repository: "python agent.py"'
    )
    target: list[str] = Field(
        default_factory=list,
        description="cases that are to be better, comma-separated or @FILE; default: those of its mode, "
        "else all that fail",
    )
    must_pass: list[str] = Field(
        default_factory=list, description="cases that must pass in every trial, likewise"
    )
    alpha: float = Field(
        USUAL_ALPHA,
        gt=0,
        lt=1,
        description="the error of all decisions of the space that are for no head, together",
    )
    bank: int = Field(BANKED, ge=1, le=100, description="trials of what stands, beforehand")
    every_case: bool = Field(False, description=EVERY_CASE)
    again: bool = Field(False, description="decide anew what was decided; it counts again")


class RepoRef(Request):
    draft: str = positional("a draft's id, as `repo list` shows it")


class RepoBranch(RepoRef):
    name: str = Field("", description="the branch is lignin/NAME; default: from the draft's id")


class RepoList(Request):
    state: str | None = Field(None, description="open or branched")
    repo: str | None = Field(None, description="only of the repository with this top folder")
    limit: int = Field(50, ge=1, le=1000, description="at most so many")
    after: str | None = Field(None, description="go on after this draft")


class RepoDraftView(Response):
    draft: str = Field(description="the draft's id")
    state: str = Field(description="open or branched")
    repository: str = Field(description="the repository's top folder")
    commit: str = Field(description="the commit that it changes")
    hypothesis: str = Field(description="why it should help")
    proposed_by: str = Field(description="who made it: model:, command: or person:")
    model: str = Field(description="the model that wrote it, where one did")
    mode: str = Field(description="the failure mode that it is to mend")
    predicted: float | None = Field(description="the gain on its target that was expected")
    paths: list[str] = Field(description="files that change")
    decisions: list[str] = Field(description="decisions of the gate on it, the last one last")
    verdict: str = Field(description="what the last one came to; empty before")
    branch: str = Field(description="the branch that it became")
    left_out: list[str] = Field(
        default_factory=list, description="what is no file there: links, modules, odd names"
    )


class RepoDraftShown(RepoDraftView):
    files: list[FileChange] = Field(description="what changes")


class RepoListed(Listed):
    items: list[RepoDraftView] = Field(description="this page of the list")


class RepoBranched(Response):
    draft: str = Field(description="the draft's id")
    branch: str = Field(description="the branch")
    commit: str = Field(description="its one new commit")
    base: str = Field(description="the commit below it")
    repository: str = Field(description="the repository's top folder")
    message: str = Field(description="what the commit says")

    def to_text(self) -> str:
        return told(
            [f"{self.branch}: {self.commit[:12]} on {self.base[:12]}, in {self.repository}"]
            + [f"git merge {self.branch}   (look first: git show {self.branch})"]
        )


@operation("repo.propose", effect="execute", remote=False)
def propose(context: Context, request: RepoPropose) -> RepoDraftView:
    """Have a change to your own repository drafted on a commit: by a model, a coding agent, or you.

    Nothing in the repository is touched. What changes more than the surface, or quotes a case, is refused
    by name. Uncommitted work is never taken in: a draft is refused while there is some, or `--committed`.
    """
    repository = context.repositories().open(context.path(request.repo))
    if not request.committed:
        _require_committed(repository)
    commit = repository.commit_of(request.base)
    files, others = _usable(repository, commit)
    brief = brief_of(context, request.mode, files, request.surface)
    asked = confined(context, request)
    proposer = open_proposer(context, request.proposer, files, request.handed, asked)
    proposed = ask(context, proposer, brief, request.number, known=_given(files))
    drafted = require_drafted(proposed, handed_in=not request.proposer)
    found = grading_files(drafted.files)
    if found.is_mixed:
        raise InvalidRequestError(found.told, hint=TWO_CHANGES)
    facts = facts_of(proposer.name, brief, proposed, asked)
    facts["changed"] = sorted(set(drafted.files) & set(files))
    draft = RepositoryDraft(folder=repository.folder, commit=commit, files=drafted.files)
    name, change = Drafts(context.ids).file(context.scope, draft, drafted.hypothesis, facts)
    context.commit(change)
    with context.view() as view:
        made = _view(view, require_known(view, f"draft/{name}"))
    return made.model_copy(update={"left_out": list(others)})


@operation("repo.prove", effect="execute", idempotent=True, remote=False)
def prove_(context: Context, request: RepoProve) -> Decided:
    """Run the trials that decide whether a draft makes the agent better and breaks nothing.

    Both sides run in copies: the commit, and the commit with the draft. As `gate prove`: paid once, gone on
    with after a crash. 0 accepted, 6 rejected, 10 undecided; `repo branch` takes what was accepted.
    """
    with context.view() as view:
        row = require_known(view, f"draft/{request.draft}")
        draft = load_draft(view, request.draft)
        repository = context.repositories().open(draft.folder)
        before, _ = _usable(repository, repository.commit_of(draft.commit))
        judging = _judging(context, draft, before, request)
        _require_ungraded(draft, judging)
        suite = load_suite(context, view, request)
        given = _given(before, judging)
        require_unquoted(view, {p: f for p, f in draft.files.items() if f}, given, suite)
        live = {case.name for case in suite if case.kind != "recorded"}
        mode = row.body["facts"]["mode"]
        hidden = hidden_from(view, row.body["facts"])
        aims = sorted(live & set(cases_of(view, mode))) if mode and not request.target else []
    asked = request.model_dump(exclude={"draft", "system"})
    asked["target"] = request.target or aims
    asked["hidden"] = list(hidden)
    asked["incumbent"] = f"repo:{request.draft}/base:{request.system}"
    asked["candidate"] = f"repo:{request.draft}:{request.system}"
    folder = str(draft.folder)
    asked["campaign"] = f"repo {draft.folder.name} {digest_bytes(folder.encode())[7:15]}"
    decided = prove(context, GateProve.model_validate(asked))

    def keep(view: View) -> tuple[None, list[object]]:
        now = require_known(view, row.stream)
        if now.body["decisions"][-1:] == [decided.decision]:
            return None, []
        return None, [Drafts(context.ids).tried(context.scope, now, decided.decision)]

    context.decide_and_commit(keep)  # type: ignore[arg-type]
    return decided


@operation("repo.branch", effect="write", idempotent=True, remote=False)
def branch(context: Context, request: RepoBranch) -> RepoBranched:
    """Give your repository a branch with an accepted draft: one commit, whose message holds the evidence.

    Nothing else of the repository changes: not HEAD, index, working tree, stash or another branch; no hook
    runs. Merging it is yours.
    """
    with context.view() as view:
        row = require_known(view, f"draft/{request.draft}")
        draft = load_draft(view, request.draft)
        decision = _accepted(view, row)
        message = _message(view, row, decision)
    if context.dry_run:
        raise InvalidRequestError(
            "a dry run makes no branch", hint=f"`lignin repo show {request.draft}` shows the change"
        )
    repository = context.repositories().open(draft.folder)
    name = f"{BRANCHES}{request.name or request.draft[-8:].lower()}"
    known = row.body["branch"]
    if known and known["branch"] != name and request.name:
        raise ConflictError(f"the draft became the branch {known['branch']} before")
    name = known["branch"] if known else name
    at = int(datetime.fromisoformat(decision.body["reached_at"]).timestamp())
    made = repository.branch(
        name, Commit(parent=draft.commit, files=draft.files, message=message, at=at)
    )
    if known is None:
        context.commit(Drafts(context.ids).branched(context.scope, row, name, made, decision.key))
    return RepoBranched(
        draft=request.draft,
        branch=name,
        commit=made,
        base=draft.commit,
        repository=str(draft.folder),
        message=message,
    )


@operation("repo.list", effect="read", idempotent=True)
def list_(context: Context, request: RepoList) -> RepoListed:
    """List the drafts of changes to repositories of yours."""
    with context.view() as view:
        page = view.page(
            "draft",
            state=request.state,
            parent=request.repo,
            after=request.after,
            limit=request.limit,
        )
        items = [_view(view, row) for row in page.rows]
    return RepoListed(
        items=items,
        total=page.total,
        next_after=page.next_after,
        narrow="--state, --repo, --after" if page.next_after else None,
    )


@operation("repo.show", effect="read", idempotent=True)
def show(context: Context, request: RepoRef) -> RepoDraftShown:
    """Show a draft: what it changes, why, who made it, and what the gate said."""
    with context.view() as view:
        row = require_known(view, f"draft/{request.draft}")
        draft = load_draft(view, request.draft)
        told_ = _view(view, row)
    before = dict.fromkeys(row.body["facts"].get("changed", ()))
    return RepoDraftShown(**told_.model_dump(), files=file_changes(draft.files, before))


def _require_committed(repository: Repository) -> None:
    if found := repository.uncommitted():
        raise InvalidRequestError(
            f"uncommitted work in {repository.folder}: {', '.join(map(clean, found[:_NAMED]))}"
            f"{' and more' if found[_NAMED:] else ''}",
            hint="commit or stash it; or --committed leaves it out, and alone",
        )


def _usable(repository: Repository, commit: str) -> tuple[dict[str, File], Sequence[str]]:
    """The files of a commit whose paths can be laid out anywhere, and what is left out."""
    files, others = repository.files(commit)
    odd = []
    for path in files:
        try:
            require_safe_path(path)
        except InvalidRequestError:
            odd.append(path)
    kept = {path: file for path, file in files.items() if path not in set(odd)}
    return kept, [clean(path) for path in (*others, *odd)]


def _judging(
    context: Context, draft: RepositoryDraft, before: Mapping[str, File], request: RepoProve
) -> frozenset[str]:
    """Paths of the repository that judge whatever they are called: the suite, the judge, their copies."""
    judging = [context.path(word) for word in _named_files(request)]
    judging = [path.resolve() for path in judging if path.is_file()]
    contents = {path.read_bytes() for path in judging if path.stat().st_size <= MAX_READ_BYTES}
    top = draft.folder.resolve()
    there = {path.relative_to(top).as_posix() for path in judging if path.is_relative_to(top)}
    copies = {path for path, file in before.items() if file.content and file.content in contents}
    return frozenset(there | copies)


def _given(before: Mapping[str, File], judging: Collection[str] = frozenset()) -> dict[str, File]:
    """The files that the agent itself was given: a suite that lies beside it makes no case anybody's."""
    return {
        path: file
        for path, file in before.items()
        if path not in judging and not judges_by_name(path)
    }


def _require_ungraded(draft: RepositoryDraft, judging: Collection[str]) -> None:
    """Raise where a draft changes what it would be judged by.

    Raises:
        InvalidRequestError: It does; a person decides on that, and no score.
    """
    found = grading_files(draft.files, judging)
    if found.told:
        hint = TWO_CHANGES if found.is_mixed else "commit it yourself: that is a person's decision"
        raise InvalidRequestError(f"{found.told}: no score decides on that", hint=hint)


def _named_files(request: RepoProve) -> list[str]:
    """What may be a file that judges: the suite, and the words of the judge's command."""
    words = [request.suite] if request.suite else []
    if request.judge.startswith("python:"):
        words.append(request.judge.split(":")[1].replace(".", "/") + ".py")
    with contextlib.suppress(ValueError):  # no command line is told where it is opened
        words += shlex.split(request.judge)
    return words


def _accepted(view: View, row: Row) -> Row:
    """The decision that lets a draft become a branch.

    Raises:
        GateFailedError: There is none.
    """
    hint = f"`lignin repo prove {row.key} --system ...` tries it"
    if not row.body["decisions"]:
        raise GateFailedError(f"nothing was decided on {row.key}", hint=hint)
    decision = require_known(view, f"decision/{row.body['decisions'][-1]}")
    if decision.state != "accept":
        why = f"`lignin gate explain {decision.key}` says why"
        ways = {
            "reject": f"{why}; a changed draft is another one: `lignin repo propose`",
            "undecided": f"{why}; `lignin repo prove {row.key} --system ... --again` tries more",
        }
        found = {"reject": "rejected"}.get(str(decision.state), str(decision.state))
        raise GateFailedError(
            f"{row.key} is {found}, not accepted", hint=ways.get(str(decision.state), hint)
        )
    if decision.body["simulated"]:
        raise GateFailedError(f"{row.key} was accepted by simulated agents", hint=hint)
    if decision.body["alpha"] > USUAL_ALPHA:
        raise GateFailedError(
            f"the campaign of {decision.key} may err {decision.body['alpha']:g}", hint=hint
        )
    return decision


def _message(view: View, row: Row, decision: Row) -> str:
    """The commit's words: why, what was measured, and where it can be looked up."""
    figures: dict[str, Json] = parse_json(view.blob(decision.body["result"]["told"]))
    facts, hypothesis = row.body["facts"], clean(row.body["hypothesis"]).strip()
    subject = hypothesis.split(". ")[0][:72] or "A change that the gate accepted"
    interval = figures["interval"]
    spread = f" ({interval[0]:+.2f} to {interval[1]:+.2f})" if interval else ""
    gain = "none" if figures["gain"] is None else f"{figures['gain']:+.2f}{spread}"
    lines = [
        subject,
        "",
        hypothesis,
        "",
        f"Accepted by trials: {'; '.join(map(clean, figures['reasons']))}.",
        "",
        f"Lignin-Draft: {row.key}",
        f"Lignin-Decision: {decision.key}",
        f"Lignin-Verdict: {decision.state}",
        f"Lignin-Gain: {gain} over {figures['pairs']} pairs",
        f"Lignin-Evidence: {figures['evidence']:.4g} of {figures['needed']:.4g} needed",
        f"Lignin-Guarded: {figures['guarded']}, {len(figures['broken'])} broken",
        f"Lignin-Trials: {figures['trials']}, {figures['missing']} missing",
        f"Lignin-Proposed-By: {clean(facts['proposed_by'])}",
    ]
    return "\n".join(
        [*lines, *([f"Lignin-Model: {clean(facts['model'])}"] if facts["model"] else []), ""]
    )


def _view(view: View, row: Row) -> RepoDraftView:
    body, facts = row.body, row.body["facts"]
    last = view.row(f"decision/{body['decisions'][-1]}") if body["decisions"] else None
    return RepoDraftView(
        draft=row.key,
        state=str(row.state),
        repository=body["repository"],
        commit=body["commit"],
        hypothesis=body["hypothesis"],
        proposed_by=facts["proposed_by"],
        model=facts["model"],
        mode=facts["mode"],
        predicted=facts["predicted"],
        paths=sorted(body["files"]),
        decisions=list(body["decisions"]),
        verdict=str(last.state) if last else "",
        branch=body["branch"]["branch"] if body["branch"] else "",
    )
