"""Proposes taking one slot out at a time, the dearest in context first: the proposer `leave-one-out`.

A text that made up for a weakness of one model costs context for every other one. Whether it is still
needed is not said here; trials say it.
"""

from lignin.ports.proposer import Brief, Draft, Proposed

NAME = "leave-one-out"


class LeaveOneOut:
    """See `lignin.ports.proposer.Proposer`."""

    name = NAME

    def propose(self, brief: Brief, number: int) -> Proposed:
        """Propose the dearest slot whose removal was not tried; `number` skips so many more."""
        sizes: dict[str, int] = {}
        for path, file in brief.files.items():
            slot, _, inner = path.partition("/")
            if inner:  # a file beside the slots is none
                sizes[slot] = sizes.get(slot, 0) + len(file.content)
        tried = {each.hypothesis for each in brief.tried}
        ranked = sorted(sizes, key=lambda slot: (-sizes[slot], slot))
        left = [slot for slot in ranked if _told(slot) not in tried]
        place = max(0, number - len(tried))
        if place >= len(left):
            return Proposed(ended="nothing", why="the removal of each slot was tried")
        slot = left[place]
        files = {path: None for path in brief.files if path.startswith(f"{slot}/")}
        return Proposed(
            ended="drafted",
            draft=Draft(kind="removal", hypothesis=_told(slot), files=files, predicted=0.0),
        )


def _told(slot: str) -> str:
    return f"{slot} no longer earns its context"
