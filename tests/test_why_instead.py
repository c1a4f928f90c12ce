"""What would have helped an occurrence that did not come, for each way to be kept from coming."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.errors import PicoschedError
from picosched.krl.matching import matching
from picosched.krl.pattern import regex_of

SHOP = """ruleset shop {
  meta { window hours from "0 9 * * *" to "0 17 * * *" }
  rule plan { select when shop wanted
    fired { schedule shop event "poll" repeat event:attrs{"when"} attributes event:attrs } }
  rule poll { select when shop poll noop() }
  rule sorted { select when shop sorted kind re#^(red|blue)$# size re#^\\d+$# noop() }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    clock = VirtualClock("2026-03-01T08:00:00Z")
    with Engine(":memory:", clock=clock, seed=1, granularity=1, min_period=60) as engine:
        engine.root.install(SHOP)
        yield engine


def planned(engine: Engine, when: str, **steering: object) -> None:
    engine.root.raise_event("shop", "wanted", {"when": when, "_name": "poll", **steering})


def broken(engine: Engine, at: str | None = None) -> tuple[str, str, str | None]:
    found = engine.why("poll", at)
    assert found.broke is not None
    return found.broke.name, found.broke.text, found.instead


@pytest.mark.parametrize(
    ("when", "instead"),
    [
        ("0 20 * * *", "3 h 1 s earlier, at 2026-03-01T16:59:59Z, before the window hours closes"),
        ("59 8 * * *", "1 min later, at 2026-03-01T09:00:00Z, when the window hours has opened"),
    ],
)
def test_a_closed_window_names_the_nearest_time_at_which_it_is_open(
    engine: Engine, when: str, instead: str
) -> None:
    planned(engine, when, _window="hours")
    engine.run_until("2026-03-01T21:00:00Z")
    name, text, found = broken(engine)
    assert (name, found) == ("skipped", instead) and "window hours" in text


def test_a_closed_window_names_the_nearest_time_of_the_schedule_itself(engine: Engine) -> None:
    planned(engine, "*/15 * * * *", _window="hours")
    engine.run_until("2026-03-01T21:05:00Z")
    assert broken(engine, "2026-03-01T20:00:00Z")[2] == (
        "3 h 15 min earlier, at 2026-03-01T16:45:00Z, when the window hours is open"
    )
    engine.run_until("2026-03-02T08:50:00Z")
    assert broken(engine, "2026-03-02T08:45:00Z")[2] == (
        "15 min later, at 2026-03-02T09:00:00Z, when the window hours is open"
    )


def test_a_time_that_is_none_of_its_times_names_the_nearest(engine: Engine) -> None:
    planned(engine, "0 9 * * *")
    engine.run_until("2026-03-03T12:00:00Z")
    assert broken(engine, "2026-03-02T10:00:00Z")[2] == "1 h earlier, at 2026-03-02T09:00:00Z"
    assert broken(engine, "2026-03-02T08:00:00Z")[2] == "1 h later, at 2026-03-02T09:00:00Z"


def test_what_was_fired_by_hand_is_not_of_its_timetable(engine: Engine) -> None:
    planned(engine, "0 9 * * *")
    (row,) = engine.agenda.scheduled()
    engine.agenda.fire_now(row.id)
    why = engine.why("poll")
    assert [each.name for each in why.links] == ["scheduled", "raised", "shop.poll", "did"]
    assert "by hand: somebody fired it outside its times" in why.links[1].text


def test_what_came_too_soon_names_when_it_would_not_have(engine: Engine) -> None:
    planned(engine, "0,20 0 9 * * *")
    engine.run_until("2026-03-01T10:00:00Z")
    name, text, instead = broken(engine, "2026-03-01T09:00:20Z")
    assert (name, instead) == ("throttled", "40 s later, at 2026-03-01T09:01:00Z")
    assert "less than 60 s (min_period) after the occurrence of 2026-03-01T09:00:00Z" in text


def test_what_was_paused_while_its_window_was_closed_would_not_have_come_either(engine: Engine) -> None:
    planned(engine, "0 20 * * *", _window="hours")
    (row,) = engine.agenda.pause([each.id for each in engine.agenda.scheduled()])
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.set("2026-03-01T21:00:00Z")
    engine.agenda.resume(row.id)
    assert (broken(engine)[0], broken(engine)[2]) == ("paused", None)


def test_what_had_ended_names_the_count_with_which_it_would_have_come(engine: Engine) -> None:
    planned(engine, "0 9 * * *", _count=2)
    engine.run_until("2026-03-07T10:00:00Z")
    assert broken(engine, "2026-03-05T09:00:00Z") == (
        "ended", "it fired 2 of 2 times", "`_count` 5 (it was 2)",
    )  # fmt: skip


@pytest.mark.parametrize("until", ["2026-03-02T10:00:00Z", "2026-03-05T08:00:00Z"])
@pytest.mark.parametrize("now", ["2026-03-01T08:00:00Z", "2026-03-07T10:00:00Z"])
def test_what_had_ended_names_the_time_until_which_it_would_have_come(
    engine: Engine, until: str, now: str
) -> None:
    planned(engine, "0 9 * * *", _until=until)
    engine.run_until(now)
    name, text, instead = broken(engine, "2026-03-05T09:00:00Z")
    assert (name, instead) == ("ended", f"`_until` 2026-03-05T09:00:00Z or later (it was {until})")
    assert text.endswith(f"may be due until {until}")


WEEKDAYS = SHOP.replace("0 9 * * *", "0 8 * * 1-5").replace("0 17 * * *", "0 18 * * 1-5")


@pytest.mark.parametrize(
    ("steering", "weekday", "weekend"),
    [
        ({"_count": 2}, "`_count` 19 (it was 2)", None),
        (
            {"_until": "2026-03-04T00:00:00Z"},
            "`_until` 2026-03-26T12:00:00Z or later (it was 2026-03-04T00:00:00Z)",
            None,
        ),
        ({"_until": "2026-03-04T00:00:00Z", "_count": 3}, None, None),
    ],
)
def test_what_had_ended_would_not_have_come_while_its_window_is_closed(
    engine: Engine, steering: dict[str, object], weekday: str | None, weekend: str | None
) -> None:
    engine.root.install(WEEKDAYS)
    planned(engine, "0 12 * * *", _window="hours", **steering)
    engine.run_until("2026-04-01T00:00:00Z")
    assert broken(engine, "2026-03-26T12:00:00Z")[::2] == ("ended", weekday)
    assert broken(engine, "2026-03-28T12:00:00Z")[::2] == ("ended", weekend)


def test_what_had_ended_would_not_have_come_too_soon(engine: Engine) -> None:
    planned(engine, "0,20 0 9 * * *", _count=1)
    engine.run_until("2026-03-03T10:00:00Z")
    assert broken(engine, "2026-03-02T09:00:20Z")[2] is None
    assert broken(engine, "2026-03-02T09:00:00Z")[2] == "`_count` 2 (it was 1)"


def test_the_next_time_is_one_at_which_the_window_is_open(engine: Engine) -> None:
    engine.root.install(WEEKDAYS)
    planned(engine, "0 12 * * *", _window="hours")
    engine.run_until("2026-03-09T10:00:00Z")
    assert broken(engine, "2026-03-08T06:30:00Z")[2] == "1 d 5 h 30 min later, at 2026-03-09T12:00:00Z"
    (row,) = engine.agenda.pause([each.id for each in engine.agenda.scheduled()])
    engine.agenda.move(row.id, "2026-03-14T12:00:00Z")
    assert engine.why("poll").instead == "not paused, at 2026-03-16T12:00:00Z"


def test_a_calendar_names_the_day_that_it_leaves_out(engine: Engine) -> None:
    planned(engine, '0 9 * * * except holidays("DE-BE")', _timezone="Europe/Berlin")
    engine.run_until("2026-03-09T10:00:00Z")
    name, text, instead = broken(engine, "2026-03-08T08:00:00Z")
    assert name == "timetable" and "left out: Sun 2026-03-08: " in text
    assert instead == "1 d earlier, at 2026-03-07T08:00:00Z"


def test_jitter_is_part_of_the_timetable(engine: Engine) -> None:
    planned(engine, "0 9 * * *", _jitter=3600)
    (row,) = engine.agenda.scheduled()
    assert row.due is not None and row.put_off > timedelta(seconds=2)
    engine.run_until("2026-03-01T11:00:00Z")
    assert engine.why("poll", format_time(row.due)).broke is None
    name, text, instead = broken(engine, format_time(row.due - row.put_off))
    assert name == "timetable" and "jitter" in text
    assert instead is not None and instead.endswith(f"later, at {format_time(row.due)}")


def test_patterns_name_the_attributes_that_they_match(engine: Engine) -> None:
    engine.root.raise_event("shop", "sorted", {"kind": "green", "size": "x"})
    assert engine.why("shop.sorted").instead == '`kind` "red" (it was "green"), and `size` "0" (it was "x")'
    engine.root.raise_event("shop", "sorted", {"kind": "blue"})
    assert engine.why("shop.sorted").instead == '`size` "0" (there is none)'


def test_patterns_that_the_condition_contradicts_name_nothing(engine: Engine) -> None:
    sized = 'size re#^[0-9]+$# if event:attrs{"size"} {} then noop()'
    for condition, instead in (
        (" > 5", None),
        (" < 5", '`size` "0" (it was "x")'),
        (" < ent:x", '`size` "0" (it was "x")'),
    ):
        engine.root.install(
            SHOP.replace("kind re#^(red|blue)$# size re#^\\d+$# noop()", sized.replace(" {}", condition))
        )
        engine.root.raise_event("shop", "sorted", {"size": "x"})
        assert engine.why("shop.sorted").instead == instead


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^high$", "high"),
        ("^(a|b)c+$", "ac"),
        (r"\d{3}-\w", "000-a"),
        ("x?y*z", "z"),
        ("^[^a]$", "0"),
        (r"a\.b", "a.b"),
        ("(?=a)b", None),
        ("a{2,}", "aa"),
        ("[", None),
        ("", ""),
    ],
)
def test_a_text_that_a_pattern_matches(pattern: str, text: str | None) -> None:
    assert matching(pattern, "") == text


@given(st.text(alphabet="ab01^$.*+?()[]{}|\\d-,", max_size=12))
def test_what_is_found_matches(pattern: str) -> None:
    try:
        regex = regex_of(pattern)
    except PicoschedError:  # it is no pattern
        return
    text = matching(pattern, "")
    assert text is None or regex.search(text) is not None


PAIRS = """ruleset pairs {
  rule two { select when t a before t b within 5 minutes noop() }
  rule nested { select when t c before (t d before t e within 2 minutes) noop() }
  rule many { select when count 3 (t f) noop() }
  rule picky { select when t i before t j where n > 2 noop() }
  rule free { select when t g before t h noop() }
}"""


@pytest.mark.parametrize(
    ("rule", "events", "outcome", "instead"),
    [
        (
            "two",
            [("a", 0), ("a", 60)],
            "waiting",
            "followed by t:b, within 4 min, by 2026-03-01T08:05:00Z",
        ),
        (
            "two",
            [("a", 0)],
            "waiting",
            "followed by t:b, within 5 min, by 2026-03-01T08:05:00Z",
        ),
        ("two", [("a", 0), ("b", 360)], "unselected", "1 min earlier, at 2026-03-01T08:05:00Z or before"),
        ("two", [("b", 0)], "unselected", None),
        (
            "nested",
            [("c", 0), ("d", 60)],
            "waiting",
            "followed by t:e, within 2 min, by 2026-03-01T08:03:00Z",
        ),
        ("nested", [("c", 0)], "waiting", "followed by t:d"),
        ("many", [("f", 0), ("f", 5)], "waiting", "followed by t:f (2 of 3 came)"),
        ("free", [("g", 0)], "waiting", "followed by t:h"),
        ("picky", [("i", 0), ("j", 5)], "waiting", "`n` 3 (it was 1)"),
    ],
)
def test_an_event_expression_names_what_would_have_led_on(
    engine: Engine, rule: str, events: list[tuple[str, int]], outcome: str, instead: str | None
) -> None:
    engine.root.install(PAIRS)
    clock, began = engine.clock, engine.now()
    assert isinstance(clock, VirtualClock)
    for type, after in events:
        clock.set(began + timedelta(seconds=after))
        engine.root.raise_event("t", type, {"n": 1})
    found = engine.why(f"pairs.{rule}")
    assert found.broke is not None and found.broke.text.startswith(outcome), found.broke.text
    assert found.instead == instead


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(0, 600))
def test_an_event_in_the_time_that_is_told_selects_the_rule(minutes: int, after: int) -> None:
    """The naive oracle: the same story, with the second event when it is told to have come."""
    clock = VirtualClock("2026-03-01T08:00:00Z")
    with Engine(":memory:", clock=clock, seed=1) as engine:
        engine.root.install(PAIRS.replace("within 5", f"within {minutes}"))
        engine.root.raise_event("t", "a")
        clock.advance(seconds=after)
        engine.root.raise_event("t", "b")
        found = engine.why("pairs.two")
        assert (found.broke is None) == (after <= 60 * minutes)
        if found.instead is not None:
            told = found.instead.split(", at ")[1].removesuffix(" or before")
            clock.advance(minutes=20)
            engine.root.raise_event("t", "a")
            clock.set(clock.now() + (parse_time(told) - parse_time("2026-03-01T08:00:00Z")))
            engine.root.raise_event("t", "b")
            assert engine.why("pairs.two").broke is None


@pytest.mark.parametrize(
    ("when", "woken", "instead"),
    [
        (
            "0 9 * * *",
            "2026-03-01T12:00:00Z",
            "an engine running at 2026-03-01T09:00:00Z, "
            'or `_misfire` "once", at 2026-03-01T12:00:00Z (it was "skip")',
        ),
        ("0 9 * * *", "2026-03-01T20:00:00Z", "an engine running at 2026-03-01T09:00:00Z"),
    ],
)
def test_what_was_missed_names_an_engine_that_was_up_and_the_policy(
    engine: Engine, when: str, woken: str, instead: str
) -> None:
    planned(engine, when, _misfire="skip", _window="hours")
    clock = engine.clock
    assert isinstance(clock, VirtualClock)
    clock.set(woken)
    engine.run_due()
    name, text, found = broken(engine)
    assert (name, found) == ("skipped", instead) and "misfire policy is skip" in text
