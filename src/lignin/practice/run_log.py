"""Practice runs in Lignin's own form of a run, as JSON lines: what ran, where, and every message.

Owns the form of `lignin_run` files on the writing side. The planted fault is never written.
"""

import json
from collections.abc import Iterable, Mapping

from lignin.domain.codec import Json
from lignin.practice.desk import TOOL_SPECS
from lignin.practice.runner import Move, PracticeRun

ENVIRONMENT = "practice-desk"


def run_record(
    run: PracticeRun,
    trial: int,
    *,
    with_outcome: bool = True,
    context_tokens: int | None = None,
) -> dict[str, Json]:
    """Return a run as one record.

    Args:
        with_outcome: Say how it ended, as the desk judges it.
        context_tokens: What it carried before its task; told as the usage of its last message.
    """
    messages: list[Json] = [{"role": "user", "content": run.task.instruction}]
    for move in run.moves:
        messages += _messages(move)
    last: dict[str, Json] = {"role": "assistant", "content": run.final_text}
    if context_tokens is not None:
        last["usage"] = {"input_tokens": context_tokens}
    messages.append(last)
    used = {move.call.tool for move in run.moves}
    record: dict[str, Json] = {
        "lignin_run": 1,
        "task_id": run.task.task_id,
        "trial": trial,
        "agent": run.agent.name,
        "model": run.agent.model,
        "simulated": True,
        "environment": {
            "name": ENVIRONMENT,
            "seed": run.task.seed,
            "start_state": run.recording.start_state,
            "tools": {name: TOOL_SPECS[name].digest for name in sorted(used)},
        },
        "messages": messages,
    }
    if context_tokens is not None:
        record["context_tokens"] = context_tokens
    if with_outcome:
        record["outcome"] = run.outcome.verdict
    return record


def write_runs(records: Iterable[Mapping[str, Json]]) -> str:
    """Return records as JSON lines."""
    return "".join(json.dumps(dict(record)) + "\n" for record in records)


def _messages(move: Move) -> list[Json]:
    name = f"call-{move.index}"
    function = {"name": move.call.tool, "arguments": json.dumps(dict(move.call.arguments))}
    call = {"id": name, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": move.words, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": name,
            "content": move.observation.to_text(),
            "is_error": move.observation.is_error,
        },
    ]
