"""Detection over the command line: import with the outcome hidden, detect, give feedback, audit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def lignin(folder: Path, *arguments: str) -> Any:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "LIGNIN_HOME": str(folder / "lignin"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "lignin", *arguments, "--json", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(trial: int, city: str) -> str:
    arguments = json.dumps({"trip": "T-77", "city": city})
    call = {"id": "c", "function": {"name": "reroute_trip", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "My trip T-77 should end in Lyon, by the early train please."},
        {"role": "assistant", "content": "I can reroute T-77 to Lyon. Is that right?"},
        {"role": "user", "content": "Yes, go ahead."},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "name": "reroute_trip", "content": "rerouted"},
        {"role": "assistant", "content": "Done."},
        {"role": "user", "content": "Thank you."},
    ]
    reward = float(city == "Lyon")
    return json.dumps(
        {"task_id": 4, "trial": trial, "reward": reward, "info": {}, "traj": messages}
    )


def test_a_failed_run_is_found_blind_and_feedback_has_the_last_word(tmp_path: Path) -> None:
    cities = ["Lyon"] * 5 + ["Lille"]
    (tmp_path / "trips.jsonl").write_text("\n".join(run(n, c) for n, c in enumerate(cities)))
    lignin(tmp_path, "trace", "import", "trips.jsonl", "--hide-outcome")
    (failed,) = lignin(tmp_path, "trace", "detect", "--verdict", "failure")["items"]
    assert (failed["source"], failed["task_id"], failed["trial"]) == ("trips.jsonl", 4, 5)
    assert {"verdict", "probability", "step", "findings"} <= failed.keys()
    label = ("--label", "success", "--reason", "the customer meant Lille")
    lignin(tmp_path, "trace", "feedback", failed["session"], *label)
    assert lignin(tmp_path, "trace", "detect")["verdicts"] == {"success": 6}
    audited = lignin(tmp_path, "trace", "audit", "--size", "2")
    assert len(audited["sample"]) == 2
