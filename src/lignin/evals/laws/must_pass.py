"""Cases that may not fail once, whatever they did before: which fail, and how breaks are told. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from lignin.evals.laws.breaks import named_breaks
from lignin.evals.laws.table import Table

_SHOWN = 10


def fails_must_pass(
    must_pass: Iterable[str], candidate: Table, broken: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the cases that must pass and failed at least once, each once.

    Args:
        broken: Cases that are known to be broken, which are left out.
    """
    return tuple(
        case
        for case in dict.fromkeys(must_pass)
        if case not in broken and any(score < 1 for score in candidate.scores(case))
    )


def told_breaks(
    broken: Sequence[str], failed: Sequence[str], by_unit: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return in words what works and is broken, and what must pass and does not; it may never have worked.

    Args:
        broken: Names of broken units; `by_unit` has the cases of each that broke by themselves.
        failed: Cases that must pass and failed.
    """
    told = []
    if broken:
        told.append(f"it breaks what works: {named_breaks(broken, by_unit)}")
    if failed:
        told.append(f"what must pass does not: {', '.join(failed[:_SHOWN])}")
    return told
