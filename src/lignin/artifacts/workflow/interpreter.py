"""The fixed interpreter of workflows: code in the sandbox, recorded steps outside.

The code of a workflow is never imported here and never known to the engine. It runs in the sandbox from
its beginning; what it asks for is answered from the records, and the first thing that was not asked
before is made, recorded and answered. Where it sleeps or waits for a signal the sandbox is ended, and the
code is replayed when the run goes on, here or on another machine. Owns the driving; whoever calls says
what answers (`Outside`). Source: decision records 4 and 6.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, get_args

from lignin.artifacts.answers import plain_error
from lignin.artifacts.plan import FLOW_PATH, mount_flow, split_entry_text
from lignin.artifacts.undeclared import undeclared
from lignin.artifacts.workflow.answers import failure, failure_of
from lignin.artifacts.workflow.asks import TOOL, Ask, parse_ask
from lignin.artifacts.workflow.contract import Ended, Flow, Outcome, Outside
from lignin.artifacts.workflow.records import (
    STEP,
    FailedError,
    MovedError,
    Record,
    Records,
    StoppedError,
)
from lignin.domain.codec import Json, canonical_bytes
from lignin.domain.errors import LigninError, LimitedError, UnavailableError
from lignin.domain.events import format_time, parse_time
from lignin.domain.examples import Example
from lignin.domain.workflows import MAX_VALUE_BYTES, FailureClass, retry_wait_s
from lignin.ports.engine import Run
from lignin.ports.sandbox import Execution, Limits, Observed, PythonCall, Sandbox

MAX_IDLE: Final = 3
"""How often in a row the sandbox may fail, or the time of the code run out, without a new step."""
FLOW_LIMITS: Final = Limits(wall_s=60.0, cpu_s=10)
_SUSPENDED: Final[Mapping[str, Json]] = {"error": "suspended", "message": "the run waits"}
_BEGIN: Final = Ask(op="begin", name="begin", target="begin", given=None)
_UNSTEADY: Final = {"clock": "the time", "randomness": "chance"}


def _step_error(said: Json) -> dict[str, Json]:
    """The failure of a step that ended the code, as the code says it: its words are foreign."""
    fields = said if isinstance(said, Mapping) else {}
    kind = fields.get("class")
    return {
        "class": kind if kind in get_args(FailureClass) else "code",
        "code": str(fields.get("code"))[:100],
        "message": str(fields.get("message"))[:1000],
    }


_UNKNOWN: Final = failure(
    "unknown", "unknown", "the process died while this was under way: it may have happened or not"
)


class Interpreter:
    """Drives one run to its end.

    Args:
        sandbox: Where the code runs, and each step that is a function of it.
        life: Names this attempt at the run, unlike every other.
        shape: The circumstances of its executions (hash seed, limits and the like).
        in_place: Sleep and wait beside the running code, where that takes no time.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        run: Run,
        outside: Outside,
        *,
        life: str,
        shape: Callable[[Execution], Execution] = lambda execution: execution,
        in_place: bool = False,
    ) -> None:
        self._sandbox = sandbox
        self._run = run
        self._outside = outside
        self._life = life
        self._shape = shape
        self._in_place = in_place
        self._waited: dict[int, Record] = {}
        self._said = ""

    @property
    def started(self) -> Mapping[str, Json]:
        """What the run started with, as `Outside.begin` said when it first did."""
        found: Mapping[str, Json] = self._began["value"]
        return found

    def drive(self, flow: Flow, arguments: Mapping[str, Json]) -> Ended:
        """Run a workflow to its end, replaying what is recorded.

        Raises:
            DivergedError: A replay asks for something else than was recorded.
            UnavailableError: The sandbox does not hold.
            RunStopped: The run may not go on here.
        """
        self._flow = flow
        self._records = Records(
            self._run,
            lambda record, attempt: retry_wait_s(self._flow.terms, record["error"], attempt),
            flow.terms.max_steps + 1,
        )
        try:
            self._began = self._records.take(_BEGIN, lambda _: self._begin())
            self._records.begin_anew()
            done = self._through(flow.manifest.entry, arguments)
            handled = None
            if "error" in done and self._flow.terms.on_failure:
                handled = self._handle(done["error"], arguments)
        except StoppedError as stopped:
            return self._ended("refused", error={"class": "refused", **stopped.why})
        if "error" in done:
            return self._ended("failure", error=done["error"], handled=handled)
        return self._ended("success", value=done["value"])

    def _ended(self, outcome: Outcome, **fields: Json) -> Ended:
        steps = len(self._records.kept) - 1
        return Ended(
            outcome=outcome, digest=self._flow.digest, steps=steps, stdout=self._said, **fields
        )

    def _begin(self) -> Record:
        now = format_time(self._outside.now())
        return {"at": now, "run_id": self._run.id, "value": dict(self._outside.begin(self._flow))}

    def _handle(self, error: Json, arguments: Mapping[str, Json]) -> Record:
        self._records.begin_anew()
        self._waited.clear()
        given = {"error": dict(error), "event": dict(arguments)}
        return self._through(self._flow.terms.on_failure, given)

    def _through(self, entry: str, arguments: Mapping[str, Json]) -> Record:
        """Activate the code until it ends; its value, or its error, which is recorded."""
        idle = 0
        while True:
            before = len(self._records.kept)
            try:
                done = self._activate(entry, arguments)
            except FailedError as failed:
                return {"error": failed.error}
            except MovedError as moved:
                self._flow = self._outside.load(moved.digest)
                entry = self._flow.manifest.entry
                continue  # what it slept and heard belongs to the steps that it keeps
            except LimitedError as error:
                done = failure_of(error)
            if done is None:
                idle = 0
                continue
            if done.get("again"):
                idle = 0 if len(self._records.kept) > before else idle + 1
                if idle < MAX_IDLE:
                    continue
                if done["again"] == "infrastructure":
                    raise UnavailableError(
                        f"the sandbox could not run {self._flow.name}: {done['why']}"
                    )
                done = failure("timeout", "timeout", f"no answer: {done['why']}")
            if "error" in done:
                self._records.fail(done["error"])
            return done

    def _activate(self, entry: str, arguments: Mapping[str, Json]) -> Record | None:
        """Run the code from its beginning; None where it was ended to wait, which is over now."""
        self._records.rewind()
        activation = _Activation(self)
        start = {name: self._began[name] for name in ("run_id", "at")} | self._began["value"]
        file, function = split_entry_text(entry)
        given = {"file": file, "function": function, "arguments": dict(arguments), "start": start}
        observed = self._sandbox.run(
            self._shape(
                Execution(
                    files=mount_flow(self._flow.files),
                    action=PythonCall(file=FLOW_PATH, function="run_workflow", arguments=given),
                    limits=FLOW_LIMITS,
                )
            ),
            activation.handle,
        )
        if activation.halted is not None:
            raise activation.halted
        if activation.waiting is not None:
            self._wait_for(*activation.waiting)
            return None
        return self._answer_of(observed)

    def _answer_of(self, observed: Observed) -> Record:
        """What the code came to, where nothing keeps it."""
        if observed.status == "infrastructure":
            return {"again": "infrastructure", "why": observed.message}
        if observed.status == "timeout":
            return {"again": "timeout", "why": f"{observed.wall_s:.1f} s passed"}
        if observed.status != "exited":
            return failure("code", observed.status, f"the code ended by {observed.status}")
        if beyond := self._beyond(observed):
            return failure("refused", "undeclared", f"{beyond}: it is not declared")
        for effect in observed.effects:
            if effect.kind in _UNSTEADY:
                return failure(
                    "refused",
                    effect.kind,
                    f"it asks for {_UNSTEADY[effect.kind]} ({effect.target}) outside of a step, which no "
                    "replay could repeat: ctx.now(), ctx.random, or a step of its own",
                )
        self._said = observed.stdout.decode(errors="replace")[-2000:]
        if not observed.returned or not isinstance(observed.result, Mapping):
            name = plain_error(observed.error or "no answer")
            return failure("code", name, observed.message)
        self._records.require_all_asked()
        if (failed := observed.result.get("failed")) is not None:
            return {"error": _step_error(failed)}
        return self._vetted(observed.result.get("value"))

    def _vetted(self, value: Json) -> Record:
        size = len(canonical_bytes(value))
        if size > MAX_VALUE_BYTES:
            return failure(
                "code", "too_large", f"it answers {size} bytes; at most {MAX_VALUE_BYTES}"
            )
        return {"value": value}

    def _beyond(self, observed: Observed) -> str:
        found = undeclared(self._flow.manifest.capabilities, Example(), observed, is_command=False)
        return "; ".join(list(found)[:5])

    def take(self, ask: Ask) -> Record:
        """Return the record of what the code asks for, making the step where it is new."""
        flow = self._flow
        if ask.op in {"sleep", "wait"}:
            return self._records.take(ask, lambda _: self._guarded(lambda: self._announced(ask)))
        is_once = ask.op != "function" and not self._outside.is_repeatable(flow, ask)
        known = len(self._records.kept)
        record = self._records.take(
            ask,
            lambda lost: self._guarded(lambda: _UNKNOWN if lost else self._made(flow, ask)),
            life=self._life if is_once else "",
        )
        if len(self._records.kept) > known and "cost" in record:
            self._outside.spend(flow, record["cost"])
        return record

    def _guarded(self, make: Callable[[], Record]) -> Record:
        """Make a step, or say why the version takes none."""
        if (why := self._outside.guard(self._flow)) is not None:
            return why
        made = make()
        return {"at": format_time(self._outside.now()), **made}

    def _announced(self, ask: Ask) -> Record:
        until = self._outside.now() + timedelta(seconds=ask.given)
        return {"until": format_time(until), "value": None}

    def _made(self, flow: Flow, ask: Ask) -> Record:
        try:
            if ask.op == "function":
                made = self._call_function(flow, ask)
            else:
                made = self._outside.answer(flow, ask, self._run.step_key)
            size = len(canonical_bytes(made.get("value")))
        except LigninError as error:
            return failure_of(error)
        if size > MAX_VALUE_BYTES:
            return failure(
                "code", "too_large", f"{ask} gave {size} bytes; at most {MAX_VALUE_BYTES}"
            )
        return made

    def _call_function(self, flow: Flow, ask: Ask) -> Record:
        """Run a step that is a function of the artifact, by itself and without a way out."""
        file, function = split_entry_text(ask.target)
        if file not in flow.files:
            return failure("refused", "not_found", f"the artifact has no file {file!r}")
        step_s = flow.terms.step_s
        call = PythonCall(file=file, function=function, arguments=dict(ask.given))
        limits = Limits(wall_s=step_s, cpu_s=max(1, int(step_s)))
        execution = Execution(files=flow.files, action=call, limits=limits)
        observed = self._sandbox.run(self._shape(execution))
        if observed.status in {"infrastructure", "timeout"}:
            why = observed.message or f"no answer within {step_s:g} s"
            return failure(observed.status, observed.status, why)
        if beyond := self._beyond(observed):
            return failure("refused", "undeclared", f"{beyond}: it is not declared")
        if not observed.returned:
            name = plain_error(observed.error or observed.status)
            return failure("code", name, observed.message)
        return {"value": observed.result}

    @property
    def place(self) -> int:
        """How many steps the code has asked for since its beginning."""
        return self._records.place

    def is_over(self, ask: Ask, record: Record) -> Record | None:
        """What a sleep or a wait gave, where it is over; None where the code has to be ended."""
        place = self._records.place
        if place in self._waited:
            return self._waited[place]
        is_past = ask.op == "sleep" and parse_time(record["until"]) <= self._outside.now()
        if is_past or self._in_place:
            return self._wait_for(place, ask, record)
        return None

    def _wait_for(self, place: int, ask: Ask, record: Record) -> Record:
        if ask.op == "sleep":
            self._run.sleep(ask.given)
            got: Record = {"at": record["until"], "value": None}
        else:
            value = self._run.wait(ask.target, ask.given)
            woke = self._run.step(STEP, lambda: {"woke": format_time(self._outside.now())})
            got = {"at": woke["woke"], "value": value}
        self._waited[place] = got
        return got


class _Activation:
    """The conversation with the code in one sandbox."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self.halted: BaseException | None = None
        self.waiting: tuple[int, Ask, Record] | None = None

    def handle(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Answer one request of the code; nothing more once the run waits or stops."""
        if self.halted is not None or self.waiting is not None:
            return _SUSPENDED
        if request.get("type") != "call" or request.get("tool") != TOOL:
            return {
                "error": "denied",
                "message": "a workflow asks through ctx: ctx.step(name, tool)",
            }
        try:
            ask = parse_ask(request.get("arguments"))
        except LigninError as error:
            return {"error": error.code, "message": error.message}
        try:
            return self._answered(ask)
        except BaseException as error:  # nothing of the host's passes through the sandbox
            self.halted = error
            return _SUSPENDED

    def _answered(self, ask: Ask) -> Mapping[str, Json]:
        record = self._interpreter.take(ask)
        if ask.op in {"sleep", "wait"} and "error" not in record:
            over = self._interpreter.is_over(ask, record)
            if over is None:
                self.waiting = (self._interpreter.place, ask, record)
                return _SUSPENDED
            record = over
        return {
            "result": {name: record[name] for name in ("at", "value", "error") if name in record}
        }
