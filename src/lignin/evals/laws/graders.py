"""Whether a change touches what judges. Pure.

Whoever changes the judge can have any score. So what touches a grader touches nothing else, and no score
decides on it: a person does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

GRADING = frozenset({"test", "case", "suite", "rubric", "scorer", "judge", "grader", "check"})
"""Kinds of artifacts that judge others."""


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


def grading(kinds: Mapping[str, frozenset[str]]) -> Grading:
    """Return what a change does to graders.

    Args:
        kinds: By slot that differs, the kinds of what it held and of what it is to hold.
    """
    graders = tuple(sorted(slot for slot, each in kinds.items() if each & GRADING))
    return Grading(graders=graders, others=tuple(sorted(set(kinds) - set(graders))))
