"""The scan of the folders in which each file declares one thing: importers and detectors.

Looks at installed code only.
"""

import importlib
import pkgutil
from typing import Protocol, TypeVar

from lignin.domain.errors import InvalidRequestError


class Named(Protocol):
    """What a file of such a folder declares."""

    @property
    def name(self) -> str:
        """Differs from that of all others in the folder."""
        ...


Declared = TypeVar("Declared", bound=Named)


def load_declared(package: str, attribute: str, kind: type[Declared]) -> tuple[Declared, ...]:
    """Return what the files of a package declare, by name.

    Raises:
        InvalidRequestError: A file of the folder has no such attribute, or a name occurs twice.
    """
    found: dict[str, Declared] = {}
    path = importlib.import_module(package).__path__
    for module in pkgutil.iter_modules(path, f"{package}."):
        declared = getattr(importlib.import_module(module.name), attribute, None)
        if not isinstance(declared, kind):
            raise InvalidRequestError(
                f"{module.name} has no {attribute}", hint="each file of the folder declares one"
            )
        if declared.name in found:
            raise InvalidRequestError(f"two in {package} are named {declared.name!r}")
        found[declared.name] = declared
    return tuple(found[name] for name in sorted(found))
