"""From a failure mode to a draft: the brief, the asking, and what no draft may do.

A proposer sees half of a mode's cases that are not held out, and nothing that judges. A draft that quotes
any case, hidden ones included, is refused by name before a trial is paid.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lignin.domain.artifacts import File
from lignin.domain.cases import Case, Change, parse_case
from lignin.domain.codec import Json, parse_json
from lignin.domain.errors import (
    GateFailedError,
    InvalidRequestError,
    LigninError,
    NotFoundError,
    UnavailableError,
)
from lignin.domain.harness import Revision
from lignin.domain.ids import drawn
from lignin.domain.states import Row
from lignin.evals.laws.quoting import Quotable, Quotation, find_quotations
from lignin.operations.confining import walls_told
from lignin.operations.context import Context
from lignin.operations.handover import find_secrets
from lignin.operations.heads import MAIN
from lignin.operations.intake import load_trajectory
from lignin.operations.subjects import harness_files
from lignin.operations.trace_modes import TraceMode
from lignin.operations.trace_modes import mode as shown_mode
from lignin.operations.trialwork import SuiteCase, stored_suite
from lignin.ports.ledger import View, every_row, require_known
from lignin.ports.proposer import (
    Brief,
    Draft,
    Proposed,
    Proposer,
    ProposerAsked,
    ShownCase,
)
from lignin.traces.redact import redact

SHOWN_SHARE = 0.5
MAX_SHOWN = 8
MAX_RUN_CHARS = 12_000
MAX_READ_BYTES = 8 * 2**20
_MAX_STEP_CHARS = 1500
_NAMED = 5
_MEND = "--surface 'PATTERN' says what may be changed; the rest is for the change to mend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a person hands in: a patch or a folder, with words."""

    patch: str = ""
    folder: str = ""
    hypothesis: str = ""
    predict: float | None = None


def brief_of(
    context: Context, mode: str, files: Mapping[str, File], surface: Sequence[str]
) -> Brief:
    """Return what a proposer is told of a failure mode; of none, only what may be changed.

    Raises:
        InvalidRequestError: There is no surface.
        NotFoundError: No such mode, or nothing of it may be shown.
    """
    if not surface:
        raise InvalidRequestError(
            "nothing may be changed",
            hint="--surface 'PATTERN' says what may, such as 'prompts/*.md'",
        )
    if not mode:
        return Brief(mode="", told="", cases=(), files=files, surface=tuple(surface))
    found = shown_mode(context, TraceMode(mode=mode))
    told = [found.name, found.description, f"To blame: {found.layer} ({found.reason})"]
    with context.view() as view:
        cases = tuple(_shown(context, view, case) for case in shown_cases(view, mode))
    return Brief(mode=mode, told="\n".join(told), cases=cases, files=files, surface=tuple(surface))


def head_files(context: Context, head: str) -> tuple[Revision, dict[str, File]]:
    """Return a head's revision with its files; the first head is empty until something is in it.

    Raises:
        NotFoundError: There is none of that name.
    """
    with context.view() as view:
        if head == MAIN and view.row(f"head/{head}") is None:
            return Revision(slots={}), {}
        _, revision = context.harness.stable(view, head)
        return revision, harness_files(context, view, revision)


def shown_cases(view: View, mode: str) -> list[SuiteCase]:
    """Return the cases of a mode that a proposer may see: half of those that are not held out.

    Which half is drawn by mode and case, the same for every proposer and ask.

    Raises:
        NotFoundError: No case of it may be shown.
    """
    mine = [
        (case, row)
        for case in stored_suite(view)
        if (row := view.row(f"case/{case.name}")) is not None and _is_of(row, mode)
    ]
    may_be = sorted(
        (drawn(f"{mode} {case.name}"), case.name)
        for case, row in mine
        if row.body["split"] == "shown"
    )
    if not may_be:
        raise NotFoundError(
            f"no case of the failure mode {mode!r:.80} may be shown",
            hint="`lignin trace cases --mode MODE` lists its cases; those that are held out stay hidden",
        )
    count = max(1, int(len(may_be) * SHOWN_SHARE))
    names = {name for _, name in may_be[: min(count, MAX_SHOWN)]}
    return [case for case, _ in mine if case.name in names]


def cases_of(view: View, mode: str) -> list[str]:
    """Return the names of the accepted cases of a mode, those that are held out included."""
    rows = ((case.name, view.row(f"case/{case.name}")) for case in stored_suite(view))
    return [name for name, row in rows if row is not None and _is_of(row, mode)]


def hidden_from(view: View, facts: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the cases of a draft's mode that whoever made it was not shown; none where nobody was."""
    shown, mode = facts.get("shown"), facts.get("mode")
    if not shown or not mode:
        return ()
    return tuple(name for name in cases_of(view, mode) if name not in set(shown))


def _is_of(row: Row, mode: str) -> bool:
    return any(mode in (run["fine"], run["coarse"]) for run in row.body["faulty"])


def _shown(context: Context, view: View, case: SuiteCase) -> ShownCase:
    row = require_known(view, f"case/{case.name}")
    run = ""
    for faulty in row.body["faulty"]:
        try:
            run = _readable(context, view, faulty["session"])
            break
        except LigninError:
            continue  # its records are gone: another one tells as much
    return ShownCase(case=case.name, task=case.task, run=run)


def _readable(context: Context, view: View, session: str) -> str:
    lines = []
    for step in load_trajectory(context, view, session).steps:
        text = step.text[:_MAX_STEP_CHARS]
        lines += [f"{step.role}: {text}"] if text else []
        for call in step.calls:
            lines.append(f"{step.role} calls {call.name}({json.dumps(dict(call.arguments))})")
        lines += [f"error: {step.error}"] if step.error else []
    return "\n".join(lines)[:MAX_RUN_CHARS]


def open_proposer(
    context: Context,
    spec: str,
    files: Mapping[str, File],
    handed: Handed,
    asked: ProposerAsked,
) -> Proposer:
    """Open who is to propose: the one that is named, or the person who handed something in.

    Raises:
        InvalidRequestError: Nothing was handed in and nobody named, or both.
    """
    if sum(map(bool, (spec, handed.patch, handed.folder))) != 1:
        raise InvalidRequestError(
            "one source of a change is needed",
            hint="--proposer model:PROVIDER:MODEL, --proposer 'command:WORDS', --patch FILE or --folder DIR",
        )
    if context.dry_run and (asked.unsandboxed or asked.network or spec.startswith("model:")):
        raise UnavailableError(
            "a dry run asks no model and runs nothing unconfined", hint="leave out --dry-run"
        )
    draft = None
    if not spec:
        spec = f"person:{context.scope.actor.sub}"
        draft = _handed_in(context, files, handed)
    return context.open_proposer(replace(asked, spec=spec, draft=draft))


def _handed_in(context: Context, files: Mapping[str, File], handed: Handed) -> Draft:
    """A person's draft: a patch on the files, or a folder with those that change, at their paths."""
    path = context.path(handed.patch or handed.folder)
    if handed.patch:
        if not path.is_file():
            raise NotFoundError(f"{path} is no file", hint="--patch FILE, a unified diff")
        changed = context.repositories().patched(files, path.read_bytes())
    else:
        from lignin.artifacts.folder import read_tree

        if not path.is_dir():
            raise NotFoundError(f"{path} is no folder", hint="--folder DIR")
        there = read_tree(path)
        changed = {name: file for name, file in there.items() if files.get(name) != file}
    if not handed.hypothesis:
        raise InvalidRequestError(
            "a change without a reason", hint="--hypothesis says why it should help"
        )
    return Draft(
        kind="patch", hypothesis=handed.hypothesis, files=changed, predicted=handed.predict
    )


def ask(
    context: Context,
    proposer: Proposer,
    brief: Brief,
    number: int = 0,
    *,
    known: Mapping[str, File] | None = None,
) -> Proposed:
    """Ask for a draft; one that holds a secret ends as failed.

    Args:
        known: The files whose words are anybody's; default: all of the brief's.

    Raises:
        GateFailedError: It quotes a case.
    """
    context.progress(f"asking {proposer.name}", 0, None)
    proposed = without_secrets(context, proposer.propose(brief, number))
    if proposed.draft is None:
        return proposed
    files = {path: file for path, file in proposed.draft.files.items() if file is not None}
    with context.view() as view:
        require_unquoted(view, files, brief.files if known is None else known)
    return proposed


def without_secrets(context: Context, proposed: Proposed) -> Proposed:
    """What a proposer answered as it may be kept and shown: words masked, no file that holds a secret."""

    def masked(text: str) -> str:
        return redact(text.encode(), context.redaction_key).content.decode(errors="replace")

    draft = proposed.draft
    if draft is None:
        return replace(proposed, why=masked(proposed.why))
    texts = {path: file.content for path, file in draft.files.items() if file is not None}
    texts |= {f"the path {path}": path.encode() for path in draft.files}
    if found := find_secrets(texts, context.redaction_key):
        why = f"nothing of it was kept: {'; '.join([*found.values()][:_NAMED])}"
        return replace(proposed, ended="failed", draft=None, why=why, secrets=tuple(found))
    return replace(
        proposed,
        why=masked(proposed.why),
        draft=replace(draft, kind=masked(draft.kind), hypothesis=masked(draft.hypothesis)),
    )


def require_drafted(proposed: Proposed, *, handed_in: bool = False) -> Draft:
    """Return the draft; where a person's own was `handed_in`, nobody can be asked again.

    Raises:
        GateFailedError: There is none; the message says why.
    """
    if proposed.draft is None:
        ended = "has no change to propose" if proposed.ended == "nothing" else proposed.ended
        who = "the change is not taken" if handed_in else f"the proposer {ended}"
        told = f"{who}: {proposed.why or 'it said nothing'}"
        hint = _MEND if handed_in else "ask again, or another proposer"
        raise GateFailedError(told, hint=hint, ended=proposed.ended)
    return proposed.draft


def facts_of(name: str, brief: Brief, proposed: Proposed, asked: ProposerAsked) -> dict[str, Json]:
    """What is kept with a proposal of who made it, of what it was shown, and what it cost."""
    draft = require_drafted(proposed)
    return {
        "proposed_by": name,
        "model": proposed.model,
        "kind": draft.kind,
        "mode": brief.mode,
        "predicted": draft.predicted,
        "surface": list(brief.surface),
        "shown": [case.case for case in brief.cases],
        "usage": dict(proposed.usage),
        "proposal_cost_microusd": proposed.cost_microusd,
        "walls": walls_told(asked, name),
    }


def require_unquoted(
    view: View,
    changed: Mapping[str, File],
    before: Mapping[str, File],
    told: Sequence[SuiteCase] = (),
) -> None:
    """Refuse a change that quotes the cases it will be judged on.

    Args:
        before: The files as they were: what they say is anybody's.
        told: Cases of the user's own, which the store does not have.

    Raises:
        GateFailedError: It is overfitted; each place is named.
    """
    found = find_quotes(view, changed, before, told)
    shown = {row.key for row in every_row(view, "case") if row.body.get("split") == "shown"}
    if found:
        raise GateFailedError(
            f"overfitted: {'; '.join(_told(each, shown) for each in found[:_NAMED])}",
            hint="say what the cases have in common, and none of their names, ids or figures",
            quotations=len(found),
        )


def find_quotes(
    view: View,
    changed: Mapping[str, File],
    before: Mapping[str, File],
    told: Sequence[SuiteCase] = (),
) -> tuple[Quotation, ...]:
    """Return where changed files quote a case that was not withdrawn, or one of the user's own."""
    cases = parsed_cases(view)
    known = [*_texts(before).values(), *(text for _, case in cases for text in _given(case))]
    own = {
        case.name: (*_leaves(case.task), *(x for r in case.relations for x in _leaves(r.input)))
        for case in told
        if case.content is None
    }
    known += _said_in_all(own.values())
    quotable = [_quotable(name, case) for name, case in cases]
    quotable += [_of_told(name, leaves) for name, leaves in own.items()]
    return find_quotations(_texts(changed), known, quotable)


def parsed_cases(view: View) -> list[tuple[str, Case]]:
    """Every case that was not withdrawn, those that are held out or merged included."""
    rows = (row for row in every_row(view, "case") if row.state != "withdrawn")
    return [(row.key, parse_case(parse_json(view.blob(row.body["digest"])))) for row in rows]


def require_unquoted_change(
    context: Context,
    view: View,
    before: Revision,
    after: Revision,
    suite: Sequence[SuiteCase] = (),
) -> None:
    """Refuse a change of a harness whose texts quote the cases it will be judged on.

    A routine's own program is let through: what is constant in it, and the uses it shows, were proven on
    uses that it was not made of.

    Args:
        suite: What it will be judged on, where that is not what the store has.

    Raises:
        GateFailedError: It is overfitted; each place is named.
    """
    old, new = (harness_files(context, view, revision) for revision in (before, after))
    mined = {
        f"{slot}/"
        for slot, digest in context.harness.resolved(view, after).items()
        if _is_proven_routine(view, slot, digest)
    }
    changed = {
        path: file
        for path, file in new.items()
        if old.get(path) != file and not path.startswith(tuple(mined))
    }
    require_unquoted(view, changed, old, suite)


def _is_proven_routine(view: View, slot: str, digest: str) -> bool:
    proofs = (row.body.get("proof") for row in every_row(view, "routine"))
    return any(
        proof["verdict"] == "pass" and (proof["artifact"], proof["version"]) == (slot, digest)
        for proof in proofs
        if proof
    )


def _texts(files: Mapping[str, File]) -> dict[str, str]:
    """The files that are text, as far as that is read in a moment."""
    found, left = {}, MAX_READ_BYTES
    for path, file in sorted(files.items(), key=lambda each: len(each[1].content)):
        left -= len(file.content)
        if left < 0:
            break
        if b"\0" not in file.content:
            found[path] = file.content.decode(errors="replace")
    return found


def _given(case: Case) -> Iterator[str]:
    """What an agent is given for a case besides the task itself."""
    yield case.instructions
    for name, tool in case.tools.items():
        yield f"{name} {json.dumps(dict(tool.input), ensure_ascii=False)}"


def _quotable(name: str, case: Case) -> Quotable:
    checks = case.checks
    changes: Iterable[Change] = (
        *checks.required,
        *checks.allowed,
        *checks.forbidden,
        *case.known_way,
    )
    values = [leaf for each in changes for leaf in _leaves(each.arguments)]
    values += [leaf for call in case.recording for leaf in _leaves(call.arguments)]
    values += [*checks.answers, *checks.said, *checks.end_states]
    return Quotable(case=name, asked=case.input, values=tuple(dict.fromkeys(values)))


def _of_told(name: str, leaves: Sequence[str]) -> Quotable:
    """A row of the user's own suite."""
    return Quotable(case=name, values=tuple(dict.fromkeys(leaves)))


def _said_in_all(rows: Collection[Sequence[str]]) -> list[str]:
    """What each row of several says is no case's own: instructions, a policy."""
    shared = set.intersection(*map(set, rows)) if len(rows) > 1 else set[str]()
    return sorted(shared)


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _told(quotation: Quotation, shown: set[str]) -> str:
    if not quotation.case:
        return f"{quotation.path} {quotation.how} {quotation.text!r:.80}, as only graders do"
    case = quotation.case if quotation.case in shown else "a case that is not shown"
    return f"{quotation.path} {quotation.how} {quotation.text!r:.80} of {case}"
