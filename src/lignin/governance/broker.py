"""The broker: answers everything that one run's code asks of the outside.

Enforces what the artifact's manifest declares and nothing else: a tool by name and schema digest, a
host, a secret. What is not declared is denied with a reason and recorded. A tool call that the
binding cannot answer makes the run prove nothing, whatever the code makes of the error.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from lignin.domain.artifacts import Capabilities
from lignin.domain.codec import Digest, Json, digest_json
from lignin.domain.errors import (
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LigninError,
    LimitedError,
    UnavailableError,
)
from lignin.governance.laws.scrubbing import Scrubber
from lignin.governance.proxy import CredentialProxy, withheld
from lignin.ports.broker import Binding, BoundTools, BrokerReport, SecretValue
from lignin.ports.sandbox import Effect
from lignin.ports.tools import Observation, ToolSpec, served_name

BROKER_VERSION: Final = 2
PLACEHOLDERS: Final = "lignin.placeholders"
NOT_ANSWERED: Final = "not_recorded"
MAX_CALLS: Final = 1000
MAX_EFFECTS: Final = 1000
_MAX_TARGET: Final = 300
_MAX_REASONS: Final = 5
_READING: Final = frozenset({"GET", "HEAD"})


class Broker:
    """The exit of one run; `handle` is the sandbox's `broker`. Not thread-safe.

    Args:
        capabilities: What the artifact declares.
        binding: Answers its tool calls; without one every call is denied.
        proxy: Carries its HTTP requests; without one every request is denied.
        known: Credentials that what answers tool calls may know; no answer goes in with one.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        *,
        binding: Binding | None = None,
        proxy: CredentialProxy | None = None,
        known: Iterable[SecretValue] = (),
    ) -> None:
        self._capabilities = capabilities
        self._binding = binding
        self._bound: BoundTools | None = None
        self._proxy = proxy
        self._scrubbers = [*([proxy.scrubber] if proxy is not None else ()), Scrubber(known)]
        self._effects: list[Effect] = []
        self._counts: Counter[str] = Counter()
        self._answered: dict[str, tuple[Digest, Mapping[str, Json] | None]] = {}
        self._told: list[str] = []
        self._reasons: dict[str, None] = {}
        self._hits = self._misses = self._outages = self._calls = self._changes = 0
        self._kinds: Mapping[str, Callable[[Mapping[str, Json]], Mapping[str, Json]]] = {
            "call": self._call,
            "http": self._http,
            "model": self._model,
        }

    def handle(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        """Answer one request: `{"result": ...}` or `{"error": code, "message": ...}`. Never raises."""
        kind = str(request.get("type"))
        try:
            answer = self._kinds[kind](request)
            self._require_clean(answer)
            return answer
        except DeniedError as error:
            self._record("incident" if error.fields.get("incident") else "denied", kind, error)
            return self._clean_refusal(error)
        except UnavailableError as error:
            why = error.fields.get("why")
            self._count_outage(
                kind,
                f"{error.message}: {why}" if why else error.message,
                is_miss=bool(error.fields.get("is_miss")),
            )
            return self._clean_refusal(error)
        except LigninError as error:
            return self._clean_refusal(error)
        except Exception:  # its text could hold anything, so it is not told inside
            self._count_outage(kind, "the broker failed")
            return {"error": "broker_failed", "message": "the broker failed"}

    def contract(self, tool: str) -> ToolSpec | None:
        """The contract of a tool that a call would reach; None where it would be refused."""
        try:
            bound, served = self._require_tool(tool)
        except LigninError:
            return None
        return bound.tools[served]

    def report(self) -> BrokerReport:
        """Return what was asked so far."""
        return BrokerReport(
            binding=self._binding.name if self._binding else "",
            binding_digest=self._binding.digest if self._binding else None,
            effects=tuple(self._effects),
            hits=self._hits,
            misses=self._misses,
            outages=self._outages,
            told=tuple(self._told),
            changes=self._changes,
            reasons=tuple(self._reasons),
        )

    def _call(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        tool, arguments = request.get("tool"), request.get("arguments")
        if not isinstance(tool, str) or not isinstance(arguments, Mapping):
            raise InvalidRequestError("a call has a tool (text) and arguments (an object)")
        if tool == PLACEHOLDERS:
            return {"result": self._require_proxy().placeholders()}
        call_id = request.get("call_id")
        if not isinstance(call_id, str):
            return self._called(tool, arguments)
        asked = digest_json([tool, dict(arguments)])
        before, answer = self._answered.get(call_id, (asked, None))
        if before != asked:
            raise ConflictError(f"the call {call_id:.80} was made with something else before")
        if answer is None:
            answer = self._called(tool, arguments)
            self._answered[call_id] = (asked, answer)
        return answer

    def _called(self, tool: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise LimitedError(f"a run makes at most {MAX_CALLS} calls")
        bound, served = self._require_tool(tool)
        self._keep(Effect(kind="call", target=tool[:_MAX_TARGET]))
        observation = bound.call(served, arguments)
        if observation is None:
            self._misses += 1
            self._give_reason(f"{self._name} does not know a call of {tool}")
            self._keep(Effect(kind="unknown", target=tool[:_MAX_TARGET]))
            observation = Observation(
                error=NOT_ANSWERED, message="the binding does not know this call"
            )
        else:
            self._hits += 1
            self._changes += bound.tools[served].effect == "write"
            self._tell(tool, observation.error or digest_json(observation.result))
        if observation.is_error:
            return {"error": observation.error, "message": observation.message}
        return {"result": observation.result}

    def _require_tool(self, tool: str) -> tuple[BoundTools, str]:
        """What answers a tool, and by which name: it may be declared by a client's prefixed one."""
        declared = self._capabilities.tools.get(tool)
        if declared is None:
            raise DeniedError(f"the tool {tool!r:.80} is not declared")
        if self._binding is None:
            raise UnavailableError("no tool is bound to this run")
        if self._bound is None:
            self._bound = self._binding.begin()
        served = served_name(self._bound.tools, tool)
        spec = self._bound.tools.get(served)
        if spec is None:
            raise UnavailableError(f"the binding {self._binding.name} has no tool {tool!r:.80}")
        if spec.digest != declared:
            raise UnavailableError(
                f"the tool {tool!r:.80} is not the declared one: {declared} is, {spec.digest} is bound"
            )
        return self._bound, served

    def _http(self, request: Mapping[str, Json]) -> Mapping[str, Json]:
        reply = self._require_proxy().fetch(request, self._keep_hop)
        self._changes += request.get("method", "GET") not in _READING
        self._tell("http", digest_json(reply))
        return {"result": reply}

    def _require_proxy(self) -> CredentialProxy:
        if self._proxy is not None:
            return self._proxy
        if self._capabilities.hosts:
            raise UnavailableError("no HTTP is bound to this run")
        raise DeniedError("no host is declared")

    def _model(self, _request: Mapping[str, Json]) -> Mapping[str, Json]:
        raise DeniedError("no model is bound to this run")

    def _require_clean(self, answer: Mapping[str, Json]) -> None:
        """The last wall: no answer of any kind goes in with a credential."""
        if self._leaks(json.dumps(answer).encode()):
            raise withheld()

    def _leaks(self, data: bytes) -> bool:
        return any(scrubber.leaks(data) for scrubber in self._scrubbers)

    def _clean_refusal(self, error: LigninError) -> Mapping[str, Json]:
        answer = {"error": error.code, "message": error.message}
        try:
            self._require_clean(answer)
        except DeniedError:
            return {"error": error.code, "message": "withheld"}
        return answer

    def _keep_hop(self, target: str) -> None:
        self._keep(Effect(kind="http", target=target[:_MAX_TARGET]))

    @property
    def _name(self) -> str:
        return f"the binding {self._binding.name!r}" if self._binding else "no binding"

    def _tell(self, source: str, what: str) -> None:
        if len(self._told) < MAX_EFFECTS:
            self._told.append(f"{source[:_MAX_TARGET]} {what[:_MAX_TARGET]}")

    def _give_reason(self, reason: str) -> None:
        """Say to the host why there is no answer; it ends among the evidence, so it is clean too."""
        if self._leaks(reason.encode()):
            reason = "withheld: it held a credential"
        if len(self._reasons) < _MAX_REASONS:
            self._reasons.setdefault(reason[:_MAX_TARGET])

    def _count_outage(self, request_kind: str, reason: str, *, is_miss: bool = False) -> None:
        self._misses += is_miss
        self._outages += not is_miss
        self._give_reason(reason)
        self._keep(Effect(kind="unknown", target=request_kind[:_MAX_TARGET]))

    def _record(self, kind: str, request_kind: str, error: LigninError) -> None:
        self._keep(Effect(kind=kind, target=f"{request_kind}: {error.message}"[:_MAX_TARGET]))

    def _keep(self, effect: Effect) -> None:
        self._counts[effect.kind] += 1
        if self._counts[effect.kind] <= MAX_EFFECTS:  # of each kind: none crowds out a refusal
            self._effects.append(effect)
