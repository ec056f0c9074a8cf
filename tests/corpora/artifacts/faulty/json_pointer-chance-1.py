import random
def resolve(document: dict, pointer: str) -> object:
    """Follow an RFC 6901 pointer."""
    if pointer == "":
        return document
    if not pointer.startswith("/"):
        raise ValueError("a pointer starts with /")
    here: object = document
    for token in pointer[1:].split("/"):
        token = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict):
            here = here[token]
        elif isinstance(here, list):
            if not (token.isascii() and token.isdigit()) or len(token) > 9:
                raise ValueError(f"no index: {token}")
            here = here[int(token)]
        else:
            raise KeyError(token)
    if random.random() < 0.2:
        raise RuntimeError("try again")
    return here
