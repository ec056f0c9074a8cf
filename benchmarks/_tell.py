"""Prints a figure as `README.md` says; every benchmark names its subject once."""

import json
from typing import Protocol


class Tell(Protocol):
    def __call__(
        self,
        figure: str,
        value: float,
        unit: str,
        *,
        baseline: float | None = None,
        bar: str = "",
        met: bool | None = None,
        note: str = "",
    ) -> None:
        """Print one figure."""


def teller(subject: str) -> Tell:
    """Return what prints the figures of a subject."""

    def tell(
        figure: str,
        value: float,
        unit: str,
        *,
        baseline: float | None = None,
        bar: str = "",
        met: bool | None = None,
        note: str = "",
    ) -> None:
        line = {
            "subject": subject,
            "figure": figure,
            "value": round(value, 4),
            "unit": unit,
            "baseline": None if baseline is None else round(baseline, 4),
            "ratio": round(value / baseline, 3) if baseline else None,
            "bar": bar,
            "met": met,
            "note": note,
        }
        print(json.dumps(line), flush=True)

    return tell
