import random


def shuffle(items: list[str], seed: int) -> list[str]:
    """The same order for the same seed, by a generator of its own."""
    order = list(items)
    random.Random(seed).shuffle(order)
    return order
