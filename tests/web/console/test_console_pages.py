"""Overview, picos, events and journal, as somebody uses them."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from web.console.opened import CLOCKS, HOSTILE, Opened


def test_the_overview_tells_what_fired_and_what_comes(page: Page, console: Opened) -> None:
    pico = console.pico("overseen")
    page.goto(console.url)
    console.raise_event(pico, "clocks:begin")
    # All of it appears by itself.
    coming = page.get_by_role("table", name="What is due next")
    beat = coming.get_by_role("row").filter(has_text="clock:beat").filter(has_text="overseen")
    expect(beat).to_contain_text("clocks.begin:")
    last = page.get_by_role("table", name="Latest occurrences")
    expect(last.get_by_role("row").filter(has_text="clock:beat").first).to_contain_text("fired")
    fires = page.get_by_role("img", name="Occurrences per minute")
    expect(fires.get_by_text("fired")).to_be_visible()
    expect(fires.locator("svg rect").first).to_be_attached()
    expect(page.locator(".figure", has_text="scheduler")).to_contain_text("running")
    console.client.delete(f"/api/picos/{pico}")
    expect(coming.get_by_text("overseen")).to_have_count(0)


def test_a_failure_stands_first_with_its_line_and_is_raised_again(page: Page, console: Opened) -> None:
    pico = console.pico("faulty")
    console.raise_event(pico, "tell:wrong", n=7)
    page.goto(console.url)
    expect(page.locator(".figure", has_text="failures in 24 h").locator("b")).not_to_have_text("–")
    failed = page.get_by_role("table", name="Failures of the last 24 hours").locator("tbody tr")
    row = failed.filter(has_text="faulty")
    expect(row).to_contain_text("clocks.broken:21")
    expect(row).to_contain_text('"soon" is not an ISO 8601 time')
    expect(row.get_by_role("link", name="clocks.broken:21")).to_have_attribute(
        "href", f"/rulesets/clocks?pico={pico}&line=21"
    )
    expect(
        page.get_by_role("img", name="What happens today, by the hour").get_by_text("00:00")
    ).to_be_visible()
    count = int(row.locator("td.number").inner_text())
    row.get_by_role("button", name="Raise again…").click()
    expect(page.locator(".q-dialog pre")).to_have_text("tell:wrong n=7")
    page.get_by_role("button", name="Raise it").click()
    expect(page.get_by_text("tell:wrong: 0 of 1 rule fired")).to_be_visible()
    expect(row.locator("td.number")).to_have_text(str(count + 1))
    row.get_by_role("link", name="tell:wrong").click()
    expect(page.locator(".told > .fault")).to_contain_text('"soon" is not an ISO 8601 time')
    console.client.delete(f"/api/picos/{pico}")


def test_an_event_that_is_raised_tells_why_each_rule_fired_or_not(page: Page, console: Opened) -> None:
    pico = console.pico("told")
    page.goto(f"{console.url}/events?pico={pico}")
    page.get_by_role("button", name="tell:me").click()
    expect(page.get_by_label("domain:type")).to_have_value("tell:me")  # so the click has filled the form
    attributes = page.get_by_label("attributes, as JSON")
    attributes.fill('{"n": 1')
    expect(page.get_by_text('found {"n": 1, wanted JSON')).to_be_visible()
    page.get_by_role("button", name="Raise", exact=True).click()
    attributes.fill('{"n": 2')
    expect(page.get_by_text('found {"n": 2, wanted JSON')).to_be_visible()  # so the click has had its effect
    expect(page.get_by_role("heading", name="Turn")).to_have_count(0)  # nothing was raised
    attributes.fill('{"n": 1}')
    attributes.press("Control+Enter")
    expect(page.get_by_text("1 of 1 rule fired · 1 directive").first).to_be_visible()
    attributes.fill('{"n": 2}')
    page.get_by_role("button", name="Raise", exact=True).click()
    considered = page.locator(".considered")
    expect(considered).to_contain_text("notfired")
    expect(considered).to_contain_text("its condition on line 20 is false")
    page.get_by_label("domain:type").fill("tell:wrong")
    page.get_by_label("domain:type").press("Enter")
    expect(considered.first).to_contain_text("failed")
    expect(page.locator(".told > .fault")).to_contain_text('"soon" is not an ISO 8601 time')
    page.get_by_label("domain:type").fill("clocks:begin")
    page.get_by_role("button", name="Raise", exact=True).click()
    expect(page.get_by_role("heading", name="Scheduled (2)")).to_be_visible()

    # What was raised in this tab stays there.
    page.reload()
    raised = page.get_by_role("table", name="What was raised in this tab")
    expect(raised.locator("tbody tr")).to_have_count(4)
    raised.get_by_role("row").filter(has_text="tell:wrong").get_by_role("button", name="Again").click()
    expect(page.get_by_label("domain:type")).to_have_value("tell:wrong")
    console.client.delete(f"/api/picos/{pico}")


def test_a_function_is_asked_and_refusals_are_told(page: Page, console: Opened) -> None:
    pico = console.pico("asked")
    made = console.client.post(
        f"/api/picos/{pico}/channels", json={"tags": ["small"], "allow_queries": ["clocks:beats"]}
    )
    page.goto(f"{console.url}/events?pico={pico}")
    page.get_by_role("button", name="Ask a function").click()
    page.get_by_role("button", name="clocks:given").click()
    arguments = page.get_by_label("arguments, as JSON")
    expect(arguments).to_have_value('{\n  "name": ""\n}')
    arguments.fill('{"name": {"a": [1, 2]}}')
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".panel .panel", has_text="Answer").locator(".json")).to_contain_text("a: [ 2 ]")
    page.get_by_label("through").click()
    page.get_by_role("option", name=f"small · {made.json()['eci'][:8]}…").click()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".fault")).to_have_text(
        "the query clocks:given is not allowed by the channel's policy"
    )


def test_the_journal_follows_and_opens_a_turn(page: Page, console: Opened) -> None:
    pico = console.pico("followed")
    page.goto(f"{console.url}/journal?pico={pico}")
    rows = page.get_by_role("table", name="Turns, newest first").locator("tbody tr")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    console.raise_event(pico, "tell:me", n=1)
    console.raise_event(pico, "tell:me", n=2)
    console.raise_event(pico, "tell:wrong")
    expect(rows).to_have_count(3)  # they came by themselves
    page.get_by_label("Event", exact=True).fill("TELL:ME")
    expect(rows).to_have_count(2)
    page.get_by_label("a rule was").click()
    page.get_by_role("option", name="notfired").click()
    expect(rows).to_have_count(1)
    rows.get_by_role("link", name="tell:me").click()
    expect(page.locator(".considered")).to_contain_text("its condition on line 20 is false")
    expect(page.get_by_role("link", name="followed")).to_have_attribute("href", f"/picos/{pico}")


def test_the_journal_is_paused_and_an_event_is_hidden(page: Page, console: Opened) -> None:
    pico = console.pico("busy")
    page.goto(f"{console.url}/journal?pico={pico}")
    expect(page.get_by_text("turns · live")).to_be_visible()
    console.raise_event(pico, "tell:me", n=1)
    console.raise_event(pico, "tell:wrong")
    rows = page.get_by_role("table", name="Turns, newest first").locator("tbody tr")
    expect(rows).to_have_count(2)
    rows.filter(has_text="tell:me").get_by_role("button", name="Hide").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("turns · paused")).to_be_visible()
    console.raise_event(pico, "tell:other")
    page.reload()  # which is a list of its own: all of the filter stands in the URL
    expect(page.get_by_text("turns · paused")).to_be_visible()
    expect(rows).to_have_count(2)
    console.raise_event(pico, "tell:wrong")
    page.get_by_role("button", name="tell:me").click()
    expect(rows).to_have_count(4)
    console.raise_event(pico, "tell:me", n=2)
    page.get_by_role("button", name="Go on").click()
    expect(rows).to_have_count(5)
    console.client.delete(f"/api/picos/{pico}")


def test_a_turn_leads_to_the_path_of_its_event(page: Page, console: Opened) -> None:
    pico = console.pico("walked")
    console.raise_event(pico, "clocks:begin")
    page.goto(f"{console.url}/journal?pico={pico}")
    page.get_by_role("link", name="clocks:begin").click()
    page.get_by_role("link", name="its path").click()
    steps = page.locator(".trail li")
    expect(steps.nth(0)).to_contain_text("by a trusted caller")
    expect(steps.nth(1)).to_have_attribute("aria-current", "step")
    expect(steps.nth(1)).to_contain_text("clocks.begin")
    expect(steps.filter(has_text="clock:never")).to_contain_text("pending")
    steps.filter(has_text="by clocks.begin:11").get_by_role("link", name="clock:beat").click()
    page.get_by_role("link", name="Its path").click()
    expect(steps.nth(1)).to_contain_text("clocks:begin")  # backwards from the schedule
    here = page.locator(".trail li.here")
    expect(here).to_contain_text("clock:beat")
    path = console.client.get("/api/path", params={"what": page.url.rpartition("/")[2]}).json()
    assert [each["kind"] for each in path["before"]] == ["outside", "turn"]
    assert {each["kind"] for each in path["step"]["caused"]} <= {"turn"}
    assert console.client.get("/api/path", params={"what": "nothing"}).status_code == 404
    page.goto(f"{console.url}/path/nothing")
    expect(page.get_by_text("Nothing on record is called “nothing”")).to_be_visible()
    console.client.delete(f"/api/picos/{pico}")


def test_a_family_is_made_and_ended(page: Page, console: Opened) -> None:
    pico = console.pico("parent")
    page.goto(f"{console.url}/picos")
    page.locator(".filter input").fill("PAREN")
    page.get_by_role("link", name="parent", exact=True).click()
    page.locator(".panel", has=page.get_by_role("heading", name="Children")).get_by_role("button").click()
    page.get_by_role("button", name="Create").click()
    expect(page.locator(".q-dialog .fault")).to_have_text("found no name, wanted one")
    page.get_by_label("name").fill(HOSTILE)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("table", name="Children").get_by_role("link", name=HOSTILE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.get_by_role("navigation", name="Ancestors")).to_contain_text("parent")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/picos")
    assert console.client.get(f"/api/picos/{pico}").json()["children"] == []


def test_channels_and_rulesets_of_a_pico_come_and_go(page: Page, console: Opened) -> None:
    pico = console.client.post("/api/picos", json={"name": "equipped"}).json()["id"]
    page.goto(f"{console.url}/picos/{pico}")

    channels = page.locator(".panel", has=page.get_by_role("heading", name="Channels"))
    channels.get_by_role("button", name="New channel…").click()
    page.get_by_label("tags").fill("Sensor, other")
    page.get_by_label("allow events").fill("sensor")
    page.get_by_role("button", name="Create").click()
    expect(page.locator(".q-dialog .fault")).to_contain_text('found the pattern "sensor"')
    page.get_by_label("allow events").fill("sensor:* light:on")
    page.get_by_label("deny events").fill("sensor:secret")
    page.get_by_role("button", name="Create").click()
    made = channels.locator("tbody tr").filter(has_text="sensor, other")
    expect(made).to_contain_text("sensor:* light:on not sensor:secret")
    made.get_by_role("button", name="Delete").click()
    page.locator(".q-dialog").get_by_role("button", name="Delete").click()
    expect(made).to_have_count(0)

    rulesets = page.locator(".panel", has=page.get_by_role("heading", name="Rulesets"))
    rulesets.get_by_role("button", name="Install…").click()
    page.get_by_label("Text", exact=True).fill("/etc/hostname")
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page.locator(".q-dialog .fault")).to_contain_text("wanted `ruleset`")  # a path is no ruleset
    page.get_by_label("Text", exact=True).fill(CLOCKS)
    page.get_by_role("button", name="Install", exact=True).click()
    expect(rulesets.get_by_role("link", name="clocks")).to_be_visible()
    rulesets.get_by_role("row").filter(has_text="clocks").get_by_role("button", name="Uninstall").click()
    page.locator(".q-dialog").get_by_role("button", name="Uninstall").click()
    expect(rulesets.get_by_role("link", name="clocks")).to_have_count(0)


def test_what_rulesets_and_events_say_is_text_wherever_it_is_shown(page: Page, console: Opened) -> None:
    # The page fixture fails where a script of theirs runs, or an error is told.
    pico = console.client.post(
        "/api/picos", json={"name": f"{HOSTILE} `${{alert(2)}}` {{{{ alert(3) }}}}"}
    ).json()["id"]
    console.client.post(f"/api/picos/{pico}/rulesets", json={"text": CLOCKS})
    console.raise_event(
        pico, "tell:hostile", **{HOSTILE: HOSTILE, "`${alert(2)}": "{{ alert(3) }}", ":key": "alert(4)"}
    )
    console.raise_event(pico, "clocks:begin")
    seq = console.client.get("/api/journal", params={"pico": pico}).json()["items"][-1]["seq"]
    places = (
        "/",
        "/picos",
        f"/picos/{pico}",
        f"/events?pico={pico}",
        "/journal",
        f"/journal/{seq}",
        f"/path/{seq}",
    )
    for place in (*places, f"/journal?event={HOSTILE}", "/timeline", "/schedules", "/rulesets", "/sources"):
        page.goto(console.url + place)
        expect(page.locator("#content")).to_be_visible()
        page.wait_for_function("window.did_handshake")
        assert page.locator("img[src=x]").count() == 0, place
    page.goto(f"{console.url}/journal/{seq}")
    expect(page.locator(".told").get_by_text(HOSTILE).first).to_be_visible()
    page.goto(f"{console.url}/picos/{pico}")
    expect(page.locator(".json").get_by_text(HOSTILE).first).to_be_visible()  # its state
    console.client.delete(f"/api/picos/{pico}")
