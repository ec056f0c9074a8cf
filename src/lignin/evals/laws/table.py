"""Recorded trials as they are handed in: one JSON object a row. Pure.

`case` and `trial` name it; `score` (0 to 1) or `resolved` (true or false) says how it went, `error` what
went wrong. A trial without a score is a failure, for a crash of what is judged is its own; only one whose
error begins with "infrastructure" is missing. Whatever is wrong with a row is named, and nothing is
guessed. Columns that nobody knows are kept.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lignin.domain.codec import Json, digest_json
from lignin.domain.errors import InvalidRequestError
from lignin.evals.laws.complete import find_undeclared, is_declaration

FaultKind = Literal[
    "not_a_row",
    "no_case",
    "no_trial",
    "no_outcome",
    "not_a_score",
    "contradicting_scores",
    "duplicate_trial",
    "mixed_versions",
    "missing_cases",
    "unknown_cases",
    "same_version",
    "same_results",
    "other_grader",
    "other_content",
    "unknown_target",
    "too_much_missing",
    "incomplete",
    "forged_score",
    "several_runs",
    "untrue_run",
    "not_a_cost",
    "cost_not_told",
    "not_yes_or_no",
    "changed_data",
]
VERSION_COLUMNS = ("revision", "system", "candidate", "digest")
GRADER_COLUMNS = ("grader", "scorer", "rubric", "judge", "suite")
CONTENT = "case_digest"
SESSION = "session"
FORBIDDEN = "forbidden"
SCORES = ("score", "resolved")
_SHOWN = 10
_DIGEST = '"sha256:'
_KNOWN = frozenset({"case", "trial", "score", "resolved", "error", "mode"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that keeps rows from being believed, with where it is."""

    kind: FaultKind
    told: str
    where: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        return {"kind": self.kind, "told": self.told, "where": list(self.where)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial; `score` is None where it is missing, `rest` what else its row says."""

    case: str
    trial: str
    score: float | None
    error: str = ""
    mode: str = ""
    rest: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The trials of one system by case, each case's in the order of their names."""

    cases: Mapping[str, tuple[Trial, ...]]
    faults: tuple[Fault, ...] = ()

    def scores(self, case: str) -> list[float]:
        """The scores of a case's trials that are not missing."""
        return [each.score for each in self.cases.get(case, ()) if each.score is not None]

    @property
    def trials(self) -> int:
        return sum(map(len, self.cases.values()))

    @property
    def missing(self) -> int:
        return sum(each.score is None for trials in self.cases.values() for each in trials)

    def told(self, columns: Sequence[str]) -> dict[str, set[str]]:
        """The values that some columns hold, of those that are there."""
        found: dict[str, set[str]] = defaultdict(set)
        for trials in self.cases.values():
            for each in trials:
                for column in columns:
                    if column in each.rest:
                        found[column].add(json.dumps(each.rest[column], sort_keys=True))
        return dict(found)


def parse_rows(text: str, name: str) -> list[Mapping[str, Any]]:
    """Read JSON lines, or one JSON list, of rows.

    Raises:
        InvalidRequestError: A line is no JSON or has a key twice, or the list holds something else than objects.
    """
    if text.lstrip().startswith("["):
        return _objects(_loads(text, name), name)
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            where = f"line {number} of {name}"
            rows += _objects([_loads(line, where)], where)
    return rows


def contents_of(table: Table) -> frozenset[str]:
    """Return what tells whether two tables are of one content: how the trials went, whatever numbers, order and
    other columns the rows have, and the digests of content that these tell."""
    went = {
        case: sorted([-1.0 if each.score is None else each.score for each in trials])
        for case, trials in table.cases.items()
    }
    told = {value for values in table.told(VERSION_COLUMNS).values() for value in values}
    return frozenset({digest_json(went), *(each for each in told if each.startswith(_DIGEST))})


def _loads(text: str, where: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        held: dict[str, Any] = {}
        for name, value in pairs:
            if name in held:
                raise InvalidRequestError(
                    f"{where} has {name[:80]!r} twice in one object",
                    hint="nobody can tell which of the two is meant",
                )
            held[name] = value
        return held

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            f"{where} is not JSON: {error}", hint="one trial a line: {'case', 'trial', 'score'}"
        ) from None


def _objects(value: Any, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidRequestError(
            f"{where} is no trial", hint="one JSON object a trial: case, trial, score or resolved"
        )
    return value


def parse_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return the trials of rows, with every fault named; rows at fault are no trials."""
    cases: dict[str, dict[str, Trial]] = defaultdict(dict)
    wrong: dict[FaultKind, list[str]] = defaultdict(list)
    given = list(rows)
    declarations = [row for row in given if is_declaration(row)]
    given = [row for row in given if not is_declaration(row)] if declarations else given
    for number, row in enumerate(given, start=1):
        read = _trial(row)
        if not isinstance(read, Trial):
            wrong[read].append(f"row {number} (case {_shown(row.get('case'))})")
        elif read.trial in cases[read.case]:
            wrong["duplicate_trial"].append(f"case {read.case} trial {read.trial}")
        else:
            cases[read.case][read.trial] = read
    wrong["duplicate_trial"] += _of_one_session(cases)
    wrong["other_content"] += [
        case for case, trials in cases.items() if len(_contents(trials.values())) > 1
    ]
    table = Table(
        cases={
            case: tuple(trials[name] for name in sorted(trials, key=_natural))
            for case, trials in sorted(cases.items())
        }
    )
    faults = [
        Fault(kind=kind, told=f"{_TOLD[kind]}: {_listed(where)}", where=tuple(where[:_SHOWN]))
        for kind, where in sorted(wrong.items())
        if where
    ]
    counts = {case: len(trials) for case, trials in table.cases.items()}
    faults += [incomplete(told) for told in find_undeclared(given, declarations, counts)]
    for column, values in sorted(table.told(VERSION_COLUMNS).items()):
        if len(values) > 1:
            told = f"its rows are of several versions: {column} is {_listed(sorted(values))}"
            faults.append(Fault(kind="mixed_versions", told=told, where=tuple(sorted(values))))
    return Table(cases=table.cases, faults=tuple(faults))


def incomplete(told: str, of: str = "") -> Fault:
    """The fault of trials that are not all there."""
    side = f" of the {of}" if of else ""
    return Fault(kind="incomplete", told=f"the trials{side} are not complete: {told}")


def compare_tables(
    incumbent: Table,
    candidate: Table,
    target: Iterable[str],
    must_pass: Iterable[str],
    *,
    may_equal: bool = False,
) -> tuple[Fault, ...]:
    """Return what keeps two tables from being compared.

    Args:
        may_equal: Whether all may come to the same where a column more tells that it is no copy.
    """
    faults = list(_compared(incumbent, candidate, set(target), set(must_pass)))
    if incumbent.trials and _is_copy(incumbent, candidate, may_tell_more=may_equal):
        faults.append(Fault(kind="same_results", told="both hold the very same rows"))
    return tuple(faults)


def _is_copy(incumbent: Table, candidate: Table, *, may_tell_more: bool) -> bool:
    """True where every row says the same in each column that both sides have."""
    if may_tell_more or incumbent.cases == candidate.cases:
        return incumbent.cases == candidate.cases
    if set(incumbent.cases) != set(candidate.cases):
        return False
    return all(
        len(old) == len(new) and all(map(_alike, old, new))
        for old, new in ((each, candidate.cases[case]) for case, each in incumbent.cases.items())
    )


def _alike(old: Trial, new: Trial) -> bool:
    both = set(old.rest) & set(new.rest)
    return (old.trial, old.score, old.error) == (new.trial, new.score, new.error) and all(
        old.rest[column] == new.rest[column] for column in both
    )


def _compared(
    incumbent: Table, candidate: Table, target: set[str], must_pass: set[str]
) -> Iterator[Fault]:
    known, tried = set(incumbent.cases), set(candidate.cases)
    for kind, cases in (
        ("missing_cases", known - tried),
        ("unknown_cases", tried - known),
        ("unknown_target", (target | must_pass) - known - tried),
    ):
        if cases:
            told = f"{_TOLD[kind]}: {_listed(sorted(cases))}"
            yield Fault(kind=kind, told=told, where=tuple(sorted(cases)[:_SHOWN]))  # type: ignore[arg-type]
    both = sorted(known & tried)
    contents = {
        case: (_contents(incumbent.cases[case]), _contents(candidate.cases[case])) for case in both
    }
    if other := [case for case, (old, new) in contents.items() if old and new and old != new]:
        told = f"cases whose content is another on the other side: {_listed(other)}"
        yield Fault(kind="other_content", told=told, where=tuple(other[:_SHOWN]))
    if shared := list(_of_both(incumbent, candidate)):
        told = f"trials of both sides are of one session: {_listed(shared)}"
        yield Fault(kind="duplicate_trial", told=told, where=tuple(shared[:_SHOWN]))
    before, after = incumbent.told(VERSION_COLUMNS), candidate.told(VERSION_COLUMNS)
    for column in sorted(set(before) & set(after)):
        if before[column] & after[column]:
            told = f"both are of one version: {column} is {_listed(sorted(after[column]))}"
            yield Fault(kind="same_version", told=told)
    graders, others = incumbent.told(GRADER_COLUMNS), candidate.told(GRADER_COLUMNS)
    for column in sorted(set(graders) | set(others)):
        if graders.get(column) != others.get(column):
            told = f"the scores are of another {column}, so they do not compare"
            yield Fault(kind="other_grader", told=told)


def _contents(trials: Iterable[Trial]) -> set[str]:
    return {str(each.rest[CONTENT]) for each in trials if each.rest.get(CONTENT)}


def _sessions(trials: Iterable[Trial]) -> Iterator[tuple[str, Trial]]:
    for each in trials:
        if each.rest.get(SESSION) not in (None, ""):
            yield json.dumps(each.rest[SESSION], sort_keys=True), each


def _of_one_session(cases: Mapping[str, Mapping[str, Trial]]) -> Iterator[str]:
    """Trials of a case that another one of its session came before: one run under several numbers."""
    for case, trials in cases.items():
        first: dict[str, str] = {}
        for session, each in _sessions(trials.values()):
            if session in first:
                yield f"case {case} trial {each.trial} (session {session} of trial {first[session]})"
            first.setdefault(session, each.trial)


def _of_both(incumbent: Table, candidate: Table) -> Iterator[str]:
    """Trials of the candidate whose session is one of the incumbent's on the same case."""
    for case, trials in candidate.cases.items():
        known = {session for session, _ in _sessions(incumbent.cases.get(case, ()))}
        for session, each in _sessions(trials):
            if session in known:
                yield f"case {case} trial {each.trial} (session {session})"


def _trial(row: Mapping[str, Any]) -> Trial | FaultKind:
    case, trial = _named(row.get("case")), _named(row.get("trial"))
    if case is None or trial is None:
        return "no_case" if case is None else "no_trial"
    error = row.get("error")
    told = _kind_of(error) if _is_error(error) else ""
    is_outage = told.lower().startswith("infrastructure")
    score = score_of({name: row[name] for name in row if name != "error"} if is_outage else row)
    if isinstance(score, str):
        return score
    if score is None and not told:
        return "no_outcome"
    if not _is_yes_or_no(row.get(FORBIDDEN)):
        return "not_yes_or_no"
    score = None if is_outage else score or 0.0
    rest = {name: value for name, value in row.items() if name not in _KNOWN}
    return Trial(
        case=case,
        trial=trial,
        score=score,
        error=told,
        mode=str(row.get("mode") or ""),
        rest=rest,
    )


def score_of(
    told: Mapping[str, Any],
) -> float | Literal["not_a_score", "contradicting_scores"] | None:
    """Return how it went by `score`, `resolved` and `error`, from 0 to 1; None where the first two are not there.

    A graded score beside the yes or no that was made of it is no contradiction.
    """
    scores = [told[name] for name in SCORES if told.get(name) is not None]
    if any(not _is_score(each) for each in scores):
        return "not_a_score"
    if {float(each) for each in scores} == {0.0, 1.0} or (
        any(scores[:1]) and _is_error(told.get("error"))
    ):
        return "contradicting_scores"
    return float(scores[0]) if scores else None


def _is_yes_or_no(value: Any) -> bool:
    """True of a yes, a no, and nothing told; the text `"no"` is none, for who reads it may take it for a yes."""
    return value in (None, "") or (isinstance(value, bool | int | float) and value in (0, 1))


def _is_error(error: Any) -> bool:
    return error not in (None, "", False)


def _named(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)


def _kind_of(error: Any) -> str:
    if isinstance(error, dict):
        error = error.get("kind") or error.get("type") or error.get("message") or "error"
    return str(error)


def _is_score(value: Any) -> bool:
    return isinstance(value, bool | int | float) and 0 <= value <= 1  # NaN is neither


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() and len(name) < 19 else (1, 0, name)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(each[:80] for each in names[:_SHOWN]) + more


def _shown(value: Any) -> str:
    return repr(value)[:80]


_TOLD: Mapping[str, str] = {
    "not_a_row": "no trial",
    "no_case": "rows without the name of a case",
    "no_trial": "rows without the name of a trial",
    "no_outcome": "rows that say neither how it went nor what went wrong",
    "not_a_score": "scores that are no number from 0 to 1",
    "contradicting_scores": "rows whose score, resolved and error contradict each other",
    "duplicate_trial": "trials that are there twice",
    "other_content": "cases of which there are trials of several contents",
    "not_yes_or_no": f"rows whose `{FORBIDDEN}` is neither true nor false (nor 1 or 0)",
    "missing_cases": "cases that the candidate was not tried on",
    "unknown_cases": "cases that the incumbent was not tried on",
    "unknown_target": "cases that are named and were tried on neither",
}
