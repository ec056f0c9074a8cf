_PAIRS = {")": "(", "]": "[", "}": "{"}


def first_fault(text: str) -> int:
    """Index of the first bracket without partner, -1 if all fit."""
    stack: list[tuple[str, int]] = []
    for index, char in enumerate(text):
        if char in _PAIRS.values():
            stack.append((char, index))
        elif char in _PAIRS:
            if not stack or stack[-1][0] != _PAIRS[char]:
                return index
            stack.pop()
    return stack[0][1] if stack else -1
