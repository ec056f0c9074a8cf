"""A fleet's graph as text and as an SVG picture. Pure."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from lignin.domain.fleets import FleetPlan

_MARKS = {
    "waiting": "·",
    "running": "▸",
    "asked": "?",
    "answered": "=",
    "merged": "✓",
    "settled": "✓",
    "dropped": "✗",
}
_COLOURS = {
    "waiting": "#e8e8e8",
    "running": "#cfe0ff",
    "asked": "#ffe2a8",
    "answered": "#dcd3f5",
    "merged": "#c9ecd2",
    "settled": "#c9ecd2",
    "dropped": "#f3c9c5",
}
_WIDE, _HIGH, _GAP_X, _GAP_Y, _EDGE = 150, 44, 60, 18, 30
_CHARS = 20


def stages_of(plan: FleetPlan) -> list[list[str]]:
    """The pieces by stage: each as early as the pieces before it allow."""
    depth: dict[str, int] = {}
    left = list(plan.pieces)
    while left:
        for piece in [each for each in left if all(need in depth for need in each.needs)]:
            depth[piece.id] = 1 + max((depth[need] for need in piece.needs), default=-1)
            left.remove(piece)
    stages: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for piece in plan.pieces:
        stages[depth[piece.id]].append(piece.id)
    return stages


def graph_text(plan: FleetPlan, states: Mapping[str, str]) -> str:
    """One line for each piece, stage by stage: its state, its name, what it needs."""
    lines = []
    for number, names in enumerate(stages_of(plan), start=1):
        lines.append(f"stage {number}")
        for name in names:
            piece, state = plan.piece(name), states[name]
            needs = f"  <- {', '.join(piece.needs)}" if piece.needs else ""
            kind = "  (judgement)" if piece.kind == "judgement" else ""
            lines.append(f"  {_MARKS[state]} {name:<{_CHARS}} {state:<9}{kind}{needs}".rstrip())
    return "\n".join(lines)


def graph_svg(plan: FleetPlan, states: Mapping[str, str], title: str) -> str:
    """The same as an SVG picture, stages from left to right."""
    stages = stages_of(plan)
    most = max(map(len, stages))
    width = 2 * _EDGE + len(stages) * (_WIDE + _GAP_X) - _GAP_X
    height = 2 * _EDGE + 24 + most * (_HIGH + _GAP_Y) - _GAP_Y
    spots = {
        name: (_EDGE + column * (_WIDE + _GAP_X), _EDGE + 24 + row * (_HIGH + _GAP_Y))
        for column, names in enumerate(stages)
        for row, name in enumerate(names)
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_EDGE}" y="22">{escape(title[: width // 7])}</text>',
    ]
    for piece in plan.pieces:
        x, y = spots[piece.id]
        for need in piece.needs:
            fx, fy = spots[need][0] + _WIDE, spots[need][1] + _HIGH / 2
            parts.append(
                f'<path d="M{fx},{fy:g} C{fx + 30},{fy:g} {x - 30},{y + _HIGH / 2:g} '
                f'{x},{y + _HIGH / 2:g}" fill="none" stroke="#888"/>'
            )
    for piece in plan.pieces:
        x, y = spots[piece.id]
        state = states[piece.id]
        dash = ' stroke-dasharray="4"' if piece.kind == "judgement" else ""
        name = piece.id if len(piece.id) <= _CHARS else f"{piece.id[: _CHARS - 1]}…"
        parts += [
            f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="6" '
            f'fill="{_COLOURS[state]}" stroke="#555"{dash}>'
            f"<title>{escape(' '.join(piece.what.split())[:200])}</title></rect>",
            f'<text x="{x + 8}" y="{y + 18}" font-weight="bold">{escape(name)}</text>',
            f'<text x="{x + 8}" y="{y + 34}" fill="#333">{_MARKS[state]} {state}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
