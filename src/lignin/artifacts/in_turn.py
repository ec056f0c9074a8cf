"""Reading the answers of a function that was called with many inputs in one process. Pure.

The process ran code that could have changed the caller, so its words are read as foreign: an answer
of another shape counts as none, and whoever asked makes the runs one by one.
"""

from collections.abc import Sequence
from dataclasses import replace

from lignin.artifacts.answers import runs_agree
from lignin.domain.codec import Json
from lignin.ports.sandbox import Observed


def read_in_turn(seen: Observed, first: Sequence[Observed]) -> tuple[Observed | None, ...] | None:
    """Return for each earlier run what the same input got this time; None where it cannot be told.

    Args:
        seen: The run that called the function with all inputs, twice over.
        first: What each of these inputs got in a run of its own. Of two answers the one that
            differs from it is returned. An input whose answer JSON cannot carry has None.
    """
    answers = seen.result
    if seen.status != "exited" or not isinstance(answers, list) or len(answers) != len(first):
        return None
    found: list[Observed | None] = []
    for heard, earlier in zip(answers, first, strict=True):
        again = _read_one(seen, heard, earlier)
        if not again:
            return None
        told_apart = [run for run in again if not runs_agree(earlier, run, is_call=True)]
        found.append((told_apart or again)[0])
        if earlier.error == "UnserialisableResult":
            found[-1] = None
    if found and found[-1] is not None:
        # What the process did cannot be told apart by input: it is said once.
        found[-1] = replace(found[-1], effects=seen.effects)
    return tuple(found)


def _read_one(seen: Observed, heard: Json, earlier: Observed) -> list[Observed]:
    runs = []
    for answer in heard if isinstance(heard, list) else []:
        if not isinstance(answer, dict) or len(answer) != 1:
            return []
        error = answer.get("error")
        runs.append(
            replace(
                seen,
                returned="result" in answer,
                result=answer.get("result"),
                error=None if error is None else str(error),
                message="in one process with other inputs",
                stdout=earlier.stdout,
                stderr=b"",
                effects=(),
            )
        )
    return runs
