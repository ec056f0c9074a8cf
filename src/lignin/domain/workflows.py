"""What a workflow's manifest says beside its files: state, retries, what is done when it fails.

A workflow is an artifact whose code is replayed: it runs from its beginning whenever it goes on, and
what its steps gave before is given again. Owns the terms and the laws over them; runs nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lignin.domain.codec import Digest, Json, digest_json

FailureClass = Literal[
    "infrastructure", "timeout", "tool", "code", "refused", "unknown", "conflict"
]
"""Why a step failed: something outside did not hold; it took too long; the tool, artifact or agent
answered with an error; the step's own function raised; it is not allowed; it was under way when the
process died and nobody knows whether it happened; somebody else was quicker."""
MAX_STEPS: Final = 1000
MAX_ATTEMPTS: Final = 10
MAX_WAIT_S: Final = 366 * 86_400.0
MAX_NAME_CHARS: Final = 120
MAX_VALUE_BYTES: Final = 256 * 2**10
MAX_RUN_BYTES: Final = 8 * 2**20
MAX_MISSED: Final = 20
NO_DIGEST: Final = ""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
Constant = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,59}$")]
Entry = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,200}\.py:[A-Za-z_]\w{0,100}$")
]
_Retried = Annotated[
    str,
    StringConstraints(pattern=r"^(infrastructure|timeout|tool(:[A-Za-z][A-Za-z0-9_.-]{0,59})?)$"),
]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class RetryTerms(_Terms):
    """How often a step that failed in one way is made again, and after how long.

    Args:
        attempts: The most, with the first one.
        first_wait_s: Before the second attempt; each further wait is `factor` times the one before.
    """

    attempts: int = Field(default=3, ge=1, le=MAX_ATTEMPTS)
    first_wait_s: float = Field(default=1.0, ge=0, le=86_400)
    factor: float = Field(default=2.0, ge=1, le=10)


class StateTerms(_Terms):
    """State that outlives a run.

    Args:
        form: JSON Schema of the value.
        scope: Whose it is: this artifact's alone, or the whole space's under that name.
        version: Of the form; raised whenever the form changes.
        initial: The value where there is none yet; it fits the form.
        migrations: For older versions of the form, the function that turns such a value into one of
            this version: `file.py:function`, called with `value`.
    """

    form: dict[str, Any]
    scope: Literal["artifact", "space"] = "artifact"
    version: int = Field(default=1, ge=1, le=10_000)
    initial: Any = None
    migrations: dict[Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,4}$")], Entry] = Field(
        default_factory=dict, max_length=50
    )

    @property
    def form_digest(self) -> Digest:
        """Digest of the form: one version has one form."""
        return digest_json(self.form)


class ThresholdTerms(_Terms):
    """The range of a number in the code that may be fitted to what people said of its runs.

    Args:
        low, high: The least and the most that it may be; whole numbers where the constant is one.
    """

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _require_range(self) -> "ThresholdTerms":
        if self.low >= self.high:
            raise ValueError(f"low is {self.low:g}, expected less than high, {self.high:g}")
        return self


class WorkflowTerms(_Terms):
    """The part of a manifest that only a workflow has.

    Args:
        state: What outlives a run, by name.
        retry: By way of failing: `infrastructure`, `timeout`, `tool`, or `tool:CODE` for one error of
            a tool. What is not named is not tried again.
        on_failure: A function that runs once where the workflow failed, with `ctx`, `error`, `event`.
        agents: Names of the agents and models that it may ask.
        on_rollback: What a run in flight does when its version is no longer the one that is served:
            `finish` on its own version, or `move` to the one that is, with the steps that were made.
        alert: JSON Schema of the answers that are an alert; empty where no answer by itself is one.
        thresholds: Numeric constants of the entry's file, in capitals, and how far each may be moved.
        singleton: Name of the argument by whose value runs go one after another; `*` for all runs.
        max_steps: The most steps of one run.
        step_s: Time for one step's function, in seconds.
    """

    state: dict[Name, StateTerms] = Field(default_factory=dict, max_length=20)
    retry: dict[_Retried, RetryTerms] = Field(default_factory=dict, max_length=50)
    on_failure: Entry | Literal[""] = ""
    agents: tuple[Name, ...] = Field(default=(), max_length=20)
    on_rollback: Literal["finish", "move"] = "finish"
    alert: dict[str, Any] = Field(default_factory=dict)
    thresholds: dict[Constant, ThresholdTerms] = Field(default_factory=dict, max_length=5)
    singleton: str = Field(default="", max_length=60)
    max_steps: int = Field(default=200, ge=1, le=MAX_STEPS)
    step_s: float = Field(default=10.0, gt=0, le=600)


def retry_wait_s(terms: WorkflowTerms, error: Mapping[str, Json], attempt: int) -> float | None:
    """Return how long to wait before a failed step is made again; None where it is not.

    Args:
        error: The failure, with `class` and `code`.
        attempt: Number of the attempt that failed, from 1.
    """
    kind = error["class"]
    rule = terms.retry.get(f"{kind}:{error['code']}") or terms.retry.get(str(kind))
    if rule is None or attempt >= rule.attempts:
        return None
    return min(MAX_WAIT_S, rule.first_wait_s * rule.factor ** (attempt - 1))


def singleton_key(terms: WorkflowTerms, name: str, arguments: Mapping[str, Json]) -> str:
    """Return what runs of a workflow go one after another by; empty where they need not."""
    if not terms.singleton:
        return ""
    value = "" if terms.singleton == "*" else arguments.get(terms.singleton)
    return f"{name}/{digest_json(value)[7:31]}"
