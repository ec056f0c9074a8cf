"""Several processes that do the same thing at the same time."""

from concurrent.futures import ThreadPoolExecutor

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
