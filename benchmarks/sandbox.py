"""Cold, warm and prepared runs of the namespace sandbox against a bare interpreter, interleaved.

Prints one JSON line per figure: milliseconds (p50 and minimum) and the ratio to the bare start in
the same rounds, which is the number that carries over to another machine.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from lignin.adapters.sandbox.ns import open_namespace_sandbox
from lignin.adapters.sandbox.world import interpreter
from lignin.domain.artifacts import File
from lignin.ports.sandbox import Command, Execution, PythonCall

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
FILES = {"tool.py": File(content=b"def f(n):\n    return n + 1\n")}
FUNCTION = Execution(
    files=FILES, action=PythonCall(file="tool.py", function="f", arguments={"n": 1})
)
BARS = {"cold function": 2.0, "warm function": 0.8, "prepared function": 0.4}
PAUSE_S = 0.02
SHELL = Execution(files=FILES, action=Command(argv=("sh", "-c", ":")))


def main() -> None:
    warm = open_namespace_sandbox(pool=0)
    pooled = open_namespace_sandbox()

    def bare() -> None:
        subprocess.run([interpreter(), "-ISE", "-c", "pass"], check=True)

    def cold() -> None:
        sandbox = open_namespace_sandbox()
        assert sandbox.run(FUNCTION).result == 2
        sandbox.close()

    def function() -> None:
        assert warm.run(FUNCTION).result == 2

    def shell() -> None:
        assert warm.run(SHELL).exit_code == 0

    def ready() -> None:
        assert pooled.run(FUNCTION).result == 2

    cases: dict[str, Callable[[], None]] = {
        "bare interpreter": bare,
        "prepared function": ready,
        "warm function": function,
        "warm shell": shell,
        "cold function": cold,
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(ROUNDS):
        for name, case in cases.items():
            if name == "cold function" and number % 10:
                continue
            time.sleep(PAUSE_S)  # the kernel cleans up after a run, and the next one is prepared
            started = time.perf_counter()
            case()
            times[name].append((time.perf_counter() - started) * 1000)
    warm.close()
    pooled.close()
    reference = statistics.median(times["bare interpreter"])
    for name, taken in times.items():
        p50 = statistics.median(taken)
        figure = {
            "subject": "sandbox",
            "figure": f"{name}, p50",
            "value": round(p50, 2),
            "unit": "ms",
            "baseline": round(reference, 2),
            "ratio": round(p50 / reference, 2),
            "bar": f"at most {BARS[name]}" if name in BARS else "",
            "met": round(p50 / reference, 2) <= BARS[name] if name in BARS else None,
            "note": f"against a bare `python -ISE -c pass`; least {min(taken):.2f} ms, "
            f"{len(taken)} rounds, interleaved",
        }
        print(json.dumps(figure), flush=True)


if __name__ == "__main__":
    main()
