"""Backfills: what a past time lacks is raised, each occurrence once, and what was raised is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, PicoschedError, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.engine.pico import PicoRef
from picosched.schedule.scheduled import Outcome

START = datetime(2026, 3, 1, tzinfo=UTC)
AFTER = START + timedelta(seconds=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = """
ruleset made {
  meta { shares got window day from "0 8 * * *" to "0 20 * * *" }
  global { got = function() { ent:got.defaultsTo([]) } }
  rule plan { select when made plan fired {
    schedule made event "due" repeat event:attrs{"when"} attributes {"n": 1, "_count": event:attrs{"count"},
      "_window": event:attrs{"window"}, "_misfire": event:attrs{"misfire"},
      "_until": event:attrs{"until"}} } }
  rule due { select when made due
    fired { ent:got := got().append([event:attrs]) } }
  rule poor { select when made due where ent:broken
    pre { sum = time:add("soon", {"days": 1}) } fired { ent:sum := sum } }
  rule break { select when made break fired { ent:broken := event:attrs{"how"} } }
}
"""


class Story:
    """An engine on a virtual clock with one schedule."""

    def __init__(self, when: str = "0 * * * *", *, min_period: int = 0, **steering: Any) -> None:
        self.clock = VirtualClock(START)
        self.engine = Engine(":memory:", clock=self.clock, min_period=min_period, seed=1)
        self.pico: PicoRef = self.engine.new_pico("kitchen")
        self.pico.install(RULES)
        turn = self.pico.raise_event("made", "plan", {"when": when, **steering})
        (self.id,) = turn.scheduled

    def __enter__(self) -> Story:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    def sleep(self, by: timedelta) -> None:
        """Be away, and come back."""
        self.clock.set(self.clock.now() + by)
        self.engine.run_due()

    def live(self, by: timedelta) -> None:
        self.engine.run_until(self.clock.now() + by)

    def backfill(self, since: datetime, until: datetime, **how: bool) -> dict[str, str]:
        """Due time → why it is left alone, or what became of it."""
        found = self.engine.agenda.backfill(self.id, since, until, **how)
        return {
            format_time(each.nominal): each.left or (each.outcome.value if each.outcome else "to raise")
            for each in found
        }

    @property
    def got(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.pico.query("made", "got")
        return found

    @property
    def record(self) -> dict[str, tuple[str, str | None]]:
        return {
            format_time(each.nominal): (each.outcome.value, each.why)
            for each in reversed(self.pico.history(self.id))
        }


def at(hour: int, day: int = 1) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def test_what_was_skipped_is_raised_with_its_nominal_time_and_marked() -> None:
    with Story(misfire="skip") as story:
        story.live(HOUR)
        story.sleep(3 * HOUR + 10 * MINUTE)  # 2, 3 and 4 are missed, for which 2 has the record
        story.live(HOUR)
        assert story.record[at(2)] == ("skipped", "it was missed, and its misfire policy is skip")
        wanted = story.backfill(AFTER, START + 5 * HOUR, dry_run=True)
        assert wanted == {
            at(1): "on record as fired",
            at(2): "to raise",
            at(3): "to raise",
            at(4): "to raise",
            at(5): "on record as fired",
        }
        assert len(story.got) == 2  # nothing was raised
        done = story.backfill(AFTER, START + 5 * HOUR)
        assert [done[at(hour)] for hour in (2, 3, 4)] == ["late"] * 3
        assert [each.get("_nominal") for each in story.got] == [None, None, at(2), at(3), at(4)]
        assert {each["n"] for each in story.got} == {1}
        was = "backfilled; it was skipped, for 3 occurrences: it was missed, and its misfire policy is skip"
        assert story.record[at(2)] == ("late", was)
        assert story.record[at(3)] == story.record[at(4)] == ("late", "backfilled")
        again = story.backfill(AFTER, START + 5 * HOUR)
        assert again == {at(1): "on record as fired", at(5): "on record as fired"} | dict.fromkeys(
            [at(2), at(3), at(4)], "on record as late"
        )
        assert len(story.got) == 5
        (row,) = story.engine.scheduled()
        assert (row.fires, format_time(row.due or START)) == (5, at(6))


def test_what_another_stood_for_is_raised_and_the_other_is_not() -> None:
    with Story(misfire="once") as story:
        story.sleep(3 * HOUR + 10 * MINUTE)
        assert story.record == {at(1): ("coalesced", None)}
        done = story.backfill(AFTER, START + 3 * HOUR)
    assert done == {at(1): "on record as coalesced", at(2): "late", at(3): "late"}


def test_what_a_pause_passed_over_is_raised_once_it_is_over() -> None:
    with Story() as story:
        story.engine.agenda.pause(story.id)
        story.sleep(2 * HOUR + 10 * MINUTE)
        assert story.backfill(AFTER, START + 2 * HOUR) == {}  # they are still to come
        story.engine.agenda.resume(story.id)
        assert story.record == {at(1): ("paused", "it was paused")}
        assert story.backfill(AFTER, START + 2 * HOUR) == {at(1): "late", at(2): "late"}
        assert story.record[at(1)] == ("late", "backfilled; it was paused, for 2 occurrences: it was paused")


def test_what_failed_is_left_alone_and_a_backfill_that_fails_too() -> None:
    with Story(misfire="skip") as story:
        story.pico.raise_event("made", "break", {"how": True})
        story.live(HOUR)
        story.sleep(HOUR + 10 * MINUTE)
        assert story.backfill(AFTER, START + 2 * HOUR) == {at(1): "on record as failed", at(2): "failed"}
        outcome, why = story.record[at(2)]
        assert (
            outcome == "failed" and why is not None and why.startswith("backfilled; it was skipped: it was")
        )
        assert "time:add" in why
        story.pico.raise_event("made", "break", {"how": False})
        assert set(story.backfill(AFTER, START + 2 * HOUR).values()) == {"on record as failed"}


def test_the_time_before_it_was_made_is_filled() -> None:
    with Story("0 9 * * *") as story:
        story.live(HOUR)
        done = story.backfill(START - 3 * DAY, START)
    assert [*done.values()] == ["late"] * 3 and next(iter(done)) == "2026-02-26T09:00:00Z"


def test_the_least_period_holds_from_what_was_raised_on_either_side() -> None:
    with Story("*/20 * * * *", min_period=1800) as story:
        story.live(HOUR)  # 0:20, and 1:00; 0:40 is throttled
        assert story.record["2026-03-01T00:40:00Z"][0] == "throttled"
        done = story.backfill(START - HOUR, START + HOUR)
    assert done == {
        "2026-02-28T23:00:00Z": "late",
        "2026-02-28T23:20:00Z": "less than 1800 s (min_period) from the occurrence of 2026-02-28T23:00:00Z",
        "2026-02-28T23:40:00Z": "late",
        "2026-03-01T00:00:00Z": "less than 1800 s (min_period) from the occurrence of 2026-02-28T23:40:00Z",
        "2026-03-01T00:20:00Z": "on record as fired",
        "2026-03-01T00:40:00Z": "on record as throttled",
        "2026-03-01T01:00:00Z": "on record as fired",
    }


def test_a_closed_window_and_the_end_of_a_schedule_hold() -> None:
    with Story("0 */6 * * *", window="day", until="2026-03-02T14:00:00Z") as story:
        story.sleep(DAY)
        assert story.record[at(12)][0] == "skipped"  # the window is closed now
        done = story.backfill(START - DAY, START + DAY)
        assert done[at(12)] == "late" and at(18, 2) not in done
        assert [done[f"2026-02-28T{hour}:00:00Z"] for hour in ("00", "06", "12", "18")] == [
            "the window day was closed",
            "the window day was closed",
            "late",
            "late",
        ]


def test_a_schedule_with_a_count_ends_when_it_has_fired_so_often() -> None:
    with Story("0 9 * * *", count=2) as story:
        done = story.backfill(START - 5 * DAY, START)
        assert [*done.values()].count("late") == 2
        assert {*done.values()} == {"late", "it was settled meanwhile, or the schedule ended"}
        assert story.engine.scheduled() == [] and len(story.got) == 2


def test_a_moved_occurrence_is_still_to_come() -> None:
    with Story() as story:
        story.engine.agenda.move(story.id, START + 5 * HOUR)
        story.clock.set(START + 4 * HOUR)
        assert story.backfill(START, START + 4 * HOUR) == {at(0): "late"}
        story.live(2 * HOUR)
        assert story.record[at(5)][0] == "fired"


def test_what_cannot_be_filled_is_said() -> None:
    with Story("* * * * *") as story:
        story.live(DAY)
        now = START + DAY

        def error(since: datetime, until: datetime, id: str = story.id) -> str:
            with pytest.raises(PicoschedError) as caught:
                story.engine.agenda.backfill(id, since, until, dry_run=True)
            return f"{caught.value.code}: {caught.value.message}"

        assert error(now - HOUR, now + HOUR).startswith("invalid: found the time from 2026-03-01T23:00:00Z")
        assert "wanted one that has passed, from 2026-01-31T00:00:00Z on" in error(now - 40 * DAY, now)
        assert error(now, now - HOUR).startswith("invalid")
        assert error(now - DAY, now).startswith("too_large: found more than 1,000 due times from")
        assert error(START, now, "nosuch").startswith("not_found")
        story.engine.agenda.cancel(story.id)
        assert error(now - HOUR, now) == f"conflict: the scheduled event {story.id} is cancelled"


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    steps=st.lists(st.tuples(st.sampled_from(["live", "sleep", "pause"]), st.integers(1, 400)), max_size=6),
    misfire=st.sampled_from(["once", "skip", "all"]),
    window=st.sampled_from([None, "day"]),
    min_period=st.sampled_from([0, 1500]),
    twice=st.integers(0, 1_000),
)
def test_however_it_came_each_occurrence_is_raised_once(
    steps: list[tuple[str, int]], misfire: str, window: str | None, min_period: int, twice: int
) -> None:
    with Story("*/20 * * * *", min_period=min_period, misfire=misfire, window=window) as story:
        for what, minutes in steps:
            if what == "pause":
                story.engine.agenda.pause(story.id)
                story.sleep(minutes * MINUTE)
                story.engine.agenda.resume(story.id)
                story.engine.run_due()
            else:
                getattr(story, what)(minutes * MINUTE)
        now = story.clock.now()
        middle = START + (now - START) * twice / 1_000
        story.backfill(START, middle)
        done = story.backfill(START, now)
        assert "late" not in story.backfill(START, now).values()
        raised = [
            each
            for each in story.pico.history(story.id, 1_000)
            if each.outcome in (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED)
        ]
        assert len(story.got) == len(raised) == len({each.nominal for each in raised})
        nominal = {each.nominal for each in raised}
        for text, left in done.items():
            time = parse_time(text)
            open = window is None or 8 <= time.hour < 20
            near = any(abs(each - time) < timedelta(seconds=min_period) for each in nominal - {time})
            assert time in nominal or not open or near or left == "on record as throttled", text
        marked = {each["_nominal"] for each in story.got if "_nominal" in each}
        assert marked == {
            format_time(each.nominal) for each in raised if (each.why or "").startswith("backf")
        }
