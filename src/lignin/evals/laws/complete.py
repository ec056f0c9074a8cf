"""Whether recorded trials are all there: by what they declare of themselves, and by the suite. Pure.

A file that was cut off or copied in part is a file of trials like any other. So it may carry what it was as a
whole: each row `of_rows`, the number of rows of the whole, which any part of it keeps; or a row of its own
`{"declares": {"rows", "cases", "trials"}}`. A file that declares nothing is taken as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OF_ROWS = "of_rows"
DECLARES = "declares"
_KEYS = ("rows", "cases", "trials")
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a suite expects of either side: these cases, each tried so many times or more."""

    cases: tuple[str, ...] = ()
    trials: int = 0


def is_declaration(row: Mapping[str, Any]) -> bool:
    """Whether a row is no trial but says what the whole was."""
    return DECLARES in row and "case" not in row


def find_undeclared(
    rows: Sequence[Mapping[str, Any]],
    declarations: Sequence[Mapping[str, Any]],
    cases: Mapping[str, int],
) -> Iterator[str]:
    """Say in words where trials are not what they declare.

    Args:
        rows: All but the declarations, those at fault included.
        cases: How many trials there are, by case.
    """
    counts: dict[Any, None] = {}
    for row in rows:
        if OF_ROWS in row:
            counts[_key(row[OF_ROWS])] = None
    for row in declarations:
        declared = row[DECLARES]
        if not isinstance(declared, Mapping) or not set(declared) <= set(_KEYS):
            yield f"a declaration that is none: it may say {', '.join(_KEYS)}"
            continue
        if "rows" in declared:
            counts[_key(declared["rows"])] = None
        yield from _of_cases(declared.get("cases"), cases)
        yield from _of_trials(declared.get("trials"), cases)
    for count in counts:
        if count != len(rows):
            yield f"it is of {count} rows and {len(rows)} are there"


def find_unmet(expected: Expected, cases: Mapping[str, int]) -> Iterator[str]:
    """Say in words what trials lack that a suite expects."""
    yield from _of_cases(list(expected.cases) or None, cases, may_be_more=True)
    thin = [name for name in expected.cases or cases if 0 < cases.get(name, 0) < expected.trials]
    if thin:
        yield f"fewer than {expected.trials} trials are there of {_listed(thin)}"


def _key(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else repr(value)[:40]


def _of_cases(
    declared: Any, cases: Mapping[str, int], *, may_be_more: bool = False
) -> Iterator[str]:
    if declared is None:
        return
    if isinstance(declared, list):
        names = {str(each) for each in declared}
        if lacking := sorted(names - set(cases)):
            yield f"these cases are not there: {_listed(lacking)}"
        if not may_be_more and (more := sorted(set(cases) - names)):
            yield f"these cases were not declared: {_listed(more)}"
    elif _key(declared) != len(cases):
        yield f"it is of {_key(declared)} cases and {len(cases)} are there"


def _of_trials(declared: Any, cases: Mapping[str, int]) -> Iterator[str]:
    if declared is None:
        return
    unlike = sorted(name for name, count in cases.items() if count != _key(declared))
    if unlike:
        yield f"it is of {_key(declared)} trials a case, and of these there are not: {_listed(unlike)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(each[:80] for each in names[:_SHOWN]) + more
