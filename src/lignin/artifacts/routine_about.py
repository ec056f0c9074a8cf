"""What an artifact that came from a routine tells of it: `routine.json`, and the skill made of it. Pure.

Owns the sections of the SKILL.md that only a routine has (what it needs, its steps, what a hand-over
means) and its evaluations. The examples in the file come from runs that the routine was induced of; the
evaluations come from others and stand nowhere in the SKILL.md.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lignin.artifacts.call_text import call_input
from lignin.artifacts.interface_text import cell
from lignin.artifacts.routine_conditions import condition_of
from lignin.artifacts.routine_program import RoutineProgram
from lignin.artifacts.routine_text import headline, plain, tool_words
from lignin.artifacts.routine_words import HALF
from lignin.artifacts.script_arguments import RoutineScript
from lignin.domain.artifacts import HIDDEN, File, Tree
from lignin.domain.codec import Json
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Example, parse_example
from lignin.domain.routines import Constant, Each, Guard, Pick, Reference, Routine, RoutineStep, Use

ABOUT_PATH = "routine.json"
EVALS_PATH = "evals/evals.json"
MAX_EVALS = 20
MAX_SHOWN_CHARS = 1200
MAX_COMMAND_CHARS = 300
LEFT_OUT = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is told of a routine.

    Args:
        routine: Its id.
        stands_on: What it was mined from, in a sentence.
        steps: Each step as the answer names it, with what is done; a command where it is a shell one.
        needs: What has to hold, in words.
        words: Of a script its arguments: how each is written, and what it is.
        chosen: Parameters that are chosen from what a step returns, with the number of that step.
        unforeseen: Those of which that step comes after one that changes something.
        examples: Uses to show.
    """

    routine: str
    stands_on: str
    steps: tuple[tuple[str, str], ...]
    needs: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    chosen: tuple[tuple[str, int], ...] = ()
    unforeseen: tuple[tuple[str, int], ...] = ()
    examples: tuple[Example, ...] = ()

    def to_file(self) -> File:
        """The file that goes into the tree."""
        body: dict[str, Json] = {
            "routine": self.routine,
            "stands_on": self.stands_on,
            "steps": [list(each) for each in self.steps],
            "needs": list(self.needs),
            "words": [list(each) for each in self.words],
            "chosen": [list(each) for each in self.chosen],
            "unforeseen": [list(each) for each in self.unforeseen],
            "examples": [
                {name: value for name, value in each.to_json().items() if name != "answers"}
                for each in self.examples
            ],
        }
        return File(content=json.dumps(body, indent=1, ensure_ascii=False).encode() + b"\n")


def about_program(routine: Routine, program: RoutineProgram, examples: Sequence[Example]) -> About:
    """Return what is told of a routine's program."""
    steps = [
        (
            name,
            f"{plain(tool_words(step.tool))}{_how(step)} (`{plain_code(step.tool)}`){_what(step)}",
        )
        for name, step in zip(program.names, routine.steps, strict=True)
    ]
    needs = [
        condition_of(guard, routine, _given(guard, program))
        for step in routine.steps
        for guard in step.guards
    ]
    changing = [number for number, step in enumerate(routine.steps, start=1) if step.changes]
    chosen = tuple(_chosen(routine, program))
    return About(
        routine=routine.routine_id,
        stands_on=headline(routine),
        steps=tuple(steps),
        needs=tuple(dict.fromkeys(needs)),
        chosen=tuple(each for each in chosen if each[1] < min(changing, default=each[1] + 1)),
        unforeseen=tuple(each for each in chosen if each[1] >= min(changing, default=each[1] + 1)),
        examples=few(examples),
    )


def _chosen(routine: Routine, program: RoutineProgram) -> Iterator[tuple[str, int]]:
    """The parameters that nobody knows before a step of the routine returned them, with its number."""
    for each in routine.parameters:
        if each.said >= HALF or each.default:
            continue
        step = each.among.step if each.among else each.shown_by
        if step is not None:
            yield program.parameters[each.name], step + 1


def _what(step: RoutineStep) -> str:
    """What a step is made with that nobody gives: always the same, or the element that is meant."""
    told = []
    for name, slot in step.arguments.items():
        place = slot.place if isinstance(slot, Each) else slot
        if isinstance(slot, Constant):
            told.append(f"{plain(name)} {plain_code(json.dumps(slot.value, ensure_ascii=False))}")
        elif isinstance(place, Reference) and place.pick:
            told.append(f"{plain(name)} from step {place.step + 1}, {_which(place.pick)}")
        elif isinstance(slot, Each):
            told.append(f"{plain(name)} from step {slot.place.step + 1}, all there are")
    return f", with {'; '.join(told)}" if told else ""


def _which(pick: Pick) -> str:
    fact = plain(pick.fact.removeprefix("."))
    if pick.how != "where":
        return (
            f"the {pick.how} there is" if pick.how == "only" else f"the {pick.how} {fact}".strip()
        )
    if isinstance(pick.value, Constant):
        return f"whose {fact} is {plain_code(json.dumps(pick.value.value, ensure_ascii=False))}"
    if isinstance(pick.value, Reference):
        return f"whose {fact} is what step {pick.value.step + 1} says"
    assert pick.value is not None
    return f"whose {fact} is {plain(pick.value.parameter)}"


def _given(guard: Guard, program: RoutineProgram) -> str:
    return program.parameters[guard.at.parameter] if isinstance(guard.at, Use) else ""


def about_script(routine: Routine, script: RoutineScript, examples: Sequence[Example]) -> About:
    """Return what is told of a routine's script."""
    return About(
        routine=routine.routine_id,
        stands_on=headline(routine),
        steps=tuple(
            ("", f"`{plain_code(told)}`{_how(step)}")
            for told, step in zip(script.commands, routine.steps, strict=True)
            if told
        ),
        needs=tuple(
            f"`{plain_code(str(guard.at))}` of what its commands said is {guard.expected(json.dumps)}"
            for step in routine.steps
            for guard in step.guards
        ),
        words=tuple((each.written, each.what) for each in script.arguments),
        examples=few(examples),
    )


def plain_code(text: str) -> str:
    """A command within one pair of backticks, on one line and bounded."""
    line = " ".join(HIDDEN.sub("", text).split()).replace("`", "'")
    return line if len(line) <= MAX_COMMAND_CHARS else line[: MAX_COMMAND_CHARS - 1] + "…"


def _how(step: RoutineStep) -> str:
    if step.is_repeated:
        return ", for each of a list"
    return ", in some uses" if step.is_optional else ""


def about_of(tree: Tree) -> About | None:
    """Read what a tree tells of its routine; None where it came of none, or tells nothing readable."""
    if ABOUT_PATH not in tree.files:
        return None
    try:
        value: Mapping[str, Any] = json.loads(tree.text(ABOUT_PATH))
        return About(
            routine=str(value["routine"]),
            stands_on=str(value["stands_on"]),
            steps=tuple((str(name), str(what)) for name, what in value["steps"]),
            needs=tuple(map(str, value["needs"])),
            words=tuple((str(name), str(what)) for name, what in value["words"]),
            chosen=_pairs(value, "chosen"),
            unforeseen=_pairs(value, "unforeseen"),
            examples=tuple(map(parse_example, value["examples"])),
        )
    except (ValueError, LookupError, TypeError, InvalidRequestError):
        return None


def _pairs(value: Mapping[str, Any], name: str) -> tuple[tuple[str, int], ...]:
    return tuple((str(parameter), int(step)) for parameter, step in value.get(name, []))


def few(examples: Sequence[Example], most: int = 2) -> tuple[Example, ...]:
    """Return the examples that are short enough to be shown, the shortest first."""
    sized = sorted((_size(each), at) for at, each in enumerate(examples))
    found = [_shortened(examples[at]) for _, at in sized[:most]]
    return tuple(each for each in found if _size(each) <= MAX_SHOWN_CHARS)


def _size(example: Example) -> int:
    return len(json.dumps(example.to_json()))


class _Cut(NamedTuple):
    """How many elements, signs, fields and levels of a value are kept."""

    elements: int
    signs: int
    fields: int
    levels: int


_CUTS = (_Cut(3, 80, 12, 9), _Cut(1, 40, 6, 6), _Cut(1, 24, 3, 4), _Cut(1, 24, 2, 3))
"""The most first."""


def _shortened(example: Example) -> Example:
    """A use as it is shown: of a program's long answer each step with the beginning of what came back."""
    if example.arguments is None:
        return example
    short = example
    for cut in _CUTS:
        if _size(short) <= MAX_SHOWN_CHARS:
            break
        short = replace(example, result=_kept(example.result, cut))
    return short


def _kept(value: Json, cut: _Cut, depth: int = 0) -> Json:
    if depth > cut.levels and isinstance(value, list | dict) and value:
        return LEFT_OUT
    if isinstance(value, str):
        return value if len(value) <= cut.signs else f"{value[: cut.signs]}{LEFT_OUT}"
    if isinstance(value, list):
        kept = [_kept(each, cut, depth + 1) for each in value[: cut.elements]]
        return [*kept, LEFT_OUT] if len(value) > cut.elements else kept
    if isinstance(value, dict):
        most = (
            cut.fields if depth > 1 else len(value)
        )  # each step is told, and that it was handed over
        made = {name: _kept(each, cut, depth + 1) for name, each in list(value.items())[:most]}
        return {**made, LEFT_OUT: LEFT_OUT} if len(value) > most else made
    return value


def use_phrases(about: About, names: Sequence[str]) -> list[str]:
    """Sentences of a description: when to use it, by what it takes and needs."""
    later = {name for name, _ in about.chosen}
    known = [name for name in names if name not in later]
    given = f"you have {', '.join(known)}" if known else ""
    when = " and ".join(filter(None, [given, *(need.replace("`", "") for need in about.needs)]))
    if about.chosen:
        chosen = _and([name for name, _ in about.chosen])
        how = f"{':' if when else ','} make its {_until(about)} yourself, choose {chosen} from what came "
        how += "back, then call it with the choice"
    elif len(about.steps) == 1:
        how = f"{',' if when else ''} instead of calling its tool once for each"
    else:
        how = f"{',' if when else ''} instead of making its {len(about.steps)} steps one by one"
    return [
        f"Use it{f' when {when}' if when else ''}{how}.",
        "It tells what each step brought back and, where it cannot go on, why.",
    ]


def when_section(about: About, parameters: Sequence[str]) -> list[str]:
    """When to use it: what is to be had, and what it stands for.

    Args:
        parameters: What a program takes, in words; a script's arguments are told with it.
    """
    named = [f"`{cell(name)}`" for name, _ in about.words if not name.startswith("[")]
    later = tuple(f"`{name}`" for name, _ in about.chosen)
    given = [each for each in (*parameters, *named) if not each.startswith(later)]
    return [
        "Use it when",
        "",
        *([f"- you have {', '.join(given)}"] if given else []),
        "- you would make its steps, below, one after the other"
        if len(about.steps) > 1
        else "- you would call its tool, below, once for each of a list",
        *_choices(about),
        *(f"- {need}: else it stops before the step that needs it" for need in about.needs),
        "",
    ]


def _choices(about: About) -> list[str]:
    """What nobody knows before some of the steps were made, and what to do then."""
    lines = []
    if about.chosen:
        told = _and(_by_step(about.chosen, "from what step {} returned"))
        lines.append(
            f"- you have chosen {told}. Make {_until(about)} yourself first, choose, and call it with "
            "the choice. That only reads; the call does it again"
        )
    if about.unforeseen:
        told = _and(_by_step(about.unforeseen, "by step {}"))
        lines.append(
            f"- you know already what is told in most runs only after something was changed: {told}; "
            "else make its steps yourself, for what was changed would be changed again"
        )
    return lines


def _by_step(pairs: Sequence[tuple[str, int]], told: str) -> list[str]:
    """Parameters in words, those of one step together."""
    names: dict[int, list[str]] = {}
    for name, step in pairs:
        names.setdefault(step, []).append(f"`{cell(name)}`")
    return [f"{_and(names[step])} {told.format(step)}" for step in sorted(names)]


def _until(about: About) -> str:
    last = max(step for _, step in about.chosen)
    return "step 1" if last == 1 else f"steps 1 to {last}"


def _and(phrases: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(phrases[:-1]), *phrases[-1:]]))


def words_section(about: About) -> list[str]:
    """The arguments of a script."""
    rows = [f"| `{cell(name)}` | {cell(what)} |" for name, what in about.words]
    return ["## Arguments", "", "| word | meaning |", "|-|-|", *rows, ""] if rows else []


def hand_over_section(about: About, kind: str) -> list[str]:
    """What it does step by step, and how to go on where it stopped."""
    steps = [
        f"{number}. `{name}`: {what}" if name else f"{number}. {what}"
        for number, (name, what) in enumerate(about.steps, start=1)
    ]
    if kind == "program":
        told = [
            "Where `handed_over` is not empty, it stopped there and says why. What `done` names was",
            "done and is told with what came back: do not call it again and do not repeat those",
            "steps. Go on yourself from the first step that `done` does not name, with the values in it.",
            "Of a step for each of a list `done` has what came back so far, in the list's order, and",
            "`handed_over` says for how many it was done and at which to go on: do the rest of the list",
            "from there, then the steps after it.",
        ]
    else:
        told = [
            "Where its exit code is not 0, a command failed and nothing after it was run; the last line on",
            "stderr names it and the commands that were done before it. Do not repeat those: go on",
            "yourself from the one that failed.",
        ]
    return ["## Its steps, and where it stops", "", *steps, "", *told, ""]


def evals_file(skill: str, summary: str, examples: Sequence[Example], kind: str) -> File:
    """Return evaluations in the form of the Agent Skills: a task in words, and what must come of it."""
    evals = []
    for number, example in enumerate(examples[:MAX_EVALS], start=1):
        given = json.dumps(call_input(example), ensure_ascii=False)
        answer = json.dumps(_shortened(example).result, ensure_ascii=False)
        evals.append(
            {
                "id": number,
                "prompt": f"{summary} The values: {given}",
                "expected_output": answer,
                "files": [],
                "assertions": [
                    f"the skill {skill} is called once, with just these values",
                    "no step of it is done again by hand",
                    "the answer is the expected one, but for what … leaves out there"
                    if LEFT_OUT in answer
                    else "the answer is the expected one"
                    if kind == "program"
                    else "the exit code and the output are the expected ones",
                ],
            }
        )
    body = {"skill_name": skill, "evals": evals}
    return File(content=json.dumps(body, indent=1, ensure_ascii=False).encode() + b"\n")
