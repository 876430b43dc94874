"""The pages in a real browser, on a running service with thousands of incidents behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browsing import AXE, DESK, PHONE, Visitor, serious_faults, sideways, visitor
from tests.browser.house import INCIDENTS, House

pytestmark = [pytest.mark.slow, pytest.mark.integration, pytest.mark.xdist_group("browser")]

DARK = "rgb(20, 23, 27)"
PAGES = (
    "/",
    "/incidents",
    "/incidents?q=app-01&ending=healed",
    "/incidents/inc-0007d0",
    "/incidents/inc-0007d0/events",
    "/approvals",
    "/value",
    "/strategies",
    "/strategies/crash_after_change/rollback_deployment",
    "/models",
    "/patterns",
    "/health",
    "/settings",
    "/settings?show=changed",
    "/switch/suspend",
)


@pytest.fixture(scope="module")
def counted(house: House, browser: Browser) -> House:
    """A house whose figures are counted: the first look at them starts that."""
    one = visitor(browser, house.address)
    one.page.goto("/value")
    expect(one.page.locator("#figures-h")).to_be_visible()
    one.context.close()
    return house


@pytest.fixture
def desk(house: House, browser: Browser) -> Iterator[Visitor]:
    one = visitor(browser, house.address)
    yield one
    one.context.close()
    assert one.troubles == []


@pytest.fixture(scope="module")
def waiting(house: House) -> str:
    """The id of an incident that waits for consent."""
    house.break_something("unknown-flag")
    return house.wait_for_question("ledger")


def test_every_page_stands_without_an_error_on_a_phone_at_the_desk_and_in_the_dark(
    counted: House, browser: Browser
) -> None:
    one = visitor(browser, counted.address, phone=True)
    wide, unlit = [], []
    for path in PAGES:
        answer = one.page.goto(path)
        assert answer is not None
        assert answer.ok, path
        expect(one.page.locator("h1")).to_have_count(1)
        # A page is the same for all of them, and turns with the window and the system while it stands.
        for size in (PHONE, DESK):
            one.page.set_viewport_size(size)
            if sideways(one.page):
                wide.append(f"{path}: {sideways(one.page)} px too wide at {size['width']}")
        one.page.emulate_media(color_scheme="dark")
        if _background(one.page) != DARK:
            unlit.append(path)
        one.page.emulate_media(color_scheme="light")
        one.page.set_viewport_size(PHONE)
    one.context.close()
    assert one.troubles == []
    assert wide == []
    assert unlit == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not fetched; `make machine` does, where npm is installed")
def test_axe_finds_no_serious_fault_on_any_page(counted: House, browser: Browser, waiting: str) -> None:
    faults = []
    asked = (f"/incidents/{waiting}", f"/incidents/{waiting}/approve")
    # The contrast of both palettes is computed elsewhere; in the dark a few pages stand for all. What a query leaves of
    # a page is in the whole of it.
    whole = [path for path in PAGES if "?" not in path]
    for dark, paths in ((False, (*whole, *asked)), (True, ("/", "/value", *asked))):
        one = visitor(browser, counted.address, dark=dark)
        for path in paths:
            one.page.goto(path)
            faults += serious_faults(one.page)
        one.context.close()
    assert faults == []


def test_the_dark_palette_follows_the_system_until_the_switch_says_otherwise(house: House, browser: Browser) -> None:
    one = visitor(browser, house.address, dark=True)
    one.page.goto("/health")
    assert _background(one.page) == DARK
    one.page.get_by_role("button", name="Light", exact=True).click()
    assert one.page.url.endswith("/health")
    assert _background(one.page) == "rgb(255, 255, 255)"
    one.page.get_by_role("button", name="System", exact=True).click()
    assert _background(one.page) == DARK
    assert one.troubles == []
    one.context.close()


def _background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))


def test_the_list_pages_filters_and_searches_in_place_and_keeps_it_in_the_address(desk: Visitor) -> None:
    page = desk.page
    page.goto("/incidents")
    expect(page.locator("h1 .count")).to_have_text(re.compile(rf"{INCIDENTS // 1000},0\d\d"))
    expect(page.locator(".rows tbody tr")).to_have_count(25)
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Status").select_option("escalated")
    page.wait_for_url("**/incidents?ending=escalated")
    expect(page.locator(".rows tbody .status").first).to_contain_text("escalated")
    page.locator("#q").fill("volume_full nothing-is-called-so")
    expect(page.locator("#all")).to_contain_text("Nothing matches")
    page.go_back()
    expect(page.locator(".rows tbody tr")).to_have_count(25)
    page.locator("a[rel=next]").click()
    assert "offset=25" in page.url
    assert "ending=escalated" in page.url


def test_the_keys_lead_through_the_pages_and_can_be_switched_off(desk: Visitor) -> None:
    page = desk.page
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/incidents")
    page.keyboard.press("j")
    expect(page.locator(".rows tbody tr td:nth-child(2) a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.locator("#keys").click()
    page.locator("#keys").blur()
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page.locator("#all-h")).to_be_visible()


@pytest.mark.usefixtures("counted")
def test_every_figure_leads_to_the_incidents_behind_it(desk: Visitor) -> None:
    page = desk.page
    page.goto("/strategies")
    row = page.locator(".strategies tbody tr").first
    tried = int(row.locator("td").nth(0).inner_text().replace(",", ""))
    row.locator("th a").click()
    expect(page.locator("p b").first).to_contain_text(f"of {tried:,}")
    page.locator("tbody td.number a").first.click()
    event = page.locator(f"#{page.url.partition('#')[2]}")
    expect(event).to_contain_text("verified")
    event.locator("summary").click()
    expect(event.locator("pre")).to_contain_text('"effect"')


def test_the_facts_of_a_cause_are_a_click_away(desk: Visitor) -> None:
    desk.page.goto("/incidents/inc-0007d0")
    desk.page.locator("#s-cause a.cite").first.click()
    expect(desk.page.locator("#fact-e1")).to_be_in_viewport()
    desk.page.locator("#fact-e1 th a").click()
    expect(desk.page.locator("li:target")).to_contain_text("cause")


def test_approving_and_undoing_from_the_page_is_seen_by_a_second_browser(
    house: House, browser: Browser, waiting: str
) -> None:
    anna, ben = visitor(browser, house.address), visitor(browser, house.address, phone=True)
    ben.page.goto("/approvals")
    expect(ben.page.locator(f"#ask-{waiting}")).to_contain_text("rollback_deployment")
    anna.page.goto(f"/incidents/{waiting}")
    anna.page.get_by_role("link", name="Approve…").click()
    anna.page.get_by_label("Your name").fill("anna")
    anna.page.get_by_label("Why (kept in the record)").fill("the flag is new")
    anna.page.get_by_role("button", name="Approve").click()
    expect(ben.page.locator("#ask-none")).to_be_visible()
    ben.page.goto(f"/incidents/{waiting}")
    for one in (anna, ben):
        expect(one.page.locator("#head-h")).to_contain_text("healed")
        expect(one.page.locator("#story-text")).to_contain_text("Decided by anna")
    anna.page.get_by_role("link", name="Undo…").click()
    anna.page.get_by_label("Your name").fill("anna")
    anna.page.get_by_role("button", name="Undo").click()
    for one in (anna, ben):
        expect(one.page.locator("main")).to_contain_text("(asked by anna)")
    assert anna.troubles + ben.troubles == []
    anna.context.close()
    ben.context.close()


def test_a_page_shows_a_new_incident_by_itself_and_says_that_it_is_live(house: House, desk: Visitor) -> None:
    desk.page.goto("/")
    expect(desk.page.locator("#liveness")).to_have_text("● live")
    house.break_something("scaled-to-zero")
    house.wait_for_question("levels")
    expect(desk.page.locator("#needs")).to_contain_text("levels")
    expect(desk.page.locator("nav .badge")).to_be_visible()


def test_suspending_and_resuming_is_said_on_every_page(desk: Visitor) -> None:
    page = desk.page
    page.goto("/health")
    page.get_by_role("link", name="Suspend all actions…").click()
    page.get_by_label("Your name").fill("anna")
    page.get_by_label("Why (kept in the record)").fill("freeze")
    page.get_by_role("button", name="Suspend").click()
    page.goto("/value")
    expect(page.locator("header")).to_contain_text("suspended by anna: freeze")
    page.get_by_role("link", name="Resume…").click()
    page.get_by_label("Your name").fill("anna")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("header")).not_to_contain_text("suspended by")


def test_a_fault_in_own_words_finds_its_like(desk: Visitor) -> None:
    desk.page.goto("/patterns")
    desk.page.locator("#q").fill("out of memory, killed by the kernel")
    expect(desk.page.locator(".patterns tbody tr").first).to_contain_text("memory_limit_too_low")
    assert "q=out+of+memory" in desk.page.url or "q=out%20of%20memory" in desk.page.url


def test_pages_work_without_scripts(house: House, browser: Browser) -> None:
    context = browser.new_context(base_url=house.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/incidents")
    page.locator("#q").fill("status:healed")
    page.get_by_role("button", name="Search").click()
    assert "q=status%3Ahealed" in page.url
    expect(page.locator(".rows tbody tr")).to_have_count(25)
    context.close()
