"""What answers the steps of a workflow's run: tools by the broker, artifacts by their call, agents, state.

Owns the rights: a step is made only where the version is still proven, and only what its manifest
declares. What a run may reach is looked at before every step, so that a quarantine reaches runs in flight.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from lignin.artifacts.plan import mount_dependencies, split_entry_text
from lignin.artifacts.schemas import schema_faults
from lignin.artifacts.store import load_manifest, load_tree
from lignin.artifacts.versions import version_stream
from lignin.artifacts.workflow.answers import answer_of_broker, answer_of_run, failure
from lignin.artifacts.workflow.asks import Ask
from lignin.artifacts.workflow.contract import Flow
from lignin.artifacts.workflow.keeping import load_missed, load_state, state_change, state_stream
from lignin.artifacts.workflow.records import Record
from lignin.artifacts.workflow.state import (
    Kept,
    decide_migration,
    require_declared,
    require_fit,
    swap_of,
)
from lignin.domain.artifacts import Tree
from lignin.domain.codec import Digest, Json, parse_json
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LimitedError,
    UnavailableError,
)
from lignin.domain.jobs import effect_key, job_of_run
from lignin.domain.states import Row
from lignin.domain.states.artifacts import PROVEN
from lignin.domain.workflows import StateTerms
from lignin.governance.broker import Broker
from lignin.governance.laws.grants import AgentGrant, parse_agents
from lignin.operations.context import Context
from lignin.operations.exits import Exit, exit_of_call, require_real
from lignin.operations.jobkind import Work
from lignin.operations.lifecycle import call_artifact, dependencies_of
from lignin.operations.packages import equipment_of
from lignin.ports.ledger import View, require_known
from lignin.ports.model import Message, Question
from lignin.ports.sandbox import Execution, Limits, PythonCall, Sandbox
from lignin.ports.system import SystemAsked
from lignin.ports.tools import Observation, ToolSpec

CLIENT: Final = "workflow"


def load_flow(context: Context, name: str, digest: Digest) -> tuple[Flow, Row, Tree, Sandbox]:
    """A version of a workflow, laid out for the sandbox, with the sandbox that it needs.

    Raises:
        DeniedError: It, or what it leans on, is not proven.
        NotFoundError: The space has no such version.
        UnavailableError: The packages that it requires are not here.
    """
    with context.view() as view:
        row = require_known(view, version_stream(name, digest))
        tree = load_tree(view, digest)
        dependencies = dependencies_of(view, tree.manifest, PROVEN)
    equipment = equipment_of(context, row, [tree, *dependencies.values()])
    if equipment.why_not:
        raise UnavailableError(f"{name} was not run: {equipment.why_not}", hint=equipment.hint)
    files = mount_dependencies(tree, dependencies)
    flow = Flow(name=name, digest=digest, files=files, manifest=tree.manifest)
    return flow, row, tree, equipment.around(context.open_sandbox())


class JobOutside:
    """See `lignin.artifacts.workflow.contract.Outside`, for one run of a job.

    Args:
        tools: What answers its tool calls, as in a call.
        head: Whose choice among the versions a run follows that moves.
    """

    def __init__(self, work: Work, *, tools: str, head: str) -> None:
        self._work = work
        self._context = work.context
        self._tools = tools
        self._head = head
        self._ways: dict[Digest, tuple[Exit | None, Broker | None]] = {}

    def now(self) -> datetime:
        return self._context.ledger.now()

    def begin(self, flow: Flow) -> Mapping[str, Json]:
        with self._context.view() as view:
            kept = load_missed(view, flow.name)
        job = self._work.job
        missed = [each for each in kept if job_of_run(each["run"])[0] != job.id]
        return {"seed": job.run, "missed": missed}

    def guard(self, flow: Flow) -> Mapping[str, Json] | None:
        with self._context.view() as view:
            row = view.row(version_stream(flow.name, flow.digest))
            state = str(row.state) if row else "unknown"
            if row is None or state not in PROVEN:
                why = row.body["reason"] if row else "the space does not know it"
                return _stopped(state, f"{flow.name} is {state}: {why}")
            try:
                dependencies_of(view, flow.manifest, PROVEN)
            except DeniedError as error:
                return _stopped("dependency", error.message)
            if flow.terms.on_rollback == "move":
                served = self._served(view, flow.name)
                if served and served != flow.digest:
                    return {"moved": served}
        return None

    def _served(self, view: View, name: str) -> Digest:
        """The version of a workflow that the head serves; "" where it serves none that can be run."""
        if view.row(f"head/{self._head}") is None:
            return ""
        harness = self._context.harness
        digest = harness.resolve(view, harness.stable(view, self._head)[0]).get(name, "")
        row = view.row(version_stream(name, digest)) if digest else None
        if row is None or row.state not in PROVEN:
            return ""
        return digest if load_manifest(view, digest).kind == "workflow" else ""

    def load(self, digest: Digest) -> Flow:
        return load_flow(self._context, self._work.job.asked.input["name"], digest)[0]

    def is_repeatable(self, flow: Flow, ask: Ask) -> bool:
        if ask.op == "call":
            return self._is_closed(flow, ask.target)
        if ask.op != "tool":
            return True  # a swap has a key; an agent in flight at a crash is asked once more
        binding = self._way(flow)[0]
        if binding is None or binding.binding is None:
            return True
        broker = self._way(flow)[1]
        spec = broker.contract(ask.target) if broker is not None else None
        return spec is None or spec.effect == "read" or spec.idempotent

    def _is_closed(self, flow: Flow, name: str) -> bool:
        """Whether an artifact reaches nothing outside, so that it may be called again."""
        digest = flow.manifest.dependencies.get(name)
        if digest is None:
            return True
        with self._context.view() as view:
            declared = load_manifest(view, digest).capabilities
        return not (declared.tools or declared.hosts or declared.secrets)

    def spend(self, flow: Flow, cost: Mapping[str, Json]) -> None:
        self._work.spend(microusd=cost["microusd"], tokens=cost["tokens"])
        most, spent = flow.manifest.capabilities.spend_microusd, self._work.spent.microusd or 0
        if most and spent > most:
            raise LimitedError(f"the run spent {spent} micro-USD; its manifest allows {most}")

    def answer(self, flow: Flow, ask: Ask, key: str) -> Record:
        answers: Mapping[str, Callable[[Flow, Ask, str], Record]] = {
            "tool": self._tool,
            "call": self._call,
            "agent": self._agent,
            "get": self._get,
            "swap": self._swap,
        }
        cleaned: Record = self._work.without_secrets(answers[ask.op](flow, ask, key))
        return cleaned

    def _way(self, flow: Flow) -> tuple[Exit | None, Broker | None]:
        """The way out of a version's steps; opened when first asked for, one broker for all of them."""
        if flow.digest not in self._ways:
            with self._context.view() as view:
                row = require_known(view, version_stream(flow.name, flow.digest))
            way = exit_of_call(self._context, row, flow.manifest, tools=self._tools)
            self._ways[flow.digest] = (way, way.open_broker(False) if way else None)
        return self._ways[flow.digest]

    def _tool(self, flow: Flow, ask: Ask, key: str) -> Record:
        broker = self._way(flow)[1]
        if broker is None:
            raise DeniedError(f"the tool {ask.target!r} is not declared")
        request = {"type": "call", "tool": ask.target, "arguments": ask.given, "call_id": key}
        return answer_of_broker(broker.handle(request))

    def _call(self, flow: Flow, ask: Ask, key: str) -> Record:
        digest = flow.manifest.dependencies.get(ask.target)
        if digest is None:
            raise DeniedError(f"the artifact {ask.target!r} is not declared")
        with self._context.view() as view:
            row = require_known(view, version_stream(ask.target, digest))
            tree = load_tree(view, digest)
        if row.state not in PROVEN:
            raise DeniedError(f"{ask.target} is {row.state}: {row.body['reason']}")
        faults = schema_faults(tree.manifest.interface.input, ask.given)
        if faults:
            return failure("tool", "invalid_request", faults[0].message[:300])
        own = tree.manifest.capabilities.tools
        observed, _ = call_artifact(
            self._work.keyed(key),
            row,
            tree,
            ask.given,
            tools=self._tools if own else "",
            client=CLIENT,
        )
        return answer_of_run(observed)

    def _agent(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        if ask.target not in flow.terms.agents:
            raise DeniedError(f"the agent {ask.target!r} is not declared")
        with self._context.view() as view:
            require_real(self._context, require_known(view, version_stream(flow.name, flow.digest)))
        granted = parse_agents(self._context.open_exits().read_grants()).get(ask.target)
        if granted is None:
            raise DeniedError(
                f"no agent {ask.target!r} is granted", hint="[agents.NAME] in your grants file"
            )
        prompt, form = str(ask.given.get("prompt", "")), ask.given.get("form")
        if granted.model:
            return self._model(granted, prompt, form)
        return _command(self._context, granted, prompt, form, self._work.job.run)

    def _model(self, granted: AgentGrant, prompt: str, form: Json) -> Record:
        answer = self._context.open_model(granted.model).ask(
            Question(
                instructions="",
                messages=(Message(by="user", text=prompt),),
                form=form,
                limit_s=granted.timeout_s,
            )
        )
        tokens = sum(answer.usage.get(kind, 0) for kind in ("input_tokens", "output_tokens"))
        cost = {"cost": {"microusd": answer.cost_microusd, "tokens": tokens}}
        if answer.ended in {"limited", "unavailable"}:
            return {**failure("infrastructure", answer.ended, answer.why), **cost}
        if answer.ended != "answered":
            return {**failure("tool", answer.ended, answer.why), **cost}
        return {"value": answer.text if form is None else dict(answer.value or {}), **cost}

    def _get(self, flow: Flow, ask: Ask, key: str) -> Record:  # noqa: ARG002 -- one form for all
        terms = require_declared(flow.terms, ask.target)
        with self._context.view() as view:
            kept = load_state(view, state_stream(flow.name, ask.target, terms), terms)
        value = self._migrated(flow, ask.target, terms, kept)
        return {"value": {"value": value, "version": kept.version}}

    def _migrated(self, flow: Flow, name: str, terms: StateTerms, kept: Kept) -> Json:
        """A kept value in the form that the workflow declares."""
        entry = decide_migration(name, terms, kept)
        if not entry:
            return kept.value
        file, function = split_entry_text(entry)
        call = PythonCall(file=file, function=function, arguments={"value": kept.value})
        seconds = flow.terms.step_s
        observed = self._context.open_sandbox().run(
            Execution(
                files=flow.files,
                action=call,
                limits=Limits(wall_s=seconds, cpu_s=max(1, int(seconds))),
            )
        )
        if not observed.returned:
            raise InvalidRequestError(
                f"the migration {entry} of the state {name!r} failed: "
                f"{observed.error or observed.status}: {observed.message[:200]}"
            )
        require_fit(name, terms, observed.result)
        return observed.result

    def _swap(self, flow: Flow, ask: Ask, key: str) -> Record:
        terms, expected, value = swap_of(flow.terms, ask)
        stream = state_stream(flow.name, ask.target, terms)
        keyed = self._work.keyed(key)
        change = state_change(
            keyed.scope,
            keyed.ids,
            flow,
            stream,
            terms,
            expected=expected,
            value=value,
            run=self._work.job.run,
            key=effect_key(key, 1),
        )
        try:
            self._context.commit(change)
        except ConflictError:
            with self._context.view() as view:
                now = load_state(view, stream, terms)
            return {"value": {"swapped": False, "version": now.version}}
        return {"value": {"swapped": True, "version": expected + 1}}


def _stopped(code: str, message: str) -> Mapping[str, Json]:
    return {"stopped": {"code": code, "message": message[:1000]}}


def _command(context: Context, granted: AgentGrant, prompt: str, form: Json, run: str) -> Record:
    """Ask an agent that is a command of the user's."""
    asked = SystemAsked(
        spec=granted.command,
        folder=context.cwd,
        environment=context.environment,
        unsandboxed=True,
        limit_s=granted.timeout_s,
    )
    done = context.open_system(asked).run(
        {"prompt": prompt, "form": form, "run": run}, 0, _NoTools()
    )
    if done.ended == "infrastructure":
        return failure("infrastructure", "unavailable", done.why)
    if done.ended != "done":
        return failure("tool", done.ended, done.why)
    return {"value": _answer_of(done.said, form)}


def _answer_of(said: bytes, form: Json) -> Json:
    """What a command wrote: text, or where a form was asked for JSON that fits it."""
    text = said.decode(errors="replace").strip()
    if form is None:
        return text
    value = parse_json(text)
    if schema_faults(form, value):
        raise InvalidRequestError("the agent's answer does not fit the form that was asked for")
    return value


class _NoTools:
    """A task without tools of its own."""

    tools: Mapping[str, ToolSpec] = {}

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        return Observation(error="not_found", message=f"no tool {tool!r} takes {sorted(arguments)}")
