"""Recordings: tool calls of a session as a file that a verification can replay."""

from pydantic import Field

from lignin.artifacts.recordings import Contract, calls_of, write_recording
from lignin.domain.errors import NotFoundError
from lignin.operations.context import Context
from lignin.operations.exits import named_tools
from lignin.operations.intake import load_trajectory
from lignin.operations.registry import Request, Response, operation, positional


class RecordingMake(Request):
    session: str = positional("a session's id, as `trace list` shows it")
    tools: str = Field("", description="whose contracts: desk, desk:SEED or a server")
    names: list[str] = Field(default_factory=list, description="only these tools")
    reads: list[str] = Field(
        default_factory=list, description="tools that only read, where no contract says it"
    )


class RecordingMade(Response):
    session: str = Field(description="the session's id")
    calls: int = Field(description="recorded calls")
    tools: dict[str, str] = Field(description="the tools with the digests to declare")
    recording: str = Field(description="the recording: JSON lines, for --recordings")

    def to_text(self) -> str | None:
        return self.recording.removesuffix("\n")


@operation("recording.make", effect="execute", idempotent=True)
def make(context: Context, request: RecordingMake) -> RecordingMade:
    """Make a recording of the tool calls of a session that was taken in.

    Contracts come from the practice desk or a tool server; without one, a tool takes any object, and
    may change something unless --reads names it. `--text > FILE` keeps what `--recordings` takes.
    """
    with context.view() as view:
        trajectory = load_trajectory(context, view, request.session)
    called = dict.fromkeys(call.name for step in trajectory.steps for call in step.calls)
    wanted = [name for name in called if not request.names or name in request.names]
    if request.tools:
        known = named_tools(context, request.tools)
        specs = {name: known[name] for name in wanted if name in known}
    else:
        specs = {
            name: Contract(effect="read" if name in request.reads else "write").to_spec(name)
            for name in wanted
        }
    calls = calls_of(trajectory, specs)
    if not calls:
        raise NotFoundError(
            f"session {request.session} holds no answered call of such a tool",
            hint=f"it calls {', '.join(list(called)[:10]) or 'no tool'}",
        )
    return RecordingMade(
        session=request.session,
        calls=len(calls),
        tools={name: spec.digest for name, spec in specs.items()},
        recording=write_recording(specs.values(), calls, start=request.session).decode(),
    )
