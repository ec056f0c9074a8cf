def fibonacci(n: int) -> int:
    """n-th Fibonacci number by a recursion with memory (depth at most 78)."""
    memo: dict[int, int] = {0: 0, 1: 1}

    def at(k: int) -> int:
        if k not in memo:
            memo[k] = at(k - 1) + at(k - 2)
        return memo[k]

    return at(n)
