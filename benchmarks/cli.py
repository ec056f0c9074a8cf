"""How long `lignin --help` takes, against the import of a popular command-line library; JSON lines.

The sides alternate in one run: the installed console script where there is one, `python -m lignin`,
and `python -c "import typer"` as the baseline.

    python benchmarks/cli.py [rounds]
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

BAR = 1.5
ROUNDS = 21


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every run of each command, one after the other in every round."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            if number:  # the first round warms the file cache
                seconds[name].append(time.perf_counter() - started)
    return seconds


def main() -> None:
    """Print one figure for each way of starting."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    commands = {
        "import typer": [sys.executable, "-c", "import typer"],
        "python -m lignin --help": [sys.executable, "-m", "lignin", "--help"],
    }
    script = Path(sys.executable).with_name("lignin")
    if script.is_file():
        commands["lignin --help"] = [str(script), "--help"]
    seconds = measure(commands, rounds)
    base = seconds.pop("import typer")
    for name, taken in seconds.items():
        ratio = statistics.median(taken) / statistics.median(base)
        print(
            json.dumps(
                {
                    "subject": "cli",
                    "figure": name,
                    "value": round(1000 * statistics.median(taken), 1),
                    "unit": "ms",
                    "baseline": round(1000 * statistics.median(base), 1),
                    "ratio": round(ratio, 2),
                    "bar": f"at most {BAR}x of `import typer`",
                    "met": ratio <= BAR,
                    "note": f"median of {rounds} alternating rounds; least {1000 * min(taken):.1f} ms "
                    f"against {1000 * min(base):.1f} ms, {min(taken) / min(base):.2f}x",
                }
            )
        )


if __name__ == "__main__":
    main()
