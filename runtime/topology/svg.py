"""Draws a topology as SVG, light or dark as the reader's screen is."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .layout import MARGIN, SMALL_LETTER, Layout, Rectangle, lay_out

if TYPE_CHECKING:
    from .drawing import Box, Drawing, Lane

_STYLE = """
  .ground { fill: #ffffff; } .lane { fill: #f4f6f9; stroke: #d5dbe3; }
  .box { fill: #ffffff; stroke: #8a97a8; }
  text { font-family: ui-sans-serif, "Helvetica Neue", Arial, sans-serif; fill: #1d2733; }
  .title { font-size: 17px; font-weight: 600; }
  .label { font-size: 12px; fill: #66758a; }
  .name { font-size: 14px; font-weight: 600; text-anchor: middle; }
  .class { font-size: 12px; fill: #66758a; text-anchor: middle; }
  .ref { fill: none; stroke: #8a97a8; stroke-width: 1.5; marker-end: url(#head); }
  .every { stroke-width: 3; marker-end: url(#wide); }
  .lazy { stroke-dasharray: 5 4; }
  .main { fill: none; stroke: #c2410c; stroke-width: 1.5; marker-end: url(#start); }
  .ask { font-size: 12px; fill: #c2410c; }
  .head { fill: #8a97a8; } .start { fill: #c2410c; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #12161c; } .lane { fill: #1a2029; stroke: #2c3542; }
    .box { fill: #222a35; stroke: #7d8b9e; }
    text { fill: #e6ebf2; } .label, .class { fill: #9aa8ba; }
    .ref { stroke: #7d8b9e; } .head { fill: #7d8b9e; }
    .main { stroke: #fb923c; } .ask, .start { fill: #fb923c; }
  }
"""
_KEY = 34.0  # width of a sample arrow
_HEAD = (
    '<marker id="{id}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="{size}" '
    'markerHeight="{size}" orient="auto" markerUnits="userSpaceOnUse">'
    '<path class="{style}" d="M0,0.5 L8,4 L0,7.5 z"/></marker>'
)


def svg(drawing: Drawing) -> str:
    """Draw lanes, boxes and arrows; lazy refs are dashed, refs to all replicas are thick."""
    layout = lay_out(drawing)
    legend, right = _legend(drawing, layout.height)
    width = max(layout.width, right)
    height = layout.height + (MARGIN if legend else 0.0)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" '
            f'aria-label="topology {escape(drawing.name)}">'
        ),
        f"<style>{_STYLE}</style>",
        "<defs>",
        _HEAD.format(id="head", size=9, style="head"),
        _HEAD.format(id="wide", size=13, style="head"),
        _HEAD.format(id="start", size=9, style="start"),
        "</defs>",
        '<rect width="100%" height="100%" class="ground"/>',
        f'<text class="title" x="{MARGIN:g}" y="{MARGIN + 16:g}">{escape(drawing.name)}</text>',
        *(_lane(lane, layout.lanes[lane.name]) for lane in drawing.lanes),
        *_arrows(drawing, layout),
        *(_box(box, layout.boxes[box.name]) for box in drawing.boxes),
        *_main(drawing, layout),
        *legend,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lane(lane: Lane, place: Rectangle) -> str:
    return (
        f'<rect class="lane" rx="10" x="{place.x:g}" y="{place.y:g}" '
        f'width="{place.width:g}" height="{place.height:g}"/>'
        f'<text class="label" x="{place.x + 12:g}" y="{place.y + 19:g}">{escape(lane.label)}</text>'
    )


def _box(box: Box, place: Rectangle) -> str:
    cards = (6.0, 3.0, 0.0) if box.replicas else (0.0,)
    width = place.width - cards[0]
    parts = [
        f'<rect class="box" rx="7" x="{place.x + card:g}" y="{place.y - card:g}" '
        f'width="{width:g}" height="{place.height:g}"/>'
        for card in cards
    ]
    middle = place.x + width / 2
    times = f" \N{MULTIPLICATION SIGN}{box.replicas}" if box.replicas else ""
    parts.append(
        f'<text class="name" x="{middle:g}" y="{place.y + 20:g}">{escape(box.name + times)}</text>'
        f'<text class="class" x="{middle:g}" y="{place.y + 37:g}">{escape(box.title)}</text>'
    )
    return "<g>" + "".join(parts) + "</g>"


def _arrows(drawing: Drawing, layout: Layout) -> list[str]:
    lines = []
    for arrow in drawing.arrows:
        style = "ref" + (" every" if arrow.every else "") + (" lazy" if arrow.lazy else "")
        lines.append(
            f'<path class="{style}" d="{layout.routes[arrow]}">'
            f"<title>{escape(arrow.source)} refers to {escape(arrow.target)}</title></path>"
        )
    return lines


def _main(drawing: Drawing, layout: Layout) -> list[str]:
    if drawing.main is None:
        return []
    actor, handler = drawing.main
    place = layout.boxes[actor]
    start = layout.entry
    return [
        f'<path class="main" d="M{start:g},{place.middle:g} L{place.x:g},{place.middle:g}"/>',
        f'<text class="ask" x="{start:g}" y="{place.middle - 7:g}">{escape(handler)}</text>',
    ]


def _legend(drawing: Drawing, y: float) -> tuple[list[str], float]:
    """Return what explains the special arrows, and its right end; nothing where there are none."""
    entries = []
    if any(arrow.every for arrow in drawing.arrows):
        entries.append(("every", "to all replicas"))
    if any(arrow.lazy for arrow in drawing.arrows):
        entries.append(("lazy", "lazy: need not have started"))
    parts, x = [], MARGIN
    for style, words in entries:
        parts.append(
            f'<path class="ref {style}" d="M{x:g},{y:g} h{_KEY:g}"/>'
            f'<text class="label" x="{x + _KEY + 8:g}" y="{y + 4:g}">{escape(words)}</text>'
        )
        x += _KEY + 8 + SMALL_LETTER * len(words) + MARGIN
    return parts, x
