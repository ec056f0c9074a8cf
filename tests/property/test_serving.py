"""Whatever is served and whatever a person does in between, nothing of theirs is ever lost."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lignin.artifacts.disk import Disk
from lignin.artifacts.serve import read_state, serve_folder
from lignin.artifacts.serving_plan import (
    Entry,
    Receipt,
    Served,
    edited_paths,
    entry_of,
    parse_receipt,
    plan_serving,
)
from lignin.artifacts.skillmd import SkillDocument, render_skill
from lignin.domain.artifacts import File
from lignin.domain.codec import digest_bytes

START = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.sampled_from(["SKILL.md", "x.md", "scripts/x", "mine.md", "scripts"])


class QuickDisk(Disk):
    def __init__(self, swaps: bool) -> None:
        self._swaps = swaps

    def _sync(self, handle: int) -> None:
        pass

    def exchange(self, first: Path, second: Path) -> bool:
        return super().exchange(first, second) if self._swaps else False


def skill(name: str, variant: int) -> Served:
    doc = SkillDocument(name=name, description="For tests.", body=str(variant))
    files = {"SKILL.md": File(content=render_skill(doc))}
    if variant % 2:
        files["scripts/x"] = File(content=b"ours")
    if variant % 3 == 0:
        files["x.md"] = File(content=f"ours {variant}".encode())
    return Served(digest=digest_bytes(f"{name}{variant}".encode()), files=files)


SERVE = st.tuples(
    st.just("serve"), st.dictionaries(NAMES, st.integers(0, 3), max_size=3), st.booleans()
)
EDIT = st.tuples(st.just("edit"), NAMES, PATHS)
ACTIONS = st.lists(SERVE | EDIT, max_size=8)


@settings(max_examples=60, deadline=None)
@given(ACTIONS, st.booleans())
def test_no_byte_that_a_person_wrote_is_lost(
    actions: list[tuple[str, object, object]], swaps: bool
) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, now, theirs = Path(place), START, set[bytes]()
        for number, (what, first, second) in enumerate(actions):
            now += timedelta(days=17)
            if what == "serve":
                serve_one(folder, first, bool(second), now, QuickDisk(swaps))  # type: ignore[arg-type]
            elif edit(folder / str(first) / str(second), words := f"mine {number}".encode()):
                theirs = {t for t in theirs if is_somewhere(folder, t)} | {words}
                continue
            assert all(is_somewhere(folder, words) for words in theirs)


def serve_one(
    folder: Path, variants: Mapping[str, int], force: bool, now: datetime, disk: Disk
) -> None:
    desired = {name: skill(name, variant) for name, variant in variants.items()}
    result = serve_folder(folder, desired, now=now, force=force, disk=disk)
    alone = {conflict.name for conflict in result.plan.conflicts}
    state = read_state(folder)
    for name, served in desired.items():
        if name not in alone:
            assert state.receipt.skills[name] == entry_of(served)
            assert edited_paths(entry_of(served), state.present[name]) == ()
    assert state.receipt.intents == {}
    again = serve_folder(folder, desired, now=now, disk=disk).plan
    assert again.is_empty
    assert not [path for path in folder.iterdir() if path.name.startswith(".lignin-tmp")]


def edit(path: Path, words: bytes) -> bool:
    """Write as a person would; False where that place is taken by something else."""
    if path.is_dir() or any(parent.is_file() for parent in path.parents):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words)
    return True


def is_somewhere(folder: Path, words: bytes) -> bool:
    return any(path.is_file() and path.read_bytes() == words for path in folder.rglob("*"))


ENTRY = st.builds(
    Entry,
    digest=st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    files=st.dictionaries(
        st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5})?", fullmatch=True), st.just("00")
    ),
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), ENTRY, max_size=4))
def test_a_receipt_reads_back(skills: dict[str, Entry]) -> None:
    receipt = Receipt(skills=skills)
    assert parse_receipt(receipt.to_bytes()) == receipt


@given(st.dictionaries(NAMES, st.integers(0, 3)))
def test_a_plan_for_an_empty_folder_writes_everything(variants: dict[str, int]) -> None:
    desired = {name: skill(name, variant) for name, variant in variants.items()}
    with tempfile.TemporaryDirectory() as place:
        plan = plan_serving(desired, read_state(Path(place)), now=START)
    assert plan.names("write") == tuple(sorted(desired))
    assert plan.conflicts == ()
