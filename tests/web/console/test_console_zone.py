"""The zone of the reader: the browser's own, or a chosen one, in the browser and in what the server draws."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect
from web.console.opened import Opened
from web.console.pasted import get
from web.console.watched import watched

from picosched.clock import SystemClock, format_time
from picosched.web.console.list_page import matches
from picosched.web.console.local_time import read_local

BEAT = "2126-01-01T00:00:00Z"


def never(console: Opened, name: str) -> str:
    """The path of a schedule due at `BEAT`."""
    pico = console.pico(name)
    console.raise_event(pico, "clocks:begin")
    rows = get(console, "/scheduled", pico=pico)["items"]
    return f"{console.url}/schedules/{next(each['id'] for each in rows if each['due'] == BEAT)}"


def test_times_are_in_the_browser_s_zone_with_utc_on_hover(browser: Browser, console: Opened) -> None:
    path = never(console, "tokyo")
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-US")
    with watched(context) as page:
        page.goto(path)
        time = page.locator(".times pico-time")
        expect(time).to_contain_text("2126-01-01 09:00")
        expect(time).to_have_attribute("title", f"{BEAT}\n2126-01-01 09:00:00 GMT+9, Asia/Tokyo")
        page.wait_for_function("document.cookie.includes('Tokyo')")
        page.reload()  # the server is told the zone of a first visit a moment later
        page.wait_for_function("window.did_handshake")
        page.get_by_role("button", name="Move").click()
        field = page.get_by_label("To, Asia/Tokyo")
        expect(field).to_have_value("2126-01-01 09:00:00")
        page.get_by_role("button", name="Calendar").click()
        page.locator(".q-date").get_by_role("button", name="15", exact=True).click()
        expect(field).to_have_value("2126-01-15 09:00:00")
        expect(page.locator(".preview")).to_contain_text("2126-01-15 09:00")
        page.goto(f"{console.url}/load")
        expect(page.get_by_text("Asia/Tokyo").first).to_be_visible()
    context.close()


def test_a_chosen_zone_is_kept_and_everything_is_drawn_in_it(page: Page, console: Opened) -> None:
    path = never(console, "dubai")
    page.goto(f"{console.url}/settings")
    field = page.get_by_label("Zone of all times")
    field.fill("Dubai")
    page.get_by_role("option", name="Asia/Dubai").click()
    expect(field).to_have_value("Asia/Dubai")
    page.goto(path)
    expect(page.locator(".times pico-time")).to_contain_text("2126-01-01 04:00")
    page.goto(f"{console.url}/timeline")
    expect(page.locator(".side").first).to_contain_text("Asia/Dubai")
    page.goto(f"{console.url}/settings")
    expect(page.get_by_label("Zone of all times")).to_have_value("Asia/Dubai")


def test_times_without_an_offset_are_read_in_the_browser_s_zone(browser: Browser, console: Opened) -> None:
    path = never(console, "kyoto")
    context = browser.new_context(timezone_id="Asia/Tokyo", locale="en-US")
    with watched(context) as page:
        page.goto(f"{console.url}/new")  # the first page of this browser
        expect(page.get_by_label("Zone")).to_have_value("Asia/Tokyo")
        page.goto(path)
        page.wait_for_function("window.did_handshake")
        page.get_by_label("At, or from").fill("2126-01-01 09:00")
        page.get_by_role("button", name="Ask").click()
        status = page.get_by_role("status")
        expect(status).to_contain_text("it is due 2126-01-01 09:00:00")
        expect(status.get_by_title(BEAT)).to_have_attribute(
            "title", f"{BEAT}\n2126-01-01 09:00:00 GMT+9, Asia/Tokyo"
        )
        soon = SystemClock().now().astimezone(ZoneInfo("Asia/Tokyo")) - timedelta(hours=1)
        page.goto(f"{console.url}/audit?what=raised&since={soon:%Y-%m-%dT%H:%M}")  # as UTC it is yet to come
        expect(page.get_by_role("table", name="What was done")).to_contain_text("clocks:begin")
    context.close()


def test_hours_are_told_until_there_are_two_days(page: Page, console: Opened) -> None:
    page.goto(console.url)
    for hours, words in ((43, "in 43 h"), (47, "in 47 h"), (49, "in 2 d")):
        told = page.evaluate(
            """(hours) => {
                const made = document.createElement("pico-time");
                const present = Number(document.querySelector("meta[name=server-ms]").content);
                made.setAttribute("at", new Date(present + hours * 3_600_000 + 60_000).toISOString());
                document.body.append(made);
                return made.textContent;
            }""",
            hours,
        )
        assert told.startswith(words)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("due 2026-03-01T08:00:00Z.", "due 2026-03-01 13:30:00."),
        (
            "from 2026-03-01T08:00:00Z to 2026-03-01T20:00:00.250Z",
            "from 2026-03-01 13:30:00 to 2026-03-02 01:30:00.250",
        ),
        (
            'tea:due at=2026-03-01T08:00:00Z in="2026-03-01T08:00:00Z"',
            'tea:due at=2026-03-01T08:00:00Z in="2026-03-01T08:00:00Z"',
        ),
        (
            "an id 12026-03-01T08:00:00Z, 2026-13-41T99:99:99Z",
            "an id 12026-03-01T08:00:00Z, 2026-13-41T99:99:99Z",
        ),
        ("<b>2026-03-01T08:00:00Z</b>", "<b>2026-03-01 13:30:00</b>"),
    ],
)
def test_the_times_in_sentences_are_in_the_reader_s_zone(
    page: Page, console: Opened, words: str, shown: str
) -> None:
    page.goto(console.url)
    told = page.evaluate(
        """(words) => {
            const made = document.createElement("pico-told");
            made.setAttribute("text", words);
            document.body.append(made);
            const before = made.textContent;
            picosched.useZone("Asia/Kolkata");
            return [before, made.textContent];
        }""",
        words,
    )
    assert told == [words, shown]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01 09:00", "2026-03-01T08:00:00Z"),
        ("2026-07-01", "2026-06-30T22:00:00Z"),
        ("2026-03-01T09:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01T09:00+05:30", "2026-03-01T03:30:00Z"),
    ],
)
def test_a_time_without_an_offset_is_in_the_reader_s_zone(text: str, time: str) -> None:
    assert format_time(read_local(text, ZoneInfo("Europe/Berlin"))) == time


@pytest.mark.parametrize(
    ("words", "found"),
    [("2126-01-01 09:00", True), (BEAT, True), ("2126-01-01 10:00", False), ("tokyo", False), ("99", True)],
)
def test_the_filter_of_a_list_finds_times_as_they_are_shown(words: str, found: bool) -> None:
    row = {"at": BEAT, "told": {"text": "no time: 2126-99-99T00:00:00Z"}}
    assert matches(row, words, ZoneInfo("Asia/Tokyo")) == found
