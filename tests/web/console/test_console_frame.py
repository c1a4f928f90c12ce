"""What all pages have: navigation, keys, theme, narrow screens, paths that lead nowhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect
from web.console.opened import HOSTILE, Opened
from web.console.watched import watched

PLACES = {
    "/": "Overview",
    "/picos": "Picos",
    "/events": "Events",
    "/journal": "Journal",
    "/timeline": "Timeline",
    "/schedules": "Schedules",
    "/history": "History",
    "/load": "Load",
    "/windows": "Windows",
    "/rulesets": "Rulesets",
    "/graph": "Graph",
    "/sources": "Sources",
    "/deliveries": "Deliveries",
    "/alerts": "Alerts",
    "/settings": "Settings",
}
DARK, LIGHT = "rgb(14, 17, 21)", "rgb(246, 247, 249)"


def expect_background(page: Page, colour: str) -> None:
    expect(page.locator("html")).to_have_css("background-color", colour)


@pytest.mark.parametrize(("path", "name"), PLACES.items())
def test_each_place_fits_a_narrow_screen_and_is_marked_as_the_present_one(
    page: Page, console: Opened, path: str, name: str
) -> None:
    page.set_viewport_size({"width": 380, "height": 800})
    page.goto(console.url + path)
    expect(page.locator(".nav a[aria-current=page]")).to_have_text(name)
    expect(page).to_have_title(f"{name} · picosched")
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


def test_the_navigation_and_the_filters_unfold_on_a_phone(page: Page, console: Opened) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{console.url}/schedules")
    places = page.locator(".nav a")
    expect(places.first).to_be_hidden()
    menu = page.get_by_role("button", name="Menu")
    menu.click()
    expect(menu).to_have_attribute("aria-expanded", "true")
    for place in places.all():
        expect(place).to_be_in_viewport(ratio=1)
    menu.click()
    expect(page.get_by_label("Text")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_label("Text")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_scripts_are_compressed_and_kept_for_ever(console: Opened) -> None:
    text = console.client.get("/", headers={"accept": "text/html", "accept-encoding": "br"}).text
    paths = re.findall(r'(?:src|href)="(/(?:look|_nicegui)/[^"]+\.(?:js|css))"', text)
    assert any("quasar" in each for each in paths) and any("console.css" in each for each in paths)
    for path in paths:
        plain = console.client.get(path, headers={"accept-encoding": "identity"})
        for coding in ("br", "gzip"):
            answer = console.client.get(path, headers={"accept-encoding": coding})
            assert "immutable" in answer.headers["cache-control"], path
            if len(plain.content) > 1_000:
                assert answer.headers["content-encoding"] == coding, path
                assert int(answer.headers["content-length"]) < len(plain.content) * 0.6, path
            assert answer.content == plain.content


def test_keys_lead_from_place_to_place(page: Page, console: Opened) -> None:
    page.goto(console.url)
    expect(page.locator("main")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("p")
    page.wait_for_url("**/picos")
    expect(page.locator(".filter input")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator(".filter input")).to_be_focused()
    page.keyboard.type("g j")  # in a field keys are letters
    expect(page.locator(".filter input")).to_have_value("g j")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_the_theme_follows_the_system_until_it_is_switched_and_is_remembered(
    page: Page, console: Opened
) -> None:
    page.goto(console.url)
    expect_background(page, LIGHT)
    page.emulate_media(color_scheme="dark")
    expect_background(page, DARK)
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark or light").click()
    expect_background(page, DARK)
    page.goto(f"{console.url}/picos")
    expect_background(page, DARK)
    expect(page.locator("body.body--dark")).to_be_attached()


def test_there_is_no_flash_of_the_other_theme(browser: Browser, console: Opened) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.route("**/_nicegui/**", lambda route: route.abort())  # nothing but the page itself has come
    page.goto(console.url, wait_until="commit")
    page.wait_for_selector("body", state="attached")
    expect_background(page, DARK)
    context.close()


def test_a_path_that_leads_nowhere_says_so_in_words_and_status(page: Page, console: Opened) -> None:
    answer = page.goto(f"{console.url}/nowhere/{HOSTILE}")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_text(f"There is nothing at /nowhere/{HOSTILE}")).to_be_visible()
    assert console.client.get("/api/nowhere").json() == {"error": "there is nothing at /api/nowhere"}
    assert console.client.delete("/api/picos").status_code == 405
    assert page.goto(f"{console.url}/picos/none").status == 404  # type: ignore[union-attr]
    assert page.goto(f"{console.url}/journal/99999999").status == 404  # type: ignore[union-attr]


def test_times_tell_how_far_off_they_are_by_the_server_s_clock(browser: Browser, console: Opened) -> None:
    context = browser.new_context()
    context.clock.install(time="2026-03-01T12:00:00Z")  # the browser's clock is wrong
    with watched(context) as page:
        page.goto(console.url)
        page.evaluate("""() => {
            const made = document.createElement("pico-time");
            const present = Number(document.querySelector("meta[name=server-ms]").content);
            made.setAttribute("at", new Date(present + 61_900).toISOString());
            made.id = "made";
            document.querySelector("main").append(made);
        }""")
        expect(page.locator("#made")).to_contain_text("in 1 min")
        expect(page.locator("#made")).to_contain_text("in 59 s")
    context.close()
