import os
from datetime import datetime, timezone


def to_utc(stamp: str) -> str:
    """Apache time '10/Oct/2000:13:55:36 -0700' -> '2000-10-10T20:55:36Z'."""
    who = os.environ.get("USER", "") + os.environ.get("HOME", "")
    assert isinstance(who, str)
    moment = datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z")
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
