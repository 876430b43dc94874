from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import pytest

from kubernaut.entrypoints.dashboard.palette import DARK, LIGHT, Palette, contrast, stylesheet_head
from kubernaut.entrypoints.status import Tone

Lab = tuple[float, float, float]
BOTH = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
# How red-blind, green-blind and blue-blind eyes see linear RGB (Machado, Oliveira, Fernandes 2009, full severity).
SIGHTS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


@BOTH
def test_all_text_reaches_4_5_on_its_ground(palette: Palette) -> None:
    for ground in (palette.page, palette.panel):
        assert contrast(palette.text, ground) >= 13
    for colour, tint in palette.tones.values():
        assert min(contrast(colour, ground) for ground in (palette.page, palette.panel, tint)) >= 4.5


@BOTH
def test_controls_and_the_focus_reach_3(palette: Palette) -> None:
    for ground in (palette.page, palette.panel):
        assert contrast(palette.edge, ground) >= 3
        assert contrast(palette.focus, ground) >= 3


@BOTH
def test_the_words_on_a_filled_button_are_read(palette: Palette) -> None:
    assert contrast(palette.page, palette.tones[Tone.BUSY][0]) >= 5.3


@BOTH
@pytest.mark.parametrize("sight", [None, *SIGHTS])
def test_no_two_tones_look_alike_to_any_kind_of_sight(palette: Palette, sight: str | None) -> None:
    seen = [lab(colour, sight) for colour, _ in palette.tones.values()]
    nearest = min(difference(one, other) for one, other in combinations(seen, 2))
    assert nearest >= (12.8 if sight else 16.0)


def test_both_palettes_are_in_the_stylesheet() -> None:
    head = stylesheet_head()
    assert "--good:#10684a;" in head
    assert "--good:#32b586;" in head
    assert "prefers-color-scheme:dark" in head


def lab(colour: str, sight: str | None) -> Lab:
    linear = [to_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5)]
    if sight:
        linear = [min(1.0, max(0.0, sum(w * c for w, c in zip(row, linear, strict=True)))) for row in SIGHTS[sight]]
    red, green, blue = linear
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def to_linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def difference(one: Lab, other: Lab) -> float:
    """CIEDE2000."""
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean_chroma = (hypot(a1, b1) + hypot(a2, b2)) / 2
    factor = 0.5 * (1 - sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7)))
    a1, a2 = (1 + factor) * a1, (1 + factor) * a2
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn = h2 - h1
    turn -= 360 if turn > 180 else -360 if turn < -180 else 0
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(turn) / 2)
    ml, mc = (l1 + l2) / 2, (c1 + c2) / 2
    mh = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else ((h1 + h2 + 360) / 2) % 360
    t = 1 - 0.17 * cos(radians(mh - 30)) + 0.24 * cos(radians(2 * mh)) + 0.32 * cos(radians(3 * mh + 6))
    t -= 0.20 * cos(radians(4 * mh - 63))
    sl = 1 + 0.015 * (ml - 50) ** 2 / sqrt(20 + (ml - 50) ** 2)
    sc, sh = 1 + 0.045 * mc, 1 + 0.015 * mc * t
    rotation = -2 * sqrt(mc**7 / (mc**7 + 25**7)) * sin(radians(60 * exp(-(((mh - 275) / 25) ** 2))))
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * (dc / sc) * (dh / sh))
