def fit(points: list[list[float]]) -> dict:
    """Least squares line through points [x, y]; ValueError where x does not vary."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count if count else 0.0
    mean_y = sum(y for _, y in points) / count if count else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread == 0:
        raise ValueError("x does not vary")
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return {"slope": round(slope, 9), "intercept": round(mean_y - slope * mean_x, 9)}
