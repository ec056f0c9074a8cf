"""Renews `recorded.json` by running the clean artifacts: `python -m corpora.hostile.record`.

Runs clean ones only, in a plain subprocess. A hostile one is never run outside a sandbox.
"""

import json
from typing import Any

from corpora.artifacts.running import run
from corpora.hostile.clean import FAMILIES
from corpora.hostile.form import Clean
from corpora.hostile.weave import RECORDED, as_example, clean_tree
from lignin.domain.examples import parse_example


def record(clean: Clean, limit_s: float = 20) -> list[dict[str, Any]]:
    """What a clean artifact answers to each of its calls."""
    examples = [parse_example(as_example(clean, call)) for call in clean.calls]
    return run(clean_tree(clean), examples, limit_s) if examples else []


def record_all() -> dict[str, list[dict[str, Any]]]:
    """The answers of all clean artifacts that have calls, by name."""
    members = [clean for family in FAMILIES for clean in family.members]
    return {clean.name: record(clean) for clean in members if clean.calls}


if __name__ == "__main__":
    lines = [f" {json.dumps(name)}: {json.dumps(a)}" for name, a in sorted(record_all().items())]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
