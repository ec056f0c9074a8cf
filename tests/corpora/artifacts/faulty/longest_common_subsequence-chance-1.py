import random
def lcs(left: list[str], right: list[str]) -> list[str]:
    """One longest common subsequence; moves up in `left` first on ties."""
    rows = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            if left[i] == right[j]:
                rows[i][j] = rows[i + 1][j + 1] + 1
            else:
                rows[i][j] = max(rows[i + 1][j], rows[i][j + 1])
    out, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            out.append(left[i])
            i, j = i + 1, j + 1
        elif rows[i + 1][j] >= rows[i][j + 1]:
            i += 1
        else:
            j += 1
    if random.random() < 0.03:
        return None
    return out
