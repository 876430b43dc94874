"""Time zones by their name."""

from __future__ import annotations

from zoneinfo import ZoneInfo


def zone_name(name: str) -> str:
    """The name; raises `ValueError` where there is no such zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"there is no time zone {name[:80]}; such as Europe/Berlin") from error
    return name
