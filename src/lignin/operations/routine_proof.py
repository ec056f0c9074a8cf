"""Proving a routine: its program is captured with examples from runs that it was not induced of.

Each use in such a run is an example: the parameters that the run used, and what each step brought back.
The calls of all uses make one recording, and the sandbox must come to the same by it. Where the run's
environment can be had again, the program must also leave the state there that the run left.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lignin.artifacts.plan import plan_run
from lignin.artifacts.recordings import Contract, is_tool_name, write_recording
from lignin.artifacts.routine_about import ABOUT_PATH
from lignin.artifacts.routine_program import RoutineProgram, program_of
from lignin.artifacts.routine_script import script_of
from lignin.artifacts.routine_text import plain
from lignin.artifacts.script_data import UnsafeError
from lignin.domain.artifacts import File, Tree
from lignin.domain.codec import Json, canonical_bytes, digest_json
from lignin.domain.commands import runs_shell
from lignin.domain.errors import InvalidRequestError, UnavailableError
from lignin.domain.examples import Example
from lignin.domain.ids import drawn
from lignin.domain.routines import Routine
from lignin.domain.traces import Trajectory
from lignin.operations.context import Context
from lignin.operations.environments import environment_of, open_environment
from lignin.operations.exits import Exit
from lignin.ports.environment import Environment, RecordedCall
from lignin.ports.tools import Observation, ToolSpec, result_of_text, served_name
from lignin.traces.effects import Made, calls_of
from lignin.traces.routines.apply import Occurrence, find_uses, given_in
from lignin.traces.routines.cover import taken_by_itself
from lignin.traces.routines.encode import encode
from lignin.traces.routines.refine import Trial

HELD_OUT_SHARE = 0.3
LEAST_USES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A use of a routine in a run: an example of its program, and the calls that answer it."""

    session: str
    arguments: Mapping[str, Json]
    done: Mapping[str, Json]
    calls: tuple[RecordedCall, ...]

    @property
    def answer(self) -> dict[str, Json]:
        """What the program is to answer."""
        return {"done": dict(self.done), "handed_over": ""}


def is_held_out(session: str) -> bool:
    """True for a run that no routine is induced of, but proven on; nobody chooses."""
    return drawn(f"routine {session}") < HELD_OUT_SHARE


def contracts_of(
    routine: Routine, trajectories: Sequence[Trajectory], known: Mapping[str, ToolSpec]
) -> dict[str, ToolSpec]:
    """Return the contracts of a routine's tools: those known, else what the runs show of them."""
    changing = {
        made.call.name
        for trajectory in trajectories
        for made in calls_of(trajectory)
        if made.kind != "read"
    }
    return {
        tool: known.get(served_name(known, tool))
        or Contract(effect="write" if tool in changing else "read").to_spec(tool)
        for tool in routine.tools
    }


def sample(
    routine: Routine,
    program: RoutineProgram,
    trajectories: Sequence[Trajectory],
    specs: Mapping[str, ToolSpec],
) -> list[Sampled]:
    """Return the uses in some runs that one recording can answer, the first of equal ones only.

    Of two uses that ask the same in one state and got different answers, only the first is taken.
    """
    answers: dict[bytes, Json] = {}
    states: dict[bytes, int] = {}
    found: dict[str, Sampled] = {}
    for trajectory in trajectories:
        made = list(calls_of(trajectory))
        for use in find_uses(routine, encode(trajectory, passed=True), applied=True):
            calls = _recorded(use, made, specs, answers, states)
            if calls is None:
                continue
            arguments = _arguments(routine, program, use)
            one = Sampled(
                session=trajectory.session,
                arguments=arguments,
                done=_done(program, use, made),
                calls=calls,
            )
            found.setdefault(digest_json(dict(arguments)), one)
    return list(found.values())


def _recorded(
    use: Occurrence,
    made: Sequence[Made],
    specs: Mapping[str, ToolSpec],
    answers: dict[bytes, Json],
    states: dict[bytes, int],
) -> tuple[RecordedCall, ...] | None:
    """The calls of a use from the start of a recording; None where others were answered otherwise."""
    done: list[Json] = []
    calls: list[RecordedCall] = []
    new: dict[bytes, Json] = {}
    for group in use.groups:
        for call in group:
            asked = made[call.place].call
            result = result_of_text(asked.observation or "")
            state = states.setdefault(canonical_bytes(done), len(states))
            question = canonical_bytes([state, asked.name, dict(asked.arguments)])
            if answers.get(question, result) != result or new.get(question, result) != result:
                return None
            new[question] = result
            if specs[asked.name].effect == "write":
                done.append([asked.name, dict(asked.arguments)])
            calls.append(
                RecordedCall(
                    tool=specs[asked.name].name,
                    arguments=dict(asked.arguments),
                    observation=Observation(result=result),
                    state_version=state,
                    next_version=states.setdefault(canonical_bytes(done), len(states)),
                )
            )
    answers.update(new)
    return tuple(calls)


def _arguments(routine: Routine, program: RoutineProgram, use: Occurrence) -> dict[str, Json]:
    """The parameters that a use gives by the program's names, as the run wrote them."""
    taken = taken_by_itself(routine, use)
    given = given_in(routine, use).items()
    return {program.parameters[name]: value for name, value in given if name not in taken}


def _done(program: RoutineProgram, use: Occurrence, made: Sequence[Made]) -> dict[str, Json]:
    told: dict[str, Json] = {}
    for name, group, repeats in zip(program.names, use.groups, program.repeats, strict=True):
        results = [result_of_text(made[call.place].call.observation or "") for call in group]
        if repeats:
            told[name] = results
        elif results:
            told[name] = results[0]
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What is handed over for a capture: a folder, examples and a recording, where tools are called."""

    folder: Path
    recording: Path | None
    examples: list[Json]


def unwritable(routine: Routine) -> str:
    """Why no program or script can be written of a routine, by name; empty where one can."""
    try:
        if runs_shell(routine):
            script_of(routine)
        else:
            program_of(routine)
    except UnsafeError as error:
        return f"unsafe: {error.message}"
    except InvalidRequestError as error:
        return f"unwritable: {error.message}"
    return ""


def hand_over(
    folder: Path,
    name: str,
    program: RoutineProgram,
    specs: Mapping[str, ToolSpec],
    uses: Sequence[Sampled],
    *,
    about: File | None = None,
) -> Handed:
    """Write a program with its manifest and its recording, and return them with its examples.

    Args:
        about: What is told of the routine, to go along.

    Raises:
        UnsafeError: A tool has a name by which nothing can call it.
    """
    for spec in specs.values():
        if not is_tool_name(spec.name):
            raise UnsafeError(
                f"no program can call {plain(spec.name)}: a tool's name has letters, digits and _.:/- only"
            )
    whole = folder / name
    whole.mkdir()
    (whole / f"{program.entry}.py").write_text(program.source)
    manifest = {
        "kind": "program",
        "entry": f"{program.entry}.py:{program.entry}",
        "runtime": "python",
        "interface": {
            "input": program.interface.input,
            "output": program.interface.output,
            "errors": [],
        },
        "capabilities": {"tools": {tool: spec.digest for tool, spec in specs.items()}},
    }
    (whole / "lignin.json").write_text(json.dumps(manifest, indent=1))
    if about is not None:
        (whole / ABOUT_PATH).write_bytes(about.content)
    recording = folder / "calls.jsonl"
    served = {spec.name: spec for spec in specs.values()}
    calls = {canonical_bytes(_question(call)): call for use in uses for call in use.calls}
    recording.write_bytes(write_recording(served.values(), calls.values(), start=name))
    examples: list[Json] = [
        {"arguments": dict(each.arguments), "result": each.answer} for each in uses
    ]
    return Handed(folder=whole, recording=recording, examples=examples)


def _question(call: RecordedCall) -> list[Json]:
    return [call.state_version, call.tool, dict(call.arguments)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """How often a program was tried where runs happened, and left the state that the run left.

    `why_not` says why it was not tried, where it was not; `trials` are the tries one by one.
    """

    runs: int = 0
    equal: int = 0
    why_not: str = ""
    trials: tuple[Trial, ...] = field(default=(), compare=False, repr=False)


def try_live(
    context: Context,
    routine: Routine,
    program: RoutineProgram,
    tree: Tree,
    trajectories: Sequence[Trajectory],
) -> Live:
    """Do each use again in its run's environment: once as the run did, once by the program.

    Args:
        tree: The program as it was captured; it runs in the sandbox.
    """
    trials: list[Trial] = []
    why = "no run has a use"
    for trajectory in trajectories:
        made, run = list(calls_of(trajectory)), encode(trajectory, passed=True)
        uses = find_uses(routine, run, applied=True)
        if not uses:
            continue
        try:
            with open_environment(context, environment_of(trajectory)) as opened:
                if isinstance(opened, str):
                    why = opened
                    continue
                for use in uses:
                    _again(opened, made[: max(use.places) + 1])
                    as_the_run = opened.state_digest()
                    _again(opened, made[: min(use.places)])
                    got_there = _done_by(context, tree, opened, _arguments(routine, program, use))
                    is_equal = got_there and opened.state_digest() == as_the_run
                    trials.append(Trial(run=run, use=use, is_equal=is_equal))
        except UnavailableError as error:
            why = error.message
    equal = sum(each.is_equal for each in trials)
    return Live(runs=len(trials), equal=equal, why_not="" if trials else why, trials=tuple(trials))


def _done_by(
    context: Context, tree: Tree, environment: Environment, arguments: Mapping[str, Json]
) -> bool:
    """Run a program in the sandbox on an environment as it stands; False where it hands over.

    Raises:
        UnavailableError: The sandbox failed, which never counts against the program.
    """
    way_out = Exit(
        name="environment",
        capabilities=tree.manifest.capabilities,
        binding=context.open_exits().live(lambda: environment),
        outside=None,
    )
    execution = plan_run(tree.manifest, tree.files, Example(arguments=dict(arguments)))
    observed = way_out.around(context.open_sandbox()).run(execution)
    if observed.status == "infrastructure":
        raise UnavailableError(f"the program was not run to its end: {observed.message}")
    answer = observed.result
    return isinstance(answer, dict) and answer.get("handed_over") == ""


def _again(environment: Environment, made: Sequence[Made]) -> None:
    environment.reset()
    for each in made:
        environment.call(served_name(environment.tools, each.call.name), each.call.arguments)
