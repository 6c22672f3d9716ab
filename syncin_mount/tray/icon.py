"""The icon, drawn: a disc in the state's colour, out of which the state's sign is cut, so that the
panel shows through and the sign is seen on light and dark panels alike. Pure.

An icon theme has no icon of this program, and a name that a panel does not find is shown as a
missing picture: so there are pixels, and no name. They are ARGB, 32 bits a pixel in network byte
order, not premultiplied (StatusNotifierItem).
"""

from __future__ import annotations

import enum
import functools
import math
from collections.abc import Callable

from syncin_mount.tray.view import Kind

SIZES = (16, 22, 24, 32, 48)
"""Pixels: the usual ones of panels, once and twice."""

Pixmap = tuple[int, int, bytes]
"""Width, height and pixels."""

Shape = Callable[[float, float], float]
"""The signed distance of a point from the shape's edge (negative inside), both in units of half the
icon. The middle is (0, 0), and y grows downwards."""


class Panel(enum.Enum):
    """What the icon is shown on. Whoever prefers dark windows has a dark panel; but many dark
    panels are above light windows. So the colours of ``ANY`` are seen on both."""

    ANY = "any"
    DARK = "dark"


COLOURS: dict[Kind, dict[Panel, int]] = {
    Kind.NEEDS_YOU: {Panel.ANY: 0xE65100, Panel.DARK: 0xFFA726},
    Kind.SYNCING: {Panel.ANY: 0x1E88E5, Panel.DARK: 0x64B5F6},
    Kind.OFFLINE: {Panel.ANY: 0x78909C, Panel.DARK: 0xB0BEC5},
    Kind.IDLE: {Panel.ANY: 0x43A047, Panel.DARK: 0x81C784},
    Kind.PAUSED: {Panel.ANY: 0x7D8B92, Panel.DARK: 0xCFD8DC},
    Kind.STOPPED: {Panel.ANY: 0x8A8A8A, Panel.DARK: 0x9E9E9E},
}


@functools.cache
def pixmaps(kind: Kind, panel: Panel) -> tuple[Pixmap, ...]:
    """The icon at all sizes. It is drawn once; there are few."""
    return tuple((size, size, draw(kind, panel, size)) for size in SIZES)


def draw(kind: Kind, panel: Panel, size: int) -> bytes:
    """The icon at one size."""
    colour = COLOURS[kind][panel].to_bytes(3, "big")
    sign, half = _SIGNS[kind], size / 2
    pixels = bytearray()
    for row in range(size):
        for column in range(size):
            x, y = (column + 0.5) / half - 1, (row + 0.5) / half - 1
            seen = _cover(_DISC(x, y) * half) * (1 - _cover(sign(x, y) * half))
            pixels.append(round(255 * seen))
            pixels += colour
    return bytes(pixels)


def _cover(distance: float) -> float:
    """How much of a pixel the shape covers whose edge is so many pixels away."""
    return min(1.0, max(0.0, 0.5 - distance))


# shapes -------------------------------------------------------------------------------------------
def _disc(x: float, y: float, radius: float) -> Shape:
    return lambda px, py: math.hypot(px - x, py - y) - radius


def _ring(radius: float, width: float) -> Shape:
    return lambda x, y: abs(math.hypot(x, y) - radius) - width


def _line(x1: float, y1: float, x2: float, y2: float, width: float) -> Shape:
    dx, dy = x2 - x1, y2 - y1
    square = dx * dx + dy * dy

    def distance(x: float, y: float) -> float:
        along = min(1.0, max(0.0, ((x - x1) * dx + (y - y1) * dy) / square))
        return math.hypot(x - x1 - along * dx, y - y1 - along * dy) - width

    return distance


def _arc(radius: float, width: float, begin: float, end: float) -> Shape:
    """From one angle to the other, in degrees, clockwise from the right."""

    def distance(x: float, y: float) -> float:
        angle = math.degrees(math.atan2(y, x)) % 360
        if begin <= angle <= end:
            return abs(math.hypot(x, y) - radius) - width
        return 1.0

    return distance


def _triangle(*points: tuple[float, float]) -> Shape:
    """Its corners clockwise."""

    def distance(x: float, y: float) -> float:
        edges = zip(points, (*points[1:], points[0]), strict=True)
        return max(
            ((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / math.hypot(x2 - x1, y2 - y1)
            for (x1, y1), (x2, y2) in edges
        )

    return distance


def _any(*shapes: Shape) -> Shape:
    return lambda x, y: min(shape(x, y) for shape in shapes)


_DISC = _disc(0, 0, 0.96)

_SIGNS: dict[Kind, Shape] = {
    Kind.NEEDS_YOU: _any(_line(0, -0.5, 0, 0.08, 0.15), _disc(0, 0.5, 0.17)),
    Kind.SYNCING: _any(
        _arc(0.48, 0.12, 200, 325),
        _triangle((0.16, -0.22), (0.68, -0.6), (0.68, -0.06)),
        _arc(0.48, 0.12, 20, 145),
        _triangle((-0.16, 0.22), (-0.68, 0.6), (-0.68, 0.06)),
    ),
    Kind.OFFLINE: _any(
        _line(-0.36, -0.36, 0.36, 0.36, 0.13),
        _line(-0.36, 0.36, 0.36, -0.36, 0.13),
    ),
    Kind.IDLE: _any(_line(-0.44, 0.04, -0.12, 0.36, 0.13), _line(-0.12, 0.36, 0.46, -0.3, 0.13)),
    Kind.PAUSED: _any(_line(-0.24, -0.34, -0.24, 0.34, 0.13), _line(0.24, -0.34, 0.24, 0.34, 0.13)),
    Kind.STOPPED: _disc(0, 0, 0.68),
}
