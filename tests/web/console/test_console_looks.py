"""Long and odd names: no page scrolls sideways, and no word of a name is on two lines. And what the URL asks
for in vain is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened

RID = "io.example.building.automation.heating_and_ventilation_of_it"
assert len(RID) == 60
NAMES = (
    "Überwachungsanlage Dachgeschoß Süd-West (Haus der Begegnung)",
    "厨房の温度センサー",
    "A" * 80,
    "🔥 <b>'\"",
)
TEXT = f"""ruleset {RID} {{
  rule plan_of_all_that_comes_in_the_house_and_its_garden {{
    select when heating planned
    always {{
      schedule heating event "reading_of_the_sensor_below_the_roof" at "2126-01-01T00:00:00Z"
      schedule heating event "broken_value_that_is_not_a_time" repeat "* * * * * *"
    }}
  }}
  rule broken {{
    select when heating broken_value_that_is_not_a_time
    send_directive("at", {{"time": time:add("soon", {{"days": 1}})}})
  }}
}}"""
LISTS = ("/", "/picos", "/journal", "/schedules", "/history", "/rulesets", "/sources", "/timeline", "/graph")

BROKEN = r"""() => {
  const range = document.createRange(), found = [];
  const walk = document.createTreeWalker(document.querySelector("#content"), NodeFilter.SHOW_TEXT);
  for (let node; node = walk.nextNode();) {
    if (!node.parentElement.offsetParent) continue;
    for (const word of node.data.matchAll(/\p{Script=Latin}{2,20}/gu)) {
      if (/^A+$/.test(word[0])) continue;
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].filter((each) => each.width).map((each) => each.top)).size > 1)
        found.push(word[0] + " in " + node.data.slice(0, 80));
    }
  }
  return found;
}"""
"""The words that end on another line than they begin."""
WIDE = """() => [...document.querySelectorAll(".listing")]
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.textContent.slice(0, 80))"""
"""The lists that scroll sideways."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console of picos and a ruleset with such names, and with failures."""
    with opened(tmp_path_factory.mktemp("odd"), "--open") as console:
        for name in NAMES:
            pico = str(console.client.post("/api/picos", json={"name": name}).json()["id"])
            console.client.post(f"/api/picos/{pico}/rulesets", json={"text": TEXT}).raise_for_status()
            console.raise_event(pico, "heating:planned", **{f"attribute_{at}": "v" * at for at in range(200)})
        beat = {
            "type": "metronome",
            "name": "m" * 30 + "_of_the_house",
            "interval": 100,
            "to": {"pico": pico},
        }
        console.client.post("/api/sources", json=beat).raise_for_status()
        yield console


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_list_scrolls_sideways_or_breaks_a_word(page: Page, odd: Opened, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    try:
        for path in LISTS:
            page.goto(odd.url + path)
            page.wait_for_function("window.did_handshake")
            expect(page.locator("#content .panel").first).to_be_visible(timeout=30_000)
            assert page.evaluate(WIDE) == [], path
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
            assert page.evaluate(BROKEN) == [], path
    finally:
        page.set_viewport_size({"width": 1280, "height": 800})


def test_a_turn_leads_to_the_lines_of_its_rules(page: Page, odd: Opened) -> None:
    page.goto(f"{odd.url}/journal?event=heating:planned")
    page.locator("tbody tr").first.get_by_role("link", name="heating:planned").click()
    link = page.get_by_role("link", name=f"{RID}.plan_of_all_that_comes_in_the_house_and_its_garden")
    expect(link).to_have_attribute("href", f"/rulesets/{RID}?line=2")
    expect(page.get_by_text("attribute_199")).to_be_visible()


def test_a_row_leads_to_its_page_wherever_it_is_clicked(page: Page, odd: Opened) -> None:
    for path, leads in (("/schedules", "/schedules/"), ("/picos", "/picos/"), ("/sources", "/sources/")):
        page.goto(odd.url + path)
        page.wait_for_function("window.did_handshake")
        row = page.locator("tbody tr").first
        row.locator("td.number").first.click()
        page.wait_for_url(f"**{leads}*")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/schedules?since=rubbish", "This filter cannot be read"),
        ("/timeline?pico=nobody", "This filter cannot be read"),
        ("/history?pico=nobody", "This filter cannot be read"),
        ("/audit?since=noon", "This filter cannot be read"),
        ("/journal?pico=nobody", "Nothing matches this filter"),
        ("/journal?eid=nobody", "Nothing matches this filter"),
        ("/schedules?text=nobody", "Nothing matches this filter"),
        ("/graph?pico=nobody", "there is no pico nobody"),
        ("/picos?text=nobody", "Nothing matches this filter"),
    ],
)
def test_what_the_url_asks_for_in_vain_is_said_on_a_phone_too(
    page: Page, odd: Opened, path: str, said: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        page.goto(odd.url + path)
        expect(page.get_by_text(said)).to_be_visible()
        if "cannot be read" in said:
            expect(page.get_by_role("alert").first).to_be_visible()  # what is wrong, at its field
        page.get_by_role("link", name=re.compile("Show all|All picos")).click()
        expect(page.get_by_text(said)).to_be_hidden()
    finally:
        page.set_viewport_size({"width": 1280, "height": 800})


def test_what_is_missing_leads_on(page: Page, odd: Opened) -> None:
    for path, name in (
        ("/picos/nothing", "Picos"),
        ("/schedules/nothing", "Schedules"),
        ("/journal/0", "Journal"),
    ):
        assert httpx.get(odd.url + path).status_code == 404
        page.goto(odd.url + path)
        expect(page.locator(".empty").get_by_role("link", name=name)).to_be_visible()
        expect(page.locator(".empty").get_by_role("link", name="Overview")).to_be_visible()


def test_a_dialog_begins_at_its_first_field(page: Page, odd: Opened) -> None:
    page.goto(f"{odd.url}/schedules?event=heating:reading_of_the_sensor_below_the_roof")
    page.wait_for_function("window.did_handshake")
    page.locator("tbody tr").first.get_by_role("link").first.click()
    for button, field in (("Pause…", "Until, "), ("Move…", "To, "), ("Timespec…", "Timespec")):
        opener = page.get_by_role("button", name=button)
        opener.press("Enter")
        expect(page.get_by_role("dialog").get_by_label(field).first).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(opener).to_be_focused()
