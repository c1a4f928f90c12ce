"""What is filtered, turned to and chosen stands in the URL, so that a reload shows the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened
from web.console.pasted import get

from picosched.engine.engine import Engine

MANY = """
ruleset many {
  rule make {
    select when many wanted
    foreach event:attrs{"days"} setting(each)
    always { schedule later event "come" at time:add("2100-01-01T00:00:00Z", {"days": each}) }
  }
  rule now {
    select when many now
    foreach event:attrs{"days"} setting(each)
    always { schedule soon event "came" at time:now() }
  }
}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console with 250 schedules to come, 120 records of fires, two sources and two picos."""
    folder = tmp_path_factory.mktemp("urls")
    with Engine(folder / "picosched.db", granularity=1, min_period=0) as engine:
        engine.root.install(MANY)
        engine.root.raise_event("many", "wanted", {"days": [*range(250)]})
        engine.root.raise_event("many", "now", {"days": [*range(120)]})
        engine.new_pico(name="attic")
        for name in ("slow", "slower"):
            to = {"pico": "root"}
            engine.add_source({"type": "metronome", "name": name, "interval": 600_000, "to": to})
    with opened(folder, "--open") as found:
        yield found


def test_a_page_and_chosen_rows_of_the_schedules(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/schedules?event=later:come")
    first = page.locator("tbody tr pico-time").first
    page.get_by_role("button", name="Later").click()
    expect(first).to_have_attribute("at", "2100-04-11T00:00:00Z")
    page.locator("tbody input").nth(3).check()
    expect(page).to_have_url(re.compile("event=later.*after=.*chosen="))
    page.reload()
    expect(first).to_have_attribute("at", "2100-04-11T00:00:00Z")
    expect(page.locator("tbody input").nth(3)).to_be_checked()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.get_by_role("button", name="Sooner").click()
    expect(first).to_have_attribute("at", "2100-01-01T00:00:00Z")


def test_what_is_open_beside_the_timeline(page: Page, place: Opened) -> None:
    row = get(place, "/scheduled", limit=1)["items"][0]
    page.goto(f"{place.url}/timeline?span=week&open={row['id']}")
    expect(page.locator(".side-panel").get_by_text("later:come").first).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page).not_to_have_url(re.compile("open="))
    expect(page).to_have_url(re.compile("span=week"))


def test_the_history_by_pages_and_outcome(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/history")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(100, timeout=30_000)
    page.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(20)
    page.reload()
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text("soon:came")
    page.get_by_role("button", name="Newest").click()
    expect(rows).to_have_count(100)
    page.goto(f"{place.url}/history?outcome=cancelled")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    page.get_by_label("Pico").fill("nobody")
    expect(page.get_by_text("there is no pico nobody")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "words", "found", "gone"),
    [("/sources", "slower", "slower", "slow "), ("/picos", "atti", "attic", "root")],
)
def test_the_filter_of_a_list(
    page: Page, place: Opened, path: str, words: str, found: str, gone: str
) -> None:
    page.goto(place.url + path)
    page.locator(".filter input, input.filter").fill(words)
    expect(page).to_have_url(re.compile(f"text={words}"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text(found)
    page.locator(".filter input, input.filter").fill("nothing of this")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
