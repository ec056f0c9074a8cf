"""Normalised trajectories and the code that is found in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lignin.domain.codec import Json

Role = Literal["system", "user", "assistant", "tool"]
Outcome = Literal["success", "failure", "infrastructure", "refused", "unknown"]
ToolEffect = Literal["read", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a tool and, where the trace has it, what came back.

    `requestor` is `user` where the simulated user holds tools of its own.
    """

    call_id: str
    name: str
    arguments: Mapping[str, Json]
    observation: str | None = None
    is_error: bool | None = None
    exit_code: int | None = None
    requestor: Literal["assistant", "user"] = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One message of a trajectory. `index` is the origin's own 1-based message (or line) index.

    Where the trace is made of spans a step may be a span without a message, and `index` is its
    place in time. `label` is the span's name, `agent` who spoke where several agents did, `error`
    what a span says went wrong, `duration_s` how long it took in seconds, `skill` the skill that
    the client or its telemetry says was at work.
    """

    index: int
    role: Role
    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    at: str | None = None
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_microusd: int | None = None
    parent: int | None = None
    agent: str = ""
    label: str = ""
    error: str = ""
    duration_s: float | None = None
    skill: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """One run of an agent, in the shape every miner reads.

    `source` is the file's name, `format` the importer's; `task_id` and `trial` keep the origin's
    type and are None where it has none. `outcome` is the declared one, None where undeclared;
    `outcome_told` says how it is known where somebody told it later, empty where the origin declares it.
    `agent_version` is the client's own version, "" where the trace does not say.
    `environment` is where it ran, as far as the trace says, `path` the file with the folder it lay in,
    "" where it came from no file.
    `tools` are what the trace's own tool definitions say of them, where they say it.
    """

    source: str
    format: str
    session: str
    steps: tuple[Step, ...]
    task_id: str | int | None = None
    trial: str | int | None = None
    agent: str = ""
    agent_version: str = ""
    model: str = ""
    cwd: str = ""
    outcome: Outcome | None = None
    outcome_told: str = ""
    simulated: bool = False
    environment: "EnvironmentRef | None" = None
    path: str = ""
    tools: Mapping[str, ToolEffect] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRef:
    """Where a run happened, so that it can be had again (decision record 5).

    `name` is the environment's, `seed` what its start state is made from, `start_state` that state's
    digest, `tools` the digests of its tools' contracts by name.
    """

    name: str
    seed: int | None = None
    start_state: str | None = None
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """One stored record of a trace: the origin's own bytes, in order."""

    content: bytes
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a trace file that could not be read; the rest was."""

    line: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTrace:
    """What an importer makes of one file: per session its trajectory and its records."""

    sessions: tuple[tuple[Trajectory, tuple[RawRecord, ...]], ...]
    problems: tuple[Problem, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """One observed run of a piece of code in a trace.

    `command` is `file` (the file was run: `argv` are the words after it), or `inline` (other code,
    in `inline`, imported it and ran). `files` are the text files that the trace shows the run could
    read; `stdout` is the observation; `exit_code` is None where the trace is silent.
    """

    command: Literal["file", "inline"] = "file"
    inline: str = ""
    argv: tuple[str, ...]
    stdout: str
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Code that an agent wrote in a trajectory, in its last version, with its observed runs.

    `how`: `written` (a file tool), `edited` (written, then changed), `heredoc` (a shell heredoc,
    into a file or an interpreter), `inline` (`python -c`, `bash -c`),
    `handed over` (by somebody, with examples). `siblings` are the other
    files of the same session that the code imports or names, as they were last written. `flaw` says
    in words why `text` is not surely what the file held (an edit that could not be followed, text
    that the shell filled in); it is empty where the text is exact. `requires` are the Python packages
    that whoever hands it over says it needs, `about` the function that they say it is about.
    """

    path: str
    text: str
    language: Literal["python", "shell", "markdown", "other"]
    how: Literal["written", "edited", "heredoc", "inline", "handed over"]
    session: str
    index: int
    runs: tuple[CommandRun, ...] = ()
    siblings: Mapping[str, str] = field(default_factory=dict)
    flaw: str = ""
    requires: tuple[str, ...] = ()
    about: str = ""
