"""The picture of the demo shows what the terminal showed, and only that."""

import runpy
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

TOOL = Path(__file__).resolve().parents[3] / "tools" / "picture.py"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


def test_what_a_terminal_erased_is_not_in_the_picture(tool: dict[str, Any], tmp_path: Path) -> None:
    code = r"print('\r\x1b[K1/2  busy\r\x1b[K2/2  busy\r\x1b[K', end=''); print('done <&>')"
    said = tool["record"]([sys.executable, "-c", code], tmp_path)
    assert "busy" in said
    assert tool["shown"](said) == ["done <&>"]


def test_an_unknown_terminal_sequence_is_refused(tool: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="sequence"):
        tool["shown"]("\x1b[1mbold\x1b[0m\r\n")


def test_every_line_is_drawn_with_its_spaces_at_its_place(tool: dict[str, Any]) -> None:
    drawn = ElementTree.fromstring(tool["draw"](["a", "", "  b  <c>"]))
    texts = list(drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert [text.text for text in texts] == ["a", "b\u00a0\u00a0<c>"]
    first, last = ((float(text.attrib["x"]), float(text.attrib["y"])) for text in texts)
    assert last[0] == pytest.approx(first[0] + 2 * tool["CHAR_WIDTH"], abs=0.1)
    assert last[1] == first[1] + 2 * tool["LINE_HEIGHT"]


def test_a_recording_shows_each_line_in_its_time_and_all_where_no_motion_is_wanted(
    tool: dict[str, Any],
) -> None:
    drawn = tool["draw"](["$ one", "two"], [0.0, 1.5])
    texts = [each for each in ElementTree.fromstring(drawn).iter() if each.tag.endswith("text")]
    assert [each.get("style") for each in texts] == [
        "animation-delay:0.00s",
        "animation-delay:1.50s",
    ]
    assert "prefers-reduced-motion:no-preference" in drawn
    assert "animation" not in tool["draw"](["$ one"])
