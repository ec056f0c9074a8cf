def acronym(phrase: str) -> str:
    """First letters of all words, hyphens part words."""
    return "".join(word[0] for word in phrase.replace("-", " ").split()).upper()
