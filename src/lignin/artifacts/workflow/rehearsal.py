"""Workflows in a verification: driven to their end in memory, where nothing is real.

A sandbox over another one. An execution that `plan.plan_run` made of a workflow becomes a whole run of
it: sleeps pass at once, signals, state and agents' answers are those that the example gives, tools are
asked through the broker of the verification. With `killed` the process dies after every step, and another
one replays. Every other execution passes through as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from lignin.artifacts.plan import FLOW_PATH, folder_of, plan_run
from lignin.artifacts.workflow.answers import answer_of_broker, answer_of_run, failure
from lignin.artifacts.workflow.asks import Ask
from lignin.artifacts.workflow.contract import Ended, Flow
from lignin.artifacts.workflow.interpreter import Interpreter
from lignin.artifacts.workflow.records import DivergedError, Record
from lignin.artifacts.workflow.state import require_declared, require_fit, swap_of
from lignin.domain.artifacts import MANIFEST_PATH, File, parse_manifest
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import InvalidRequestError, LigninError, UnavailableError
from lignin.domain.events import parse_time
from lignin.domain.examples import Example
from lignin.domain.workflows import MAX_STEPS
from lignin.ports.engine import ONCE, Retry
from lignin.ports.sandbox import (
    Effect,
    Execution,
    Observed,
    PythonCall,
    RequestHandler,
    Sandbox,
    SandboxOver,
    Status,
)

REHEARSAL_VERSION: Final = 1
RUN_ID: Final = "job_rehearsal"
NOW: Final = "2026-01-05T09:00:00.000000Z"
STEP_EFFECT: Final = "step"
_SEEDS: Final = (0, 1, 2)


class _KilledError(BaseException):
    """The process that drives a rehearsal dies."""


class RehearsalSandbox(SandboxOver):
    """See `lignin.ports.sandbox.Sandbox`."""

    @property
    def policy_digest(self) -> Digest:
        """The inner sandbox's, with the interpreter's version."""
        return digest_json([self._inner.policy_digest, "rehearsal", REHEARSAL_VERSION])

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        """Run once; a workflow to its end."""
        action = execution.action
        if not isinstance(action, PythonCall) or "rehearsal" not in action.arguments:
            return self._inner.run(execution, broker)
        return _Rehearsal(self._inner, execution, action.arguments, broker).run()


@dataclass(slots=True)
class _World:
    """What is around a rehearsed run and outlives its process: time, signals, state, answers."""

    given: Mapping[str, Json]
    now: datetime
    state: dict[str, tuple[int, Json]] = field(default_factory=dict)
    answered: int = 0
    lacking: str = ""

    def signal(self, topic: str, nth: int) -> Json | None:
        """The nth signal on a topic, counted from 0."""
        sent = self.given.get("signals", {}).get(topic, [])
        return sent[nth] if nth < len(sent) else None


class _Journal:
    """The engine's verbs in memory. A new attempt reads what the one before it recorded."""

    id = RUN_ID
    attempt = 1

    def __init__(self, world: _World, kept: list[Json], *, dies: bool) -> None:
        self._world = world
        self._kept = kept
        self._dies = dies
        self._place = 0
        self._waits: dict[str, int] = {}

    @property
    def step_key(self) -> str:
        return f"{RUN_ID}/{self._place + 1}"

    def step(self, name: str, do: Callable[[], Json], retry: Retry = ONCE) -> Json:  # noqa: ARG002 -- of the port
        return self._once(do)

    def sleep(self, seconds: float) -> None:
        self._once(lambda: self._pass(seconds))

    def wait(self, topic: str, timeout_s: float) -> Json | None:
        nth = self._waits.get(topic, 0)
        got = self._once(lambda: self._signal(topic, nth, timeout_s))
        self._waits[topic] = nth + (got is not None)
        return got

    def publish(self, key: str, value: Json) -> None:
        self._once(lambda: [key, value])

    def stopped(self) -> bool:
        return False

    def _once(self, do: Callable[[], Json]) -> Json:
        if self._place < len(self._kept):
            self._place += 1
            return self._kept[self._place - 1]
        made = do()
        self._kept.append(made)
        self._place += 1
        if self._dies:
            raise _KilledError
        return made

    def _pass(self, seconds: float) -> None:
        self._world.now += timedelta(seconds=seconds)

    def _signal(self, topic: str, nth: int, timeout_s: float) -> Json | None:
        got = self._world.signal(topic, nth)
        if got is None:
            self._pass(timeout_s)
        return got


class _Rehearsal:
    """One execution: the runs it takes, and what was seen of them all."""

    def __init__(
        self,
        inner: Sandbox,
        execution: Execution,
        asked: Mapping[str, Json],
        broker: RequestHandler | None,
    ) -> None:
        self._inner = inner
        self._execution = execution
        self._arguments = asked["arguments"]
        self._entry = f"{asked['file']}:{asked['function']}"
        self._killed = bool(asked["rehearsal"]["killed"])
        self._broker = broker
        given = asked["rehearsal"]["given"]
        self._world = _World(given, parse_time(str(given.get("now", NOW))))
        files = {path: file for path, file in execution.files.items() if path != FLOW_PATH}
        manifest = parse_manifest(files[MANIFEST_PATH].content)
        self._flow = Flow(name="rehearsal", digest="", files=files, manifest=manifest)
        self._seen: list[Observed] = []
        for name, value in given.get("state", {}).items():
            require_fit(name, require_declared(self._flow.terms, name), value)
            self._world.state[name] = (1, value)

    def run(self) -> Observed:
        """Drive the run to its end; where it is killed, attempt after attempt."""
        kept: list[Json] = []
        for life in range(MAX_STEPS * 8):
            journal = _Journal(self._world, kept, dies=self._killed)
            interpreter = Interpreter(
                _Watched(self),
                journal,
                self,
                life=f"life-{life}",
                shape=self._shape(life),
                in_place=not self._killed,
            )
            try:
                return self._observed(interpreter.drive(self._flow, self._arguments), kept)
            except _KilledError:
                continue
            except DivergedError as error:
                return self._failed("DivergedError", error.message, kept)
            except UnavailableError as error:
                return replace(self._last, status="infrastructure", message=error.message)
            except LigninError as error:
                return self._failed(type(error).__name__, error.message, kept)
        return self._failed(
            "DivergedError", "the run does not come to its end when it is killed", kept
        )

    def _shape(self, life: int) -> Callable[[Execution], Execution]:
        """The circumstances asked for; of a killed run other ones in each life."""
        base = self._execution

        def shaped(execution: Execution) -> Execution:
            return replace(
                execution,
                work=base.work,
                limits=base.limits,
                hash_seed=_SEEDS[life % len(_SEEDS)] if self._killed else base.hash_seed,
                clock_offset_s=base.clock_offset_s,
                entropy=base.entropy,
                surroundings=base.surroundings,
                packages=base.packages,
            )

        return shaped

    def watch(self, execution: Execution, broker: RequestHandler | None) -> Observed:
        """Make one execution and keep what was seen of it."""
        observed = self._inner.run(execution, broker)
        self._seen.append(observed)
        return observed

    @property
    def _last(self) -> Observed:
        return (
            self._seen[-1]
            if self._seen
            else Observed(status="infrastructure", tier=self._inner.tier)
        )

    def _observed(self, ended: Ended, kept: list[Json]) -> Observed:
        if ended.error is None:
            return self._gathered(kept, returned=True, result=ended.value, error=None, message="")
        if self._world.lacking:
            whole = self._gathered(kept, returned=False, result=None, error=None)
            return replace(whole, status="infrastructure", misses=1, message=self._world.lacking)
        is_own = ended.error["class"] == "code" and ended.error["code"].isidentifier()
        name = str(ended.error["code"]) if is_own else "StepError"
        return self._failed(name, f"{ended.error['code']}: {ended.error['message']}", kept)

    def _failed(self, error: str, message: str, kept: list[Json]) -> Observed:
        return self._gathered(kept, returned=False, result=None, error=error, message=message)

    def _gathered(self, kept: list[Json], **outcome: Json) -> Observed:
        """The last run's observation with what all of them did and cost."""
        effects = dict.fromkeys(effect for seen in self._seen for effect in seen.effects)
        cut: Status = self._last.status
        return replace(
            self._last,
            status=cut,
            exit_code=0 if outcome["returned"] else 1,
            effects=(*effects, *_steps_of(kept)),
            wall_s=sum(seen.wall_s for seen in self._seen),
            cpu_s=sum(seen.cpu_s for seen in self._seen),
            memory_bytes=max((seen.memory_bytes for seen in self._seen), default=0),
            written={path: raw for seen in self._seen for path, raw in seen.written.items()},
            **outcome,
        )

    # what answers the steps: `lignin.artifacts.workflow.contract.Outside`

    def now(self) -> datetime:
        return self._world.now

    def begin(self, flow: Flow) -> Mapping[str, Json]:  # noqa: ARG002 -- of the protocol
        given = self._world.given
        return {"seed": str(given.get("seed", RUN_ID)), "missed": list(given.get("missed", []))}

    def guard(self, flow: Flow) -> Mapping[str, Json] | None:  # noqa: ARG002 -- of the protocol
        return None

    def load(self, digest: Digest) -> Flow:
        raise InvalidRequestError(f"a rehearsal has one version, not {digest}")

    def is_repeatable(self, flow: Flow, ask: Ask) -> bool:  # noqa: ARG002 -- of the protocol
        return True  # it is killed between steps only

    def spend(self, flow: Flow, cost: Mapping[str, Json]) -> None:
        """Nothing: a rehearsal costs nothing."""

    def answer(self, flow: Flow, ask: Ask, key: str) -> Record:
        answers: Mapping[str, Callable[[Flow, Ask, str], Record]] = {
            "tool": self._tool,
            "call": self._call,
            "agent": self._agent,
            "get": self._get,
            "swap": self._swap,
        }
        return answers[ask.op](flow, ask, key)

    def _tool(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        if self._broker is None:
            return failure("refused", "denied", f"the tool {ask.target!r} is not declared")
        request = {"type": "call", "tool": ask.target, "arguments": ask.given, "call_id": key}
        return answer_of_broker(self._broker(request))

    def _call(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        if ask.target not in flow.manifest.dependencies:
            return failure("refused", "denied", f"the artifact {ask.target!r} is not declared")
        prefix = folder_of(ask.target) + "/"
        files = {
            path.removeprefix(prefix): file
            for path, file in flow.files.items()
            if path.startswith(prefix)
        }
        made = plan_call(files, ask.given)
        return answer_of_run(self.watch(replace(made, limits=self._execution.limits), self._broker))

    def _agent(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        if ask.target not in flow.terms.agents:
            return failure("refused", "denied", f"the agent {ask.target!r} is not declared")
        recorded = self._world.given.get("agents", [])
        if self._world.answered >= len(recorded):
            self._world.lacking = f"the example has no answer of the agent {ask.target!r}"
            return failure("infrastructure", "not_recorded", self._world.lacking)
        self._world.answered += 1
        return {"value": recorded[self._world.answered - 1]}

    def _get(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        declared = require_declared(flow.terms, ask.target)
        version, value = self._world.state.get(ask.target, (0, declared.initial))
        return {"value": {"value": value, "version": version}}

    def _swap(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        _, expected, value = swap_of(flow.terms, ask)
        version, _ = self._world.state.get(ask.target, (0, None))
        if version != expected:
            return {"value": {"swapped": False, "version": version}}
        self._world.state[ask.target] = (version + 1, value)
        return {"value": {"swapped": True, "version": version + 1}}


class _Watched(SandboxOver):
    """The inner sandbox, with every run of it kept."""

    def __init__(self, rehearsal: _Rehearsal) -> None:
        super().__init__(rehearsal._inner)
        self._rehearsal = rehearsal

    def run(self, execution: Execution, broker: RequestHandler | None = None) -> Observed:
        return self._rehearsal.watch(execution, broker)


def plan_call(files: Mapping[str, File], given: Mapping[str, Json]) -> Execution:
    """Return the execution of an artifact that a workflow calls."""
    manifest = parse_manifest(files[MANIFEST_PATH].content)
    if manifest.is_function:
        return plan_run(manifest, files, Example(arguments=given))
    use = Example(
        argv=tuple(map(str, given.get("argv", ()))),
        stdin=str(given.get("stdin", "")),
        files={str(path): str(text) for path, text in dict(given.get("files", {})).items()},
    )
    return plan_run(manifest, files, use)


def _steps_of(kept: list[Json]) -> tuple[Effect, ...]:
    """The steps that were made, in order, each with a digest of what it gave."""
    found = []
    for record in kept:
        if isinstance(record, Mapping) and "ask" in record and record["ask"]["op"] != "begin":
            ask = record["ask"]
            gave = digest_json([record.get("value"), record.get("error")])[7:19]
            target = f"{ask['op']} {ask['name']} {ask['digest'][7:19]} {gave}"
            found.append(Effect(kind=STEP_EFFECT, target=target))
    return tuple(found)
