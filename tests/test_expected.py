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


def planned(engine: Engine, name: str, when: str, tz: str = "Europe/Berlin", **more: str) -> None:
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
