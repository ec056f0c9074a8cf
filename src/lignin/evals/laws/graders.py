"""Whether a change touches what judges. Pure.

Whoever changes the judge can have any score. So what touches a grader touches nothing else, and no score
decides on it: a person does.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

GRADING = frozenset({"test", "case", "suite", "rubric", "scorer", "judge", "grader", "check"})
"""Kinds of artifacts that judge others."""
_FOLDERS = frozenset(
    {"test", "tests", "eval", "evals", "__tests__"}
    | {f"{word}{s}" for word in ("rubric", "grader", "scorer", "judge", "suite") for s in ("", "s")}
)
_FILE = re.compile(
    r"(rubric|grader|scorer|judge)s?([-_.].*)?"
    r"|.+[-_.](rubric|grader|scorer|judge)s?(\.\w+)?"
    r"|test_.*\.\w+|.*_test\.\w+|.*\.(test|spec)\.\w+|conftest\.py"
    r"|(suite|case|eval)s?([-_.].*)?\.jsonl|(suite|case|eval)s?\.(json|ya?ml|csv|tsv)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """The slots of a change that judge, and those that do not."""

    graders: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def is_mixed(self) -> bool:
        """True where what judges is changed together with what is judged."""
        return bool(self.graders and self.others)

    @property
    def told(self) -> str:
        """In words; "" where no grader is touched."""
        if not self.graders:
            return ""
        names = ", ".join(self.graders)
        if self.is_mixed:
            return f"it changes what judges ({names}) together with {', '.join(self.others)}"
        return f"it changes what judges ({names})"


def judges_by_name(path: str) -> bool:
    """Whether a file judges, by where it lies or what it is called: a rubric, a test, a suite."""
    *folders, name = path.casefold().split("/")
    return not _FOLDERS.isdisjoint(folders) or _FILE.fullmatch(name) is not None


def grading_files(paths: Iterable[str], named: Collection[str] = ()) -> Grading:
    """Return what a change of files does to graders.

    Args:
        paths: The files that differ.
        named: Those that judge whatever they are called: the suite, and what the judge's command names.
    """
    told = set(paths)
    graders = {path for path in told if path in named or judges_by_name(path)}
    return Grading(graders=tuple(sorted(graders)), others=tuple(sorted(told - graders)))


def grading(kinds: Mapping[str, frozenset[str]]) -> Grading:
    """Return what a change does to graders.

    Args:
        kinds: By slot that differs, the kinds of what it held and of what it is to hold.
    """
    graders = tuple(sorted(slot for slot, each in kinds.items() if each & GRADING))
    return Grading(graders=graders, others=tuple(sorted(set(kinds) - set(graders))))
