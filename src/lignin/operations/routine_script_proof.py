"""Proving a shell routine: its script is captured with examples from runs that it was not induced of.

Each use in such a run is an example: the script's words, and what the run's own commands answered, as
the run wrote them. In the sandbox the script starts none of them: it must ask for just these commands,
in their words, and come to the same output.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lignin.artifacts.kinds.script import INPUT, OUTPUT
from lignin.artifacts.routine_about import ABOUT_PATH
from lignin.artifacts.routine_script import ENTRY
from lignin.artifacts.script_arguments import RoutineScript
from lignin.domain.artifacts import File
from lignin.domain.codec import Json, digest_json
from lignin.domain.commands import argv_of, in_their_folders, of_step, parse_command
from lignin.domain.errors import InvalidRequestError
from lignin.domain.examples import Answer, Example
from lignin.domain.routines import Item, Routine, Use
from lignin.domain.traces import ToolCall, Trajectory
from lignin.operations.routine_proof import Handed
from lignin.traces.effects import calls_of
from lignin.traces.routines.apply import Occurrence, find_uses
from lignin.traces.routines.commands import as_command, is_literal
from lignin.traces.routines.encode import encode

MAX_SAID_CHARS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellUse:
    """A use of a shell routine in a run: the values of its parameters, its commands, what they said.

    `steps` tells of each step whether the use has it. There are no `answers` where what was run cannot be
    told: the shell filled something in, or where it ran is not said.
    """

    session: str
    values: Mapping[str, tuple[str, ...]]
    steps: tuple[bool, ...]
    answers: tuple[Answer, ...]

    def example(self, script: RoutineScript) -> Example:
        """What the script is to come to by this use."""
        said = "".join(each.stdout for each in self.answers)
        return Example(
            argv=tuple(script.argv(self.values, self.steps)),
            answers=self.answers,
            result={"stdout": said, "exit_code": 0},
        )


def shell_uses(routine: Routine, trajectories: Sequence[Trajectory]) -> Iterator[ShellUse]:
    """Yield the uses in some runs, bounded in what their commands said."""
    for trajectory in trajectories:
        calls = [made.call for made in calls_of(trajectory)]
        for use in find_uses(routine, encode(trajectory, passed=True), applied=True):
            made = [calls[call.place] for group in use.groups for call in group]
            answers = _answers(made)
            if sum(len(each.stdout) for each in answers) <= MAX_SAID_CHARS:
                yield ShellUse(
                    session=trajectory.session,
                    values=_values(routine, use),
                    steps=tuple(bool(group) for group in use.groups),
                    answers=answers,
                )


def shell_examples(script: RoutineScript, uses: Sequence[ShellUse]) -> list[Example]:
    """Return the examples that uses are, the first of equal ones.

    A use is none of which it cannot be told what was run, or with a value that the script refuses.
    """
    found: dict[str, Example] = {}
    for use in uses:
        if use.answers and is_taken(script, use):
            example = use.example(script)
            found.setdefault(digest_json(list(example.argv)), example)
    return list(found.values())


def is_taken(script: RoutineScript, use: ShellUse) -> bool:
    """True where a script refuses none of a use's values."""
    return all(
        each.takes(value)
        for each in script.arguments
        for value in use.values.get(each.parameter, ())
    )


def hand_over_script(
    folder: Path, name: str, script: RoutineScript, examples: Sequence[Example], about: File
) -> Handed:
    """Write a script with its manifest, and return it with its examples."""
    whole = folder / name
    whole.mkdir()
    (whole / ENTRY).write_text(script.source)
    manifest = {
        "kind": "script",
        "entry": ENTRY,
        "runtime": "python",
        "interface": {"input": INPUT, "output": OUTPUT, "errors": []},
        "capabilities": {
            "processes": True,
            "programs": list(script.programs),
            "paths": ["*"] if script.changes else [],
        },
    }
    (whole / "lignin.json").write_text(json.dumps(manifest, indent=1))
    (whole / ABOUT_PATH).write_bytes(about.content)
    told: list[Json] = [
        {name: value for name, value in each.to_json().items() if name != "origin"}
        for each in examples
    ]
    return Handed(folder=whole, recording=None, examples=told)


def _answers(calls: Sequence[ToolCall]) -> tuple[Answer, ...]:
    """What the commands of a use answered; none where they cannot be told from what the run says."""
    commands = []
    values: dict[str, str] = {}
    for number, call in enumerate(calls):
        read = as_command(call)
        if read is None or not is_literal(call):
            return ()
        try:
            commands.append(of_step(number, parse_command(read[0])))
        except InvalidRequestError:
            return ()
        values.update({f"{number}:{place}": str(word) for place, word in read[1].items()})
    try:
        placed = in_their_folders(commands)
    except InvalidRequestError:
        return ()
    found = []
    for call, parts in zip(calls, placed, strict=True):
        said = call.observation or ""
        if parts is not None:
            found.append(Answer(argv=argv_of(parts, values.__getitem__), stdout=said))
        elif said.strip():
            return ()
    return tuple(found)


def _values(routine: Routine, use: Occurrence) -> dict[str, tuple[str, ...]]:
    """The parameters of a use, as the run wrote them."""
    found: dict[str, tuple[str, ...]] = {}
    for step, group in zip(routine.steps, use.groups, strict=True):
        for name, slot in step.arguments.items():
            if group and isinstance(slot, Use | Item):
                said = tuple(str(call.raw[call.names.index(name)]) for call in group)
                found.setdefault(slot.parameter, said if isinstance(slot, Item) else said[:1])
    return found


def commonest(uses: Sequence[ShellUse]) -> dict[str, list[str]]:
    """Return the values of each parameter, those of most uses first."""
    counts: dict[str, dict[str, int]] = {}
    for use in uses:
        for name, values in use.values.items():
            for value in values:
                mine = counts.setdefault(name, {})
                mine[value] = mine.get(value, 0) + 1
    return {
        name: sorted(mine, key=lambda value: (-mine[value], value)) for name, mine in counts.items()
    }
