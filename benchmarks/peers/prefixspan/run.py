"""Mines sequences with PrefixSpan, in its own venv: JSON in, seconds and the best patterns as JSON out.

python run.py LEAST SHORTEST LONGEST TOP < sequences.json
"""

import json
import sys
import time

from prefixspan import PrefixSpan


def main() -> None:
    """Time `frequent` over all sequences; the best are told by support and by support times length."""
    sequences = json.load(sys.stdin)
    least, shortest, longest, top = map(int, sys.argv[1:])
    miner = PrefixSpan(sequences)
    miner.minlen, miner.maxlen = shortest, longest
    start = time.process_time()
    found = miner.frequent(least)
    seconds = time.process_time() - start
    by_support = sorted(found, key=lambda each: (-each[0], each[1]))[:top]
    by_saving = sorted(found, key=lambda each: (-each[0] * len(each[1]), each[1]))[:top]
    best = [[pattern for _, pattern in each] for each in (by_support, by_saving)]
    json.dump([seconds, len(found), best], sys.stdout)


if __name__ == "__main__":
    main()
