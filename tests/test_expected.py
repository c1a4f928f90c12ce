"""Sentences of what will fire: each is checked by a rehearsal, and fails with what there is instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.errors import PicoschedError
from picosched.rehearsal.expected import expect, unmet
from picosched.rehearsal.transcript import play
from picosched.timespec.timespec import Timespec

RULES = """ruleset reminders {
  rule plan { select when reminder wanted
    fired { schedule reminder event "due" repeat event:attrs{"when"} attributes event:attrs } }
  rule due { select when reminder due noop() }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-12-01T00:00:00Z"), seed=1, min_period=0) as engine:
        engine.root.install(RULES)
        yield engine


def planned(engine: Engine, name: str, when: str, tz: str = "Europe/Berlin", **more: object) -> None:
    engine.root.raise_event("reminder", "wanted", {"when": when, "_name": name, "_timezone": tz, **more})


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("at most 2 fires in any minute of 2026-12", None),
        (
            "at most 1 fire in any minute of 2026-12",
            "2 in the minute from 2026-12-01T08:00:00Z: 1 of standup, 1 of digest",
        ),
        (
            "at most 1 fire of reminder:due in any hour",
            "2 in the hour from 2026-12-01T08:00:00Z: 1 of standup, 1 of digest",
        ),
        ("at most 1 fire of digest in any day of 2026-12 in Europe/Berlin", None),
        ("at most 0 fires of standup in any day of 2026-12-05", None),
        ('standup fires at 09:00 every weekday in Europe/Berlin but holidays("DE-BE") of 2026-12', None),
        (
            "standup fires at 09:00 every weekday in Europe/Berlin of 2026-12",
            "it does not fire at 2026-12-25T08:00:00Z",
        ),
        (
            "digest fires at 09:00 every weekday in Europe/Berlin from 2026-12-04 to 2026-12-06",
            "it fires at 2026-12-05T08:00:00Z too",
        ),
        (
            "digest fires at 10:00 every day in Europe/Berlin of 2026-12-05",
            "it does not fire at 2026-12-05T09:00:00Z; it fires at 2026-12-05T08:00:00Z too",
        ),
        ("never fires between 22:00 and 06:00 in Europe/Berlin", None),
        (
            "never fires between 09:00 and 09:01 in Europe/Berlin of 2026-12",
            "it fires at 2026-12-01T08:00:00Z, 2026-12-01T08:00:00Z, 2026-12-02T08:00:00Z and 50 more times",
        ),
        ("digest never fires between 09:30 and 09:00 in Europe/Berlin of 2026-12", None),
        ("standup never fires of 2026-12-25", None),
        ("reminders.due never fires of 2026-12-25", "it fires at 2026-12-25T08:00:00Z"),
        ("reminders.plan never fires of 2026-12-25", None),
    ],
)
def test_a_sentence_holds_or_says_what_there_is(engine: Engine, sentence: str, found: str | None) -> None:
    planned(engine, "standup", '0 9 * * 1-5 except holidays("DE-BE")')
    planned(engine, "digest", "0 9 * * *")
    before = engine.journal()
    assert unmet(engine, sentence) == found
    assert engine.journal() == before and engine.now() == engine.clock.now()
    if found is None:
        expect(engine, sentence)
    else:
        with pytest.raises(AssertionError) as raised:
            expect(engine, sentence)
        assert str(raised.value) == f"expected {sentence}: {found}"


@pytest.mark.parametrize(
    ("sentence", "code", "message"),
    [
        ("at most many fires", "invalid", "wanted `at most N fires"),
        ("at most 3 fires in any fortnight", "invalid", "wanted `at most N fires"),
        ("standup fires at dawn of 2026-12", "invalid", "dawn"),
        ("never fires between 25:00 and 06:00", "invalid", "00:00 to 23:59"),
        ("never fires of 2026-13", "invalid", "month must be in 1..12"),
        ("never fires from 2026-12-05 to 2026-12-04", "invalid", "ends after it begins"),
        ("never fires of 2026-11", "invalid", "is over"),
        ("never fires in Europe/Berlinn", "invalid", "Europe/Berlin"),
        ("nosuch never fires", "not_found", "nosuch"),
    ],
)
def test_what_cannot_be_expected_is_refused(engine: Engine, sentence: str, code: str, message: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        unmet(engine, sentence)
    assert raised.value.code == code and message in raised.value.message


def test_what_rules_schedule_meanwhile_counts_too(engine: Engine) -> None:
    engine.root.install(
        """ruleset chain {
      rule first { select when chain begin
        fired { schedule chain event "next" at time:add(time:now(), {"days": 2}) } }
      rule second { select when chain next
        fired { schedule chain event "last" at time:add(time:now(), {"hours": 20}) } }
    }"""
    )
    engine.root.raise_event("chain", "begin")
    assert unmet(engine, "never fires between 19:00 and 21:00") == "it fires at 2026-12-03T20:00:00Z"


@pytest.mark.parametrize(
    ("timespec", "sentence", "found"),
    [
        ("0 9 * * 1-5", "it fires at 09:00 every weekday", None),
        (
            "0 9 * * *",
            "it fires at 09:00 every weekday",
            "it fires at 09:00 every day, not at 09:00 on Monday to Friday",
        ),
        ("*/5 * * * *", "at most 1 fire in any minute of 2026", None),
        (
            "*/5 * * * * *",
            "at most 10 fires in any minute of 2026-03-01",
            "12 in the minute from 2026-03-01T00:00:00Z",
        ),
        ("0 6-21 * * *", "never fires between 22:00 and 06:00 of 2026", None),
        (
            "0 6-22 * * *",
            "never fires between 22:00 and 06:00 of 2026-03-01",
            "it fires at 2026-03-01T22:00:00Z",
        ),
    ],
)
def test_of_a_timespec_its_times_are_what_fires(timespec: str, sentence: str, found: str | None) -> None:
    assert unmet(Timespec.parse(timespec), sentence) == found


def test_of_a_timespec_a_period_is_wanted() -> None:
    with pytest.raises(PicoschedError, match="wanted a period behind it"):
        unmet(Timespec.parse("@daily"), "never fires between 22:00 and 06:00")


MINUTES = st.integers(0, 1439)


@given(st.sets(MINUTES, min_size=1, max_size=4), MINUTES, MINUTES)
def test_never_between_is_what_a_naive_look_at_each_time_says(
    minutes: set[int], first: int, last: int
) -> None:
    spec = " | ".join(f"{each % 60} {each // 60} * * *" for each in sorted(minutes))
    hours = [f"{each // 60:02}:{each % 60:02}" for each in (first, last)]
    inside = {each % 1440 for each in range(first, last if first < last else last + 1440)}
    found = unmet(Timespec.parse(spec), f"never fires between {hours[0]} and {hours[1]} of 2026-03-01")
    assert (found is None) == (not minutes & inside)


def test_a_transcript_has_expectations(tmp_path: Path) -> None:
    (tmp_path / "reminders.krl").write_text(RULES)
    file = tmp_path / "expecting.txt"
    file.write_text(
        """clock 2026-12-01T00:00:00Z
settings min_period=0
install reminders
> raise reminder:wanted when="0 9 * * *" _name=daily
expect daily fires at 09:00 every day of 2026-12
> expect at most 1 fire in any day
> expect never fires between 08:00 and 10:00 of 2026-12-03
! it fires at 2026-12-03T09:00:00Z
> expect at most 0 fires in any day of 2026-12-03
> expect daily never
! wanted `at most N fires
"""
    )
    (mismatch,) = play(file).mismatches
    assert (mismatch.line, mismatch.found) == (9, "! 1 in the day from 2026-12-03T00:00:00Z: 1 of daily")


@pytest.mark.picosched(start="2026-12-01T00:00:00Z")
def test_the_pico_of_a_test_has_expectations(pico: object) -> None:
    from picosched.rehearsal.pico import RehearsedPico

    assert isinstance(pico, RehearsedPico)
    pico.install(RULES)
    pico.raise_event("reminder", "wanted", {"when": "0 9 * * *", "_name": "daily"})
    pico.expect("daily fires at 09:00 every day of 2026-12")
    with pytest.raises(AssertionError, match="expected daily never fires of 2026-12-02: it fires at"):
        pico.expect("daily never fires of 2026-12-02")


SENDING = """
  rule send { select when reminder due
    event:send({"eci": event:attrs{"to"}, "domain": "far", "type": "come"})
    fired { raise near event "sub" } }
  rule sub { select when near sub noop() }
}"""


def answers(engine: Engine, *sentences: str) -> list[str | None]:
    return [unmet(engine, each) for each in sentences]


def test_a_rule_and_an_event_fire_whatever_raised_the_event(engine: Engine) -> None:
    other = engine.new_pico(name="other")
    other.install("ruleset far { rule come { select when far come noop() } }")
    engine.root.install(RULES[:-1] + SENDING)
    planned(engine, "x", "0 9 * * *", "UTC", to=other.new_channel("from near").eci)
    found = "it fires at 2026-12-01T09:00:00Z"
    for what in ("reminders.sub", "near:sub", "far.come", "far:come", "reminder:due", "x"):
        assert unmet(engine, f"{what} never fires of 2026-12-01") == found
    # The message and the event within the turn are no fires of a schedule.
    assert answers(engine, "at most 1 fire in any day", "at most 1 fire of far:come in any day") == [None] * 2


def test_what_is_overdue_fires_when_it_is_raised(engine: Engine) -> None:
    planned(engine, "x", "0 5 * * *", "UTC")
    engine.clock.reach(engine.now().replace(hour=6))  # type: ignore[attr-defined]
    late = "it fires at 2026-12-01T06:00:00Z"
    assert answers(engine, "never fires of 2026-12-01", "x fires at 05:00 of 2026-12-01") == [
        late,
        f"{late} too",
    ]


def test_an_hour_is_one_of_the_clocks_in_the_zone(engine: Engine) -> None:
    planned(engine, "x", "10 9 * * *", "Asia/Kolkata")
    planned(engine, "y", "40 9 * * *", "Asia/Kolkata")
    assert answers(
        engine,
        "at most 1 fire in any hour of 2026-12-02",
        "at most 1 fire in any hour in Asia/Kolkata of 2026-12-02",
    ) == [None, "2 in the hour from 2026-12-02T03:30:00Z: 1 of x, 1 of y"]


def test_what_has_just_fired_need_not_fire_again(engine: Engine) -> None:
    planned(engine, "x", "0 9 * * *", "UTC")
    engine.run_until(engine.now().replace(hour=9))
    assert unmet(engine, "x fires at 09:00 of 2026-12") is None


def test_times_that_are_rounded_stay_in_their_period(engine: Engine) -> None:
    planned(engine, "x", "30 59 23 * * *", "UTC")
    assert unmet(engine, "x fires at 23:59:30 from 2026-12-02 to 2026-12-04") is None


def test_tries_are_one_fire(engine: Engine) -> None:
    engine.root.install(
        f"""{RULES[:-1]} rule fail {{ select when reminder due fired {{ ent:n := "a" - 1 }} }} }}"""
    )
    planned(engine, "x", "0 9 * * *", "UTC", _retry=2)
    assert answers(engine, "x fires at 09:00 of 2026-12", "at most 1 fire in any day of 2026-12") == [
        None,
        None,
    ]


def test_a_time_of_day_is_no_period(engine: Engine) -> None:
    planned(engine, "x", "*/15 9-16 * * *", "UTC")
    sentence = "x fires every 15 minutes from 9:00 to 16:45"
    assert answers(engine, sentence, f"{sentence} from 2026-12-02 to 2026-12-05") == [None, None]


def test_a_name_may_have_spaces(engine: Engine) -> None:
    planned(engine, "stand up", "0 9 * * *", "UTC")
    assert unmet(engine, "at most 0 fires of stand up in any day of 2026-12-02") is not None


def test_sources_have_names_too(engine: Engine) -> None:
    entry = {"name": "e", "when": "0 9 * * *", "event": "reminder:due"}
    engine.add_source({"type": "crontab", "name": "near", "to": {"pico": "root"}, "entries": [entry]})
    engine.add_source({"type": "crontab", "name": "wide", "to": {"rid": "reminders"}, "entries": [entry]})
    ticks = {"type": "metronome", "name": "beat", "interval": 3_600_000, "to": {"pico": "root"}}
    engine.add_source({**ticks, "event": "beat:tick"})
    assert (
        answers(
            engine,
            "near fires at 09:00",
            "wide/e fires at 09:00",
            "at most 2 fires of reminder:due in any day",
            "at most 24 fires of beat in any day of 2026-12-02",
            "at most 26 fires in any day of 2026-12-02",
        )
        == [None] * 5
    )
    assert unmet(engine, "at most 25 fires in any day of 2026-12-02") is not None


@pytest.mark.parametrize("what", ["yearly", "yearly/report", "report:wanted"])
def test_what_a_source_has_is_known_though_it_does_not_fire(engine: Engine, what: str) -> None:
    entry = {"name": "report", "when": "0 3 1 6 *", "event": "report:wanted"}
    engine.add_source({"type": "crontab", "name": "yearly", "to": {"pico": "root"}, "entries": [entry]})
    assert unmet(engine, f"{what} never fires of 2026-12") is None


def test_an_event_for_another_server_counts_as_sent_at_once(engine: Engine) -> None:
    engine.root.install(RULES[:-1] + SENDING)
    address = "http://127.0.0.1:9/c/x/event-wait/a/b"
    planned(engine, "x", "0 * * * *", "UTC", to=address)
    assert unmet(engine, "at most 1 fire in any hour of 2026-12-02") is None


def test_a_rehearsal_may_not_take_for_ever(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    planned(engine, "x", "* * * * *", "UTC")
    monkeypatch.setattr("picosched.rehearsal.expected.SECONDS", 0.0)
    with pytest.raises(PicoschedError, match="wanted a shorter time, or less to happen"):
        unmet(engine, "never fires of 2026-12-02")
