"""`python -m lignin` and the `lignin` command."""

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(50_000)  # what loading makes stays: looking through it again and again is lost
    from lignin.interfaces.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
