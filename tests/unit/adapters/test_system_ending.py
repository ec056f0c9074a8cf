"""How a command's end is read."""

import pytest

from lignin.adapters.systems.ending import both_ends, cause_of_exit, cause_of_no_start


@pytest.mark.parametrize(
    ("code", "errors", "cause"),
    [
        (1, b"", "failed"),
        (2, b"usage: agent", "failed"),
        (2, b"python: can't open file 'x.py'", "missing_file"),
        (126, b"", "not_executable"),
        (127, b"", "missing_file"),
        (137, b"", "killed"),
        (130, b"", "failed"),
        (-9, b"", "killed"),
    ],
)
def test_exit_code_says_of_which_kind_an_end_is(code: int, errors: bytes, cause: str) -> None:
    assert cause_of_exit(code, errors) == cause


def test_what_the_sandbox_cannot_start_is_not_there_or_may_not_run() -> None:
    told = "the sandbox has no program '/artifact/a.sh'"
    assert cause_of_no_start(told, "/artifact/a.sh", {"/artifact/a.sh"}) == "not_executable"
    assert cause_of_no_start(told, "/artifact/b.sh", {"/artifact/a.sh"}) == "missing_file"
    assert cause_of_no_start("no namespace", "/artifact/a.sh", {"/artifact/a.sh"}) == "outside"


def test_of_a_long_stream_whole_lines_of_both_ends_are_kept() -> None:
    lines = [f"line {n}" for n in range(100)]
    kept = both_ends("\n".join(lines).encode(), 50).decode().splitlines()
    assert kept[0] == "line 0"
    assert kept[-1] == "line 99"
    assert set(kept) <= {*lines, "..."}
