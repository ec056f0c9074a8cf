from itertools import groupby


def encode(text: str) -> list[list]:
    """Return [character, count] for each run."""
    return [[char, sum(1 for _ in run)] for char, run in groupby(text)]
