"""Drawing the evidence of a decision over its trials: a line of characters, or an SVG picture. Pure."""

import math
from collections.abc import Sequence
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


def _share(evidence: float, needed: float) -> float:
    """From 0 (evidence against, as much as would be needed for) over a half (none) to 1 (enough)."""
    reach = math.log(max(needed, 1.0001))
    return min(1.0, max(0.0, 0.5 + math.log(max(evidence, 1e-300)) / reach / 2))


def _place(evidence: float, needed: float) -> float:
    return _HEIGHT - _EDGE - _share(evidence, needed) * (_HEIGHT - 2 * _EDGE - 14)
