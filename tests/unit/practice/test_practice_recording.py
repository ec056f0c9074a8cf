"""Recorded sessions: both clients' forms, true observations, planted truths, honest labels."""

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from random import Random

import pytest

from lignin.practice import record_sessions
from lignin.practice.claude_code import VERSION
from lignin.practice.codex import CLI_VERSION, ORIGINATOR
from lignin.practice.episodes import helper_path
from lignin.practice.inputs import INPUTS
from lignin.practice.recording import make_sessions, write_sessions
from lignin.practice.scrapbook import SCRAPS
from lignin.practice.steps import EditStep, ShellStep, WriteStep
from lignin.practice.workbench import RunAct, WriteAct, observe

REAL_SECRET = re.compile(
    r"sk-(?!FAKE)[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|-----BEGIN|eyJ[\w-]{10,}\."
)


@pytest.fixture(scope="module")
def scripts():
    return make_sessions(count=60, seed=7)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, scripts):
    return write_sessions(tmp_path_factory.mktemp("recorded"), scripts, seed=7)


def lines_of(session):
    return [json.loads(line) for line in session.path.read_text().splitlines()]


def of_client(recorded, client):
    chosen = [session for session in recorded.sessions if session.client == client]
    assert len(chosen) >= 20
    return chosen


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        record_sessions(folder, count=6, seed=seed)
    trees = [
        {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.jsonl")}
        for folder in folders
    ]
    assert trees[0] == trees[1]
    assert len(trees[0]) == 6
    assert set(trees[0]) != set(trees[2])


def test_only_transcripts_are_written_so_that_nothing_can_peek_at_the_truth(recorded):
    files = {path for path in recorded.folder.rglob("*") if path.is_file()}
    assert files == {session.path for session in recorded.sessions}
    for path in files:
        text = path.read_text()
        assert "planted" not in text
        assert all(scrap.fault not in text for scrap in SCRAPS.values() if len(scrap.fault) > 8)


def test_claude_code_sessions_lie_where_that_client_keeps_them(recorded):
    for session in of_client(recorded, "claude_code"):
        slug = session.cwd.replace("/", "-")
        expected = recorded.folder / "projects" / slug / f"{session.session}.jsonl"
        assert session.path == expected


def test_claude_code_lines_chain_and_pair_each_call_with_one_result(recorded):
    for session in of_client(recorded, "claude_code"):
        lines = lines_of(session)
        assert lines[0]["type"] == "summary"
        uses, results, parent = Counter(), Counter(), None
        for line in lines[1:]:
            assert line["parentUuid"] == parent
            parent = line["uuid"]
            content = line.get("message", {}).get("content", [])
            for block in content if isinstance(content, list) else []:
                uses.update([block["id"]] if block["type"] == "tool_use" else [])
                results.update([block["tool_use_id"]] if block["type"] == "tool_result" else [])
                assert block["type"] != "tool_result" or "toolUseResult" in line
        assert uses == results
        assert set(uses.values()) <= {1}
        assert {line["type"] for line in lines} <= {"summary", "user", "assistant", "system"}


def test_claude_code_splits_a_message_over_lines_with_one_id(recorded):
    sizes = Counter()
    for session in of_client(recorded, "claude_code"):
        by_id = defaultdict(list)
        for line in lines_of(session):
            if line["type"] == "assistant":
                assert len(line["message"]["content"]) == 1
                by_id[line["message"]["id"]].append(line["requestId"])
        assert all(len(set(requests)) == 1 for requests in by_id.values())
        sizes.update(len(requests) for requests in by_id.values())
    assert sizes[1]
    assert sizes[2]


def test_codex_lines_pair_each_call_with_one_output(recorded):
    shells = Counter()
    for session in of_client(recorded, "codex"):
        lines = lines_of(session)
        assert lines[0]["type"] == "session_meta"
        assert all(set(line) == {"timestamp", "type", "payload"} for line in lines)
        calls, outputs = Counter(), Counter()
        for line in lines:
            payload = line["payload"]
            kind = payload.get("type", "")
            if kind in {"function_call", "custom_tool_call"}:
                calls[payload["call_id"]] += 1
                shells[payload["name"]] += 1
            if kind == "function_call":
                assert isinstance(json.loads(payload["arguments"]), dict)
            if kind in {"function_call_output", "custom_tool_call_output"}:
                outputs[payload["call_id"]] += 1
                assert isinstance(payload["output"], str)
        assert calls == outputs
        assert set(calls.values()) <= {1}
    assert shells["shell"]
    assert shells["exec_command"]
    assert shells["apply_patch"]


def test_times_never_run_backwards(recorded):
    for session in recorded.sessions:
        times = [line["timestamp"] for line in lines_of(session) if "timestamp" in line]
        assert times == sorted(times)
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at) for at in times)


def test_every_session_says_in_its_own_form_that_it_is_simulated(recorded):
    assert recorded.simulated
    for session in recorded.sessions:
        assert session.run.simulated
        assert session.cwd.startswith("/practice/")
        lines = lines_of(session)
        if session.client == "codex":
            meta = lines[0]["payload"]
            assert (meta["originator"], meta["cli_version"]) == (ORIGINATOR, CLI_VERSION)
            assert meta["cwd"] == session.cwd
        else:
            assert all(line["version"] == VERSION for line in lines[1:])
            assert all(line["cwd"] == session.cwd for line in lines[1:])


def test_no_secret_but_clearly_fake_ones(recorded):
    for session in recorded.sessions:
        assert REAL_SECRET.search(session.path.read_text()) is None


def test_the_demo_set_holds_enough_good_and_bad_helpers_with_enough_uses(recorded):
    uses, sightings = Counter(), Counter()
    for helper in recorded.helpers:
        uses[helper.quality, helper.name] += helper.uses
        sightings[helper.name] += 1
        assert helper.uses > 0
    good = [name for quality, name in uses if quality == "good"]
    assert len([name for name in good if uses["good", name] >= 6]) >= 14
    assert all(sightings[name] >= 2 for name in good)
    faults = {helper.fault for helper in recorded.helpers if helper.quality == "bad"}
    assert len(faults) >= 10


def variant_acts(scrap, variant):
    """A helper's file and a run that prints its answers to four inputs."""
    name, rng = scrap.named(variant), Random(11)
    renaming = scrap.renaming.parameters if variant == "renamed" else {}
    calls = []
    for _ in range(4):
        arguments = INPUTS[scrap.name](rng).items()
        words = ", ".join(f"{renaming.get(key, key)}={value!r}" for key, value in arguments)
        calls.append(f"print({name}({words}))")
    code = "\n".join([f"from helpers.{name} import {name}", *calls])
    write = WriteAct(path=helper_path(scrap, variant), text=scrap.source(variant))
    return [write, RunAct(kind="code", code=code)]


def test_every_variant_of_a_helper_answers_alike():
    python = [scrap for scrap in SCRAPS.values() if scrap.suffix == "py"]
    pairs = [(scrap, variant) for scrap in python for variant in scrap.variants()]
    printed = observe([("/practice/x", variant_acts(*pair)) for pair in pairs])
    answers = defaultdict(set)
    for (scrap, _), (_, run) in zip(pairs, printed, strict=True):
        assert (run.exit_code, run.stderr) == (0, ""), scrap.name
        assert run.stdout.count("\n") == 4
        answers[scrap.name].add(run.stdout)
    assert all(len(texts) == 1 for texts in answers.values())
    assert len([scrap for scrap in python if scrap.renaming]) >= 5


def test_the_second_hand_of_a_helper_is_told_in_the_demo_set(recorded):
    variants = {(helper.name, helper.variant) for helper in recorded.helpers}
    for scrap in SCRAPS.values():
        wanted = scrap.variants() if scrap.quality == "good" else ("base",)
        assert {(scrap.name, variant) for variant in wanted} <= variants


def test_runs_were_observed_and_a_first_version_fails_before_its_edit(scripts):
    edited = 0
    for script in scripts:
        for position, step in enumerate(script.steps):
            if isinstance(step, ShellStep):
                assert (step.printed is None) == (step.act is None)
            if isinstance(step, EditStep):
                edited += 1
                assert step.before.count(step.old) == 1
                assert step.before.replace(step.old, step.new) == step.after
                earlier = [s for s in script.steps[:position] if isinstance(s, ShellStep)]
                assert earlier[-1].printed.exit_code == 1
                assert "Error" in earlier[-1].printed.stderr
                assert f"{script.cwd}/" in earlier[-1].printed.stderr
    assert edited >= 4
    printed = [s for script in scripts for s in script.steps if isinstance(s, ShellStep)]
    assert any("half a cent must go up" in s.printed.stderr for s in printed if s.printed)
    assert sum(s.printed is None for s in printed) == 1
    assert any(isinstance(s, WriteStep) and s.heredoc for x in scripts for s in x.steps)
    assert any(s.command.startswith("python3 - <<'EOF'") for s in printed)


@pytest.mark.slow
def test_the_shown_commands_really_print_what_is_shown(scripts, tmp_path):
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    environment = {"PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin", "PYTHONHASHSEED": "0"}
    unpinned = {"estimate_total", "days_open", "lot_number"}
    compared = 0
    for number, script in enumerate(scripts):
        if unpinned & {helper.name for helper in script.helpers}:
            continue
        work = tmp_path / str(number)
        work.mkdir()
        for step in script.steps:
            if isinstance(step, WriteStep | EditStep):
                target = work / step.path
                target.parent.mkdir(exist_ok=True)
                target.write_text(step.text if isinstance(step, WriteStep) else step.after)
            if not isinstance(step, ShellStep) or step.printed is None:
                continue
            done = subprocess.run(
                ["bash", "-c", step.command],
                cwd=work, env=environment, capture_output=True, text=True, timeout=60,
            )  # fmt: skip
            shown = step.printed
            assert done.stdout == shown.stdout, step.command
            assert done.returncode == shown.exit_code, step.command
            assert done.stderr.replace(str(work), script.cwd) == shown.stderr, step.command
            compared += 1
    assert compared > 250


def test_no_temporary_path_of_the_generating_machine_is_left(recorded):
    for session in recorded.sessions:
        assert "practice-desk" in session.path.read_text()
        assert not re.search(r"/tmp/|/var/folders/|/home/|/root/", session.path.read_text())


def test_a_small_set_can_be_recorded_too(tmp_path):
    recorded = record_sessions(tmp_path, count=1, seed=1)
    assert len(recorded.sessions) == 1
    assert len(recorded.helpers) <= 2
