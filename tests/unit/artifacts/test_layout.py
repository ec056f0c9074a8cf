"""Generated statements are laid out as the formatter does it."""

import subprocess
import sys
from pathlib import Path

import pytest

from lignin.artifacts.layout import laid_out, paragraph

LONG = "a_rather_long_name_of_a_value"


@pytest.mark.parametrize(
    "statement",
    [
        "x = 1",
        f"found = call('tool', {{'first': {LONG}, 'second': {LONG}, 'third': {LONG}}})",
        f"done['x'].append(call('a_tool', {{'a': {LONG}, 'b': [{LONG}, {LONG}], 'c': '(, ['}}))",
        f"matching = [each['{LONG}'] for each in {LONG} if each['name'] == {LONG} or not {LONG}]",
        f"for one, other in zip({LONG}, {LONG}, {LONG}, strict=True):\n    pass",
        f"def {LONG}(first: list[str], second: list[str], third: int) -> dict[str, list[int]]:\n    pass",
        f"def {LONG}(first: list[str], second: list[str], third: int, {LONG}: str, b: int) -> None:\n    pass",
    ],
)
def test_layout_is_the_formatters(statement: str, tmp_path: Path) -> None:
    first, *rest = statement.replace("'", '"').split("\n")
    path = tmp_path / "made.py"
    path.write_text("\n".join([*laid_out([first]), *rest]) + "\n")
    ruff = [str(Path(sys.executable).parent / "ruff"), "format", "--isolated", "--diff"]
    done = subprocess.run(
        [*ruff, "--line-length=100", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_what_has_no_bracket_stays() -> None:
    line = f"value = {LONG} + {LONG} + {LONG} + {LONG}"
    assert list(laid_out([line])) == [line]


def test_paragraph_is_indented_but_for_its_first_line() -> None:
    first, *rest = paragraph("word " * 40, 8)
    assert not first.startswith(" ")
    assert rest
    assert all(line.startswith("        word") and len(line) <= 100 for line in rest)
