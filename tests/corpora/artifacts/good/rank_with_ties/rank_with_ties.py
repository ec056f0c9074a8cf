def rank(scores: dict[str, int]) -> list[dict]:
    """Standard competition ranking (1, 2, 2, 4), equal scores by name."""
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    out: list[dict] = []
    for place, (name, score) in enumerate(ordered, 1):
        same = out and out[-1]["score"] == score
        out.append({"rank": out[-1]["rank"] if same else place, "name": name, "score": score})
    return out
