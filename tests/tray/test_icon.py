"""The icon's pixels."""

from __future__ import annotations

import itertools

import pytest

from syncin_mount.tray.icon import COLOURS, SIZES, Panel, draw, pixmaps
from syncin_mount.tray.view import Kind

LIGHT_PANELS, DARK_PANELS = (0xFFFFFF, 0xF2F2F2), (0x000000, 0x2B2B2B)


def alpha(pixels: bytes) -> bytes:
    return pixels[::4]


def luminance(colour: int) -> float:
    """WCAG 2.1, relative luminance."""
    parts = [value / 255 for value in colour.to_bytes(3, "big")]
    r, g, b = (v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: int, other: int) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("panel", Panel)
def test_each_size_has_its_pixels(kind: Kind, panel: Panel):
    for (width, height, pixels), size in zip(pixmaps(kind, panel), SIZES, strict=True):
        assert (width, height, len(pixels)) == (size, size, 4 * size * size)
        red, green, blue = COLOURS[kind][panel].to_bytes(3, "big")
        assert set(zip(pixels[1::4], pixels[2::4], pixels[3::4], strict=True)) == {
            (red, green, blue)
        }
        assert alpha(pixels)[0] == 0, "the corners are the panel's"
        assert max(alpha(pixels)) == 255


@pytest.mark.parametrize("size", SIZES)
def test_states_differ_by_their_signs_and_not_by_colours_alone(size: int):
    for one, other in itertools.combinations(Kind, 2):
        pairs = zip(
            alpha(draw(one, Panel.ANY, size)), alpha(draw(other, Panel.ANY, size)), strict=True
        )
        different = sum(abs(a - b) > 128 for a, b in pairs)
        assert different > size * size / 25, (one, other)


@pytest.mark.parametrize("kind", Kind)
def test_it_is_seen_on_every_panel(kind: Kind):
    for panel in (*LIGHT_PANELS, *DARK_PANELS):
        assert contrast(COLOURS[kind][Panel.ANY], panel) > 2.7
    for panel in DARK_PANELS:
        assert contrast(COLOURS[kind][Panel.DARK], panel) > 4.5
