"""The console's timeline, schedules and sources, as somebody uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from web.console.opened import Opened, opened
from web.console.pasted import get, post

from picosched.engine.engine import Engine

EVIL = "</script><img src=x onerror=window.pwned=1>"
BEATS = """
ruleset beats {
  rule make {
    select when beats wanted
    foreach event:attrs{"timespecs"} setting(each)
    always { schedule notification event "beat" repeat each attributes {"_name": "beat " + each, "n": 1} }
  }
  rule once {
    select when beats once
    always { schedule notification event "once" at time:add(time:now(), {"hours": 3}) }
  }
  rule beat { select when notification beat send_directive("say", {"text": "boom"}) }
}
"""
HOSTILE = """
ruleset hostile {
  meta { name "EVIL" }
  rule make {
    select when hostile wanted
    always {
      schedule notification event "EVIL" repeat "0 12 * * *"
        attributes {"_name": "EVIL", "_description": "EVIL{{ 7*7 }}", "x": "EVIL"}
    }
  }
}
""".replace("EVIL", EVIL)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console of its own, with a source and what is hostile."""
    folder = tmp_path_factory.mktemp("schedules")
    with Engine(folder / "picosched.db", granularity=1, min_period=0) as engine:
        engine.root.install(BEATS)
        engine.root.install(HOSTILE)
        engine.root.raise_event("hostile", "wanted")
        engine.add_source({"type": "metronome", "name": "pulse", "interval": 60_000, "to": {"pico": "root"}})
    with opened(folder, "--open") as found:
        yield found


def schedule(place: Opened, *timespecs: str) -> list[dict[str, Any]]:
    """Rows that fire at these timespecs, and at no others of this module."""
    turn = post(place, "/picos/root/raise", domain="beats", type="wanted", attrs={"timespecs": [*timespecs]})
    return [get(place, f"/scheduled/{id}") for id in turn["scheduled"]]


def row_of(place: Opened, id: str) -> dict[str, Any]:
    found: dict[str, Any] = get(place, f"/scheduled/{id}")
    return found


def test_the_timeline_opens_a_schedule_that_is_paused_and_resumed(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 */6 * * *")
    page.goto(f"{place.url}/timeline")
    page.get_by_role("button", name="beat 0 */6 * * *").click()
    panel = page.locator(".side-panel")
    expect(panel.get_by_role("heading", name="beat 0 */6 * * *")).to_be_visible()
    panel.get_by_role("button", name="Pause…").click()
    page.get_by_label("Until").fill("2h")
    expect(page.locator(".preview")).to_contain_text(
        re.compile(r"It resumes automatically *in (2 h|1\d\d min)")
    )
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(panel.get_by_text("paused", exact=True)).to_be_visible()
    assert row_of(place, row["id"])["paused_until"] is not None
    panel.get_by_role("button", name="Resume").click()
    expect(panel.get_by_text("pending", exact=True)).to_be_visible()
    assert row_of(place, row["id"])["status"] == "pending"


def test_the_timeline_shows_a_year_and_remembers_its_filter(page: Page, place: Opened) -> None:
    schedule(place, "0 5 1 */4 *")
    page.goto(f"{place.url}/timeline")
    page.get_by_role("button", name="Year").click()
    page.get_by_label("Text").fill("0 5 1")
    expect(page).to_have_url(re.compile(r"span=year&text=0\+5\+1"))
    expect(page.locator(".track")).to_have_count(1)
    expect(page.locator(".track .dot").nth(2)).to_be_visible()
    page.reload()
    expect(page.locator(".track .dot").nth(2)).to_be_visible()


def test_what_fires_too_often_to_draw_is_a_bar_with_a_count(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "*/5 * * * *")
    page.goto(f"{place.url}/timeline?text=beat+*/5")
    expect(page.locator(".track .bar")).to_have_count(1)
    expect(page.locator(".track-count")).to_have_text(re.compile(r"^(28[89]|29[01]) ×$"))
    post(place, f"/scheduled/{row['id']}/move", by="30m")
    page.goto(f"{place.url}/timeline?span=week&text=beat+*/5")
    expect(page.locator(".track-count")).to_have_text(re.compile(r"^2,0\d\d ×$"))


def test_a_day_of_every_fifth_second_is_told_as_a_number(page: Page, place: Opened) -> None:
    schedule(place, "*/5 * * * * *")
    page.goto(f"{place.url}/timeline?text=beat+*/5+*+*+*+*+*")
    expect(page.locator(".track .bar.many")).to_have_text(re.compile(r"^1[78],\d{3} fires$"))


def test_sources_are_drawn_and_lead_to_their_page(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/timeline?text=pulse")
    lane = page.locator(".lane")
    expect(lane.get_by_role("link", name="pulse")).to_be_visible()
    lane.get_by_role("button").click()
    page.wait_for_url("**/sources/*")


def test_a_folded_row_opens_by_a_click(page: Page, place: Opened) -> None:
    schedule(place, *(f"{minute} 13 * * *" for minute in range(55)))
    page.goto(f"{place.url}/timeline?rid=beats&text=13+*+*+*")
    expect(page.locator(".track")).to_have_count(48)
    page.get_by_role("button", name="8 more").click()
    expect(page.locator(".track")).to_have_count(55)
    page.reload()
    expect(page.locator(".track")).to_have_count(55)
    page.get_by_role("button", name="Fold").click()
    expect(page.locator(".track")).to_have_count(48)


def test_the_list_has_words_and_small_pictures(page: Page, place: Opened) -> None:
    schedule(place, "0 9 * * 1-5", "0 7 1 */3 *")
    page.goto(f"{place.url}/schedules?text=beat+0+9+*+*+1-5")
    cell = page.locator("tbody tr").first
    expect(cell).to_contain_text("at 09:00 on Monday to Friday")
    expect(cell.get_by_role("img", name="a week by the hour").locator("rect")).to_have_count(5)
    page.goto(f"{place.url}/schedules?text=beat+0+7+1")
    expect(page.get_by_role("img", name="a year by the day").locator("rect")).to_have_count(4)


def test_the_month_counts_each_day(page: Page, place: Opened) -> None:
    schedule(place, "17 */12 * * *")
    page.goto(f"{place.url}/timeline?text=beat+17+*/12")
    page.get_by_role("button", name="Month").click()
    expect(page.locator(".month td")).to_have_count(35)
    today = page.locator(".month td.today")
    expect(today).to_be_visible()
    day = page.locator(".month td").last
    expect(day.locator("b")).to_have_text("2")
    expect(day).to_contain_text("2 × beat 17 */12 * * *")
    schedule(place, "*/7 * * * * *")
    page.goto(f"{place.url}/timeline?span=month&text=beat+*/7")
    expect(page.locator(".month td").last.locator("b")).to_have_text(re.compile(r"^\d+\+$"))  # not counted
    page.goto(f"{place.url}/timeline?span=month&text=beat+17+*/12")
    day.get_by_role("link").click()
    page.wait_for_url("**/schedules?*since=*")


def test_a_schedule_is_moved(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 3 * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    page.get_by_role("button", name="Move…").click()
    page.get_by_role("button", name="+1h").click()
    expect(page.locator(".preview")).to_contain_text("04:00")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_text("The next one was moved from")).to_be_visible()
    found = row_of(place, row["id"])
    assert found["due"][11:] == "04:00:00Z" and found["moved_from"] == row["due"]


def test_a_schedule_shows_the_time_that_was_asked_for(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "17 3 * * *")
    asked = row["due"].replace("03:17:00Z", "04:00:05.500Z")
    post(place, f"/scheduled/{row['id']}/move", to=asked)
    page.goto(f"{place.url}/schedules/{row['id']}")
    expect(page.get_by_text("The next one was asked for at")).to_be_visible()
    assert row_of(place, row["id"])["asked"] == asked


def test_the_page_of_a_schedule_says_why_it_does_not_fire_and_who_paused_it(
    page: Page, place: Opened
) -> None:
    (row,) = schedule(place, "7 1 * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    expect(page.get_by_text(re.compile(r"^to come: it is due"))).to_be_visible()
    post(place, f"/scheduled/{row['id']}/pause")
    told = re.compile(r"^paused: until it is resumed; paused at \S+ by HTTP$")
    expect(page.locator("p.bad-text", has_text=told)).to_be_visible()
    expect(page.get_by_text(re.compile(r"^It would have: not paused, at \S+T01:07:00Z$"))).to_be_visible()


def test_a_timespec_that_counts_is_previewed_with_its_start(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "every 3 days at 9:00")
    assert re.fullmatch(r"every 3 days at 9:00 from \d{4}-\d\d-\d\d", row["timespec"])
    page.goto(f"{place.url}/schedules/{row['id']}")
    expect(page.get_by_text(re.compile(r"at 09:00 every 3 days from \d{4}"))).to_be_visible()


def test_a_schedule_is_fired_by_hand_and_shows_its_turn(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 2 * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    expect(page.get_by_text("at 02:00 every day")).to_be_visible()
    expect(page.get_by_text("Not due yet.")).to_be_visible()
    page.get_by_role("button", name="Fire now…").click()
    page.get_by_role("button", name="Fire now", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("beats.beat:12")).to_be_visible()
    expect(dialog.get_by_text("boom")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    history = page.get_by_role("table", name="Occurrences")
    expect(history.get_by_text("fired", exact=True)).to_be_visible()
    assert row_of(place, row["id"])["fires"] == 1


def test_a_timespec_is_explained_as_it_is_typed(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 1 * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    page.get_by_role("button", name="Timespec…").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("Timespec", exact=True)
    field.fill("0 25 * * *")
    expect(dialog.locator(".preview.bad")).to_contain_text("25")
    expect(dialog.get_by_role("button", name="Change")).to_be_disabled()
    field.fill("30 9 * * 1-5")
    expect(dialog.get_by_text("at 09:30 on Monday to Friday")).to_be_visible()
    expect(dialog.locator(".times li")).to_have_count(5)
    dialog.get_by_role("button", name="Change").click()
    expect(page.locator(".rhythm td.l4")).to_have_count(5)
    assert row_of(place, row["id"])["timespec"] == "30 9 * * 1-5"


def test_what_calendars_leave_out_is_told(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 1 * * * except holidays('DE-BY')")
    page.goto(f"{place.url}/schedules/{row['id']}")
    expect(page.get_by_text("at 01:00 every day, except on holidays of DE-BY")).to_be_visible()
    expect(page.get_by_text("Left out: ")).to_contain_text("Christmas Day")
    page.get_by_role("button", name="Timespec…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Timespec", exact=True).fill("daily except calendar('works')")
    expect(dialog.locator(".preview.bad")).to_contain_text('found the calendar "works"')


def test_what_fires_each_second_leaves_the_focus_where_it_is(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "* * * * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    button = page.get_by_role("button", name="Pause…")
    button.focus()
    before = page.get_by_text("Fired once").or_(page.get_by_text(re.compile("^Fired . times$")))
    said = before.inner_text()
    expect(before).not_to_have_text(said)
    expect(button).to_be_focused()
    post(place, f"/scheduled/{row['id']}/pause")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_a_schedule_is_cancelled_with_a_reason(page: Page, place: Opened) -> None:
    (row,) = schedule(place, "0 0 * * *")
    page.goto(f"{place.url}/schedules/{row['id']}")
    page.get_by_role("button", name="Cancel…").click()
    page.get_by_label("Reason").fill("nobody wants it")
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_text("It has ended")).to_be_visible()
    expect(page.get_by_text("nobody wants it", exact=True)).to_be_visible()


def test_all_that_a_filter_means_is_paused_and_a_dry_run_says_how_many(page: Page, place: Opened) -> None:
    rows = schedule(place, "11 4 * * *", "12 4 * * *", "13 4 * * *")
    page.goto(f"{place.url}/schedules?text=4+*+*+*")
    boxes = page.get_by_role("checkbox", name=re.compile("choose beat 1. 4"))
    expect(boxes).to_have_count(3)
    boxes.first.check()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.get_by_role("button", name="All that match the filter").click()
    expect(page.get_by_text("all 3 that match the filter, chosen")).to_be_visible()
    page.get_by_role("button", name="Pause…").click()
    expect(page.locator(".preview")).to_contain_text("3 of 3 would change.")
    page.get_by_role("button", name="Pause", exact=True).click()
    table = page.get_by_role("table", name="Scheduled events")  # the dialog's preview has such badges too
    expect(table.locator(".badge", has_text="paused")).to_have_count(3)
    assert {row_of(place, row["id"])["status"] for row in rows} == {"paused"}


def test_a_filter_that_is_none_is_told_at_its_field(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/schedules")
    page.get_by_label("Pico").fill("nobody")
    expect(page.get_by_text("there is no pico nobody")).to_be_visible()
    page.get_by_label("Pico").fill("root")
    expect(page.get_by_text("there is no pico nobody")).to_have_count(0)
    page.get_by_label("Due until").fill("soon")
    expect(page.get_by_text("wanted an ISO 8601 time")).to_be_visible()


def test_the_line_that_made_a_schedule_is_shown_in_its_ruleset(page: Page, place: Opened) -> None:
    turn = post(place, "/picos/root/raise", domain="beats", type="once")
    page.goto(f"{place.url}/schedules/{turn['scheduled'][0]}")
    page.get_by_role("link", name="beats.once:10").click()
    expect(page.locator(".cm-line.krl-line-here")).to_contain_text("schedule notification event")


def test_a_source_is_paused_resumed_and_removed(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/sources")
    row = page.get_by_role("row").filter(has_text="pulse")
    row.get_by_role("button", name="Pause").click()
    expect(row.get_by_text("paused")).to_be_visible()
    row.get_by_role("link", name="pulse").click()
    expect(page.get_by_text("every 60 s")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("running", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("This source was removed")).to_be_visible()
    assert get(place, "/scheduled", text="pulse")["items"] == []


def test_a_source_tells_that_the_turns_it_raises_fail(page: Page, place: Opened) -> None:
    failing = """ruleset failing { rule fails { select when cross failing
        send_directive("x", {"t": time:add("soon", {"days": 1})}) } }"""
    post(place, "/picos/root/rulesets", text=failing)
    entry = {"name": "each second", "expr": "* * * * * *"}
    source = {"type": "crononome", "name": "cross", "event": "cross:failing", "to": {"pico": "root"}}
    post(place, "/sources", **source, entries=[entry])
    page.goto(f"{place.url}/sources")
    row = page.get_by_role("row").filter(has_text="cross")
    expect(row.locator("td.number .badge.bad")).to_have_text(re.compile(r"[1-9]\d*"))
    expect(row).to_contain_text('"soon" is not an ISO 8601 time')
    row.get_by_role("link", name="cross").click()
    records = page.get_by_role("table", name="Latest occurrences")
    expect(records.get_by_text("failed").first).to_be_visible()
    post(place, "/sources/cross/pause")
    records.get_by_role("link", name="each second").first.click()
    expect(page.get_by_role("table", name="Turns, newest first").get_by_text("failed")).to_be_visible()


def test_a_delivery_is_retried_and_dropped(page: Page, place: Opened) -> None:
    sending = """ruleset sending { rule send { select when t send
        event:send({"eci": "abcdefgh0123456789abcdef01234567", "domain": "parcel",
          "type": "arrived_at_the_depot"}, "https://nowhere.invalid") } }"""
    post(place, "/picos/root/rulesets", text=sending)
    page.goto(f"{place.url}/deliveries")
    expect(page.get_by_text("Nothing is on its way")).to_be_visible()
    post(place, "/picos/root/raise", domain="t", type="send")
    row = page.get_by_role("row").filter(has_text="nowhere.invalid")
    expect(row.get_by_role("link", name="sending.send")).to_be_visible()
    page.get_by_label("Filter").fill("elsewhere")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    page.get_by_label("Filter").fill("NOWHERE")
    expect(page).to_have_url(re.compile("text=NOWHERE"))
    page.reload()
    expect(row).to_be_visible()
    page.get_by_label("Filter").fill("")
    (sent,) = get(place, "/deliveries")
    row.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("It is tried now")).to_be_visible()
    for width in (1024, 1200, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        clipped = (
            "[...document.querySelectorAll('.listing')].some((each) => each.scrollWidth > each.clientWidth)"
        )
        assert not page.evaluate(clipped), width
    row.get_by_role("button", name="Drop").click()
    page.get_by_role("button", name="Close").click()
    expect(row).to_be_visible()
    row.get_by_role("button", name="Drop").click()
    page.get_by_role("dialog").get_by_role("button", name="Drop").click()
    expect(page.get_by_text("Nothing is on its way")).to_be_visible()
    expect(page.get_by_role("heading", name="On their way")).to_be_hidden()
    assert get(place, "/deliveries") == []
    assert place.client.get(f"/api/deliveries/{sent['id']}").status_code == 404


def test_hostile_text_is_shown_as_text(page: Page, place: Opened) -> None:
    (row,) = get(place, "/scheduled", rid="hostile")["items"]
    for path in ("/timeline?span=week", "/schedules?rid=hostile", f"/schedules/{row['id']}"):
        page.goto(place.url + path)
        expect(page.get_by_text(EVIL).first).to_be_visible()
    expect(page.get_by_text(EVIL + "{{ 7*7 }}")).to_be_visible()
    page.get_by_role("button", name="Cancel…").click()
    expect(page.get_by_role("heading", name=f"Cancel {EVIL}?")).to_be_visible()
    page.goto(f"{place.url}/rulesets/hostile")
    expect(page.locator(".cm-content")).to_contain_text(EVIL)
    expect(page.locator("img[src]")).to_have_count(0)
    assert page.evaluate("window.pwned") is None


PATHS = ("/timeline", "/schedules", "/rulesets", "/rulesets/beats", "/edit", "/sources", "/deliveries")


def test_pages_fit_a_narrow_screen_in_the_dark(browser: Browser, place: Opened) -> None:
    context = browser.new_context(viewport={"width": 380, "height": 800}, color_scheme="dark")
    page = context.new_page()
    for path in PATHS:
        page.goto(place.url + path)
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator(".panel:visible").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 380, path
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", ground))) < 60, path
    context.close()


def test_what_is_empty_teaches(page: Page, tmp_path: Path) -> None:
    with opened(tmp_path, "--open") as empty:
        for path, words in (
            ("/timeline", "Try an example"),
            ("/schedules", "Try an example"),
            ("/sources", "New schedule"),
        ):
            page.goto(empty.url + path)
            expect(page.locator(".empty")).to_contain_text(
                words, timeout=30_000
            )  # the first page loads the console
        page.goto("about:blank")


@pytest.fixture
def windowed(place: Opened) -> Iterator[dict[str, Any]]:
    """An hourly schedule that comes at two hours of each day, in UTC, while its window is there."""
    made = place.client.post("/api/windows", json={"name": "early", "from": "0 3 * * *", "to": "0 5 * * *"})
    assert made.status_code in (200, 201), made.text
    attrs = {"_window": "early", "_name": "within"}
    wanted = {"domain": "notification", "type": "beat", "repeat": "0 * * * *", "attrs": attrs}
    yield post(place, "/picos/root/scheduled", **wanted)
    place.client.delete("/api/windows/early?force=true")


def test_a_schedule_is_shown_within_its_window(page: Page, place: Opened, windowed: dict[str, Any]) -> None:
    page.goto(f"{place.url}/schedules/{windowed['id']}")
    times = page.locator("ol.times pico-time")
    expect(times).to_have_count(8)
    shown = times.evaluate_all('all => all.map(each => new Date(each.getAttribute("at")).getUTCHours())')
    assert set(shown) == {3, 4}
    expect(page.locator(".rhythm td.l4")).to_have_count(14)
    panel = page.get_by_role("table", name="What will not fire")
    expect(panel.locator("tbody tr")).to_have_count(5)
    more = page.get_by_text(re.compile(r"and 2\d more until"))
    expect(page.get_by_role("table", name="What else will not fire")).to_be_hidden()
    more.click()
    expect(page.get_by_role("table", name="What else will not fire")).to_be_visible()
    page.goto(f"{place.url}/schedules?text=within")
    cell = page.get_by_role("row", name="notification:beat")
    expect(cell).to_contain_text("0 * * * * in window early · within")
    expect(cell.get_by_role("img", name="a week by the hour").locator("rect")).to_have_count(7)
    page.goto(f"{place.url}/timeline?span=week&text=within")
    expect(page.locator(".track .bar")).to_have_count(7)

    assert place.client.delete("/api/windows/early?force=true").status_code < 300
    page.goto(f"{place.url}/schedules/{windowed['id']}")
    expect(page.get_by_text("No next times: there is no window early.")).to_be_visible()
    expect(panel.locator("tbody tr")).to_have_count(1)
    expect(panel).to_contain_text("failed")
    expect(panel).to_contain_text("there is no window early")


def test_edges_are_told_in_words(page: Page, place: Opened, windowed: dict[str, Any]) -> None:
    watch = 'ruleset watch { rule edge { select when window opened send_directive("edge") } }'
    assert place.client.post("/api/picos/root/rulesets", json={"text": watch}).status_code == 201
    for path in ("schedules?kind=window", ""):
        page.goto(f"{place.url}/{path}")
        row = page.get_by_role("row", name="window:opened").first
        expect(row).to_contain_text("window early")
        expect(row).not_to_contain_text('{"')
    place.client.delete("/api/picos/root/rulesets/watch")


def test_a_new_schedule_is_tried_within_its_window(
    page: Page, place: Opened, windowed: dict[str, Any]
) -> None:
    page.goto(f"{place.url}/new?when=0 * * * *&event=notification:beat")
    expect(page.locator(".times li")).to_have_count(5)
    page.get_by_label("Only while this window is open").click()
    page.get_by_role("option", name="early").click()
    expect(page.locator(".rhythm td.l4")).to_have_count(14)
    page.get_by_label("When", exact=True).fill("0 12 * * *")
    page.get_by_label("Zone", exact=True).fill("UTC")
    expect(page.get_by_text("The window early is closed at each of its next times.")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    dialog = page.get_by_role("dialog", name="Scheduled")
    expect(dialog).to_contain_text("It is scheduled")
    expect(dialog).to_contain_text("the window early is closed at each of its next times")
    page.goto(f"{place.url}/schedules")
    expect(page.get_by_role("heading", name="Schedules", exact=True)).to_be_visible()
    # After ten seconds the server forgets the page that was left; nothing of it is in the log in the end.
    page.wait_for_timeout(12_000)
