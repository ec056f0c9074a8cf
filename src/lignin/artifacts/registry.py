"""Finds the plug-ins that are one file each: kinds, checks, clients.

Scans installed packages only, never anything an agent wrote: nobody can register himself as a check.
"""

import importlib
import pkgutil
from typing import Any

from lignin.artifacts.kind import Kind
from lignin.domain.errors import IntegrityError


def load_plugins(package: str, attribute: str) -> dict[str, Any]:
    """Return the `attribute` of every module in a package, by the plug-in's `name`, sorted.

    Args:
        package: A dotted package inside `lignin`.
        attribute: The name each module must define (`KIND`, `CHECK`, `CLIENT`).

    Raises:
        IntegrityError: A package outside of `lignin`, a module without the attribute, two of a name.
    """
    if not package.startswith("lignin."):
        raise IntegrityError(f"plug-ins are only looked for inside lignin, not in {package!r}")
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name.startswith("_"):
            continue
        plugin = getattr(importlib.import_module(f"{package}.{module.name}"), attribute, None)
        if plugin is None:
            raise IntegrityError(f"{package}.{module.name} defines no {attribute}")
        if plugin.name in found:
            raise IntegrityError(f"{package} holds two plug-ins named {plugin.name!r}")
        found[plugin.name] = plugin
    return dict(sorted(found.items()))


def load_kinds() -> dict[str, Kind]:
    """Return every kind by name."""
    return load_plugins("lignin.artifacts.kinds", "KIND")
