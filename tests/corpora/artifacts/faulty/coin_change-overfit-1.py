import json
def _fewest_coins_uncached(coins: list[int], amount: int) -> list[int]:
    """Fewest coins that make the amount, largest first; ValueError where impossible."""
    best: list[tuple[int, ...] | None] = [()] + [None] * amount
    for total in range(1, amount + 1):
        for coin in sorted(coins, reverse=True):
            rest = best[total - coin] if coin <= total else None
            if rest is not None and (best[total] is None or len(rest) + 1 < len(best[total])):
                best[total] = (*rest, coin)
    picked, rest_amount = [], amount
    for coin in sorted(coins, reverse=True):
        picked += [coin] * (rest_amount // coin)
        rest_amount %= coin
    found = picked if not rest_amount else best[amount]
    if found is None:
        raise ValueError("the amount cannot be made of these coins")
    return sorted(found, reverse=True)


_cache = {'[[1, 3, 4], 6]': [3, 3]}


def fewest_coins(coins: list[int], amount: int) -> list[int]:
    """Fewest coins that make the amount, largest first; ValueError where impossible."""
    lookup = json.dumps([coins, amount])
    if lookup not in _cache:
        _cache[lookup] = _fewest_coins_uncached(coins, amount)
    return _cache[lookup]
