"""Finding the checks: every module of `checks/` that has a `CHECK`. Over installed code only."""

import importlib
import pkgutil

from lignin.artifacts import checks
from lignin.artifacts.check import Check
from lignin.domain.errors import IntegrityError


def load_checks() -> tuple[Check, ...]:
    """Return the checks that are installed, by name.

    Raises:
        IntegrityError: A module without `CHECK`, or two checks of one name.
    """
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(checks.__path__):
        check = getattr(importlib.import_module(f"{checks.__name__}.{module.name}"), "CHECK", None)
        if not isinstance(check, Check) or check.name in found:
            raise IntegrityError(f"checks/{module.name}.py has no CHECK of its own name")
        found[check.name] = check
    return tuple(found[name] for name in sorted(found))
