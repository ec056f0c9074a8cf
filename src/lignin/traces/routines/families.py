"""Families of tasks, and how many ways lead through each: whether it is a workflow. Pure.

A family is the stem that task names share (`cancel-17`, `cancel-18`), where three tasks have one, else
the tools that change something in a run. A path is what a run comes to when it is rewritten with
routines; a read that was made before with the same arguments is left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lignin.domain.routines import Routine
from lignin.traces.routines.apply import apply_routines
from lignin.traces.routines.draw import name_of
from lignin.traces.routines.encode import Call, Encoded

FEWEST = 3
WORKFLOW = 20
"""A family is a workflow where fewer branches cover `MOST` of its passing runs."""
MOST = 0.9
USUAL = 0.85
"""What so many runs do is part of the path; what others do without is a habit."""
_STEM = re.compile(r"(.*[^\W\d].*?)[\W_]*\d+")
_START, _END = "", "end"

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyReport:
    """How the passing runs of one family go.

    Args:
        paths: Different paths.
        branches: Alternatives at the places where paths part, to cover 80 %, 90 % and all runs.
        routines: What its paths are made of, the most frequent first.
        inside: The share of runs that end inside routines: all that they change, and each read that
            most runs make, is in a use.
    """

    family: str
    runs: int
    paths: int
    branches: tuple[int, int, int]
    verdict: str
    routines: tuple[str, ...]
    inside: float


def family_names(tasks: Iterable[tuple[str, str]], changing: Mapping[str, str]) -> dict[str, str]:
    """Return the family of each session.

    Args:
        tasks: Sessions with their tasks.
        changing: Per session the tools that changed something, as one text.
    """
    pairs = list(tasks)
    stems = {session: _stem(task) for session, task in pairs if task != session}
    sharing: dict[str, set[str]] = defaultdict(set)
    for session, task in pairs:
        sharing[stems.get(session, "")].add(task)
    named = {stem for stem, found in sharing.items() if stem and len(found) >= FEWEST}
    return {
        session: stems[session]
        if stems.get(session, "") in named
        else changing[session] or "changes nothing"
        for session, _ in pairs
    }


def families_of(runs: Sequence[Encoded]) -> dict[str, list[Encoded]]:
    """Return runs by family, in the order of its name."""
    names = family_names(
        ((run.session, run.task) for run in runs),
        {run.session: "+".join(sorted(_changing(run))) for run in runs},
    )
    found: dict[str, list[Encoded]] = defaultdict(list)
    for run in runs:
        found[names[run.session]].append(run)
    return dict(sorted(found.items()))


def report_families(routines: Sequence[Routine], runs: Sequence[Encoded]) -> list[FamilyReport]:
    """Return how the families of passing runs go, those with most runs first."""
    reports = [_report(family, routines, members) for family, members in families_of(runs).items()]
    return sorted(reports, key=lambda each: (-each.runs, each.family))


def left_over(routines: Sequence[Routine], runs: Sequence[Encoded]) -> list[tuple[Call, ...]]:
    """Return, for each run of a family, the calls of its path that are in no use of a routine.

    A read that more than a few runs of the family do without is no part of the path.
    """
    rewritten = [_rewritten(routines, run) for run in runs]
    asked = [{_asked(call) for call in outside if not call.changes} for _, outside in rewritten]
    frequent = Counter(tool for tools in asked for tool in tools)
    needed = {tool for tool, count in frequent.items() if count >= USUAL * len(runs)}
    return [
        tuple(call for call in outside if call.changes or _asked(call) in needed)
        for _, outside in rewritten
    ]


def _report(family: str, routines: Sequence[Routine], runs: Sequence[Encoded]) -> FamilyReport:
    names = {each.routine_id: name_of(each) for each in routines}
    rewritten = [_rewritten(routines, run)[0] for run in runs]
    paths = Counter(rewritten)
    branches = [_branches(_covering(paths, share)) for share in (0.8, MOST, 1.0)]
    used = Counter(unit for path, count in paths.items() for unit in {*path} for _ in range(count))
    return FamilyReport(
        family=family,
        runs=len(runs),
        paths=len(paths),
        branches=(branches[0], branches[1], branches[2]),
        verdict=_verdict(len(runs), branches[1]),
        routines=tuple(
            unit
            for unit, _ in sorted(used.items(), key=lambda each: (-each[1], each[0]))
            if unit in names
        ),
        inside=sum(
            not left and not names.keys().isdisjoint(path)
            for left, path in zip(left_over(routines, runs), rewritten, strict=True)
        )
        / len(runs),
    )


def _verdict(runs: int, branches: int) -> str:
    if runs < FEWEST:
        return "too few runs"
    return "workflow" if branches < WORKFLOW else "agent"


def _covering(paths: Counter[Path], share: float) -> list[Path]:
    """The most frequent paths that together cover a share of the runs."""
    total, covered, found = sum(paths.values()), 0, []
    for path, count in sorted(paths.items(), key=lambda each: (-each[1], each[0])):
        if covered >= share * total:
            break
        found.append(path)
        covered += count
    return found


def _branches(paths: Sequence[Path]) -> int:
    """How many alternatives there are where merged paths part: after a unit comes one or another."""
    after: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        for unit, following in pairwise((_START, *path, _END)):
            after[unit].add(following)
    return sum(len(each) for each in after.values() if len(each) > 1)


def _rewritten(routines: Sequence[Routine], run: Encoded) -> tuple[Path, list[Call]]:
    """A run's path, and its calls that are in no use."""
    at = {
        place: routine.routine_id
        for routine, use in apply_routines(routines, run)
        for place in use.places
    }
    path: list[str] = []
    outside: list[Call] = []
    known: set[tuple[str, tuple[object, ...]]] = set()
    for call in (call for group in run.line for call in group):
        unit = at.get(call.place, call.tool)
        is_again = not call.changes and (call.tool, call.keys) in known
        known.add((call.tool, call.keys))
        if unit == call.tool and is_again:
            continue
        if unit == call.tool:
            outside.append(call)
        if unit not in path[-1:]:
            path.append(unit)
    return tuple(path), outside


def _asked(call: Call) -> tuple[str, tuple[str, ...]]:
    return call.tool, call.names


def _changing(run: Encoded) -> set[str]:
    return {call.tool for group in run.line for call in group if call.changes}


def _stem(task: str) -> str:
    found = _STEM.fullmatch(task)
    return found[1] if found else ""
