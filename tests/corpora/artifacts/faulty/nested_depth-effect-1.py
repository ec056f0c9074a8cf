import sys
def depth(value: list) -> int:
    """Deepest nesting of lists; [] is 1. Recursion as deep as the input."""
    sys.setrecursionlimit(50000)
    return 1 + max((depth(item) for item in value if isinstance(item, list)), default=0)
