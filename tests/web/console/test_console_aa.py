"""Every page keeps the rules of WCAG 2.2 AA that axe-core can tell, in both themes, and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from web.console.opened import Opened, opened
from web.console.shots import furnished
from web.console.watched import watched

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OTHERS = {
    "load": "/load",
    "history": "/history",
    "alerts": "/alerts",
    "windows": "/windows",
    "settings": "/settings",
    "machines": "/machines",
}
MORE = {"month": "/timeline?span=month", "editor": "/rulesets/tea_timer", "nowhere": "/nowhere", **OTHERS}
PAGES = (
    "overview",
    "picos",
    "events",
    "journal",
    "timeline",
    "schedules",
    "rulesets",
    "sources",
    "deliveries",
    "pico",
    "schedule",
    "turn",
    "path",
    *MORE,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a console with something on each page, and the paths of its pages."""
    with opened(tmp_path_factory.mktemp("aa"), "--open") as console:
        yield console.url, {**furnished(console), **MORE}


@pytest.fixture(
    scope="module", params=[("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)], ids=str
)
def seen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    scheme, width = request.param
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 844}, reduced_motion="reduce"
    )
    with watched(context) as page:
        yield page
    context.close()


def faults(page: Page) -> list[str]:
    """What axe-core finds, with the first places of each."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{each['id']}: {each['help']}: " + " | ".join(node["html"][:160] for node in each["nodes"][:3])
        for each in found
    ]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_fault(seen: Page, house: tuple[str, dict[str, str]], name: str) -> None:
    url, paths = house
    seen.goto(url + paths[name])
    expect(seen.locator("nav.nav")).to_be_attached()
    expect(seen.locator("#content")).to_be_visible()
    if name == "editor":
        expect(seen.locator(".cm-content[aria-label]")).to_be_visible()
        expect(seen.get_by_role("heading", name="Versions")).to_be_visible()
    assert faults(seen) == []


def test_a_notification_has_no_fault(seen: Page, house: tuple[str, dict[str, str]]) -> None:
    url, paths = house
    seen.goto(url + paths["editor"])
    seen.get_by_label("Since").last.fill("2020-01-01")
    seen.get_by_role("button", name="Replay", exact=True).click()
    expect(seen.locator(".q-notification")).to_contain_text("no snapshots")
    seen.locator(".q-notification").evaluate(
        "each => Promise.all(each.getAnimations({subtree: true}).map(every => every.finished))"
    )
    assert faults(seen) == []


def test_the_search_of_the_editor_has_no_fault(seen: Page, house: tuple[str, dict[str, str]]) -> None:
    url, paths = house
    seen.goto(url + paths["editor"])
    expect(seen.locator(".cm-content[aria-label]")).to_be_visible()
    seen.locator(".cm-content").focus()
    seen.keyboard.press("Control+f")
    seen.keyboard.type("tea")
    expect(seen.locator(".cm-searchMatch").first).to_be_visible()
    assert faults(seen) == []


def test_dialogs_have_no_fault(seen: Page, house: tuple[str, dict[str, str]]) -> None:
    url, paths = house
    seen.goto(url + paths["schedule"])
    seen.get_by_role("button", name="Timespec…").click()
    expect(seen.get_by_label("Timespec", exact=True)).to_be_visible()
    assert faults(seen) == []
    seen.keyboard.press("Escape")
    seen.keyboard.press("Escape")
    seen.keyboard.press("Control+k")
    expect(seen.get_by_role("option").first).to_be_visible()
    assert faults(seen) == []


def test_the_dialog_of_an_alert_has_no_fault(seen: Page, house: tuple[str, dict[str, str]]) -> None:
    url, paths = house
    seen.goto(url + paths["alerts"])
    seen.get_by_role("button", name="New alert…").click()
    dialog = seen.get_by_role("dialog", name="A new alert")
    dialog.get_by_label("Tells", exact=True).fill("https://ops.example.org/hook")
    expect(dialog.get_by_text("It posts to https://ops.example.org/… when")).to_be_visible()
    assert faults(seen) == []


def test_the_dialog_of_a_window_has_no_fault(seen: Page, house: tuple[str, dict[str, str]]) -> None:
    url, paths = house
    seen.goto(url + paths["windows"])
    seen.get_by_role("button", name="New window…").click()
    dialog = seen.get_by_role("dialog", name="A new window")
    dialog.get_by_label("Opens", exact=True).fill("weekdays at 8:00")
    dialog.get_by_label("Closes", exact=True).fill("weekdays at 18:00")
    expect(dialog.get_by_text("opens in").first).to_be_visible()
    assert faults(seen) == []


def test_the_keyboard_alone_goes_through_a_page(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/schedules")
    expect(page.locator("#content")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Go to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Tab")
    seen = page.evaluate(
        "(() => { const at = document.activeElement; return [document.querySelector('#content').contains(at),"
        " getComputedStyle(at).outlineStyle !== 'none' || at.closest('.q-field') !== null]; })()"
    )
    assert seen == [True, True]


def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/picos/{console.pico('focus')}")
    opener = page.get_by_role("button", name="New channel…").first
    opener.click()
    inside = "!document.querySelector('#content, header.top').contains(document.activeElement)"
    expect(page.locator(".q-card")).to_be_visible()
    page.wait_for_function(inside)
    for _ in range(12):
        page.keyboard.press("Tab")
        page.wait_for_function(inside)  # the dialog takes the focus back
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".q-card")).to_be_hidden()
    expect(opener).to_be_focused()
