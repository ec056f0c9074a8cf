"""What a check is and what it may look at. Owns the shapes; refuses to run or to judge anything.

A check is a pure function of `Observations`: everything that was seen of one artifact in one
verification. Observations are gathered in steps (`Need`); a check names the steps it reads and is
judged once they are made, so that a plain failure spares the later ones.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lignin.artifacts.canaries import Canary
from lignin.domain.artifacts import Manifest, Tree
from lignin.domain.codec import Digest, Json, canonical_bytes, digest_json
from lignin.domain.errors import CodecError
from lignin.domain.evidence import CheckResult, Verdict
from lignin.domain.examples import Example
from lignin.ports.sandbox import Observed

Need = Literal[
    "files",
    "examples",
    "held_out",
    "repeats",
    "resumed",
    "tests",
    "inputs",
    "detonation",
    "mutants",
    "findings",
]
Around = Literal["ordinary", "later", "tested", "traced"]
Tier = Literal["near", "boundary", "dictionary", "generated"]
MAX_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedInput:
    """An input nobody recorded. `use` carries it in the form of an example without an answer.

    `tier`: `near` (a recorded example with one leaf changed to something alike), `boundary` (one
    leaf changed to an extreme), `dictionary` (one leaf changed to a constant of the artifact's own
    source), `generated` (made from the schema alone). `what` says in words how it was made; `far`
    is true where it leaves everything the examples show (a first negative number); `is_text` where the
    characters of a string were changed, whose format no schema tells; `is_promised` where the schema
    itself names the value (its smallest or greatest number).
    """

    use: Example
    tier: Tier
    what: str
    far: bool = False
    is_text: bool = False
    is_promised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleRun:
    """A recorded example and what the artifact did with it."""

    example: Example
    observed: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatRun:
    """An example run once more in other circumstances (`variant` names them)."""

    example: Example
    base: Observed
    observed: Observed
    variant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRun:
    """A generated input, run twice; `again` is None where the first run decided it."""

    input: GeneratedInput
    observed: Observed
    again: Observed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantRun:
    """Tests run on a subject with one seeded fault, named by `what`."""

    what: str
    observed: Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class DetonationRun:
    """A run among planted secrets. `canaries` are those of this run; `requests` went to the sink.

    `around`: `ordinary` and `later` look like somebody's machine, now and years later with other
    secrets; `tested` bears the signs of a test; `traced` is ordinary with the shell's own trace.
    `what` names what was run where that is not the artifact's entry.
    """

    around: Around
    use: Example
    what: str
    observed: Observed
    canaries: tuple[Canary, ...]
    requests: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a static reader says about one line."""

    tool: str
    rule: str
    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """All that was seen of one artifact. `made` are the steps that were finished.

    `sources` are the texts of the UTF-8 files by path; `subject` is the artifact a test depends on;
    `tests` are the runs of the artifact's own tests (equal runs, to see flaky ones); `notes` are
    said in the verification whatever the verdict. `unanswered` are inputs whose tool calls the
    binding does not know: what they answered proves nothing, what they did still counts. `resumed` are
    runs of a workflow that were killed after every step.
    """

    manifest: Manifest
    tree: Tree
    sources: Mapping[str, str]
    visible: tuple[Example, ...] = ()
    held_out: tuple[Example, ...] = ()
    has_tests: bool = False
    visible_runs: tuple[ExampleRun, ...] = ()
    held_out_runs: tuple[ExampleRun, ...] = ()
    repeats: tuple[RepeatRun, ...] = ()
    resumed: tuple[RepeatRun, ...] = ()
    tests: tuple[Observed, ...] = ()
    inputs: tuple[InputRun, ...] = ()
    unanswered: tuple[InputRun, ...] = ()
    mutants: tuple[MutantRun, ...] = ()
    detonation: tuple[DetonationRun, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    made: frozenset[Need] = frozenset()

    @property
    def examples(self) -> tuple[Example, ...]:
        """Visible and held-out examples together."""
        return self.visible + self.held_out

    @property
    def is_call(self) -> bool:
        """True where the artifact is a Python function, false where it is a command."""
        return self.manifest.is_function


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question put to the observations.

    Args:
        name: As kinds and policies name it.
        needs: The steps of observation that `judge` reads.
        judge: Pure; gives the verdict with every reason.
        version: Raised whenever the judgement changes, so that cached verdicts are made anew.
    """

    name: str
    needs: frozenset[Need]
    judge: Callable[[Observations], CheckResult]
    version: int = 1


def check_set_digest(checks: Iterable[Check]) -> Digest:
    """Return the digest of a set of checks: their names and versions, in any order."""
    return digest_json(sorted([check.name, check.version] for check in checks))


def conclude(
    check: str,
    *,
    faults: Iterable[str] = (),
    doubts: Iterable[str] = (),
    remarks: Iterable[str] = (),
    measured: Mapping[str, Json] | None = None,
) -> CheckResult:
    """Return fail where there are faults, else inconclusive where there are doubts, else pass."""
    bad, unsure = tuple(faults), tuple(doubts)
    verdict: Verdict = "fail" if bad else "inconclusive" if unsure else "pass"
    return CheckResult(
        check=check,
        verdict=verdict,
        reasons=bad + unsure + tuple(remarks),
        measured=measured or {},
    )


def infrastructure_doubts(runs: Iterable[Observed]) -> tuple[str, ...]:
    """One doubt where any run could not be made; trouble of the sandbox never blames the code."""
    broken = [run for run in runs if run.status == "infrastructure"]
    if not broken:
        return ()
    return (f"the sandbox could not make {len(broken)} runs: {shown(broken[0].message)}",)


def shown(value: Json) -> str:
    """Write a value in at most `MAX_SHOWN_CHARS` characters."""
    if isinstance(value, bytes):
        text = value.decode(errors="replace")
    elif isinstance(value, str):
        text = value
    else:
        try:
            text = canonical_bytes(value).decode()
        except CodecError:
            text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"


def shown_use(use: Example) -> str:
    """Write what went into a run, bounded."""
    if use.arguments is not None:
        return shown(dict(use.arguments))
    parts: dict[str, Json] = {"argv": list(use.argv)}
    if use.stdin:
        parts["stdin"] = use.stdin
    if use.files:
        parts["files"] = dict(use.files)
    return shown(parts)
