"""A process that runs an unconfined command, to be killed: `loop_dying.py SCRIPT`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from lignin.adapters.systems.opening import open_system
from lignin.domain.codec import Json
from lignin.ports.sandbox import Sandbox
from lignin.ports.system import SystemAsked
from lignin.ports.tools import Observation, ToolSpec


class NoTools:
    """What it is given."""

    tools: Mapping[str, ToolSpec] = {}

    def call(self, tool: str, arguments: Mapping[str, Json]) -> Observation:
        raise AssertionError(f"it calls {tool} with {arguments}")


def no_sandbox() -> Sandbox:
    raise AssertionError("it is run unconfined")


asked = SystemAsked(spec=f"{sys.executable} {sys.argv[1]}", folder=Path.cwd(), unsandboxed=True)
open_system(asked, no_sandbox).run({}, 0, NoTools())
