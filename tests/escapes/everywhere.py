"""Make every attempt as whoever runs this, and print what got out as JSON. No test library needed."""

import contextlib
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from escapes import cases, shared
from escapes.judge import attempt, spring
from escapes.traps import set_traps
from lignin.adapters.sandbox.bubblewrap import find_outer_wall
from lignin.adapters.sandbox.landlock import open_landlock_sandbox
from lignin.adapters.sandbox.ns import NamespaceSandbox, open_namespace_sandbox
from lignin.adapters.sandbox.spawning import SpawnerProcess
from lignin.ports.sandbox import Observed

TIERS: dict[str, tuple[Callable[[], Any], Any]] = {
    "ns": (open_namespace_sandbox, cases),
    "landlock": (open_landlock_sandbox, shared),
}
_OTHERWISE = shared.OLDER  # tried as on an older kernel only


def main(tier: str) -> None:
    """Print who tried what and what got out. `outer` tries what reaches the host, with the walls of
    our own left out that hold it: only the outer wall stands then.
    """
    report = _outer_wall_alone() if tier == "outer" else _tier(tier)
    print(json.dumps({"user": os.getuid(), **report}))


def _tier(tier: str) -> dict[str, object]:
    open_tier, tried = TIERS[tier]
    made = {name: case for name, case in tried.CASES.items() if name not in _OTHERWISE}
    with set_traps() as traps, contextlib.closing(open_tier()) as sandbox:
        seen = [(name, *attempt(sandbox, made[name], traps, tried.program)) for name in made]
        return {**_counted(seen), "walls": getattr(sandbox, "walls", "")}


def _outer_wall_alone() -> dict[str, object]:
    reaching = {name: case for name, case in cases.CASES.items() if case.off & {"net", "files"}}
    outer, seen, walls = find_outer_wall(), [], ""
    with set_traps() as traps:
        for name, case in reaching.items():
            with NamespaceSandbox(SpawnerProcess(0, case.off, outer=outer)) as sandbox:
                # This wall has a loopback of its own: a packet may be sent, and reaches nobody.
                sprung, observed = spring(sandbox, case, traps)
                seen.append((name, sprung if case.trap else observed.returned, observed))
                walls = sandbox.walls
    return {**_counted(seen), "walls": walls}


def _counted(seen: list[tuple[str, bool, Observed]]) -> dict[str, object]:
    failed = [(name, each) for name, _, each in seen if each.status == "infrastructure"]
    return {
        "made": len(seen),
        "out": [name for name, escaped, _ in seen if escaped],
        "unmade": [f"{name}: {each.message}" for name, each in failed],
    }


if __name__ == "__main__":
    main(sys.argv[1])
