def merge(base: dict, override: dict) -> dict:
    """Deep merge: objects are merged, null removes a key, everything else replaces."""
    result = dict(base)
    for key, value in override.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        else:
            result[key] = value
    return result
