"""The page of alerts: with what became of the last of each, and the dialog that makes and changes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hooked import Received, receiving
from playwright.sync_api import Page, expect
from racing import until
from web.console.opened import Opened, opened

from picosched.krl.urls import shown_host

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
            expect(ops).to_contain_text("http://127.0.0.1:9/…")
            expect(ops).to_contain_text("tried again")
            expect(ops).to_contain_text("127.0.0.1 is loopback, and not listed in http_allow")
            expect(pager).to_contain_text("eci:nosuchch…")
            expect(pager.get_by_title("failures in a row")).to_have_text("2")
            expect(pager).to_contain_text("dropped")
            expect(calm).to_contain_text("nothing yet")
            assert "hunter" not in page.content()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            cards = page.get_by_role("table", name="Alerts").evaluate(
                "each => each.classList.contains('narrow')"
            )
            assert cards == (width == 390)


def test_without_alerts_it_says_how_to_have_one(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/alerts")
    expect(page.get_by_text("Nobody is told")).to_be_visible()
    page.get_by_role("button", name="Make an alert").click()
    expect(page.get_by_role("dialog", name="A new alert")).to_be_visible()


@pytest.fixture
def hook() -> Iterator[Received]:
    with receiving() as received:
        yield received


@pytest.mark.files
def test_an_alert_is_made_tested_changed_and_removed(page: Page, tmp_path: Path, hook: Received) -> None:
    (tmp_path / "picosched.toml").write_text('[engine]\nhttp_allow = ["127.0.0.1"]\n')
    with opened(tmp_path, "--open") as console:
        page.goto(f"{console.url}/alerts")
        page.get_by_role("button", name="New alert…").click()
        dialog = page.get_by_role("dialog", name="A new alert")
        labels = dialog.locator(".q-field__label")
        tops = "all => all.map(each => getComputedStyle(each).transform)"
        expect(labels).to_have_count(4)
        assert len({*labels.evaluate_all(tops)}) == 1
        assert dialog.locator(".preview").evaluate("each => each.clientHeight") == 0
        dialog.get_by_label("Name", exact=True).fill("ops")
        dialog.get_by_label("Tells", exact=True).fill("ftp://nowhere")
        expect(dialog.get_by_text("wanted as `to` a URL")).to_be_visible()
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.locator(".fault")).to_contain_text("wanted as `to` a URL")
        dialog.get_by_label("Tells", exact=True).fill(hook.url.replace("://", "://ada:hunter2@"))
        dialog.get_by_role("checkbox", name="missed").click()
        dialog.get_by_label("Failures in a row").fill("3")
        dialog.get_by_label("Secret that signs requests").fill("hunter4")
        told = "signed, when any schedule or source fails 3 times in a row or recovers."
        expect(dialog.get_by_text(f"It posts to {shown_host(hook.url)}, {told}")).to_be_visible()
        dialog.get_by_role("button", name="Create").click()
        rows = page.get_by_role("table", name="Alerts").locator("tbody tr")
        expect(rows).to_have_count(1)
        expect(rows.first.get_by_title("failures in a row")).to_have_text("3")
        expect(rows.first).to_contain_text("signed")
        expect(rows.first).to_contain_text("the console")
        rows.first.get_by_role("button", name="Test").click()
        until(lambda: len(hook) == 1)
        assert hook[0][0]["X-Picosched-Signature"] == hook.signature("hunter4", 0)
        expect(rows.first).to_contain_text("accepted")

        rows.first.get_by_role("button", name="Change…").click()
        dialog = page.get_by_role("dialog", name="The alert ops")
        expect(dialog.get_by_text(f"It posts to {shown_host(hook.url)}, {told}")).to_be_visible()
        dialog.get_by_role("checkbox", name="late").click()
        dialog.get_by_role("button", name="Change").click()
        expect(rows.first).to_contain_text("late")
        rows.first.get_by_role("button", name="Test").click()
        until(lambda: len(hook) == 2)  # neither its URL nor its secret was lost
        assert hook[1][0]["X-Picosched-Signature"] == hook.signature("hunter4", 1)
        assert "hunter" not in page.content()

        rows.first.get_by_role("button", name="Change…").click()
        dialog.get_by_role("checkbox", name="Sign requests no more").click()
        expect(dialog.get_by_text(f"It posts to {shown_host(hook.url)} when")).to_be_visible()
        dialog.get_by_role("button", name="Change").click()
        expect(dialog).to_have_count(0)
        rows.first.get_by_role("button", name="Test").click()
        until(lambda: len(hook) == 3)
        assert "X-Picosched-Signature" not in hook[2][0]

        rows.first.get_by_role("button", name="Remove…").click()
        page.get_by_role("button", name="Remove it").click()
        expect(page.get_by_text("Nobody is told", exact=True)).to_be_visible()
        assert console.client.get("/api/alerts").json() == []
