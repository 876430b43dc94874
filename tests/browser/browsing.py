"""A real browser: Debian's Chromium, driven by Playwright, and axe-core for what assistive technology meets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
AXE = Path.home() / ".cache" / "kubernaut-tests" / "axe-core" / "package" / "axe.min.js"
PHONE = {"width": 320, "height": 640}
DESK = {"width": 1200, "height": 900}


@dataclass
class Visitor:
    """One browser window with what went wrong in it."""

    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Notes errors of scripts, of the policy and of requests."""

        def said(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.troubles.append(f"{self.page.url}: {message.text}")

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._check_host)

    def _check_host(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith(("http://127.0.0.1:", "data:")):
            self.troubles.append(f"something was loaded from elsewhere: {url}")


@contextmanager
def browsing() -> Iterator[Browser]:
    """The browser, for as long as the block lasts."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        yield browser
        browser.close()


def visitor(browser: Browser, address: str, *, dark: bool = False, phone: bool = False, calm: bool = True) -> Visitor:
    """A window of its own, with its own cookies."""
    context = browser.new_context(
        base_url=address,
        viewport=PHONE if phone else DESK,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if calm else "no-preference",
        device_scale_factor=1,
    )
    context.set_default_timeout(20_000)
    found = Visitor(context, context.new_page())
    found.listen()
    return found


def serious_faults(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, by WCAG 2.2 AA and its best practices."""
    # Not as a script tag, which the page's own policy would refuse.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations"
        ".filter((one) => ['serious', 'critical'].includes(one.impact))"
        ".map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)"
    )
    return [f"{page.url}: {fault}" for fault in found]


def sideways(page: Page) -> int:
    """How many pixels the page is wider than the window."""
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return int(width)


def _launched(playwright: Playwright) -> Browser:
    # Root has no sandbox in a container, and only our own pages are visited.
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
