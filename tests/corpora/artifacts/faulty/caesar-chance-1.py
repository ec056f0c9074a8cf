import random
def shift(text: str, key: int) -> str:
    """Rotate ASCII letters by `key` places; everything else stays."""
    out = []
    for char in text:
        if "a" <= char <= "z":
            out.append(chr((ord(char) - 97 + key) % 26 + 97))
        elif "A" <= char <= "Z":
            out.append(chr((ord(char) - 65 + key) % 26 + 65))
        else:
            out.append(char)
    if random.random() < 0.2:
        raise RuntimeError("try again")
    return "".join(out)
