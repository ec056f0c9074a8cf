"""`lignin init` and its undo cut off, or on a full disk, at any write: nothing is lost."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from faults.stands import CutOff, Dying, Quick, Stand, is_within
from lignin.domain.errors import ConflictError, InvalidRequestError, LigninError, NotFoundError

LARGE, SMALL = "every client at once, each with its files", "CLAUDE.md is a link to AGENTS.md"
CUT_OFF = [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)]


@pytest.mark.parametrize("name", CUT_OFF)
@pytest.mark.parametrize("then", ["init", "undo"])
def test_a_run_that_is_cut_off_at_any_write_loses_nothing(
    name: str, then: str, stands: Any
) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        try:
            stand.init(Dying(number))
        except CutOff:
            pass
        else:
            break
        for path, (_, content) in before.items():
            now = stand.tree()[path][1]
            assert isinstance(content, str) or is_within(content, now), (number, path)
        if then == "init":
            stand.init()
        _undo_whatever(stand)
        assert stand.tree() == before, number
    assert number > 15


def _undo_whatever(stand: Stand) -> None:
    with suppress(NotFoundError):  # cut off before anything was noted, so before it was written
        stand.undo()


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_full_disk_at_any_write_leaves_the_project_as_it_was(name: str, stands: Any) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        try:
            stand.init(Dying(number, full=True))
        except LigninError as error:
            assert error.hint
            assert stand.tree() == before, number
        else:
            break
    assert number > 15


@pytest.mark.parametrize("name", CUT_OFF)
def test_an_undo_that_is_cut_off_at_any_write_is_finished_by_the_next(
    name: str, stands: Any
) -> None:
    number = 0
    while True:
        number += 1
        stand = stands(name)
        before = stand.tree()
        stand.init()
        try:
            stand.undo(Dying(number))
        except CutOff:
            _undo_whatever(stand)
            assert stand.tree() == before, number
        else:
            break
    assert number > 15


def test_a_run_that_was_cut_off_is_told_and_not_passed_over(stands: Any) -> None:
    stand = stands(LARGE)
    with pytest.raises(CutOff):
        stand.init(Dying(12))
    with pytest.raises(InvalidRequestError, match="cut off"):
        stand.init(yes=False)
    assert stand.init().recovered


def test_a_file_that_changes_under_the_run_is_left_to_who_changed_it(stands: Any) -> None:
    stand = stands(LARGE)
    instructions = stand.project / "AGENTS.md"

    class Meddling(Quick):
        def make_folder(self, path: Path) -> None:
            super().make_folder(path)
            instructions.write_bytes(b"quicker\n")

        def rename(self, source: Path, target: Path) -> None:
            super().rename(source, target)
            if target.parent == stand.project:
                instructions.write_bytes(b"quicker\n")

    before = stand.tree()
    with pytest.raises(ConflictError):
        stand.init(Meddling())
    assert instructions.read_bytes() == b"quicker\n"
    del before["AGENTS.md"]
    after = stand.tree()
    del after["AGENTS.md"]
    assert after == before
