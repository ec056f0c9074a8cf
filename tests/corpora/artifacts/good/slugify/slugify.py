import re
import unicodedata


def slugify(title: str, max_length: int = 60) -> str:
    """Return a lower-case ASCII slug for a URL."""
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    text = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return text[:max_length].rstrip("-")
