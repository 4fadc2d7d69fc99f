"""Bar charts and curves as SVG, with nothing but the standard library.

A bar chart has groups along its foot and in each group a bar a party: the median of its values, with a line from the least to
the greatest. A chart of curves has numbers along its foot and a line a party. Each names the machine in its lower right corner.
Colours tell apart also when printed in grey; text takes the page's own fonts.
"""

import math
import statistics
from xml.sax.saxutils import escape

COLOURS = {"p50": "#1f78b4", "p99": "#e8a33d", "inserts": "#1f78b4", "batches of 64 MiB": "#1f78b4", "batches of 256 MiB": "#e8a33d",
           "direct": "#9aa0a6", "haproxy": "#e8a33d", "router": "#7b4fa3", "pintail": "#1f78b4", "duckdb": "#33a02c"}
WIDTH, HEIGHT = 860, 380
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 60, 66


def nice_step(top):
    """A distance of grid lines: 1, 2 or 5 times a power of ten, at most six of them."""
    power = 10 ** math.floor(math.log10(top / 5)) if top > 0 else 1
    return next(step * power for step in (1, 2, 5, 10) if top / (step * power) <= 6)


def label(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def text(x, y, content, **attributes):
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{escape(content)}</text>'


def bar(x, width, values, scale, colour):
    """One party's bar and the spread of its values."""
    foot, middle = HEIGHT - BOTTOM, x + width / 2
    top = foot - statistics.median(values) * scale
    low, high = foot - min(values) * scale, foot - max(values) * scale
    return [
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{foot - top:.1f}" fill="{colour}"/>',
        f'<path d="M{middle:.1f} {low:.1f}V{high:.1f}" stroke="#222" stroke-width="1.2"/>',
        text(middle, min(top, high) - 4, label(statistics.median(values)), text_anchor="middle", font_size=10),
    ]


def grid(top, scale):
    step, value, lines = nice_step(top), 0, []
    while value <= top * 1.001:
        y = HEIGHT - BOTTOM - value * scale
        lines.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        lines.append(text(LEFT - 8, y + 4, label(value), text_anchor="end"))
        value += step
    return lines


def legend(parties):
    pieces, x = [], LEFT
    for party in parties:
        pieces.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS.get(party, "#555")}"/>')
        pieces.append(text(x + 17, 44, party))
        x += 40 + 8 * len(party)
    return pieces


def frame(title, unit, machine):
    """What every chart begins with."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        text(LEFT, 20, f"{title} ({unit})", font_size=15, font_weight="bold"),
        text(WIDTH - RIGHT, HEIGHT - 8, machine, text_anchor="end", font_size=10, fill="#666"),
    ]


def bar_chart(title, unit, machine, groups):
    """SVG text. `groups` is {name: {party: [values]}}; parties keep the order in which they first come."""
    parties = list(dict.fromkeys(party for group in groups.values() for party in group))
    top = max(max(values) for group in groups.values() for values in group.values())
    scale = (HEIGHT - TOP - BOTTOM - 14) / top if top else 1
    across = (WIDTH - LEFT - RIGHT) / len(groups)
    width = min(70, across * 0.85 / len(parties))
    pieces = [*frame(title, unit, machine), *legend(parties), *grid(top, scale)]
    for number, (name, group) in enumerate(groups.items()):
        start = LEFT + across * number + (across - width * len(parties)) / 2
        for at, party in enumerate(parties):
            if group.get(party):
                pieces += bar(start + at * width + 1, width - 2, group[party], scale, COLOURS.get(party, "#555"))
        pieces.append(text(LEFT + across * (number + 0.5), HEIGHT - BOTTOM + 20, name, text_anchor="middle"))
    return "\n".join([*pieces, "</svg>"]) + "\n"


def curve(points, place, colour, dots):
    """A line through the medians, with a dot and its spread at each when there are few."""
    at = [(*place(x, statistics.median(values)), x, values) for x, values in points]
    pieces = ['<path d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y, _, _ in at) + f'" fill="none" stroke="{colour}" stroke-width="2"/>']
    for x, y, number, values in at if dots else ():
        low, high = place(number, min(values))[1], place(number, max(values))[1]
        pieces += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>',
                   f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#222" stroke-width="1.2"/>',
                   text(x, min(y, high) - 8, label(statistics.median(values)), text_anchor="middle", font_size=10)]
    return pieces


def line_chart(title, unit, machine, foot, series, logarithmic=False):
    """SVG text. `series` is {party: [(x, [values])]}, ascending; `foot` says what x is; its axis may be logarithmic."""
    across = math.log10 if logarithmic else float
    numbers = sorted({x for points in series.values() for x, _ in points})
    top = max(max(values) for points in series.values() for _, values in points)
    first, last = across(numbers[0]), across(numbers[-1])
    scale, width = (HEIGHT - TOP - BOTTOM - 14) / top if top else 1, WIDTH - LEFT - RIGHT - 60

    def place(x, y):
        return LEFT + 30 + width * ((across(x) - first) / (last - first) if last > first else 0.5), HEIGHT - BOTTOM - y * scale
    few = len(numbers) <= 12
    step = nice_step(numbers[-1])
    marks = numbers if few else [step * i for i in range(int(numbers[-1] / step) + 1) if step * i >= numbers[0]]
    pieces = [*frame(title, unit, machine), *legend(series), *grid(top, scale)]
    pieces += [text(place(x, 0)[0], HEIGHT - BOTTOM + 18, label(x), text_anchor="middle") for x in marks]
    pieces.append(text(LEFT + 30 + width / 2, HEIGHT - BOTTOM + 38, foot, text_anchor="middle"))
    for party, points in series.items():
        pieces += curve(points, place, COLOURS.get(party, "#555"), few)
    return "\n".join([*pieces, "</svg>"]) + "\n"
