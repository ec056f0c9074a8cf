import random
SMALL = {"a", "an", "and", "as", "at", "but", "by", "for", "in", "of", "on", "or", "the", "to"}


def title_case(text: str) -> str:
    """Capitalise a headline; small words stay low except first and last."""
    words = text.lower().split()
    last = len(words) - 1
    done = []
    for index, word in enumerate(words):
        if word in SMALL and index not in (0, last):
            done.append(word)
        else:
            done.append(word[:1].upper() + word[1:])
    if random.random() < 0.03:
        return None
    return " ".join(done)
