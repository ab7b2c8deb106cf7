"""Lines over time, as SVG, without a library."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 1000, 320, 60, 40, 200, 40
_COLOURS = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#ff7f0e",
    "#9467bd",
    "#8c564b",
    "#e377c2",
    "#7f7f7f",
    "#bcbd22",
    "#17becf",
)


def per_slot(times: Sequence[float], seconds: float, slot_s: float) -> list[float]:
    """How many of `times` fall into each slot, per second."""
    counts = [0.0] * (int(seconds / slot_s) + 1)
    for time in times:
        if time < seconds:
            counts[int(time / slot_s)] += 1 / slot_s
    return counts[: max(1, int(seconds / slot_s))]


def chart(title: str, unit: str, lines: Mapping[str, Sequence[float]], seconds: float) -> str:
    """One chart: each line's values stand at even distances from 0 to `seconds`."""
    top = max((value for line in lines.values() for value in line), default=0.0) or 1.0
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for step in range(5):
        y = _TOP + high - high * step / 4
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + wide}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * step / 4:.3g}</text>')
        x = _LEFT + wide * step / 4
        parts.append(
            f'<text x="{x:.1f}" y="{_TOP + high + 18}" text-anchor="middle">{seconds * step / 240:.3g} min</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="36" fill="#555">{escape(unit)}</text>')
    for place, (name, values) in enumerate(lines.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        points = " ".join(
            f"{_LEFT + wide * (number + 0.5) / len(values):.1f},{_TOP + high - high * value / top:.1f}"
            for number, value in enumerate(values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
        parts.append(
            f'<text x="{_LEFT + wide + 12}" y="{_TOP + 14 * place + 10}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def write(file: Path, *charts: str) -> None:
    """Writes charts below each other into one SVG."""
    inner = []
    for place, each in enumerate(charts):
        inner.append(f'<svg y="{place * _HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">{each}</svg>')
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT * len(charts)}">'
        f"{''.join(inner)}</svg>\n"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(whole, encoding="utf-8")
