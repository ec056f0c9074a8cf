from functools import lru_cache


@lru_cache(maxsize=8)
def _sieve(limit: int) -> tuple[int, ...]:
    flags = bytearray([1]) * limit
    flags[:2] = b"\0" * min(2, limit)
    for number in range(2, int(limit**0.5) + 1):
        if flags[number]:
            flags[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return tuple(k for k, flag in enumerate(flags) if flag)


def primes_below(limit: int) -> list[int]:
    """Primes smaller than the limit."""
    return list(_sieve(limit))
