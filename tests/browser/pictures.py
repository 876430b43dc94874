"""Takes the pictures of the documents from the demo, played to its end: `make pictures`. Nothing else rewrites them."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from kubernaut.domain.lifecycle import Ending
from kubernaut.ports import IncidentFilter
from tests.browser.browsing import browsing, visitor
from tests.browser.house import House
from tests.browser.stage import ASKED, play_demo

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
PAGES = {
    "live": "/",
    "incidents": "/incidents?ending=healed&since=7d",
    "incident": "/incidents/{healed}",
    "events": "/incidents/{healed}/events",
    "approvals": "/approvals",
    "approve": "/incidents/{waiting}/approve",
    "value": "/value",
    "strategies": "/strategies",
    "tries": "/strategies/crash_after_change/rollback_deployment",
    "models": "/models",
    "patterns": "/patterns?q=pods+exit+1+after+a+new+flag",
    "health": "/health",
}
# In the documents the others would only repeat what these show.
ELSEWHERE = {"dark": ("live", "incident", "value"), "phone": ("live", "incident", "approvals")}
_LOWEST, _HIGHEST = 320, 1100
_COLOURS = 144


def take_pictures(house: House, browser: Browser, folder: Path, waiting: str, *, every: bool = False) -> list[Path]:
    """Each page in light, some of them (or `every` one) also in dark and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    [healed] = house.incidents(IncidentFilter(ending=Ending.HEALED, cause="crash_after_change", limit=1))
    for look, dark, phone in (("light", False, False), ("dark", True, False), ("phone", False, True)):
        one = visitor(browser, house.address, dark=dark, phone=phone)
        for name, path in PAGES.items():
            if not every and name not in ELSEWHERE.get(look, PAGES):
                continue
            # A page is at least as high as the window.
            one.page.set_viewport_size({"width": 320 if phone else 1200, "height": _LOWEST})
            one.page.goto(path.format(waiting=waiting, healed=healed.id))
            expect(one.page.locator("#counting")).to_have_count(0)
            height = min(_HIGHEST, int(one.page.evaluate("document.documentElement.scrollHeight")))
            target = folder / f"{name}-{look}.png"
            one.page.set_viewport_size({"width": 320 if phone else 1200, "height": height})
            one.page.screenshot(path=target)
            with Image.open(target) as picture:
                picture.convert("RGB").quantize(_COLOURS).save(target, optimize=True)
            taken.append(target)
        one.context.close()
    return taken


def main() -> None:
    """Writes them, to `docs/pictures` or to the folder that is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    with play_demo() as house, browsing() as browser:
        house.break_something(ASKED)
        waiting = house.wait_for_question("ledger")
        taken = take_pictures(house, browser, folder, waiting, every=len(sys.argv) > 1)
    sys.stdout.write(f"{len(taken)} pictures, {sum(path.stat().st_size for path in taken) // 1024} KiB in {folder}\n")


if __name__ == "__main__":
    main()
