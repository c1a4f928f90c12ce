"""Making things: a schedule in words, a turn's event once more, a ruleset on the pico that one came from."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from web.console.opened import Opened
from web.console.pasted import get, paste


def test_a_schedule_is_typed_in_words_with_its_picture(page: Page, console: Opened) -> None:
    pico = console.pico("worded")
    page.goto(f"{console.url}/schedules")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_label("When").fill("weekdays at nine")
    expect(page.get_by_role("alert").filter(has_text='found "nine"')).to_be_visible()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert").filter(has_text="domain:type")).to_be_visible()
    expect(page.get_by_text('found "nine"')).to_have_count(1)
    expect(page.get_by_text("the source")).to_have_count(0)
    page.get_by_label("When").fill("weekdays at 9:00")
    expect(page.get_by_text("at 09:00 on Monday to Friday")).to_be_visible()
    expect(page.locator(".rhythm td.l4")).to_have_count(5)
    page.get_by_label("Pico").fill("worded")
    page.get_by_role("option", name="worded").click()
    page.get_by_label("Event").fill("clock:beat")
    page.get_by_label("Name").fill("beats")
    page.get_by_label("Attributes").fill('{"n": 1}')
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/schedules/*")
    expect(page.get_by_text("the console", exact=True).first).to_be_visible()
    (made,) = get(console, "/scheduled", pico=pico)["items"]
    assert (made["name"], made["timespec"], made["attrs"]) == ("beats", "weekdays at 9:00", {"n": 1})
    assert (made["created_by"], made["rid"]) == ("the console", "")
    page.goto(f"{console.url}/schedules?pico={pico}")
    expect(page.get_by_role("row", name="clock:beat")).to_contain_text("the console")
    page.goto(f"{console.url}/timeline?pico={pico}")
    expect(page.get_by_text("by people")).to_be_visible()
    page.goto(f"{console.url}/new?when=@daily&pico={pico}&event=clock:beat")
    page.get_by_label("Name").fill("beats")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert").filter(has_text='a schedule "beats"')).to_be_visible()
    assert len(get(console, "/scheduled", pico=pico)["items"]) == 1
    page.get_by_label("Name").fill("others")
    page.get_by_label("Attributes").fill('{"_cuont": 1}')
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("dialog", name="Scheduled")).to_contain_text("is _count meant?")
    page.get_by_role("button", name="To the schedule").click()
    page.wait_for_url("**/schedules/*")


def test_a_schedule_for_many_picos_becomes_a_source(page: Page, console: Opened) -> None:
    console.pico("one of many")
    page.goto(f"{console.url}/new?when=weekdays at 9:00&event=clock:beat")
    expect(page.get_by_label("Ruleset or tag")).to_be_hidden()
    page.get_by_role("button", name="Many picos: a source").click()
    expect(page.get_by_label("Pico", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("alert").filter(has_text="wanted a name")).to_be_visible()
    page.get_by_label("Ruleset or tag").fill("clocks")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/sources/*")
    made = next(each for each in get(console, "/sources") if each["name"] == "clock:beat weekdays at 9:00")
    assert made["to"] == {"rid": "clocks"}


def test_the_months_of_a_year_stand_beside_its_days(page: Page, console: Opened) -> None:
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{console.url}/new?when=last day of month at 9:00")
        months = page.locator(".rhythm.year tbody th")
        expect(months.nth(11)).to_be_visible()
        assert months.evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)")


def test_the_event_of_a_turn_is_raised_again(page: Page, console: Opened) -> None:
    pico = console.pico("repeated")
    console.raise_event(pico, "tell:me", n=1)
    (turn,) = get(console, "/journal", pico=pico)["items"]
    page.goto(f"{console.url}/journal/{turn['seq']}")
    page.get_by_role("button", name="Raise again").click()
    expect(page.get_by_role("dialog").get_by_text("tell:me")).to_be_visible()
    page.get_by_role("button", name="Raise it").click()
    expect(page.get_by_text("1 of 1 rule fired").first).to_be_visible()
    assert len(get(console, "/journal", pico=pico)["items"]) == 2


def test_installing_chooses_the_pico_that_one_came_from(page: Page, console: Opened) -> None:
    console.pico("first here")
    pico = console.pico("came from")
    page.goto(f"{console.url}/picos/{pico}")
    page.get_by_role("link", name="Write one in the editor").click()
    expect(page.locator(".cm-content")).to_have_attribute("aria-label", "The text of the ruleset")
    paste(page, "ruleset fresh { rule hello { select when a b } }")
    page.get_by_role("button", name="Install…").click()
    expect(page.locator(".q-chip")).to_have_count(1)
    expect(page.locator(".q-chip")).to_contain_text("came from")
