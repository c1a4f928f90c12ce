"""The page of the load: the hours of a week, the fullest minutes, and a free one."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import opened

TABLE = {
    "type": "crontab",
    "name": "table",
    "to": {"pico": "root"},
    "entries": [
        {"name": "early", "when": "0 9 * * *", "event": "report:due"},
        {"name": "often", "when": "*/10 9,17 * * *", "event": "poll:due"},
    ],
}
BEAT = {"type": "metronome", "name": "beat", "interval": 250, "to": {"pico": "root"}}


@pytest.mark.files
def test_the_load_is_drawn_by_the_hour_and_a_free_minute_is_found(page: Page, tmp_path: Path) -> None:
    with opened(tmp_path, "--open") as console:
        page.goto(f"{console.url}/load")
        nothing = page.get_by_text("Nothing comes this week")
        expect(nothing).to_be_visible(timeout=30_000)  # the first page loads the console
        made = console.client.post("/api/sources", json=[TABLE, BEAT])
        assert made.status_code == 201, made.text
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{console.url}/load")
            hours = page.get_by_role("table", name="Events in each hour of the coming week, UTC")
            expect(hours).to_be_visible()
            expect(page.get_by_text("counting…")).to_be_hidden()
            assert hours.locator("td.l4").count() >= 6  # at nine, on the days that are counted whole
            assert hours.locator('td[title$="09:00 to 10:00: 7"]').count() >= 6
            assert hours.locator('td[title$="17:00 to 18:00: 6"]').count() >= 6
            days = page.locator(".rhythm tbody th")
            assert days.evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)")
            fullest = page.get_by_role("table", name="The fullest minutes").locator("tbody tr")
            expect(fullest).to_have_count(5)
            expect(fullest.first).to_contain_text("1 × report:due (table)")
            every = page.get_by_role("table", name="What comes in every minute")
            expect(every).to_contain_text("metronome:tick (beat)")
            expect(every).to_contain_text("240")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_label("Timespec", exact=True).fill("0 9 * * *")
        page.get_by_role("button", name="Suggest").click()
        expect(page.get_by_text("0 9 * * *: 2 others at")).to_be_visible()
        expect(page.get_by_text("1 9 * * *, 1 minute later: no others")).to_be_visible()
        page.get_by_label("Timespec", exact=True).fill("at dinner")
        page.get_by_role("button", name="Suggest").click()
        expect(page.get_by_text('timespec "at dinner"')).to_be_visible()
        page.goto("about:blank")  # before the server ends
