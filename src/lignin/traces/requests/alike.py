"""Puts together what was said in nearly the same words. Pure, and the same in whatever order it comes.

Two turns are compared where they share one of their rarest words; they are alike where what they share
weighs half of what they say, rare words weighing more. A group is what is alike to the one turn of it
that most are alike to, so that nothing is chained from word to word.
"""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

RAREST = 5
MAX_TOGETHER = 400
"""So many different wordings of one rare word are compared; a commoner word tells nothing."""
LEAST_ALIKE = 0.5
LEAST_WORDS = 2
RARE = 3
SHARED_BY = 0.8
UNSEEN = 0.3
"""What a word that was not said elsewhere counts for."""

Words = frozenset[str]


def grouped(said: Sequence[Words]) -> list[list[int]]:
    """Return groups of places of what is alike, each with its most typical first.

    Args:
        said: The words of each turn; those with fewer than `LEAST_WORDS` are in no group.
    """
    places: dict[Words, list[int]] = defaultdict(list)
    for place, words in enumerate(said):
        if len(words) >= LEAST_WORDS:
            places[words].append(place)
    forms = sorted(places, key=sorted)
    weights = _weights(said)
    alike = _alike(forms, weights)
    uses = [len(places[form]) for form in forms]
    left = set(range(len(forms)))

    def reach(one: int) -> int:
        return uses[one] + sum(uses[n] for n in alike[one] if n in left)

    groups: list[list[int]] = []
    waiting = [(-reach(one), one) for one in left]
    heapq.heapify(waiting)
    while waiting:
        told, best = heapq.heappop(waiting)
        if best not in left:
            continue
        if told != -reach(best):  # others were taken meanwhile: it only ever gets less
            heapq.heappush(waiting, (-reach(best), best))
            continue
        group = [best, *sorted(n for n in alike[best] if n in left)]
        left -= set(group)
        groups.append([place for one in group for place in places[forms[one]]])
    return groups


def by_chance(group: Sequence[int], said: Sequence[Words], counts: Mapping[str, int]) -> float:
    """Return how likely chance alone says so often what a group has in common.

    The words that nearly all of the group share, each as frequent as in everything else that was
    said and independent of the others: the tail of the Poisson distribution.

    Args:
        counts: In how many turns each word is (`counted`).
    """
    mine = counted(said[place] for place in group)
    core = [word for word, count in mine.items() if count >= SHARED_BY * len(group)]
    if not core:
        return 1.0
    others = len(said) - len(group)
    log_share = sum(
        math.log((counts[word] - mine[word] + UNSEEN) / (others + 1)) for word in sorted(core)
    )
    expected = len(said) * math.exp(log_share)
    term = math.exp(-expected)
    below = 0.0
    for number in range(len(group)):
        below += term
        term *= expected / (number + 1)
    return max(0.0, 1 - below)


def counted(said: Iterable[Words]) -> Counter[str]:
    """In how many turns each word is."""
    return Counter(word for words in said for word in words)


def _weights(said: Sequence[Words]) -> Mapping[str, int]:
    """What each word weighs, in millionths: more the fewer turns have it, and something in any case.

    One that is in fewer than `RARE` turns may be a value and weighs no more than one that is in `RARE`.
    Whole numbers add up to the same in any order.
    """
    total = len(said)
    return {
        word: round(1e6 * math.log(1 + total / max(RARE, count)))
        for word, count in counted(said).items()
    }


def _alike(forms: Sequence[Words], weights: Mapping[str, int]) -> list[set[int]]:
    shared: dict[str, list[int]] = defaultdict(list)
    spread = Counter(word for words in forms for word in words)
    for number, words in enumerate(forms):
        known = [word for word in words if spread[word] > 1]
        for word in sorted(known, key=lambda word: (spread[word], word))[:RAREST]:
            shared[word].append(number)
    size = [sum(weights[word] for word in words) for words in forms]
    alike: list[set[int]] = [set() for _ in forms]
    near: list[set[int]] = [set() for _ in forms]
    for numbers in shared.values():
        if len(numbers) <= MAX_TOGETHER:
            for at, one in enumerate(numbers):
                near[one].update(numbers[at + 1 :])
    for one, others in enumerate(near):
        for other in others:
            both = 0
            for word in forms[one] & forms[other]:
                both += weights[word]
            if both >= LEAST_ALIKE * (size[one] + size[other] - both):
                alike[one].add(other)
                alike[other].add(one)
    return alike
