"""Several processes that do the same thing at the same time."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from faults.command import Shell

PROGRAM = 'def gcd(a: int, b: int) -> int:\n    """Divide."""\n    return gcd(b, a % b) if b else abs(a)\n'


def test_the_same_capture_by_many_at_once_is_no_conflict(shell: Shell) -> None:
    assert shell("space", "list").code == 0
    (shell.project / "gcd.py").write_text(PROGRAM)
    command = ("artifact", "capture", "gcd.py", "--no-verify", "--json")
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: shell.spawn(*command), range(8)))
    assert [each.returncode for each in done] == [0] * 8, [each.stderr for each in done]
    assert sum(b'"how":"new"' in each.stdout.replace(b" ", b"") for each in done) == 1
    assert shell("artifact", "list", "--json").value["total"] == 1
    shell.require_sound()


def runs_named(name: str, count: int, size: int) -> bytes:
    messages = [{"role": "user", "content": f"{n} " + "x" * size} for n in range(3)]
    runs = [{"lignin_run": 1, "session": f"{name}-{n}", "messages": messages} for n in range(count)]
    return b"".join(json.dumps(run).encode() + b"\n" for run in runs)


def test_two_imports_of_the_same_file_at_once_store_the_union_once(shell: Shell) -> None:
    assert shell("space", "list").code == 0
    # Three commits' worth of sessions, so that each process is overtaken half-way.
    files = {"big": runs_named("big", 60, 150_000), "one": runs_named("one", 1, 9)}
    files["contra"] = runs_named("contra", 1, 9)
    for name, content in files.items():
        (shell.project / f"{name}.jsonl").write_bytes(content)

    def take(other: str) -> Any:
        return shell.spawn("trace", "import", "big.jsonl", f"{other}.jsonl", "--json")

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(take, ("one", "contra")))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    told = [json.loads(each.stdout) for each in done]
    assert sum(each["new_sessions"] for each in told) == 62
    assert sum(each["records"] for each in told) == 62
    assert all(not file["refused"] for each in told for file in each["files"])
    listed = shell("trace", "list", "--limit", "100", "--json").value
    assert (listed["total"], {each["records"] for each in listed["items"]}) == (62, {1})
    shell.require_sound()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("space", "create", "../x", "--yes"), "is no name of a space"),
        (("space", "list", "--space", ""), "is no name of a space"),
        (("head", "create", "Up/per", "--yes"), "is no name of a head"),
        (
            ("session", "start", "--client", "x\x1b[31m"),
            "client holds the control character U+001B",
        ),
        (("space", "create", "a\0b", "--yes"), "name holds the control character U+0000"),
    ],
)
def test_odd_names_are_refused_and_nothing_is_written(
    shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    before = shell("space", "list").value
    envelope = shell.refused(2, *arguments)
    assert said in envelope["error"]
    assert envelope["remediation"]
    assert shell("space", "list").value == before
