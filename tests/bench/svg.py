# SPDX-License-Identifier: MIT
"""Draws figures as SVG, without any package: bars beside each other, and lines over powers of ten. The colours are seen on a
light and on a dark page."""
import math
from typing import NamedTuple
from xml.sax.saxutils import escape

COLOURS = ("#2f81f7", "#d29922", "#8b949e")  # each is readable on white and on black


class Row(NamedTuple):
    label: str
    values: list[float]


class Curve(NamedTuple):
    colour: int
    points: list[tuple[float, float]]


class Panel(NamedTuple):
    title: str
    curves: list[Curve]


def page(width: int, height: int, title: str, shapes: list[str]) -> str:
    """The whole file; who cannot see it hears the title."""
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        f"<title>{escape(title)}</title>",
        "<style>text{font:12px sans-serif;fill:#57606a}.h{font-weight:bold}.e{text-anchor:end}.m{text-anchor:middle}"
        ".g{stroke:#57606a;stroke-opacity:.3}@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.g{stroke:#c9d1d9}}</style>",
        *shapes, "</svg>", ""])


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}"' + (f' class="{kind}"' if kind else "") + f">{escape(words)}</text>"


def grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="g" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def legend(x: float, y: float, names: list[str]) -> list[str]:
    out = []
    for number, name in enumerate(names):
        out += [f'<rect x="{x:g}" y="{y - 9:g}" width="10" height="10" fill="{COLOURS[number]}"/>', text(x + 14, y, name)]
        x += 30 + 7 * len(name)
    return out


def short(number: float) -> str:
    """At most four letters where it is a whole one: 1000000 is 1M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def bars(title: str, names: list[str], rows: list[Row]) -> str:
    """For each row a bar for each name."""
    left, right, top, thick = 200, 620, 50, 8
    most = max(max(row.values) for row in rows)
    step = next(size for size in (100, 200, 250, 500, 1000, 2500, 5000, 10000, 100000, math.inf) if most / size <= 8)
    scale = (right - left) / most
    high = thick * len(names) + 8
    bottom = top + high * len(rows)
    out = [text(10, 18, title, "h"), *legend(left, 38, names)]
    for mark in range(int(most / step) + 1 if step < math.inf else 1):
        x = left + mark * step * scale
        out += [grid(x, top, x, bottom), text(x, bottom + 14, f"{mark * step:g}", "m")]
    for place, row in enumerate(rows):
        y = top + 4 + place * high
        out.append(text(left - 8, y + thick * len(names) / 2 + 4, row.label, "e"))
        out += [f'<rect x="{left}" y="{y + thick * number:g}" width="{value * scale:.1f}" height="{thick - 1}" fill="{COLOURS[number]}"/>'
                for number, value in enumerate(row.values)]
    return page(right + 40, bottom + 24, title, out)


def curves(title: str, names: list[str], panels: list[Panel]) -> str:
    """Panels two by two, each over powers of ten in both directions and with a range of its own."""
    wide, high, left, top = 330, 190, 50, 60
    out = [text(10, 18, title, "h"), *legend(10, 38, names)]
    for place, panel in enumerate(panels):
        x0, y0 = left + place % 2 * (wide + 20), top + place // 2 * (high + 20)
        x1, y1 = x0 + wide - left, y0 + high - 40
        xs = [x for curve in panel.curves for x, _ in curve.points]
        ys = [y for curve in panel.curves for _, y in curve.points]
        low_x, high_x = (math.log10(end) for end in (min(xs), max(xs)))
        low_y, high_y = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
        high_x, high_y = max(high_x, low_x + 1), max(high_y, low_y + 1)

        def at(x: float, y: float) -> tuple[float, float]:
            return (x0 + (math.log10(x) - low_x) / (high_x - low_x) * (x1 - x0),
                    y1 - (math.log10(y) - low_y) / (high_y - low_y) * (y1 - y0))

        out.append(text(x0, y0 - 6, panel.title, "h"))
        for power in range(low_y, high_y + 1):
            _, y = at(10 ** low_x, 10 ** power)
            out += [grid(x0, y, x1, y), text(x0 - 6, y + 4, short(10 ** power), "e")]
        for power in range(math.ceil(low_x), math.floor(high_x) + 1):
            x, _ = at(10 ** power, 10 ** low_y)
            out += [grid(x, y0, x, y1), text(x, y1 + 15, short(10 ** power), "m")]
        for curve in panel.curves:
            points = [at(x, y) for x, y in curve.points]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            out.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[curve.colour]}" stroke-width="2"/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[curve.colour]}"/>' for x, y in points]
    rows = (len(panels) + 1) // 2
    return page(left + 2 * wide + 10, top + rows * (high + 20) - 10, title, out)
