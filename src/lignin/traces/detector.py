"""What a detector is, and the scan of the installed ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lignin.domain.findings import Finding
from lignin.traces.consensus import Belief
from lignin.traces.runs import Run
from lignin.traces.scan import load_declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A run with what is known around it.

    `customs` tells of each tool which others were called before it in nearly every run that is
    taken to be right, whatever the task. `asks_consent`: where the run comes from, agents mostly
    ask the user before they change something.
    """

    run: Run
    siblings: tuple[Run, ...]
    belief: Belief
    customs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    asks_consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a detector saw: findings for a reader, features (numbers around 0 to 5) to judge by.

    A finding's probability is the share of recorded runs with such a finding that failed.
    """

    findings: tuple[Finding, ...] = ()
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """One way to see that a run failed. `examine` is pure."""

    name: str
    examine: Callable[[Case], Seen]


def load_detectors() -> tuple[Detector, ...]:
    """Return the installed detectors, by name.

    Raises:
        InvalidRequestError: A file of the folder has no `DETECTOR`, or a name occurs twice.
    """
    return load_declared("lignin.traces.detectors", "DETECTOR", Detector)
