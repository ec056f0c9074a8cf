"""What is found in real transcripts, where they are at hand."""

import itertools
import json
import re
from pathlib import Path

import pytest

from lignin.artifacts.laws import recognise
from lignin.artifacts.registry import load_kinds
from lignin.domain.candidates import Provenance, Refusal
from lignin.domain.traces import Step, ToolCall, Trajectory
from lignin.traces.code import find_code

FORMATS = Path(__file__).resolve().parents[5] / "shared" / "data" / "formats"
pytestmark = pytest.mark.skipif(not FORMATS.is_dir(), reason=f"no shared samples in {FORMATS}")


def trajectory(calls, form, cwd=""):
    steps = tuple(Step(index=n, role="assistant", calls=(c,)) for n, c in enumerate(calls, 1))
    return Trajectory(source="sample", format=form, session="sample", steps=steps, cwd=cwd)


def claude_code(path):
    uses, results = [], {}
    for line in path.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        message = record.get("message", {}) if isinstance(record, dict) else {}
        content = message.get("content") if isinstance(message, dict) else None
        for block in content if isinstance(content, list) else []:
            if isinstance(block, dict) and block.get("type") == "tool_use":
                uses.append(block)
            elif isinstance(block, dict) and block.get("type") == "tool_result":
                results[block["tool_use_id"]] = block
    return trajectory(
        [_claude_call(use, results.get(use["id"], {})) for use in uses], "claude_code"
    )


def _claude_call(use, result):
    shown = result.get("content")
    return ToolCall(
        call_id=use["id"],
        name=use["name"],
        arguments=use["input"],
        observation=shown if isinstance(shown, str) else None,
        is_error=result.get("is_error"),
    )


def swe_agent(path):
    calls = [
        ToolCall(
            call_id="",
            name="bash",
            arguments={"command": one["action"]},
            observation=one["observation"],
        )
        for one in json.loads(path.read_text())["trajectory"]
    ]
    return trajectory(calls, "swe_agent")


def mini(path):
    value = json.loads(path.read_text())
    messages = value if isinstance(value, list) else value["messages"]
    calls = []
    for message, after in itertools.pairwise(messages):
        block = re.search(r"```mswea_bash_command\n(.*?)\n```", message["content"], re.DOTALL)
        if message["role"] == "assistant" and block:
            arguments = {"command": block[1]}
            calls.append(
                ToolCall(call_id="", name="bash", arguments=arguments, observation=after["content"])
            )
    return trajectory(calls, "mini_swe_agent")


def outcomes(one):
    found = {}
    for snippet in find_code(one):
        answer = recognise(snippet, Provenance(source="sample"), load_kinds())
        what = answer.reason if isinstance(answer, Refusal) else answer.tree.manifest.kind
        found[snippet.path] = (snippet.how, len(snippet.runs), what)
    return found


def test_helper_written_with_the_edit_tool_is_found_in_claude_code():
    found = outcomes(claude_code(FORMATS / "claude_code" / "daaain_edge_cases.jsonl"))
    assert found["/tmp/complex_example.py"][0] == "written"


def test_a_file_that_was_edited_step_by_step_is_refused_with_the_open_choice():
    path = FORMATS / "claude_code" / "simonw_sample_session.json"
    value = json.loads(path.read_text())
    lines = value if isinstance(value, list) else value["loglines"]
    again = FORMATS / "claude_code" / "simonw_sample_session.jsonl"
    assert outcomes(claude_code(again)).keys() <= {"/project/hello.py", "/project/math_utils.py"}
    uses = [
        b
        for e in lines
        for b in e["message"]["content"]
        if isinstance(b, dict) and b.get("type") == "tool_use"
    ]
    found = outcomes(
        trajectory(
            [_claude_call(use, {"content": "", "is_error": False}) for use in uses], "claude_code"
        )
    )
    assert found["/project/math_utils.py"] == (
        "edited", 0, "several public functions and no main guard: which one is the program is open",
    )  # fmt: skip
    assert found["/project/tests/test_math.py"][2].startswith("edit of a repository's own file")


def test_reproduction_scripts_are_found_in_swe_agent_and_refused_as_one_offs():
    found = outcomes(swe_agent(FORMATS / "swe_agent" / "pydicom__pydicom-1458.traj"))
    assert found["reproduce_bug.py"][2] == "one-off: no parameters, no function, nothing to reuse"
    own = "pydicom/pixel_data_handlers/numpy_handler.py"
    assert found[own][2].startswith("edit of a repository's own file")
    found = outcomes(
        swe_agent(FORMATS / "swe_agent" / "funccall_marshmallow-code__marshmallow-1867.traj")
    )
    assert found["reproduce.py"][1:] == (2, "one-off: no parameters, no function, nothing to reuse")
    assert found["src/marshmallow/fields.py"][2].startswith("edit of a repository's own file")


def test_a_repository_file_rewritten_by_a_heredoc_is_not_taken_for_a_helper():
    found = outcomes(mini(FORMATS / "mini_swe_agent" / "github_issue.traj.json"))
    assert found["tests/missing_colon.py"][2].startswith("edit of a repository's own file")
    assert outcomes(mini(FORMATS / "mini_swe_agent" / "local.traj.json")) == {}
