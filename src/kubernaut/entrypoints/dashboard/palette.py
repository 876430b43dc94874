"""The colours of the pages, spread in lightness as well as hue so that every kind of sight tells them apart.

A test recomputes the contrasts: text reaches 4.5 on its ground, controls 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kubernaut.entrypoints.status import Tone


@dataclass(frozen=True, slots=True)
class Palette:
    """`tones` are (colour, tint)."""

    page: str
    panel: str
    text: str
    edge: str
    focus: str
    hairline: str
    tones: Mapping[Tone, tuple[str, str]]


LIGHT = Palette(
    page="#ffffff",
    panel="#f5f6f8",
    text="#1a1d21",
    edge="#767e89",
    focus="#0067d2",
    hairline="#d9dde3",
    tones=MappingProxyType(
        {
            Tone.GOOD: ("#10684a", "#e3f4ec"),
            Tone.BUSY: ("#0067d2", "#e3eefb"),
            Tone.ASK: ("#a05a0c", "#fdf1d8"),
            Tone.BAD: ("#8a2012", "#fdeae7"),
            Tone.HAND: ("#590a81", "#f2e9f9"),
            Tone.QUIET: ("#525c68", "#eef0f3"),
        }
    ),
)
DARK = Palette(
    page="#14171b",
    panel="#1d2126",
    text="#e6e9ee",
    edge="#7d8794",
    focus="#faca63",
    hairline="#343a42",
    tones=MappingProxyType(
        {
            Tone.GOOD: ("#32b586", "#10291f"),
            Tone.BUSY: ("#a5c0fe", "#11283f"),
            Tone.ASK: ("#faca63", "#32260a"),
            Tone.BAD: ("#f7644a", "#3d1516"),
            Tone.HAND: ("#a283f8", "#2b1a3b"),
            Tone.QUIET: ("#b6b9c0", "#262b31"),
        }
    ),
)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)  # noqa: PLR2004
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def stylesheet_head() -> str:
    """The custom properties of both palettes; the system's preference chooses, unless the switch was set."""
    return (
        f":root{{color-scheme:light;{_properties(LIGHT)}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme]){{color-scheme:dark;{_properties(DARK)}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{_properties(DARK)}}}\n"
    )


def _properties(palette: Palette) -> str:
    plain = {name: getattr(palette, name) for name in ("page", "panel", "text", "edge", "focus", "hairline")}
    for tone, (colour, tint) in palette.tones.items():
        plain[tone.value] = colour
        plain[f"{tone.value}-tint"] = tint
    return "".join(f"--{name}:{colour};" for name, colour in plain.items())
