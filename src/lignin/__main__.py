"""`python -m lignin` and the `lignin` command."""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from lignin.interfaces.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
