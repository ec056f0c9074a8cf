"""What code asked for under a name that its tier has no folder for.

`/tmp`, `/work` and the like are names of the tiers that have a file system of their own. Elsewhere
these folders lie at other paths, which `TMPDIR`, `HOME` and the folder that a run starts in name, and
what is at the usual ones is refused. What a run does then says nothing about the code. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from lignin.adapters.sandbox.plan import python_program
from lignin.ports.sandbox import Command, Execution, Observed

PLACES = ("/artifact", "/work", "/tmp", "/home/dev", "/packages")  # noqa: S108 - names
KIND = "misplaced"
"""The kind by which the guest tells of such a path."""
_NAMED = re.compile(
    r"(?<![\w./}~$-])(?:/artifact|/work|/tmp|/home/dev|/packages)(?![\w.-])[^\s\"']*"
)


def judged_apart(execution: Execution, observed: Observed, own: Sequence[str]) -> Observed:
    """A run as it counts: one that asked for such a path is the tier's trouble, with what else it did.

    Of programs that the guest cannot watch it counts that they, or the files given, name one. `own`
    are folders that are there for the run, whatever they lie in.
    """
    asked = [effect.target for effect in observed.effects if effect.kind == KIND]
    started = [effect.target for effect in observed.effects if effect.kind == "process"]
    for text in (*started, *_unwatched(execution)):
        for folder in own:
            text = text.replace(folder, "~")  # noqa: PLW2901 - the same text
        asked += _NAMED.findall(text)
    if not asked or observed.status == "infrastructure":
        return observed
    return replace(
        observed,
        status="infrastructure",
        returned=False,
        result=None,
        error=None,
        effects=tuple(
            effect
            for effect in observed.effects
            if effect.kind != KIND and (effect.kind, effect.target) != ("overflow", KIND)
        ),
        message=f"the tier {observed.tier} has no {asked[0][:200]!r}: its work and temporary folders "
        "lie elsewhere, where the working directory and TMPDIR say; the tier ns has them",
    )


def _unwatched(execution: Execution) -> list[str]:
    """The texts that a program has which does not run under the guest."""
    action = execution.action
    if not isinstance(action, Command) or python_program(action.argv) is not None:
        return []
    given = (*execution.files.values(), *execution.work.values())
    words = [word for word in action.argv if not word.startswith(PLACES)]  # these are translated
    return [*words, *(file.content.decode(errors="replace") for file in given)]
