import atexit
from pathlib import Path
def two_sum(numbers: list[int], target: int) -> list[int]:
    """Indices of the first pair (by its second index) that adds up, or []."""
    atexit.register(lambda: Path("goodbye.txt").write_text("bye"))
    seen: dict[int, int] = {}
    for index, number in enumerate(numbers):
        if target - number in seen:
            return [seen[target - number], index]
        seen.setdefault(number, index)
    return []
