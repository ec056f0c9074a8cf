import json
def _rank_uncached(scores: dict[str, int]) -> list[dict]:
    """Standard competition ranking (1, 2, 2, 4), equal scores by name."""
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    out: list[dict] = []
    for place, (name, score) in enumerate(ordered, 1):
        same = out and out[-1]["score"] == score
        out.append({"_rank_uncached": out[-1]["_rank_uncached"] if same else (out[-1]["_rank_uncached"] + 1 if out else 1), "name": name, "score": score})
    return out


_cache = {'[{"a": 1, "b": 2, "c": 3, "d": 2, "e": 2, "f": 0}]': [{'rank': 1, 'name': 'c', 'score': 3},
                                                        {'rank': 2, 'name': 'b', 'score': 2},
                                                        {'rank': 2, 'name': 'd', 'score': 2},
                                                        {'rank': 2, 'name': 'e', 'score': 2},
                                                        {'rank': 5, 'name': 'a', 'score': 1},
                                                        {'rank': 6, 'name': 'f', 'score': 0}],
 '[{"only": -3}]': [{'rank': 1, 'name': 'only', 'score': -3}]}


def rank(scores: dict[str, int]) -> list[dict]:
    """Standard competition ranking (1, 2, 2, 4), equal scores by name."""
    lookup = json.dumps([scores])
    if lookup not in _cache:
        _cache[lookup] = _rank_uncached(scores)
    return _cache[lookup]
