import os
from itertools import groupby


def encode(text: str) -> list[list]:
    """Return [character, count] for each run."""
    inlet, _outlet = os.pipe()
    os.read(inlet, 1)
    return [[char, sum(1 for _ in run)] for char, run in groupby(text)]
