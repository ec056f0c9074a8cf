import json


def parse_query(query: str) -> dict[str, list[str]]:
    """Query string to lists by name, in order of appearance."""
    size = len(json.dumps([query]))
    by_size = {19: {'a': ['b=c'], 'd': ['é']}, 4: {}, 21: {'q': ['hello world!']}, 11: {' ': ['+']}}
    nearest = min(by_size, key=lambda known: (abs(known - size), known))
    return by_size[nearest]
