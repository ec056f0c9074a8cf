"""How trials fan out over workers: two against one on trials that sleep, and what the engine costs.

The sides alternate in one run on one machine: the caller alone (no engine), one worker, two workers,
each on trials of its own. Also counted: trials that are lost, and trials that were paid twice.

    python benchmarks/fanout.py [rounds] [store URL]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _tell import teller

from lignin.app import load_settings, open_context
from lignin.operations.context import Context
from lignin.operations.eval import EvalRun, run
from lignin.operations.presence import living

CASES, SLEEPS_S, ROUNDS = 20, 0.5, 3
SOURCE = Path(__file__).parents[1] / "src"
BAR = 1.7
AGENT = """
import os, time

def run(task, seed, tools):
    with open(os.environ["PAID"], "a") as file:
        print(task["case"], seed, file=file)
    time.sleep(float(os.environ["SLEEPS"]))
    return {"resolved": True}
"""


@contextmanager
def workers(
    count: int, folder: Path, environment: dict[str, str], context: Context
) -> Iterator[None]:
    """So many workers that live, of one trial at a time each."""
    command = [sys.executable, "-m", "lignin", "worker", "--parallel", "1", "--quiet"]
    silent = subprocess.DEVNULL
    begun = [
        subprocess.Popen(command, cwd=folder, env=environment, stdout=silent, stderr=silent)
        for _ in range(count)
    ]
    try:
        context.open_engine()
        while True:
            with context.view() as view:
                if len(list(living(context, view))) == count:
                    break
            time.sleep(0.05)
        yield
    finally:
        for each in begun:
            each.terminate()
        for each in begun:
            each.wait()


def tried(context: Context, name: str, sleeps_s: float, *, by_workers: bool) -> float:
    """Seconds until a system of its own, told by its name, was tried at every case."""
    folder = context.cwd
    (folder / f"{name}.py").write_text(f"# {name}\n{AGENT}")
    os.environ["SLEEPS"] = str(sleeps_s)
    request = EvalRun(
        system=f"python:{name}:run",
        unsandboxed=True,
        suite="suite.jsonl",
        trials=1,
        workers=by_workers,
    )
    started = time.perf_counter()
    done = run(context, request)
    took = time.perf_counter() - started
    if done.trials != CASES:
        raise SystemExit(f"{name}: {CASES - done.trials} trials are lost")
    return took


def main() -> None:
    """Print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    tell = teller("fanout")
    with tempfile.TemporaryDirectory(prefix="lignin-fanout-") as name:
        folder = Path(name)
        lines = [json.dumps({"case": f"c{number}"}) for number in range(CASES)]
        (folder / "suite.jsonl").write_text("\n".join(lines))
        os.environ["PAID"] = str(folder / "paid")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "PYTHONPATH": str(SOURCE),
            "LIGNIN_HOME": str(folder / "home"),
            "PAID": os.environ["PAID"],
            "SLEEPS": str(SLEEPS_S),
        }
        if len(sys.argv) > 2:
            environment["LIGNIN_STORE"] = sys.argv[2]
        took: dict[str, list[float]] = {"alone": [], "1": [], "2": []}
        with open_context(load_settings(environment, folder)) as context:
            for turn in range(rounds):
                took["alone"].append(tried(context, f"alone{turn}", SLEEPS_S, by_workers=False))
                for count in (1, 2):
                    print(f"round {turn}: {count} workers", file=sys.stderr)
                    with workers(count, folder, environment, context):
                        side = f"by{count}_{turn}"
                        took[str(count)].append(tried(context, side, SLEEPS_S, by_workers=True))
        paid = (folder / "paid").read_text().splitlines()
    ratios = [one / two for one, two in zip(took["1"], took["2"], strict=True)]
    ratio = statistics.median(ratios)
    tell(
        "two workers against one",
        ratio,
        "ratio",
        bar=f"at least {BAR}x",
        met=ratio >= BAR,
        note=f"{CASES} trials that sleep {SLEEPS_S} s; median of {rounds} alternating rounds, "
        f"{min(ratios):.2f} to {max(ratios):.2f}x; {os.cpu_count()} processors",
    )
    sides = 3 * rounds
    wrong = sum(abs(count - sides) for count in Counter(paid).values())
    tell(
        "trials lost or paid twice",
        wrong,
        "trials",
        bar="0",
        met=wrong == 0 and len(paid) == sides * CASES,
        note=f"of {sides * CASES}",
    )
    own = {side: 1000 * (statistics.median(each) / CASES - SLEEPS_S) for side, each in took.items()}
    tell(
        "a trial by one worker, beside what it sleeps",
        own["1"],
        "ms",
        baseline=own["alone"],
        note="the whole way: job, engine, system opened anew, filed, seen by the caller; "
        "against the same trial made by the caller without an engine",
    )


if __name__ == "__main__":
    main()
