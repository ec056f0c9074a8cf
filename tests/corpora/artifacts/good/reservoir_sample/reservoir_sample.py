import random


def sample(stream: list[int], size: int, seed: int) -> list[int]:
    """Reservoir sample with a given seed, sorted."""
    generator = random.Random(f"reservoir-{seed}")
    kept: list[int] = []
    for count, item in enumerate(stream):
        if len(kept) < size:
            kept.append(item)
        else:
            place = generator.randrange(count + 1)
            if place < size:
                kept[place] = item
    return sorted(kept)
