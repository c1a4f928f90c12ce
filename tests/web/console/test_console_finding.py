"""Ctrl-K: finding pages, picos, rulesets, schedules, events and settings."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from web.console.opened import HOSTILE, Opened

from picosched.settings import load_settings
from picosched.web.console.settings_page import shown


def finding(page: Page, words: str) -> None:
    page.get_by_role("combobox", name="Find").fill(words)


def test_keys_alone_find_a_pico_and_go_there(page: Page, console: Opened) -> None:
    pico = console.pico("lighthouse")
    page.goto(f"{console.url}/journal")
    expect(page.locator("main")).to_be_visible()
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Find")
    expect(palette.get_by_role("option").first).to_contain_text("Overview")
    page.keyboard.type("lightho")
    expect(palette.get_by_role("option").first).to_contain_text("lighthouse")
    page.keyboard.press("ArrowDown")
    expect(palette.get_by_role("option", selected=True)).to_contain_text("All schedules")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/picos/{pico}")


def test_each_kind_is_found(page: Page, console: Opened) -> None:
    pico = console.pico("cellar")
    console.raise_event(pico, "clocks:begin")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(console.url)
    page.get_by_role("button", name="Find").click()
    options = page.get_by_role("dialog", name="Find").get_by_role("option")
    for words, kind, name in (
        ("timel", "page", "Timeline"),
        ("clocks", "ruleset", "clocks"),
        ("never", "schedule", "clock:never"),
        ("clocks:beg", "event", "clocks:begin"),
        ("granul", "setting", "granularity"),
    ):
        finding(page, words)
        expect(options.filter(has_text=kind).filter(has_text=name).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    options.filter(has_text="granularity").click()
    page.wait_for_url("**/settings#granularity")
    expect(page.locator("#granularity")).to_be_in_viewport()


def test_names_are_text_and_escape_closes(page: Page, console: Opened) -> None:
    console.client.post("/api/picos", json={"name": HOSTILE}).raise_for_status()
    page.goto(console.url)
    expect(page.locator("main")).to_be_visible()
    page.keyboard.press("Control+k")
    finding(page, "onerror")
    expect(page.get_by_role("option").first).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Find")).to_be_hidden()


def test_a_search_is_short_and_needs_the_token(console: Opened) -> None:
    for number in range(9):
        console.pico(f"many {number}")
    finds = console.client.get("/find", params={"q": "many"}).json()
    assert sum(each["kind"] == "pico" for each in finds) == 6
    assert finds[-1]["href"] == "/picos?text=many"


def test_settings_are_shown_without_their_secrets() -> None:
    settings = load_settings(
        None, {}, smtp="smtp://me:hidden@mail.example:587", keys={"api": {"value": "hidden", "to": ["x"]}}
    )
    told = dict(shown(settings))
    assert told["smtp"] == "given"
    assert told["keys"] == "api"
    assert "hidden" not in repr(told)
