"""Environments that can be had again: what a trace says of where it happened, opened anew."""

from collections.abc import Iterator
from contextlib import contextmanager

from lignin.domain.traces import EnvironmentRef
from lignin.ports.environment import Environment

PRACTICE_DESK = "practice-desk"


@contextmanager
def open_environment(ref: EnvironmentRef | None) -> Iterator[Environment | None]:
    """Open the environment that a trace names, at its start; None where it cannot be had.

    It is only the same one where its start state and the contracts of its tools are as they were.
    """
    if ref is None or ref.name != PRACTICE_DESK or ref.seed is None:
        yield None
        return
    from lignin.practice.desk import PracticeDesk

    desk = PracticeDesk(ref.seed)
    try:
        tools = {name: spec.digest for name, spec in desk.tools.items()}
        changed = any(tools.get(name) != digest for name, digest in ref.tools.items())
        is_other = ref.start_state is not None and ref.start_state != desk.start_state
        yield None if changed or is_other else desk
    finally:
        desk.close()
