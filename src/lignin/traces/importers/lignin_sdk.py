"""Sessions that the Python SDK writes down as they happen: one chat message a line.

Each line is `{"lignin_message": 1, "role", "content", ...}` in the common chat form, as in `lignin_run`.
What is about the session as a whole (agent, model, task, outcome) stands with the stored session, not in
its lines.
"""

import re

from lignin.domain.traces import ImportedTrace, Trajectory
from lignin.traces.chat import Chat, add_message
from lignin.traces.hiding import HIDDEN, hider
from lignin.traces.importer import Importer
from lignin.traces.units import file_stem, read_units

MARK = "lignin_message"
_MARKED = re.compile(rb'^[^\n]{0,200}"lignin_message"\s*:\s*1\b')


def parse(name: str, data: bytes) -> ImportedTrace:
    """Return the one session of a file; what is no message of it is kept and told."""
    chat = Chat()
    problems, records, skipped = [], [], 0
    for line in read_units(data):
        records.append(line.record)
        if line.problem:
            problems.append(line.problem)
        if line.value is None or line.value.get(MARK) != 1:
            skipped += line.value is not None
            continue
        add_message(chat, line.value, line.record.line)
    session = Trajectory(
        source=name, format="lignin_sdk", session=file_stem(name), steps=tuple(chat.steps)
    )
    return ImportedTrace(
        sessions=((session, tuple(records)),) if records else (),
        problems=tuple(problems),
        skipped={"object that is no message": skipped} if skipped else {},
    )


def sniff(_name: str, head: bytes) -> float:
    """Return how sure it is that a file holds such a session."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return 0.9 if start.startswith(b"{") and _MARKED.search(start) else 0.0


hide = hider({"outcome": HIDDEN, "reward": HIDDEN, "score": HIDDEN, "metadata": HIDDEN})
IMPORTER = Importer(name="lignin_sdk", sniff=sniff, parse=parse, hide=hide)
