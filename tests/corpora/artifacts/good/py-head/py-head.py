"""head.py [-n N]: first N lines of stdin (default 10)."""
import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=10)
    options = parser.parse_args()
    if options.n < 0:
        print("N must not be negative", file=sys.stderr)
        return 2
    for line in sys.stdin.read().splitlines()[: options.n]:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
