"""Does every input that fits the schema get an answer that fits, or a declared error?

What is fair (the schema is the contract, but few schemas say everything):

- Never fair, on any input: no answer in time, memory or output beyond the limits, killed, an answer
  that differs the second time, endless recursion.
- On inputs *near* the examples: an error that is a plain fault (TypeError, AttributeError ...), an
  answer outside the output schema. Python's own word for a bad value (ValueError, KeyError,
  ZeroDivisionError ..., and an answer that JSON cannot carry) is tolerated, since a changed date may
  name no day, until more than half of the near inputs get one: then the artifact works for its
  examples only. Inputs of which the characters of a string were changed are not counted there,
  since their format may be strict and no schema tells it.
- On *boundary*, *dictionary* and *generated* inputs: plain faults too, but not where the input
  leaves everything the examples show (a first negative number), nor where the schema leaves the
  type open; an answer of null or of another kind of number is let pass.
- Not tolerated either: any undeclared error at a number that the schema itself names as its bound;
  an encoding that fails; and, from a function that lists its errors, a slip that is not on the list
  (KeyError, IndexError, ZeroDivisionError, OverflowError).
- Commands say by their exit code that they refuse; only time, memory and output count.

Tolerated errors are reported, so that the author can declare them.
"""

from lignin.artifacts.answers import runs_agree, schema_fault, told
from lignin.artifacts.breaks import Break, broken, measured_breaks
from lignin.artifacts.check import (
    Check,
    InputRun,
    Observations,
    conclude,
    infrastructure_doubts,
    shown,
    shown_use,
)
from lignin.artifacts.declared import classify_error, declared_errors
from lignin.artifacts.oracle import MAX_REASONS
from lignin.artifacts.schema_values import is_closed
from lignin.domain.evidence import CheckResult

MAX_NEAR_ERRORS = 0.5
MIN_NEAR = 6
_NEVER_MEANT = frozenset({"UnicodeEncodeError", "UnicodeDecodeError", "UnicodeError"})
_LEAKED = frozenset({"KeyError", "IndexError", "ZeroDivisionError", "OverflowError"})
_NEVER_FAIR = frozenset({"RecursionError", "MemoryError", "SystemExit"})


def judge(observations: Observations) -> CheckResult:
    """Judge both runs of every generated input."""
    declared = declared_errors(observations)
    closed = is_closed(observations.manifest.interface.input)
    faults, breaks, tolerated, near_errors, near = [], [], [], 0, 0
    plain: list[Break] = []
    for run in observations.inputs:
        near += _is_plain_near(run)
        fault = _fault(observations, run, declared, closed=closed)
        if fault is not None:
            faults.append(f"{fault} for {shown_use(run.input.use)} ({run.input.what})")
            breaks.append(_break(observations, run, fault))
        elif _is_undeclared(observations, run, declared):
            if _is_plain_near(run):
                near_errors += 1
                plain.append(_break(observations, run, "undeclared error near the examples"))
            tolerated.append(f"{told(run.observed, is_call=True)} for {shown_use(run.input.use)}")
    if near >= MIN_NEAR and near_errors > MAX_NEAR_ERRORS * near:
        faults.append(f"{near_errors} of {near} inputs near the examples fail, {tolerated[0]}")
        breaks += plain
    remarks = [f"tolerated, better declared in interface.errors: {t}" for t in tolerated[:3]]
    return conclude(
        "totality",
        faults=faults[:MAX_REASONS],
        doubts=infrastructure_doubts(run.observed for run in observations.inputs),
        remarks=remarks,
        measured={
            "inputs": len(observations.inputs),
            "near": near,
            "tolerated": len(tolerated),
            **measured_breaks(breaks),
        },
    )


def _break(observations: Observations, run: InputRun, fault: str) -> Break:
    return broken(
        run.input.use,
        run.observed,
        is_call=observations.is_call,
        fault=fault,
        how=run.input.what,
    )


def _is_undeclared(observations: Observations, run: InputRun, declared: frozenset[str]) -> bool:
    error = run.observed.error
    return (
        observations.is_call and error is not None and classify_error(error, declared) != "declared"
    )


def _fault(
    observations: Observations, run: InputRun, declared: frozenset[str], *, closed: bool
) -> str | None:
    observed, is_call = run.observed, observations.is_call
    if observed.status == "infrastructure":
        return None
    if observed.status != "exited":
        return told(observed, is_call=is_call)
    if not is_call:
        return _unlike(observations, run)
    lenient = run.input.tier != "near" and (run.input.far or not closed)
    if observed.error is not None:
        name = observed.error.rsplit(".", 1)[-1]
        if name in _NEVER_FAIR:
            return f"{told(observed, is_call=True)}"
        kind = classify_error(name, declared)
        if kind == "argument" and _is_slip(observations, run, name):
            return f"undeclared error {told(observed, is_call=True)}"
        if kind == "fault" and not lenient:
            return f"undeclared error {told(observed, is_call=True)}"
    elif not observed.returned:
        return told(observed, is_call=True)
    else:
        fault = schema_fault(observations.manifest.interface.output, observed.result)
        if fault is not None and not (run.input.tier != "near" and _is_slight(run)):
            return f"answer {shown(observed.result)} outside the output schema"
    return _unlike(observations, run)


def _is_slip(observations: Observations, run: InputRun, name: str) -> bool:
    """True where Python's own word for a bad value cannot be meant as a refusal."""
    if run.input.is_promised or name in _NEVER_MEANT:
        return True
    return name in _LEAKED and bool(observations.manifest.interface.errors)


def _is_plain_near(run: InputRun) -> bool:
    return run.input.tier == "near" and not run.input.is_text


def _is_slight(run: InputRun) -> bool:
    result = run.observed.result
    is_number = isinstance(result, int | float) and not isinstance(result, bool)
    return run.input.far or result is None or is_number


def _unlike(observations: Observations, run: InputRun) -> str | None:
    """Say where the second run answered otherwise, unless clock or randomness are declared."""
    capabilities = observations.manifest.capabilities
    if run.again is None or run.again.status in {"infrastructure", "timeout"}:
        return None
    if capabilities.clock or capabilities.randomness:
        return None
    if runs_agree(run.observed, run.again, is_call=observations.is_call):
        return None
    first = told(run.observed, is_call=observations.is_call)
    return f"answered {first}, then {told(run.again, is_call=observations.is_call)}"


CHECK = Check(name="totality", needs=frozenset({"files", "inputs"}), judge=judge, version=2)
