"""The console's editor, as somebody uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened
from web.console.pasted import get, paste, post

from picosched import Engine, VirtualClock
from picosched.due.snapshots import name_of

TEA = """ruleset tea {
  rule start {
    select when tea started
    send_directive("say", {"text": "steeping"})
    fired {
      schedule notification event "tea_ready" at time:add(time:now(), {"minutes": 5})
    }
  }

  rule ready {
    select when notification tea_ready
    send_directive("say", {"text": "ready"})
  }
}
"""
DIGEST = """ruleset digest {
  rule wanted {
    select when digest wanted
    always { schedule notification event "digest_due" repeat "0 7 * * *" }
  }

  rule due {
    select when notification digest_due
    send_directive("digest", {"text": "news"})
  }
}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console of its own, for the rulesets go to the root."""
    with opened(tmp_path_factory.mktemp("rulesets"), "--open") as found:
        yield found


def test_a_ruleset_is_written_installed_raised_and_fires(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/edit")
    expect(page.get_by_text("not installed")).to_be_visible(timeout=30_000)  # until the console is loaded
    paste(page, TEA)
    expect(page.get_by_text("No findings")).to_be_visible()
    page.get_by_role("button", name="Install…").click()
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page).to_have_url(re.compile("/rulesets/tea$"))
    expect(page.get_by_text("as installed", exact=True)).to_be_visible()
    turn = post(place, "/picos/root/raise", domain="tea", type="started")
    assert [each["options"] for each in turn["directives"]] == [{"text": "steeping"}]
    page.goto(f"{place.url}/schedules?rid=tea")
    page.get_by_role("link", name="notification:tea_ready").click()
    page.get_by_role("button", name="Fire now…").click()
    page.get_by_role("button", name="Fire now", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("ready").first).to_be_visible()
    expect(page.get_by_text("finished", exact=True)).to_be_visible()
    (fire,) = get(place, "/history", id=turn["scheduled"][0])["items"]
    assert fire["outcome"] == "fired" and fire["rules"] == ["tea.ready"]


def test_what_is_due_fires_by_itself_and_the_page_tells(page: Page, place: Opened) -> None:
    post(place, "/picos/root/rulesets", text=TEA.replace('"minutes": 5', '"seconds": 2'))
    turn = post(place, "/picos/root/raise", domain="tea", type="started")
    page.goto(f"{place.url}/schedules/{turn['scheduled'][0]}")
    history = page.get_by_role("table", name="Occurrences")
    expect(history.get_by_text("fired", exact=True)).to_be_visible()
    expect(page.get_by_text("finished", exact=True)).to_be_visible()


def test_a_fault_is_shown_at_its_line_and_in_the_list(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/edit")
    paste(page, TEA.replace("time:now()", "tme()"))
    finding = page.locator(".finding")
    expect(finding).to_have_count(1)
    expect(finding).to_contain_text("6:59")
    expect(finding).to_contain_text("tme")
    line = page.locator(".cm-line.krl-line-error")
    expect(line).to_contain_text("schedule notification event")
    expect(line.locator(".krl-error")).to_contain_text("tme")
    expect(line.locator(".krl-words-error")).to_be_visible()
    finding.click()
    expect(page.locator(".cm-content")).to_be_focused()
    page.keyboard.insert_text("(")  # the cursor is where the finding was
    expect(page.locator(".cm-line").nth(5)).to_contain_text("add((tme")
    page.get_by_role("button", name="Install…").click()
    expect(page.get_by_role("button", name="Install", exact=True)).to_be_disabled()


def test_marks_stand_where_they_should_behind_characters_of_two_units(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/edit")
    paste(page, 'ruleset r { global { a = "🍵🍵" + nobody } }\n')
    expect(page.locator(".krl-error")).to_have_text("nobody")


def test_a_text_is_laid_out(page: Page, place: Opened) -> None:
    page.goto(f"{place.url}/edit")
    paste(page, "\n".join(line.strip() for line in DIGEST.splitlines()))
    page.get_by_role("button", name="Format").click()
    expect(page.locator(".cm-line").nth(2)).to_have_text("    select when digest wanted")
    paste(page, "ruleset broken {")
    page.get_by_role("button", name="Format").click()
    expect(page.get_by_text("Fix syntax errors before formatting")).to_be_visible()


def test_an_edited_ruleset_is_rehearsed_beside_the_installed_one(page: Page, place: Opened) -> None:
    post(place, "/picos/root/rulesets", text=DIGEST)
    post(place, "/picos/root/raise", domain="digest", type="wanted")
    page.goto(f"{place.url}/rulesets/digest")
    expect(page.get_by_text("as installed", exact=True)).to_be_visible()
    page.get_by_label("Days").fill("10")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("Events of this pico: 10 the same.")).to_be_visible()
    paste(page, DIGEST.replace('"news"', '"other news"').replace('"0 7', '"0 8'))
    expect(page.get_by_text("changed", exact=True)).to_be_visible()
    page.get_by_label("Events to raise").fill("digest:wanted")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("Events of this pico: 10 new, 10 gone, 10 changed, 1 the same.")).to_be_visible()
    rows = page.locator(".compared .row.changed")
    expect(rows.first).to_contain_text('"news"')
    expect(rows.first).to_contain_text('"other news"')
    expect(page.locator(".compared .row.new").first).to_contain_text("+")
    assert get(place, "/scheduled", rid="digest")["items"][0]["fires"] == 0, "a rehearsal touches nothing"


def test_the_plan_of_an_edited_ruleset_tells_what_changes_in_all_picos(page: Page, place: Opened) -> None:
    post(place, "/picos/root/rulesets", text=DIGEST.replace("digest", "planned"))
    post(place, "/picos/root/raise", domain="planned", type="wanted")
    page.goto(f"{place.url}/rulesets/planned")
    expect(page.get_by_text("as installed", exact=True)).to_be_visible()
    page.get_by_label("How far ahead").fill("10")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_text("The text is as installed in every pico")).to_be_visible()
    paste(page, DIGEST.replace("digest", "planned").replace('"news"', '"other news"'))
    expect(page.get_by_text("changed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.get_by_text('+ directive planned {"text":"other news"}')).to_be_visible()
    expect(page.get_by_text("event notification:planned_due 10 → 10, 10 differ")).to_be_visible()
    paste(page, "ruleset planned {")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.locator(".q-notification")).to_contain_text("wanted")


def test_a_rehearsal_that_never_ends_is_bounded(page: Page, place: Opened) -> None:
    often = "ruleset often { rule a { select when often wanted " + (
        'always { schedule often event "b" repeat "* * * * *" } } rule b { select when often b } }'
    )
    post(place, "/picos/root/rulesets", text=often)
    page.goto(f"{place.url}/rulesets/often")
    page.get_by_label("Events to raise").fill("often:wanted")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text(re.compile(r"It ended at \d{4}-"))).to_be_visible(timeout=30_000)


def test_a_rehearsal_is_not_slowed_by_what_cannot_influence_it(page: Page, place: Opened) -> None:
    busy = "ruleset busy { rule a { select when busy wanted " + (
        'always { schedule busy event "b" repeat "* * * * * *" } } rule b { select when busy b } }'
    )
    for name, text, domain in (("mill", busy, "busy"), ("calm", DIGEST, "digest")):
        post(place, "/picos", name=name)
        post(place, f"/picos/{name}/rulesets", text=text)
        post(place, f"/picos/{name}/raise", domain=domain, type="wanted")
    calm = next(each["id"] for each in get(place, "/picos")["items"] if each["name"] == "calm")
    page.goto(f"{place.url}/rulesets/digest?pico={calm}")
    expect(page.get_by_label("On the pico")).to_have_value("calm")
    page.get_by_role("button", name="Rehearse").click()
    told = page.get_by_text("Events of this pico: 30 the same. Left out, since they cannot influence it: ")
    expect(told).to_be_visible(timeout=30_000)


def test_a_ruleset_that_nobody_has_is_not_found(page: Page, place: Opened) -> None:
    answer = page.request.get(f"{place.url}/rulesets/nobodys")
    assert answer.status == 404


def test_picos_with_different_texts_are_told_apart(page: Page, place: Opened) -> None:
    post(place, "/picos", name="other")
    for pico, words in (("root", "one"), ("other", "two")):
        text = f'ruleset split {{ rule a {{ select when a b send_directive("{words}") }} }}'
        post(place, f"/picos/{pico}/rulesets", text=text)
    page.goto(f"{place.url}/rulesets")
    expect(page.get_by_role("link", name="split", exact=True)).to_have_count(2)
    page.get_by_role("link", name="split", exact=True).first.click()
    editor = page.locator(".cm-content")
    expect(editor).to_contain_text(re.compile("one|two"))
    first = "one" if "one" in editor.inner_text() else "two"
    page.get_by_role("link", name=re.compile("^version of (root|other)$")).click()
    expect(editor).to_contain_text("two" if first == "one" else "one")


def test_a_replay_tells_what_an_edited_ruleset_would_have_done(page: Page, tmp_path: Path) -> None:
    lamp = 'ruleset lamp { rule on { select when dusk came send_directive("on", {}) } }'
    with Engine(tmp_path / "picosched.db", VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.root.install(lamp)
        engine.root.raise_event("dusk", "came")
        (tmp_path / "snapshots").mkdir()
        file = tmp_path / "snapshots" / name_of(engine.root.id, engine.now())
        engine.store.copy(file).close()
        engine.clock.advance(hours=2)
        engine.root.raise_event("dusk", "came")
    (tmp_path / "picosched.toml").write_text(f'[engine]\nsnapshots_in = "{tmp_path / "snapshots"}"\n')
    with opened(tmp_path, "--open") as place:
        page.goto(f"{place.url}/rulesets/lamp")
        expect(page.get_by_text("as installed", exact=True)).to_be_visible(timeout=30_000)
        for wrong, told in (("", "wanted a time to begin from"), ("noon", "wanted an ISO 8601 time")):
            page.get_by_label("Since").fill(wrong)
            page.get_by_role("button", name="Replay", exact=True).click()
            expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
        expect(page.locator(".q-notification")).to_have_count(0)
        page.get_by_label("Since").fill("2026-03-01T01:00:00Z")
        page.get_by_role("button", name="Replay", exact=True).click()
        # As it starts, the server installs rulesets on the root.
        expect(page.get_by_text(re.compile(r"done again: \d+ changes"))).to_be_visible(timeout=30_000)
        expect(page.get_by_text("each turn is as it was")).to_be_visible()
        paste(page, lamp.replace('"on", {}', '"off", {}'))
        expect(page.get_by_text("changed", exact=True)).to_be_visible()
        page.get_by_role("button", name="Replay", exact=True).click()
        expect(page.get_by_text("root: its first turn that differs, at 2026-03-01T02:00:00Z")).to_be_visible()
        expect(page.get_by_text("+ < off {}")).to_be_visible()
        page.get_by_label("Since").fill("2020-01-01")
        page.get_by_role("button", name="Replay", exact=True).click()
        expect(page.locator(".q-notification")).to_contain_text("when the oldest snapshot was made")
