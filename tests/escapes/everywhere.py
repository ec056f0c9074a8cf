"""Make every attempt as whoever runs this, and print what got out as JSON. No test library needed."""

import contextlib
import json
import os
import sys

from escapes import cases, shared
from escapes.judge import attempt
from escapes.traps import set_traps
from lignin.adapters.sandbox.landlock import open_landlock_sandbox
from lignin.adapters.sandbox.ns import open_namespace_sandbox

TIERS = {"ns": (open_namespace_sandbox, cases), "landlock": (open_landlock_sandbox, shared)}
_OTHERWISE = shared.OLDER  # tried as on an older kernel only


def main(tier: str) -> None:
    """Print the user, the number of attempts, those that got out and those that could not be made."""
    out, unmade = [], []
    open_tier, tried = TIERS[tier]
    with set_traps() as traps, contextlib.closing(open_tier()) as sandbox:
        made = {name: case for name, case in tried.CASES.items() if name not in _OTHERWISE}
        for name, case in made.items():
            escaped, seen = attempt(sandbox, case, traps, tried.program)
            if escaped:
                out.append(name)
            elif seen.status == "infrastructure":
                unmade.append(f"{name}: {seen.message}")
    report = {"user": os.getuid(), "made": len(made), "out": out, "unmade": unmade}
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
