"""Units of JSON texts: their bytes, their surroundings, and texts that are broken."""

import json
import time

import pytest

from lignin.traces.lines import INCOMPLETE
from lignin.traces.units import MAX_AROUND, file_stem, read_units

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


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": "x\n',
        b'{"a":[\n',
        b"{\n",
        b'"\n',
        b"x\n",
        b'{"a":1,\n',
        b'{"outer": [\n',
        b'{"outer": [{"a":\n',
        b'"k": {"a": 1,\n',
        b'{"a": \r\n',
    ],
)
def test_time_grows_with_the_size_of_broken_text(line: bytes) -> None:
    def seconds(count: int) -> float:
        start = time.process_time()
        units = read_units(line * count, CONTAINERS)
        assert b"".join(unit.record.content for unit in units) == line * count
        return time.process_time() - start

    least = min(seconds(5_000) for _ in range(3))
    assert seconds(40_000) < 8 * 4 * least + 1  # the square would be 64 times


def test_what_is_around_is_bounded() -> None:
    data = b"".join(b'{"k%d":1,"outer":[\n' % n for n in range(30_000)) + b'{"n":1}'
    start = time.process_time()
    units = read_units(data, CONTAINERS)
    assert time.process_time() - start < 10
    assert units[-1].value == {"n": 1}
    assert len(units[-1].around) <= MAX_AROUND + 1


def test_behind_much_broken_text_objects_of_one_line_are_still_read() -> None:
    broken = b'{"a":\n' * 20_000
    data = broken + b'{"n":1}\n{"n":\n2}\n{"n":3}\n'
    units = read_units(data)
    assert b"".join(unit.record.content for unit in units) == data
    assert [unit.value for unit in units if unit.value] == [{"n": 1}, {"n": 3}]
    assert units[-1].record.content == b'{"n":3}\n'
    few = broken[:600] + b'{"n":\n2}\n'
    assert [unit.value for unit in read_units(few)][-1] == {"n": 2}


def test_a_problem_says_where_in_its_unit_it_is() -> None:
    (_, broken, _) = read_units(b'{"n":1}\n{"n" 5}\n{"n":2}\n')
    assert broken.problem is not None
    assert broken.problem.line == 2
    assert broken.problem.what == (
        "not JSON: Expecting ':' delimiter (character 6 from where it begins)"
    )


def test_the_stem_of_a_name_has_no_folder_and_no_ending() -> None:
    assert file_stem("a/b\\run.traj.json.gz") == "run"
