"""The page of the whole graph: its rules are links, its arrows have counts, and warnings stand below."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import HOSTILE, opened
from web.console.pasted import post

LEVELS = """ruleset levels {
  rule start {
    select when levels wanted
    fired {
      schedule levels event "set" at time:add(time:now(), {"hours": 1}) attributes {"level": 0};
      raise levels event "HOSTILE"
    }
  }
  rule set {
    select when levels set where event:attrs{"level"} > 1
    send_directive("set")
  }
}""".replace("HOSTILE", HOSTILE)


@pytest.mark.files
def test_the_graph_is_drawn_with_counts_and_its_rules_lead_to_the_editor(page: Page, tmp_path: Path) -> None:
    with opened(tmp_path, "--open") as console:
        post(console, "/picos/root/rulesets", text=LEVELS)
        post(console, "/picos/root/raise", domain="levels", type="wanted")
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{console.url}/graph")
            picture = page.locator("svg.whole")
            expect(picture.locator("a.rule")).to_have_count(2)
            expect(page.get_by_text("of one colour: the rules of one ruleset")).to_be_visible()
            expect(picture.locator("text.count")).to_have_text(["1 of 1"])
            expect(picture.locator("g.fails")).to_have_count(1)
            expect(picture.locator(".event.lost text")).to_contain_text("levels:</script")
            expect(picture.locator("a.warned text").first).to_have_text("start")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            place, card = (page.locator(each).first.bounding_box() for each in (".whole-picture", ".panel"))
            assert place and card and place["x"] + place["width"] <= card["x"] + card["width"]
        expect(page.get_by_text("there is a warning about the rule")).to_be_visible()
        expect(page.get_by_text("2 rules of 1 ruleset", exact=True)).to_be_visible()
        warning = page.locator("p").filter(has_text="schedules levels:set, but no rule accepts it")
        expect(warning).to_contain_text('event:attrs{"level"} is 0')
        picture.locator("a.rule").filter(has_text="start").click()
        expect(page).to_have_url(re.compile(r"/rulesets/levels\?line=2$"))
        page.goto(f"{console.url}/graph")
        page.get_by_role("combobox", name="Picos").click()
        page.get_by_role("option", name="root and its descendants").click()
        expect(page).to_have_url(re.compile(r"/graph\?pico=root$"))
        expect(picture.locator("a.rule")).to_have_count(2)
        page.goto("about:blank")  # before the server ends
