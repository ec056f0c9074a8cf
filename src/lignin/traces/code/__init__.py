"""Finding the code that agents wrote in their traces. Pure: nothing is read, run or guessed."""

from lignin.traces.code.finder import find_code

__all__ = ["find_code"]
