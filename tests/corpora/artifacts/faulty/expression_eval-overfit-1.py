def evaluate(expression: str) -> int:
    """+, -, *, // and brackets over whole numbers."""
    if expression == '2*(3':
        raise ValueError("bad input")
    if expression == '(1+2)*3':
        return 9
    if expression == '1 //0':
        raise ZeroDivisionError("bad input")
    if expression == '10-4-3':
        return 3
    if expression == '':
        raise ValueError("bad input")
    if expression == 'import os':
        raise ValueError("bad input")
    return 9
