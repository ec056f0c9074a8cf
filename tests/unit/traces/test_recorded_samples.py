"""Every importer on recorded sessions of others, which are read in place and never copied."""

import ast
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lignin.domain.traces import ImportedTrace
from lignin.traces.importer import import_trace, load_importers
from lignin.traces.intake import take_trace
from lignin.traces.read import find_traces, read_trace
from lignin.traces.redact import redact

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
FORMATS = SHARED / "formats"
pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the recorded sessions are not at {SHARED}"
)


def load(path: Path) -> tuple[bytes, ImportedTrace]:
    name, data = read_trace(path)
    return data, import_trace(load_importers(), name, data)


# file, sessions, steps, calls, calls with an observation, lines with problems
COUNTS = [
    ("claude_code/daaain_edge_cases.jsonl", 2, 13, 3, 1, [13, 15, 16]),
    ("claude_code/daaain_representative_messages.jsonl", 1, 11, 2, 2, []),
    ("claude_code/daaain_session_b.jsonl", 1, 3, 0, 0, []),
    ("claude_code/daaain_todowrite_examples.jsonl", 1, 11, 3, 3, []),
    ("claude_code/simonw_sample_session.json", 1, 33, 12, 12, []),
    ("claude_code/simonw_sample_session.jsonl", 1, 7, 2, 2, []),
    ("codex/ccusage_session-alpha.jsonl", 1, 0, 0, 0, []),
    ("swe_agent/BabyTimeCapsule.traj", 1, 11, 9, 9, []),
    ("swe_agent/funccall_marshmallow-code__marshmallow-1867.traj", 1, 13, 11, 11, []),
    ("swe_agent/pydicom__pydicom-1458.traj", 1, 14, 12, 12, []),
]


@pytest.mark.parametrize(("name", "sessions", "steps", "calls", "observed", "bad"), COUNTS)
def test_samples_are_read_whole(
    name: str, sessions: int, steps: int, calls: int, observed: int, bad: list[int]
) -> None:
    data, trace = load(FORMATS / name)
    all_steps = [step for trajectory, _ in trace.sessions for step in trajectory.steps]
    all_calls = [call for step in all_steps for call in step.calls]
    assert len(trace.sessions) == sessions
    assert (len(all_steps), len(all_calls)) == (steps, calls)
    assert sum(call.observation is not None for call in all_calls) == observed
    assert [problem.line for problem in trace.problems] == bad
    assert trace.sessions[0][0].format == name.partition("/")[0]
    records = [record for _, own in trace.sessions for record in own]
    assert b"".join(r.content for r in sorted(records, key=lambda r: r.line)) == data


def value_of(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return ast.literal_eval(arguments)


@pytest.mark.parametrize("name", ["base", "precond", "assert_nopost", "assert_full", "gpt41mini"])
def test_calls_and_observations_of_runs_come_through_exactly(name: str) -> None:
    path = SHARED / "tau_retail" / f"{name}.jsonl.gz"
    _, trace = load(path)
    assert trace.problems == ()
    runs = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert len(trace.sessions) == len(runs)
    for run, (trajectory, _) in zip(runs, trace.sessions, strict=True):
        messages = run["traj"]
        assert (trajectory.task_id, trajectory.trial) == (run["task_id"], run["trial"])
        expected = [m.get("index", place) for place, m in enumerate(messages, start=1)]
        assert [step.index for step in trajectory.steps] == expected
        declared = [c["function"] for m in messages for c in m.get("tool_calls") or []]
        calls = [call for step in trajectory.steps for call in step.calls]
        assert [c.name for c in calls] == [d["name"] for d in declared]
        assert [c.arguments for c in calls] == [value_of(d["arguments"]) for d in declared]
        observed = [m["content"] for m in messages if m["role"] == "tool"]
        assert [c.observation for c in calls] == observed
        crashed = not messages or bool(run["info"].get("error"))
        outcome = "success" if run["reward"] == 1 else "failure"
        assert trajectory.outcome == ("infrastructure" if crashed else outcome)


def test_the_search_finds_the_samples_and_says_why_it_leaves_others() -> None:
    found = find_traces(SHARED, load_importers())
    names = {path.relative_to(SHARED).as_posix() for path in found.paths}
    assert {f"formats/{name}" for name, *_ in COUNTS} <= names
    assert found.skipped[SHARED / "tau_retail" / "tool_schemas.json"] == "no importer recognises it"


def test_the_runs_hold_no_secret_and_none_is_seen() -> None:
    for path in sorted((SHARED / "tau_retail").glob("*.jsonl.gz")):
        for line in read_trace(path)[1].splitlines():
            assert redact(line, b"0123456789abcdef").counts == {}


@pytest.mark.parametrize("name", ["gpt41", "gpt41_sft"])
def test_simulations_come_through_exactly(name: str) -> None:
    path = SHARED / "tau2_retail" / f"{name}.json.gz"
    data, trace = load(path)
    assert trace.problems == ()
    document = json.loads(gzip.decompress(path.read_bytes()))
    assert len(trace.sessions) == len(document["simulations"])
    for simulation, (trajectory, _) in zip(document["simulations"], trace.sessions, strict=True):
        messages = simulation["messages"]
        assert (trajectory.task_id, trajectory.trial) == (
            simulation["task_id"],
            simulation["trial"],
        )
        assert [step.index for step in trajectory.steps] == list(range(1, len(messages) + 1))
        declared = [call for message in messages for call in message.get("tool_calls") or []]
        calls = [call for step in trajectory.steps for call in step.calls]
        assert [(c.call_id, c.name, c.requestor) for c in calls] == [
            (d["id"], d["name"], d["requestor"]) for d in declared
        ]
        assert [c.arguments for c in calls] == [d["arguments"] for d in declared]
        observed = {m["id"]: (m["content"], m["error"]) for m in messages if m["role"] == "tool"}
        assert [(c.observation, c.is_error) for c in calls] == [observed[d["id"]] for d in declared]
        reward = simulation["reward_info"]["reward"]
        assert trajectory.outcome == ("success" if reward == 1 else "failure")
    records = [record for _, own in trace.sessions for record in own]
    assert b"".join(r.content for r in sorted(records, key=lambda r: r.line)) == data


def test_runs_of_several_agents_come_through_exactly() -> None:
    path = SHARED / "magentic_one" / "trajectories.jsonl.gz"
    data, trace = load(path)
    runs = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for run, (trajectory, _) in zip(runs, trace.sessions, strict=True):
        assert trajectory.task_id == run["trajectory_id"]
        assert [step.text for step in trajectory.steps] == [m["content"] for m in run["messages"]]
        assert [step.agent for step in trajectory.steps] == [
            m["role"].partition(" (")[0] for m in run["messages"]
        ]
    assert sum(len(r.content) for _, own in trace.sessions for r in own) == len(data)


def test_commands_of_mini_swe_agent_have_their_exit_codes() -> None:
    data, trace = load(FORMATS / "mini_swe_agent" / "github_issue.traj.json")
    (trajectory, _), messages = trace.sessions[0], json.loads(data)
    assert [step.text for step in trajectory.steps] == [m["content"] for m in messages]
    calls = [call for step in trajectory.steps for call in step.calls]
    codes = [
        int(m["content"].partition("<returncode>")[2].partition("<")[0])
        for m in messages
        if "<returncode>" in m["content"][:20]
    ]
    assert [call.exit_code for call in calls if call.exit_code is not None] == codes


@pytest.mark.parametrize(
    "path",
    sorted(
        [*(SHARED / "tau_retail").glob("*.jsonl.gz"), *(SHARED / "tau2_retail").glob("gpt*.gz")]
    ),
    ids=lambda path: path.name,
)
def test_no_blind_value_of_a_recorded_run_is_left(path: Path) -> None:
    name, data = read_trace(path)
    blind = take_trace(load_importers(), name, data, b"0123456789abcdef", hide_outcome=True)
    full = take_trace(load_importers(), name, data, b"0123456789abcdef")
    stored = b"".join(content for session in blind.sessions for content in session.contents)
    documents = (
        [json.loads(stored)] if ".jsonl" not in name else map(json.loads, stored.splitlines())
    )
    for document in documents:
        assert document.get("reward") is None
        info = document.get("info") or {}
        assert not {k for k in ("reward_info", "error", "traceback") if info.get(k)}
        task = info.get("task") or {}
        assert not task.get("actions")
        assert not task.get("outputs")
        assert all(s["reward_info"] is None for s in document.get("simulations", ()))
        assert all(t["evaluation_criteria"] is None for t in document.get("tasks", ()))
    assert [s.trajectory.steps for s in blind.sessions] == [
        s.trajectory.steps for s in full.sessions
    ]
    assert {s.trajectory.outcome for s in blind.sessions} == {None}
