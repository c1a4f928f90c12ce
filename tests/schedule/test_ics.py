"""Calendars: what they hold, read back by the package `icalendar`, and how their lines are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from picosched import Engine, Filter, VirtualClock
from picosched.clock import format_time
from picosched.schedule.forecast import Expected
from picosched.schedule.ics import LINE_BYTES, calendar_text, escaped, folded
from picosched.schedule.scheduled import Scheduled

START = datetime(2026, 3, 1, tzinfo=UTC)
RULES = """
ruleset tea {
  meta { window early from "0 6 * * *" to "0 9 * * *" }
  rule once { select when tea once fired {
    schedule tea event "ready" at time:add(time:now(), {"minutes": 5})
      attributes {"kind": "Earl Grey; strong, \\"hot\\"", "note": "two\\nlines",
        "_description": "Tea, ready"} } }
  rule daily { select when tea daily fired {
    schedule tea event "daily" repeat "0 9 * * *" with _name = "morning" and _count = 3 } }
  rule often { select when tea often fired { schedule tea event "often" repeat "* * * * *" } }
  rule broken { select when tea broken fired {
    schedule tea event "brew" repeat "0 1 * * *" with _retry = 3 and _count = 2 } }
  rule fail { select when tea brew pre { up = "down" - 1 } }
  rule early { select when tea early fired {
    schedule tea event "early" repeat "0 */2 * * *" with _window = "early" } }
}
"""


def engine() -> Engine:
    made = Engine(":memory:", clock=VirtualClock(START))
    made.new_pico("kitchen").install(RULES)
    return made


def events(text: str) -> list[tuple[str, datetime]]:
    """Summary and time of each event."""
    read = Calendar.from_ical(text)
    return [(str(each["SUMMARY"]), each["DTSTART"].dt) for each in read.walk("VEVENT")]


def test_a_calendar_has_each_occurrence_to_come() -> None:
    with engine() as made:
        kitchen = made.pico("kitchen")
        for each in ("once", "daily"):
            kitchen.raise_event("tea", each)
        text = made.ics(Filter())
        first, second, *others = Calendar.from_ical(text).walk("VEVENT")
        (once, daily) = kitchen.scheduled()
    assert first["SUMMARY"] == "Tea, ready"
    told = str(first["DESCRIPTION"]).split("\n")
    assert told[0].startswith("tea:ready kind='Earl Grey; strong, \"hot\"' note=")
    assert first["UID"] == once.id
    assert first["DTSTART"].dt == START + timedelta(minutes=5) and first["DTSTAMP"].dt == START
    assert second["UID"] == f"{daily.id}-2026-03-01T09:00:00Z" and second["SUMMARY"] == "morning"
    assert "at 09:00 every day" in str(second["DESCRIPTION"])
    assert [each["DTSTART"].dt.day for each in others] == [2, 3]  # it fires three times
    assert not [*Calendar.from_ical(text).errors]


def uids(text: str) -> list[tuple[str, datetime]]:
    """UID and time of each event."""
    return [(str(each["UID"]), each["DTSTART"].dt) for each in Calendar.from_ical(text).walk("VEVENT")]


def test_an_occurrence_that_was_moved_or_is_tried_again_is_the_same_event() -> None:
    with engine() as made:
        kitchen = made.pico("kitchen")
        for each in ("once", "daily", "broken"):
            kitchen.raise_event("tea", each)
        once, broken, daily = kitchen.scheduled()
        before = dict(uids(made.ics(Filter())))
        made.agenda.move(once.id, START + timedelta(hours=7))
        made.agenda.move(daily.id, START + timedelta(days=1, hours=9))  # when the one after it is due
        made.clock.advance(hours=1)
        made.run_due()
        after = uids(made.ics(Filter()))
        (row,) = made.agenda.scheduled(Filter(type="brew"))
    assert row.tries == 1 and row.moved_from == START + timedelta(hours=1) and row.due
    assert len({uid for uid, _ in after}) == len(after)
    moved = {uid: at for uid, at in after if before.get(uid) != at}
    assert moved == {
        once.id: START + timedelta(hours=7),
        f"{daily.id}-2026-03-01T09:00:00Z": START + timedelta(days=1, hours=9),
        f"{broken.id}-2026-03-01T01:00:00Z": row.due,
        f"{daily.id}-2026-03-04T09:00:00Z": START + timedelta(days=3, hours=9),
    }


def test_what_will_not_be_raised_is_not_in_it() -> None:
    with engine() as made:
        kitchen = made.pico("kitchen")
        kitchen.raise_event("tea", "early")
        kitchen.raise_event("tea", "often")
        (often,) = made.agenda.scheduled(Filter(type="often"))
        early = events(made.ics(Filter(type="early"), days=1))
        spaced = events(made.ics(Filter(type="often"), days=1))
        made.agenda.pause(often.id)
        paused = events(made.ics(Filter(type="often")))
    assert [at.hour for _, at in early] == [6, 8]
    assert len(spaced) == 144  # min_period is 599 s
    assert paused == []


def test_a_calendar_has_an_end_and_says_where_it_is() -> None:
    with engine() as made:
        kitchen = made.pico("kitchen")
        kitchen.raise_event("tea", "often")
        for _ in range(20):
            kitchen.raise_event("tea", "once")
        text = made.ics(Filter(), limit=10)
        whole = made.ics(Filter(), days=366)
        week = made.ics(Filter(until=START + timedelta(hours=2)))
        later = made.ics(Filter(since=START + timedelta(hours=1)), days=1)
    assert len(events(text)) == 10
    until = format_time(events(text)[-1][1])
    assert Calendar.from_ical(text)["X-WR-CALDESC"] == f"scheduled events until {until}\\; there may be more"
    assert len(events(whole)) == 1_000
    assert "X-WR-CALDESC:scheduled events until 2026-03-01T02:00:00Z" in week
    assert min(at for _, at in events(later)) == START + timedelta(hours=1, minutes=1)


def row(text: str) -> Scheduled:
    return Scheduled("id", "pico", "rid", "tea", "ready", {"a": text}, "at", START, START, description=text)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\\,;:\t"), min_size=1
    )
)
def test_any_text_comes_back_from_a_calendar(text: str) -> None:
    written = calendar_text([Expected(START, row(text))], START, text, text)
    assert all(len(line.encode()) <= LINE_BYTES for line in written.split("\r\n"))
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    assert str(event["SUMMARY"]) == (text if len(text) <= 200 else f"{text[:200]}…")


@given(st.text())
def test_whatever_a_text_holds_a_calendar_is_readable(text: str) -> None:
    written = calendar_text([Expected(START, row(text))], START, "picos", text)
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    assert event["DTSTART"].dt == START


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")))
def test_a_folded_line_unfolds(line: str) -> None:
    assert folded(line).replace("\r\n ", "") == line


def test_a_text_is_escaped() -> None:
    assert escaped("a\\b;c,d\r\ne\x00") == "a\\\\b\\;c\\,d\\ne\N{REPLACEMENT CHARACTER}"
