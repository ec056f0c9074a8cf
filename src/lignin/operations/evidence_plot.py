"""Drawing over trials: a decision's evidence, as characters or as SVG, and a campaign's score. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT, _EDGE = 640, 240, 44
_MOST = 60


def spark(path: Sequence[float], needed: float) -> str:
    """The evidence as bars on a logarithmic scale; a full one is what is needed, or more."""
    shown = path if len(path) <= _MOST else [path[i * len(path) // _MOST] for i in range(_MOST)]
    return "".join(_BARS[int(_share(each, needed) * (len(_BARS) - 1))] for each in shown)


def draw_evidence(path: Sequence[float], needed: float, title: str) -> str:
    """An SVG picture of the evidence after each round of pairs, with the line that proves a gain."""
    points = [1.0, *path]
    step = (_WIDTH - 2 * _EDGE) / max(1, len(points) - 1)
    line = " ".join(
        f"{_EDGE + number * step:.1f},{_place(each, needed):.1f}"
        for number, each in enumerate(points)
    )
    proven = _place(needed, needed)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_EDGE}" y="18">{escape(title)}</text>',
            f'<line x1="{_EDGE}" x2="{_WIDTH - _EDGE}" y1="{proven:.1f}" y2="{proven:.1f}" '
            'stroke="#0a7d33" stroke-dasharray="4"/>',
            f'<text x="{_EDGE}" y="{proven - 4:.1f}" fill="#0a7d33">{needed:.3g} proves it</text>',
            f'<polyline points="{line}" fill="none" stroke="#1f4e9c" stroke-width="2"/>',
            f'<text x="{_EDGE}" y="{_HEIGHT - 10}">rounds of pairs: {len(path)}; evidence at the '
            f"end {points[-1]:.3g}</text>",
            "</svg>",
            "",
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Climbed:
    """A judged draft of a campaign: trials paid by then, the mean score it was made on, its outcome."""

    trials: int
    score: float
    outcome: str


_MARKS = {"accept": "#0a7d33", "reject": "#b3261e", "undecided": "#777777"}


def draw_climb(rounds: Sequence[Climbed], title: str, last: float | None = None) -> str:
    """An SVG picture of the mean score over trials paid, with a mark for each draft that was judged.

    Args:
        last: The mean score in the end, where it is known.
    """
    most = max((each.trials for each in rounds), default=0) or 1
    wide, high = _WIDTH - 2 * _EDGE, _HEIGHT - 2 * _EDGE

    def x(trials: float) -> float:
        return _EDGE + wide * trials / most

    def y(score: float) -> float:
        return _HEIGHT - _EDGE - high * score

    line, before = [], 0
    for each in rounds:
        line += [
            f"{x(before):.1f},{y(each.score):.1f}",
            f"{x(each.trials):.1f},{y(each.score):.1f}",
        ]
        before = each.trials
    if last is not None:
        line.append(f"{x(before):.1f},{y(last):.1f}")
    marks = [
        f'<circle cx="{x(each.trials):.1f}" cy="{y(each.score):.1f}" r="4" '
        f'fill="{_MARKS[each.outcome]}"><title>{each.outcome}</title></circle>'
        for each in rounds
    ]
    legend = ", ".join(
        f"{sum(each.outcome == name for each in rounds)} {told}"
        for name, told in (
            ("accept", "accepted (green)"),
            ("reject", "refused (red)"),
            ("undecided", "undecided (grey)"),
        )
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_EDGE}" y="18">{escape(title)}</text>',
            *(
                f'<text x="6" y="{y(share) + 4:.1f}" fill="#555">{share:.0%}</text>'
                for share in (0.0, 0.5, 1.0)
            ),
            f'<polyline points="{" ".join(line)}" fill="none" stroke="#1f4e9c" stroke-width="2"/>',
            *marks,
            f'<text x="{_EDGE}" y="{_HEIGHT - 10}">{most} trials paid; {legend}</text>',
            "</svg>",
            "",
        ]
    )


def _share(evidence: float, needed: float) -> float:
    """From 0 (evidence against, as much as would be needed for) over a half (none) to 1 (enough)."""
    reach = math.log(max(needed, 1.0001))
    return min(1.0, max(0.0, 0.5 + math.log(max(evidence, 1e-300)) / reach / 2))


def _place(evidence: float, needed: float) -> float:
    return _HEIGHT - _EDGE - _share(evidence, needed) * (_HEIGHT - 2 * _EDGE - 14)
