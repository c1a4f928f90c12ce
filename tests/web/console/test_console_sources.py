"""The pages of sources: what failed, what paused them, and where they go without what gives access."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from web.console.opened import Opened

FAILING = """ruleset failing {
  rule due { select when failing due pre { up = "down" - 1 } send_directive("up", {"up": up}) }
}"""
SECONDLY = {"name": "second", "when": "* * * * * *", "event": "failing:due"}
SOURCE = {"type": "crontab", "name": "shaky", "to": {"pico": "root"}, "entries": [SECONDLY]}
YEARLY = {**SECONDLY, "when": "0 0 1 1 *"}
AWAY = {"url": "https://ada:hunter2@example.org/c/ckabcdefghijklm"}


def test_a_source_that_paused_itself_says_why(page: Page, console: Opened) -> None:
    made = console.client.post("/api/picos/root/rulesets", json={"text": FAILING})
    assert made.status_code == 201, made.text
    declared = [
        {**SOURCE, "on_failure": "pause after 2"},
        {**SOURCE, "name": "away", "to": AWAY, "entries": [YEARLY]},
    ]
    added = console.client.post("/api/sources", json=declared)
    assert added.status_code == 201, added.text
    page.goto(f"{console.url}/sources")
    rows = page.get_by_role("table", name="Sources").locator("tbody tr")
    shaky, away = rows.filter(has_text="shaky"), rows.filter(has_text="away")
    paused = "the source is paused, after 2 failures in a row"
    expect(shaky).to_contain_text(paused, timeout=30_000)  # the first page is made when it is asked for
    expect(shaky.get_by_text("Resume")).to_be_visible()
    expect(page.get_by_role("link", name="New schedule")).to_have_attribute("href", "/new")
    expect(away).to_contain_text("url https://example.org/c/ckabcdef…")
    page.goto(f"{console.url}/sources/{added.json()[1]['id']}")
    expect(page.get_by_text("ckabcdef…").first).to_be_visible()
    assert "hunter2" not in page.content() and "ghijklm" not in page.content()
    page.goto(f"{console.url}/history?outcome=failed")
    due = page.get_by_role("row").filter(has_text="shaky/second").first
    expect(due.get_by_role("link", name="failing:due")).to_have_attribute(
        "href", f"/sources/{added.json()[0]['id']}"
    )
