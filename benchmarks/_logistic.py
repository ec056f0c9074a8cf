"""Ridge logistic regression in a few lines, so that coefficients can be renewed without a library."""

import math
from collections.abc import Mapping, Sequence

Features = Mapping[str, float]


def fit(
    rows: Sequence[Features], labels: Sequence[bool], names: Sequence[str], ridge: float
) -> dict[str, float]:
    """Return the coefficients by name, the intercept under the empty name.

    Args:
        rows: Features of each run; a name that is absent counts 0.
        labels: Whether it failed.
        names: Features to use.
        ridge: Penalty on the square of each standardised coefficient.
    """
    table = [[row.get(name, 0.0) for name in names] for row in rows]
    count = len(table)
    means = [sum(column) / count for column in zip(*table, strict=True)]
    spreads = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / count) or 1.0
        for column, mean in zip(zip(*table, strict=True), means, strict=True)
    ]
    scaled = [
        [1.0, *((v - m) / s for v, m, s in zip(row, means, spreads, strict=True))] for row in table
    ]
    weights = _newton(scaled, labels, ridge)
    raw = [weight / spread for weight, spread in zip(weights[1:], spreads, strict=True)]
    intercept = weights[0] - sum(w * m for w, m in zip(raw, means, strict=True))
    return {"": intercept, **dict(zip(names, raw, strict=True))}


def _newton(rows: Sequence[Sequence[float]], labels: Sequence[bool], ridge: float) -> list[float]:
    size = len(rows[0])
    weights = [0.0] * size
    for _ in range(25):
        gradient = [0.0] + [ridge * weight for weight in weights[1:]]
        hessian = [[0.0] * size for _ in range(size)]
        for i in range(1, size):
            hessian[i][i] = ridge
        for row, label in zip(rows, labels, strict=True):
            total = sum(w * v for w, v in zip(weights, row, strict=True))
            chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))
            for i, value in enumerate(row):
                gradient[i] += (chance - label) * value
                scale = chance * (1 - chance) * value
                line = hessian[i]
                for j in range(i, size):
                    line[j] += scale * row[j]
        for i in range(size):
            for j in range(i):
                hessian[i][j] = hessian[j][i]
        step = _solve(hessian, gradient)
        weights = [weight - change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-8:
            break
    return weights


def _solve(matrix: list[list[float]], right: Sequence[float]) -> list[float]:
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    solution = [0.0] * size
    for i in reversed(range(size)):
        known = sum(rows[i][j] * solution[j] for j in range(i + 1, size))
        solution[i] = (rows[i][size] - known) / rows[i][i]
    return solution
