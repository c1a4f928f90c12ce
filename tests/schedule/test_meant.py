"""Words that people write of times get an answer with what is written here."""

from __future__ import annotations

import pytest

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec


@pytest.mark.parametrize(
    ("text", "found", "wanted"),
    [
        ("every other friday", "other", "every 2 weeks on friday"),
        ("every other day", "other", "every 2 days"),
        ("biweekly on friday", "biweekly", "every 2 weeks on friday"),
        ("biweekly", "biweekly", "every 2 weeks"),
        ("every fortnight", "fortnight", "every 2 weeks"),
        ("every fortnight on monday at 9:00", "fortnight", "every 2 weeks on monday"),
        ("fortnightly", "fortnightly", "every 2 weeks"),
        ("every 5 min", "min", "every 5 minutes"),
        ("every 2 hrs", "hrs", "every 2 hours"),
        ("every min", "min", "every minute"),
    ],
)
def test_a_word_that_is_none_here_is_answered_with_what_is(text: str, found: str, wanted: str) -> None:
    with pytest.raises(PicoschedError, match=f'found "{found}", wanted "{wanted}"$'):
        Timespec.parse(text)
    Timespec.parse(wanted)


@pytest.mark.parametrize("text", ["every hour between 9 and 17", "hourly between 9:00 and 17:00"])
def test_a_span_of_hours_is_named(text: str) -> None:
    with pytest.raises(PicoschedError, match='found "between", wanted "from 9:00 to 17:00"'):
        Timespec.parse(text)
    Timespec.parse("every hour from 9:00 to 17:00")


@pytest.mark.parametrize("text", ["every monday at 9:00 Europe/Berlin", "daily in America/Indiana/Knox"])
def test_a_zone_stands_apart(text: str) -> None:
    zone = text.split()[-1]
    with pytest.raises(PicoschedError, match=f'found "{zone}", wanted the zone apart: --tz {zone}, '):
        Timespec.parse(text)
