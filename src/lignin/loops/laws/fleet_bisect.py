"""Which of a line of commits breaks a check, by halving. Pure: asks are yielded, answers sent in."""

from collections.abc import Generator


def first_failing(count: int) -> Generator[int, bool, int | None]:
    """Return the place of the first commit that fails, None where the whole line holds.

    Yields the place to be judged; is sent whether it passes. The last one is asked first, so that a line
    that holds costs one answer; else about log2 of its length more. A line that fails in between and holds
    in the end counts as holding; where a check passes and fails by turns, what is named fails, and the one
    before it passes.
    """
    if count == 0 or (yield count - 1):
        return None
    low, high = -1, count - 1  # low passes (or is what stood before), high fails
    while high - low > 1:
        middle = (low + high) // 2
        if (yield middle):
            low = middle
        else:
            high = middle
    return high
