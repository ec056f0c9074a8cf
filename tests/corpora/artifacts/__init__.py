"""Good and faulty artifacts by which a verifier is measured.

Owns the specimens and their labels; knows nothing of any verifier. A good specimen is
`good/<name>/`: its files, and `case.json` with the contract and the recorded examples, whose
results came from running the code. A faulty one is `faulty/<name>.json`: the good specimen it is
made of, its label, and either exact replacements in that one's entry file or a whole file beside
it. It carries the examples of the good original, as an honest recording would.

Both families are split by a hash of the good specimen's name, so that a fault and its original are
always in the same part: `open` may be used for development, `held` is looked at once.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lignin.domain.artifacts import MANIFEST_PATH, File, Tree, make_tree, parse_manifest
from lignin.domain.codec import canonical_bytes
from lignin.domain.examples import Example, parse_example

Part = Literal["open", "held"]
Family = Literal["good", "faulty"]
FAULT_CLASSES = (
    "wrong_output",
    "exception",
    "hang",
    "hidden_side_effect",
    "nondeterminism",
    "overfitted",
)
OPEN_SHARE = 0.6
_HERE = Path(__file__).parent
_CONTRACT = ("kind", "entry", "runtime", "interface", "capabilities")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One artifact with its label.

    `of` is the good specimen's name. `seen` says, for an overfitted one, which examples its author
    knew (`all` or `visible`, after `split_examples`). `trigger` is a valid call on which the fault
    shows, given where the recorded examples need not show it.
    """

    name: str
    family: Family
    fault_class: str | None
    difficulty: str
    note: str
    tree: Tree
    examples: tuple[Example, ...]
    of: str
    seen: str = ""
    trigger: Example | None = None


def part_of(good_name: str) -> Part:
    """The part into which a good specimen and all its faults fall."""
    number = int.from_bytes(hashlib.sha256(good_name.encode()).digest()[:4])
    return "open" if number / 2**32 < OPEN_SHARE else "held"


def load(part: Part, family: Family) -> tuple[Specimen, ...]:
    """Load one part of one family, in the order of names."""
    names = sorted(folder.name for folder in (_HERE / "good").iterdir() if folder.is_dir())
    good = {name: _load_good(name) for name in names if part_of(name) == part}
    if family == "good":
        return tuple(good.values())
    paths = sorted((_HERE / "faulty").glob("*.json"))
    records = [(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    return tuple(
        _load_faulty(name, record, good[record["of"]])
        for name, record in records
        if record["of"] in good
    )


def _load_good(name: str) -> Specimen:
    folder = _HERE / "good" / name
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    contract = {key: case[key] for key in _CONTRACT}
    files = {MANIFEST_PATH: parse_manifest(canonical_bytes(contract)).to_file()}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "case.json" and "__pycache__" not in path.parts:
            files[path.relative_to(folder).as_posix()] = File(content=path.read_bytes())
    return Specimen(
        name=name,
        family="good",
        fault_class=None,
        difficulty="",
        note="",
        tree=make_tree(files),
        examples=tuple(parse_example(example) for example in case["examples"]),
        of=name,
    )


def _load_faulty(name: str, record: dict[str, Any], good: Specimen) -> Specimen:
    entry = good.tree.manifest.entry.split(":")[0]
    if "source" in record:
        content = (_HERE / "faulty" / record["source"]).read_bytes()
    else:
        content = _replaced(name, good.tree.text(entry), record["edits"]).encode()
    trigger = record.get("trigger")
    return Specimen(
        name=name,
        family="faulty",
        fault_class=record["fault_class"],
        difficulty=record["difficulty"],
        note=record["note"],
        tree=make_tree({**good.tree.files, entry: File(content=content)}),
        examples=good.examples,
        of=good.name,
        seen=record.get("seen", ""),
        trigger=None if trigger is None else parse_example(trigger),
    )


def _replaced(name: str, text: str, edits: list[dict[str, str]]) -> str:
    for edit in edits:
        if text.count(edit["old"]) != 1:
            raise ValueError(f"{name}: {edit['old']!r} does not occur exactly once")
        text = text.replace(edit["old"], edit["new"])
    return text
