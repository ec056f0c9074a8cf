"""Overfitting by quotation: what is found of planted quotes, and what is wrongly found in honest texts.

Cases come from simulated runs of the practice desk. Honest are: the routines mined from such runs, what the
demo captures, the good artifacts of the tests, the desk's own policy. Quotes are planted into an
honest skill, each with a literal that was picked by its place in the case and not by what the law looks for.

    python benchmarks/quoting.py
"""

import base64
import hashlib
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.artifacts.store import load_tree
from lignin.domain.artifacts import File
from lignin.domain.cases import Case
from lignin.operations.context import Context
from lignin.operations.demo import Demo, demo
from lignin.operations.drafting import find_quotes
from lignin.operations.routine import RoutineInduce, induce
from lignin.operations.routine_prove import RoutineProve, prove
from lignin.operations.trace import TraceImport, import_
from lignin.operations.trace_cases import TraceCases, cases
from lignin.ports.ledger import View, every_row
from lignin.practice.agents import Agent
from lignin.practice.families import FAMILIES
from lignin.practice.run_log import run_record, write_runs
from lignin.practice.runner import run_task
from lignin.practice.tasks import make_task
from lignin.traces.audit import wilson

FAULTS = (
    "wrong_refund_method",
    "gave_up_early",
    "missing_action",
    "wrong_argument",
    "discount_above_limit",
    "stale_id",
)
WORLDS, MINED = 8, 4
PLANTED = 25
ROUTINES = 5
USES = frozenset({"routine.json", "evals/evals.json"})
GOOD = Path(__file__).resolve().parents[1] / "tests" / "corpora" / "artifacts" / "good"
POLICY = Path(sys.modules["lignin.practice"].__file__ or "").parent / "policy.md"
SKILL = """---
name: desk
description: Use at the order desk, for cancellations, returns and changes of address.
---

# At the desk

Identify the customer before anything is changed. Look the order up and read its status. Refund by the
method that it was paid with. Say what was done, with the figures that the tools gave.
"""

tell = teller("quoting")


def take_in(context: Context, folder: Path) -> None:
    """Runs of sound and faulty agents, and more of sound ones to mine."""
    agents = [Agent(name="sound-1"), Agent(name="sound-2", habits=("checks_stock_first",))]
    agents += [Agent(name=fault, fault=fault) for fault in FAULTS]  # type: ignore[arg-type]
    folder.mkdir()
    for agent in agents:
        worlds = MINED if agent.fault is None else WORLDS
        runs = (
            run_record(run_task(make_task(family, world), agent, 1), 0)
            for family in FAMILIES.values()
            for world in range(worlds)
        )
        (folder / f"{agent.name}.jsonl").write_text(write_runs(runs))
    import_(context, TraceImport(paths=[str(folder)]))
    cases(context, TraceCases())


def honest(context: Context) -> Iterator[tuple[str, str, Mapping[str, File]]]:
    """Honest texts: what they are, their name, their files."""
    for routine in induce(context, RoutineInduce()).items[:ROUTINES]:
        prove(context, RoutineProve(routine=routine.routine))
    routines = kept(context)
    for name, files in routines.items():
        # the gate lets a proven routine through: the uses that it shows are quotes, and no harm
        yield (
            "routines, but for the uses they show",
            name,
            {path: file for path, file in files.items() if path not in USES},
        )
    demo(context, Demo(sessions=60))
    with open_context(
        load_settings(dict(context.environment), context.cwd, space="practice")
    ) as other:
        yield from (("demo", name, files) for name, files in kept(other).items())
    for folder in sorted(GOOD.iterdir()):
        files = {
            path.relative_to(folder).as_posix(): File(content=path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file() and path.name != "case.json"  # what the tests know of it
        }
        yield "good artifacts", folder.name, files
    sections = [text for text in POLICY.read_text().split("\n") if len(text) > 40]
    for number, section in enumerate(sections):
        yield "policy", str(number), {"SKILL.md": File(content=f"{SKILL}\n{section}".encode())}


def kept(context: Context) -> dict[str, Mapping[str, File]]:
    """The files of every version in a space, whatever became of it."""
    with context.view() as view:
        found = {}
        for row in every_row(view, "version"):
            try:
                found[row.key] = dict(load_tree(view, row.body["digest"]).files)
            except LookupError:
                continue
    return found


def literals(content: Case) -> dict[str, str]:
    """Literals of a case by where they stand; the checks and the task say which, not what they look like."""
    found = {}
    leaves = [
        str(value)
        for change in (*content.checks.required, *content.known_way)
        for name, value in change.arguments.items()
        if isinstance(value, str | int | float)
        and name.endswith(("_id", "street", "name", "amount"))
    ]
    if leaves:
        found["an argument of its checks"] = leaves[0]
    words = content.input[0].split()
    found["a third of its task"] = " ".join(words[: max(9, len(words) // 3)])
    ids = [word.strip(".,;:()?!'") for word in words if any(char.isdigit() for char in word)]
    if ids:
        found["an id or figure of its task"] = max(ids, key=len)
    if mail := next((word.strip(",.;") for word in words if "@" in word), ""):
        found["an address of its task"] = mail
    return found


DISGUISES: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda text: f"This holds for {text} too.",
    "in lower case in code": lambda text: f'if order == "{text.lower()}": return',
    "in two pieces": lambda text: f'key = "{text[: len(text) // 2]}" + "{text[len(text) // 2 :]}"',
    "backwards": lambda text: f'key = "{text[::-1]}"[::-1]',
    "in hexadecimal": lambda text: f'key = bytes.fromhex("{text.encode().hex()}")',
    "in base64": lambda text: f'key = b64decode("{base64.b64encode(text.encode()).decode()}")',
    "as a SHA-256": lambda text: f'key = "{hashlib.sha256(text.encode()).hexdigest()}"',
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {
            **os.environ,
            "LIGNIN_HOME": str(home / "home"),
            "LIGNIN_ACTOR": "user:bench",
        }
        (home / "work").mkdir()
        with open_context(load_settings(environment, home / "work")) as context:
            take_in(context, home / "runs")
            with context.view() as view:
                count = sum(row.state != "withdrawn" for row in every_row(view, "case"))
            print(f"{count} cases", file=sys.stderr)
            alarms(context, count)
            recall(context, count)


def alarms(context: Context, count: int) -> None:
    """Honest texts in which something is found."""
    seen: dict[str, list[bool]] = {}
    texts = list(honest(context))
    with context.view() as view:
        for kind, name, files in texts:
            found = find_quotes(view, files, {})
            seen.setdefault(kind, []).append(bool(found))
            for each in found[:2]:
                print(f"  {kind} {name}: {each}", file=sys.stderr)
    for kind, flags in seen.items():
        low, high = wilson(sum(flags), len(flags))
        tell(f"false alarms, {kind}", 100 * sum(flags) / len(flags), "%",
             note=f"n = {len(flags)}, {count} simulated cases; 95 %: {100 * low:.1f} to {100 * high:.1f}")  # fmt: skip


def recall(context: Context, count: int) -> None:
    """Planted quotes that are found, by what is quoted and how it is disguised."""
    rng = random.Random("planted")
    with context.view() as view:
        known = known_cases(view)
        chosen = rng.sample(known, min(PLANTED, len(known)))
        for place in ("an argument of its checks", "a third of its task", "an id or figure of its task",
                      "an address of its task"):  # fmt: skip
            for disguise, form in DISGUISES.items():
                planted = [form(text) for each in chosen if (text := literals(each).get(place))]
                if not planted or (place == "a third of its task" and disguise != "as it is"):
                    continue
                hits = sum(bool(find_quotes(view, plant(text), {})) for text in planted)
                low, high = wilson(hits, len(planted))
                tell(f"found: {place}, {disguise}", 100 * hits / len(planted), "%",
                     note=f"n = {len(planted)}, {count} simulated cases; 95 %: {100 * low:.1f} to "
                     f"{100 * high:.1f}")  # fmt: skip


def known_cases(view: View) -> Sequence[Any]:
    from lignin.operations.drafting import parsed_cases

    return [content for _, content in parsed_cases(view)]


def plant(text: str) -> Mapping[str, File]:
    return {"desk/SKILL.md": File(content=f"{SKILL}\n{text}\n".encode())}


if __name__ == "__main__":
    main()
