"""Compresses programs with Stitch, in Stitch's own venv: JSON in, seconds and abstractions as JSON out.

python run.py ARITY ITERATIONS < programs.json
"""

import json
import sys
import time

from stitch_core import compress


def main() -> None:
    """Time `compress` over all programs."""
    programs = json.load(sys.stdin)
    arity, iterations = int(sys.argv[1]), int(sys.argv[2])
    start = time.process_time()
    found = compress(programs, iterations=iterations, max_arity=arity, threads=1, silent=True)
    seconds = time.process_time() - start
    json.dump([seconds, [[each.name, each.body] for each in found.abstractions]], sys.stdout)


if __name__ == "__main__":
    main()
