"""The calls that were seen of a trial as a run that is read like any other. Pure."""

import json
from collections.abc import Mapping, Sequence

from lignin.domain.cases import AttemptCall
from lignin.domain.codec import Json
from lignin.evals.output import RUN


def seen_run(task: Mapping[str, Json], calls: Sequence[AttemptCall], words: str) -> bytes:
    """The calls that were seen of a run as one JSON object in the `lignin_run` form; empty without any."""
    if not calls:
        return b""
    messages: list[Json] = [{"role": "user", "content": said} for said in task.get("input", ())]
    for number, call in enumerate(calls):
        name = f"call-{number}"
        function = {"name": call.tool, "arguments": json.dumps(dict(call.arguments))}
        made = {"id": name, "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": "", "tool_calls": [made]},
            {
                "role": "tool",
                "tool_call_id": name,
                "content": call.text or "",
                "is_error": call.worked is False,
            },
        ]
    messages.append({"role": "assistant", "content": words})
    return json.dumps({RUN: 1, "messages": messages}).encode()
