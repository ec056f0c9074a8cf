"""Failure modes: what a failed run comes to, in a form that can be compared and named.

A `Signature` is made of canonical words only (classes, tool and argument names, templates of error
lines), so equal failures have equal signatures whoever reads them and whenever. A mode's id is the
hash of the part of the signature that founds it (decision record 1): it does not depend on which
run came first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lignin.domain.codec import Json
from lignin.domain.ids import derive_id

Difference = Literal[
    "wrong_arguments",
    "wrong_tool",
    "missing_action",
    "extra_action",
    "no_action",
    "premature_handover",
    "unsaid",
    "unrecovered_error",
    "repetition",
    "infrastructure",
    "undetermined",
]
"""How a failed run differs from what the other runs of its task came to, or, where there are none,
how it ended. `unsaid`: the effects are as the others', so what was wrong was said or left unsaid."""

Manner = Literal[
    "",
    "gave_up",
    "left_out",
    "left_unsaid",
    "of_another",
    "other_choice",
    "other_figure",
    "other_unit",
    "other_value",
    "refused",
    "refused_of_another",
    "repeated",
    "said_otherwise",
    "step_skipped",
    "twice",
]
"""In what manner it differs; "" where none shows."""

CAUSES: frozenset[Manner] = frozenset(
    [
        "gave_up",
        "left_unsaid",
        "of_another",
        "other_choice",
        "other_unit",
        "refused",
        "repeated",
        "said_otherwise",
        "step_skipped",
        "twice",
    ]
)
"""Manners that tell a cause: they found a mode across the classes of difference."""

PLACED: frozenset[Manner] = frozenset(["other_choice", "step_skipped"])
"""Causes that are a rule not kept: which rule is told by where."""

ANY_FAILURE = derive_id("mod", ["any failure"])
"""Parent of the modes that a cause founds; no run is filed under it."""

Layer = Literal[
    "model", "harness", "artifact", "environment", "specification", "grader", "undetermined"
]
"""What a mode is to be blamed on: it decides which edits can mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a failed run comes to.

    Args:
        difference: Its class; the coarse mode.
        manner: In what manner; the finer mode.
        tool: The tool where the run differs, or that failed; "" where there is none.
        arguments: Names of the arguments that differ, sorted.
        error: Template of the error that was not recovered from; "" where there was none.
        tail: The last tool names, oldest first.
        votes: How many other runs of the task the reference stands on; 0 is the run alone.
        artifacts: The artifacts used, `name@version` where the version is known, sorted. They found
            no mode, for then a fault would be another with each version.
    """

    difference: Difference
    manner: Manner = ""
    tool: str = ""
    arguments: tuple[str, ...] = ()
    error: str = ""
    tail: tuple[str, ...] = ()
    votes: int = 0
    artifacts: tuple[str, ...] = ()

    @property
    def coarse(self) -> str:
        """Id of the coarse mode."""
        return derive_id("mod", [self.difference])

    @property
    def fine(self) -> str:
        """Id of the finer mode: that of the cause where the manner tells one, else the coarse one's.

        How it ended and what it stands on are left out, and mostly where it lies: they vary between
        runs that fail for one reason. An error founds a mode where nothing else is known.
        """
        if self.manner in CAUSES:
            place = [self.tool, *self.arguments] if self.manner in PLACED else []
            return derive_id("mod", ["cause", self.manner, *place])
        error = self.error if self.difference in ("unrecovered_error", "infrastructure") else ""
        return derive_id("mod", [self.difference, "", error]) if error else self.coarse

    @property
    def parent(self) -> str | None:
        """Id of the mode that the finer one is split off from; None where it is the coarse one."""
        if self.fine == self.coarse:
            return None
        return ANY_FAILURE if self.manner in CAUSES else self.coarse

    def to_json(self) -> dict[str, Json]:
        return {
            "difference": self.difference,
            "manner": self.manner,
            "tool": self.tool,
            "arguments": list(self.arguments),
            "error": self.error,
            "tail": list(self.tail),
            "votes": self.votes,
            "artifacts": list(self.artifacts),
        }


def parse_signature(value: Mapping[str, Json]) -> Signature:
    """Read a signature back from its JSON object."""
    return Signature(
        difference=value["difference"],
        manner=value["manner"],
        tool=value["tool"],
        arguments=tuple(value["arguments"]),
        error=value["error"],
        tail=tuple(value["tail"]),
        votes=value["votes"],
        artifacts=tuple(value.get("artifacts", ())),
    )


def split_modes(support: Mapping[str, int], least: int) -> frozenset[str]:
    """Return which fine modes stand on their own.

    Args:
        support: Runs by fine mode.
        least: How many runs a fine mode needs.
    """
    return frozenset(mode for mode, count in support.items() if count >= least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """The layer that a mode is blamed on, and the contrast that says so, in figures."""

    layer: Layer
    reason: str
