"""Lignin: a life for the code that agents write.

Importing the package does nothing: no I/O, no folders, no logging set-up, no registry. The names of the
Python SDK are loaded when they are first used; `__init__.pyi` says what they are.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_PLACES = {
    **dict.fromkeys(
        ("Client", "artifact", "connect", "feedback", "search", "session"),
        "lignin.interfaces.sdk.client",
    ),
    "Artifact": "lignin.interfaces.sdk.artifacts",
    "Session": "lignin.interfaces.sdk.sessions",
    "Captured": "lignin.interfaces.sdk.captured",
    "capture": "lignin.interfaces.sdk.captured",
    **dict.fromkeys(
        (
            "LigninError",
            "CallFailedError",
            "ConflictError",
            "DeniedError",
            "GateFailedError",
            "IntegrityError",
            "InvalidRequestError",
            "LimitedError",
            "NotFoundError",
            "UnavailableError",
        ),
        "lignin.domain.errors",
    ),
}


def __getattr__(name: str) -> Any:
    if name == "aio":
        return importlib.import_module("lignin.interfaces.sdk.aio")
    if name not in _PLACES:
        raise AttributeError(f"module 'lignin' has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES, "aio"})
