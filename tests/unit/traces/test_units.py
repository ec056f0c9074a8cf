"""Units of JSON texts: their bytes, their surroundings, and texts that are broken."""

import json
import time

import pytest

from lignin.traces.lines import INCOMPLETE
from lignin.traces.units import file_stem, read_units

CONTAINERS = frozenset({"outer", "inner"})


def values(data: bytes) -> list[object]:
    return [unit.value for unit in read_units(data, CONTAINERS) if unit.value is not None]


@pytest.mark.parametrize(
    "data",
    [
        b'{"n":1}\n{"n":2}\n',
        b'[{"n":1}, {"n":2}]',
        b'\xef\xbb\xbf[\n {"n":1},\n {"n":2}\n]\n',
        b'{"a":{"n":0},"outer":[{"n":1},{"n":2}],"z":[],"y":{"n":3}}',
        b'{"outer":[{"inner":[{"n":1}],"k":"{"},{"q":1,"inner":[{"n":2}]}]}',
        b'{"outer":[{"inner":[{"n":1}]}]}\n{"outer":[{"inner":[{"n":2}]}]}\n',
    ],
)
def test_units_are_found_at_every_depth_with_all_bytes(data: bytes) -> None:
    units = read_units(data, CONTAINERS)
    assert [unit.value for unit in units] == [{"n": 1}, {"n": 2}]
    assert b"".join(unit.record.content for unit in units) == data


def test_any_selection_of_records_gives_its_units_again() -> None:
    inner = [{"inner": [{"n": 3 * m + n, "s": "]}{,:"} for n in range(3)]} for m in range(3)]
    units = read_units(json.dumps({"outer": inner}, indent=1).encode(), CONTAINERS)
    assert len(units) == 9
    for chosen in range(1, 2**9):
        some = [unit for number, unit in enumerate(units) if chosen >> number & 1]
        again = values(b"\n".join(unit.record.content for unit in some))
        assert again == [unit.value for unit in some]


def test_what_stands_around_comes_with_the_unit() -> None:
    data = b'{"info":{"m":1},"outer":[{"r":2,"inner":[{"n":1}]}]}'
    (unit,) = read_units(data, CONTAINERS)
    assert unit.around == {"info": {"m": 1}, "r": 2}


def test_an_unfinished_last_line_is_a_record_of_its_own() -> None:
    units = read_units(b'{"n":1}\n{"n":')
    assert units[0].record.content == b'{"n":1}\n'
    assert units[1].problem is not None
    assert units[1].problem.what.startswith(INCOMPLETE)


def test_a_broken_line_costs_only_itself() -> None:
    assert values(b'{"n":1}\n{"n" 5}\nnot json\n{"n":2}\n') == [{"n": 1}, {"n": 2}]


def test_a_broken_document_reports_its_break_and_not_every_number_in_it() -> None:
    data = b'{"a": [\n' + b"1,\n" * 1000
    assert sum(unit.problem is not None for unit in read_units(data)) == 1


@pytest.mark.parametrize("line", [b'{"a": "x\n', b'{"a":[\n', b"{\n", b'"\n', b"x\n", b'{"a":1,\n'])
def test_time_grows_with_the_size_of_broken_text(line: bytes) -> None:
    start = time.perf_counter()
    units = read_units(line * 20_000, CONTAINERS)
    assert b"".join(unit.record.content for unit in units) == line * 20_000
    assert time.perf_counter() - start < 20


def test_the_stem_of_a_name_has_no_folder_and_no_ending() -> None:
    assert file_stem("a/b\\run.traj.json.gz") == "run"
