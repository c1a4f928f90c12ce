"""Why something fired or not, and what will not fire: on the page of a schedule and of a rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import opened
from web.console.pasted import post

REMINDERS = """ruleset reminders {
  rule plan {
    select when reminder wanted
    fired { schedule reminder event "due" repeat "30 9 * * *" attributes {"_name": "standup"} }
  }
  rule remind {
    select when reminder due
    if event:attrs{"level"} > 5 then send_directive("remind")
  }
}"""


@pytest.mark.files
def test_why_is_asked_of_a_schedule_and_of_a_rule_at_a_time_and_between_two(
    page: Page, tmp_path: Path
) -> None:
    with opened(tmp_path, "--open") as console:
        post(console, "/picos/root/rulesets", text=REMINDERS)
        (id,) = post(console, "/picos/root/raise", domain="reminder", type="wanted")["scheduled"]
        page.goto(f"{console.url}/schedules/{id}")
        expect(page.get_by_text("Everything that comes in the next 31 days will be raised.")).to_be_visible()
        since, until = page.get_by_label("At, or from"), page.get_by_label("Until", exact=True)
        answers = page.get_by_role("status")
        until.fill("2099-01-01")
        page.get_by_role("button", name="Ask").click()
        expect(answers).to_have_text("found only a time until which, wanted one from which, too")
        since.fill("2099-01-01T09:29Z")
        until.fill("")
        page.get_by_role("button", name="Ask").click()
        expect(answers).to_contain_text("minute 29 does not (30)")
        expect(answers).to_contain_text("It would have: 1 min later, at 2099-01-01T09:30:00Z")
        until.fill("2099-01-04")
        until.press("Enter")
        expect(answers).to_contain_text("3 occurrences")
        expect(answers.get_by_role("heading")).to_have_count(3)
        post(console, f"/scheduled/{id}/pause")
        expect(page.get_by_role("table", name="What will not fire")).to_contain_text("until it is resumed")
        post(console, "/picos/root/raise", domain="reminder", type="due", attrs={"level": 3})
        page.set_viewport_size({"width": 390, "height": 900})
        page.goto(f"{console.url}/rulesets/reminders?line=8")
        expect(page.get_by_role("combobox", name="Rule")).to_have_value("reminders.remind")
        page.get_by_role("button", name="Ask").click()
        expect(answers).to_contain_text('It would have: `event:attrs{"level"}` 6 (it was 3)')
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
