"""The page of alerts: those of the settings, with what became of the last of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened

ALERTS = """
[alert.ops]
to = "http://ada:hunter2@127.0.0.1:9/hook?key=hunter3"
secret = "hunter4"

[alert.pager]
to = "eci:nosuchchannel1"
on = ["failed"]
after = 2

[alert.calm]
to = "mailto:me@example.org"
on = ["throttled"]
"""
FAILING = """ruleset failing {
  rule plan { select when failing plan fired { schedule failing event "due" repeat "* * * * * *" } }
  rule due { select when failing due pre { up = "down" - 1 } }
}"""


@pytest.mark.files
def test_alerts_are_listed_with_what_became_of_the_last(page: Page, tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text(ALERTS)
    with opened(tmp_path, "--open") as console:
        made = console.client.post("/api/picos/root/rulesets", json={"text": FAILING})
        assert made.status_code == 201, made.text
        console.raise_event("root", "failing:plan")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{console.url}/alerts")
            rows = page.get_by_role("table", name="Alerts").locator("tbody tr")
            expect(rows).to_have_count(3)
            ops, pager, calm = (rows.nth(place) for place in range(3))
            expect(ops).to_contain_text("http://127.0.0.1:9/hook?…")
            expect(ops).to_contain_text("tried again")
            expect(ops).to_contain_text("127.0.0.1 is loopback, and not listed in http_allow")
            expect(pager).to_contain_text("eci:nosuchch…")
            expect(pager).to_contain_text("after 2 in a row")
            expect(pager).to_contain_text("raised")
            expect(calm).to_contain_text("nothing yet")
            assert "hunter" not in page.content()
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_alerts_it_says_how_to_have_one(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/alerts")
    expect(page.get_by_text("Nobody is told")).to_be_visible()
