"""A schedule that waits for the end of its occurrence before, as its page and the list show it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from racing import until
from web.console.opened import opened

SLOW = """ruleset slow {
  rule plan { select when slow plan fired { schedule slow event "due" repeat "* * * * * *"
    with _overlap = "queue" } }
  rule run { select when slow due proc:run("/bin/sleep", ["600"]) }
}"""


@pytest.mark.files
def test_what_is_held_is_not_called_paused(page: Page, tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text('[engine]\nproc_allow = ["/bin/sleep"]\n')
    with opened(tmp_path, "--open") as console:
        made = console.client.post("/api/picos/root/rulesets", json={"text": SLOW})
        assert made.status_code == 201, made.text
        console.raise_event("root", "slow:plan")
        until(lambda: console.client.get("/api/scheduled").json()["items"][0]["held"])
        (row,) = console.client.get("/api/scheduled").json()["items"]
        page.goto(f"{console.url}/schedules/{row['id']}")
        expect(page.get_by_text("held: the one before is still at work")).to_be_visible()
        expect(page.get_by_text("every second; while one is at work the next waits")).to_be_visible()
        expect(page.get_by_role("button", name="Pause…")).to_be_visible()
        expect(page.get_by_role("button", name="Resume")).to_have_count(0)
        page.goto(f"{console.url}/schedules")
        badge = page.locator("tbody .badge")
        expect(badge).to_have_text("held")
        expect(badge).to_have_attribute("title", "the one before is still at work")
