"""The page of windows, the dialog that makes and changes them, and their choice for a new schedule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened

TIED = """ruleset tied {
  rule edge { select when window opened name re#^day$# send_directive("open") }
  rule tea { select when tea time send_directive("tea") }
}"""


@pytest.mark.files
def test_a_window_is_made_used_changed_and_removed(page: Page, tmp_path: Path) -> None:
    with opened(tmp_path, "--open") as console:
        page.goto(f"{console.url}/windows")
        expect(page.get_by_text("There are no windows")).to_be_visible()
        page.get_by_role("button", name="Make a window…").click()
        dialog = page.get_by_role("dialog", name="A new window")
        dialog.get_by_label("Name", exact=True).fill("day")
        dialog.get_by_label("Opens", exact=True).fill("at dinner")
        dialog.get_by_label("Closes", exact=True).fill("0 18 * * *")
        opens = dialog.locator(".q-field").filter(has_text="Opens")
        expect(opens).to_contain_text('timespec "at dinner"')
        dialog.get_by_label("Opens", exact=True).fill("0 8 * * *")
        dialog.get_by_label("Zone", exact=True).fill("Europe/Berlin")
        expect(dialog.get_by_text("It opens at 08:00 every day, Europe/Berlin time")).to_be_visible()
        spans = dialog.locator(".span")
        expect(spans).to_have_count(5)
        expect(spans.first.locator("pico-time")).to_have_count(2)
        dialog.get_by_label("Zone", exact=True).fill("Mars")
        expect(dialog.locator(".q-field").filter(has_text="Zone")).to_contain_text("wanted")
        dialog.get_by_label("Zone", exact=True).fill("Europe/Berlin")
        expect(spans).to_have_count(5)
        dialog.get_by_role("button", name="Create").click()
        rows = page.get_by_role("table", name="Windows").locator("tbody tr")
        expect(rows).to_have_count(1)
        for cell in ("day", "Europe/Berlin", "nothing", "the console"):
            expect(rows.first).to_contain_text(cell)

        page.get_by_role("button", name="New window…").click()
        page.get_by_label("Name", exact=True).fill("day")
        expect(page.get_by_text("found a window day already")).to_be_visible()
        page.get_by_role("button", name="Close", exact=True).click()

        made = console.client.post("/api/picos/root/rulesets", json={"text": TIED})
        assert made.status_code == 201, made.text
        page.goto(f"{console.url}/new")
        page.get_by_label("When", exact=True).fill("0 12 * * *")
        page.get_by_label("Event", exact=True).fill("tea:time")
        page.get_by_label("Only while this window is open").click()
        page.get_by_role("option", name="day").click()
        page.get_by_role("button", name="Create").click()
        page.wait_for_url("**/schedules/**")
        listed = console.client.get("/api/scheduled").json()["items"]
        (row,) = [each for each in listed if each["kind"] == "repeat"]
        assert row["window"] == "day"

        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{console.url}/windows")
            expect(rows.first).to_contain_text("1 schedule, 1 ruleset")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        rows.first.get_by_role("button", name="Change…").click()
        dialog = page.get_by_role("dialog", name="The window day")
        expect(dialog.get_by_text("It opens at 08:00 every day, Europe/Berlin time")).to_be_visible()
        dialog.get_by_label("Closes", exact=True).fill("0 20 * * *")
        dialog.get_by_role("button", name="Change").click()
        expect(rows.first).to_contain_text("0 20 * * *")

        rows.first.get_by_role("button", name="Remove…").click()
        users = re.compile("In use by the schedule [0-9a-f]+, the ruleset tied")
        expect(page.get_by_text(users)).to_be_visible()
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_text("There are no windows")).to_be_visible()
        assert console.client.get("/api/windows").json() == []


@pytest.mark.files
def test_a_window_of_the_settings_is_shown_and_left_alone(page: Page, tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text('[window.night]\nfrom = "0 22 * * *"\nto = "0 6 * * *"\n')
    with opened(tmp_path, "--open") as console:
        page.goto(f"{console.url}/windows")
        row = page.get_by_role("table", name="Windows").locator("tbody tr")
        expect(row).to_contain_text("the settings")
        expect(row.get_by_role("button")).to_have_count(0)


def test_ctrl_k_finds_the_page(page: Page, console: Opened) -> None:
    page.goto(console.url)
    expect(page.locator("#content")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("windows")
    page.get_by_role("option", name="Windows").first.click()
    page.wait_for_url("**/windows")


def test_ctrl_k_finds_windows_and_sources_by_name(page: Page, console: Opened) -> None:
    day = {"name": "harbour-day", "from": "0 8 * * *", "to": "0 18 * * *"}
    console.client.post("/api/windows", json=day).raise_for_status()
    to = {"pico": "root"}
    beat = {"type": "metronome", "name": "harbour-beat", "interval": 3_600_000, "to": to}
    console.client.post("/api/sources", json=beat).raise_for_status()
    page.goto(console.url)
    expect(page.locator("#content")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("harbour")
    expect(page.get_by_role("option", name="harbour-beat")).to_be_visible()
    page.get_by_role("option", name="harbour-day").click()
    page.wait_for_url("**/windows?text=harbour-day")
    expect(page.get_by_role("table", name="Windows").locator("tbody tr")).to_have_count(1)
