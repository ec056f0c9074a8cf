"""What is said of a failure mode: its name, a paragraph from its evidence, trend and cost.

Pure. Everything said is a count over filings; nothing is judged here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lignin.domain.codec import Json
from lignin.domain.modes import CAUSES, PLACED, Blame, Difference, Manner
from lignin.traces.modes.blame import blame

NAMES: Mapping[Difference, str] = {
    "wrong_arguments": "wrong arguments",
    "wrong_tool": "wrong tool",
    "missing_action": "missing action",
    "extra_action": "extra action",
    "no_action": "nothing done",
    "premature_handover": "handed over too early",
    "unsaid": "right effects, wrong or missing words",
    "unrecovered_error": "stopped by an error",
    "repetition": "the same call again and again",
    "infrastructure": "broken surroundings",
    "undetermined": "failed, and nothing tells how",
}
_TELLS: Mapping[Difference, str] = {
    "wrong_arguments": "called the tool that other runs of the task called, with other arguments",
    "wrong_tool": "changed something by another tool than other runs of the task",
    "missing_action": "left out something that other runs of the task did",
    "extra_action": "did more than other runs of the task",
    "no_action": "changed nothing and did not hand over",
    "premature_handover": "handed over without changing anything, where others finished the task",
    "unsaid": "changed what other runs of the task changed, so the fault is in what was said",
    "unrecovered_error": "met an error and did not get past it",
    "repetition": "repeated one call over and over",
    "infrastructure": "did not come to be through no fault of the agent",
    "undetermined": "were taken for failed, with no other run of the task to compare with",
}
MANNERS: Mapping[str, str] = {
    "gave_up": "gave up",
    "left_out": "left out in passing",
    "left_unsaid": "left unsaid",
    "of_another": "a value of something else",
    "other_choice": "another choice",
    "other_figure": "another figure",
    "other_unit": "another unit",
    "other_value": "another value",
    "refused": "refused and passed over",
    "repeated": "one call over and over",
    "said_otherwise": "said otherwise",
    "step_skipped": "a step that comes first left out",
    "twice": "done twice",
    "refused_of_another": "tried on something else and refused",  # filed by earlier rules
}
EXEMPLARS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A filing as it was read back: its session, its facts, and its error's template."""

    session: str
    task: str
    verdict: str
    mode: str | None
    coarse: str | None = None
    difference: Difference | None = None
    manner: Manner = ""
    tool: str = ""
    arguments: tuple[str, ...] = ()
    votes: int = 0
    artifacts: tuple[str, ...] = ()
    error: str = ""
    facts: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeReport:
    """What is said of one mode.

    Args:
        trend: Its runs among the older and the newer half of all runs.
        cost_microusd: What its runs cost together, None where no run says.
        models: Its runs by model, where they name one; `artifacts` likewise.
        exemplars: Sessions that show it best: compared with the most other runs.
    """

    mode: str
    name: str
    description: str
    members: tuple[Filed, ...]
    trend: tuple[int, int]
    cost_microusd: int | None
    models: Mapping[str, int]
    artifacts: Mapping[str, int]
    exemplars: tuple[str, ...]
    blame: Blame


def report(mode: str, is_fine: bool, members: Sequence[Filed], runs: Sequence[Filed]) -> ModeReport:
    """Return what is said of a mode.

    Args:
        is_fine: It was split off and is named by its cause or error.
        members: Its runs, at least one.
        runs: All filed runs, members or not.
    """
    ordered = sorted(members, key=lambda each: (-each.votes, each.session))
    costs = [cost for each in members if (cost := each.facts.get("cost_microusd")) is not None]
    first = ordered[0]
    assert first.difference is not None
    return ModeReport(
        mode=mode,
        name=name_of(first) if is_fine else NAMES[first.difference],
        description=_describe(ordered),
        members=tuple(sorted(members, key=lambda each: each.session)),
        trend=_trend(members, runs),
        cost_microusd=sum(costs) if costs else None,
        models=_count(members, "model"),
        artifacts=_count(members, "artifacts"),
        exemplars=tuple(each.session for each in ordered[:EXEMPLARS]),
        blame=blame(members, runs),
    )


def name_of(filed: Filed) -> str:
    """Return the name of a fine mode: the cause and, for a rule not kept, where; or the error."""
    if filed.manner in CAUSES:
        name = MANNERS[filed.manner]
        place = _place(filed.tool, filed.arguments)
        return f"{name}: {place}" if filed.manner in PLACED else name
    assert filed.difference is not None
    return f"{NAMES[filed.difference]}: {MANNERS.get(filed.manner, filed.error)}"


def _place(tool: str, arguments: Sequence[str]) -> str:
    return f"{tool} ({', '.join(arguments)})" if arguments else tool


def _describe(members: Sequence[Filed]) -> str:
    tasks = len({each.task for each in members})
    runs = "1 run" if len(members) == 1 else f"{len(members)} runs"
    counted = Counter(each.difference for each in members if each.difference)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    tells = [f"{n} {_TELLS[each]}" if len(ranked) > 1 else _TELLS[each] for each, n in ranked]
    of = f"{runs} of {tasks} task{'s' if tasks != 1 else ''}"
    told = [f"{of}{': ' if len(tells) > 1 else ' '}{'; '.join(tells)}."]
    if places := _most(_place(each.tool, each.arguments) for each in members if each.tool):
        told.append(f"Most often: {places}.")
    if manners := _most(MANNERS[each.manner] for each in members if each.manner):
        told.append(f"How: {manners}.")
    if errors := _most(each.error for each in members if each.error):
        told.append(f"Errors that were not got past: {errors}.")
    if used := _most(name for each in members for name in each.artifacts):
        told.append(f"Artifacts used: {used}.")
    compared = [e for e in members if e.difference not in ("infrastructure", "undetermined")]
    if alone := sum(not each.votes for each in compared):
        told.append(f"{alone} had no other run of the task to compare with.")
    return " ".join(told)


def _most(values: Iterable[str]) -> str:
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[:3]
    return "; ".join(f"{value} ({count})" for value, count in ranked)


def _trend(members: Sequence[Filed], runs: Sequence[Filed]) -> tuple[int, int]:
    ordered = sorted(runs, key=lambda each: (str(each.facts.get("at") or ""), each.session))
    newer = {each.session for each in ordered[len(ordered) // 2 :]}
    count = sum(each.session in newer for each in members)
    return len(members) - count, count


def _count(members: Sequence[Filed], fact: str) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for each in members:
        value = each.facts.get(fact)
        counted.update(value if isinstance(value, list) else [value] if value else [])
    return dict(sorted(counted.items()))
