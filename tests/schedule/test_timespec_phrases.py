"""Timespecs in plain words: what they are equal to, and where a word does not fit."""

from itertools import product

import pytest
from cron_fields import Field, hours, minutes, months, utc
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_days import Items, month_days, week_days

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

EQUAL = [
    # Times
    ("every day at 9:00", "0 9 * * *"),
    ("daily at 8", "0 8 * * *"),
    ("daily at 8am", "0 8 * * *"),
    ("daily at 12am", "0 0 * * *"),
    ("daily at 12pm", "0 12 * * *"),
    ("at noon", "0 12 * * *"),
    ("9:00", "0 9 * * *"),
    ("5pm on fridays", "0 17 * * 5"),
    ("every day at 9, 12:30 and 5:15 pm", "0 9 * * * | 30 12 * * * | 15 17 * * *"),
    ("daily at 9:00:30", "30 0 9 * * *"),
    ("daily at midnight and noon", "0 0,12 * * *"),
    ("at minutes 0 and 30 of every hour", "0,30 * * * *"),
    ("at minute 5 during hours 9 to 17", "5 9-17 * * *"),
    ("at second 30 of every minute", "30 * * * * *"),
    ("at seconds 1 and 3 of minute 5 during hours 9 to 17", "1,3 5 9-17 * * *"),
    # Intervals
    ("every minute", "* * * * *"),
    ("every second", "* * * * * *"),
    ("every 15 minutes", "*/15 * * * *"),
    ("every 2 hours", "0 */2 * * *"),
    ("every 30 seconds", "*/30 * * * * *"),
    ("every 90 seconds", "@every 90s"),
    ("every 90 minutes", "@every 90m"),
    ("every 5 hours", "@every 5h"),
    ("every 7 minutes", "@every 7m"),
    ("hourly", "@hourly"),
    ("every hour", "@hourly"),
    ("hourly on weekdays", "0 * * * 1-5"),
    ("every 15 minutes from 9:00 to 17:00 on weekdays", "*/15 9-16 * * 1-5 | 0 17 * * 1-5"),
    ("every 20 minutes from 9:10 to 10:30", "10-50/20 9 * * * | 10,30 10 * * *"),
    ("every 90 minutes from 9:00 to 17:00", "0 9,12,15 * * * | 30 10,13,16 * * *"),
    ("every 2 hours from 22:00 to 6:00", "0 22,0,2,4,6 * * *"),
    ("every minute during hours 9 and 17", "* 9,17 * * *"),
    ("every 20 seconds in minute 5 of every hour", "*/20 5 * * * *"),
    # Weekdays
    ("weekdays at 9:00 and 17:30", "0 9 * * 1-5 | 30 17 * * 1-5"),
    ("every weekday at 9", "0 9 * * 1-5"),
    ("every monday and thursday at 10:30", "30 10 * * 1,4"),
    ("mondays at noon", "0 12 * * 1"),
    ("weekends at 10:00", "0 10 * * 0,6"),
    ("at 09:00 on monday to friday", "0 9 * * 1-5"),
    ("on friday to sunday", "0 0 * * 5-7"),
    ("tue, thurs and sat", "0 0 * * 2,4,6"),
    ("mondays in june", "0 0 * 6 1"),
    # Days of the month
    ("last day of month", "0 0 L * *"),
    ("LAST DAY OF THE MONTH", "0 0 L * *"),
    ("15th of month at 9:00", "0 9 15 * *"),
    ("1st and 15th of month", "0 0 1,15 * *"),
    ("the 1st, the 15th and the last day of every month", "0 0 1,15,L * *"),
    ("1st to 5th of january", "0 0 1-5 1 *"),
    ("2nd last day of month", "0 0 L-1 * *"),
    ("second last day of month", "0 0 L-1 * *"),
    ("first weekday of month at 9:00", "0 9 1W * *"),
    ("last weekday of march, june, september and december at 18:00", "0 18 LW 3,6,9,12 *"),
    ("last business day of month", "0 0 LW * *"),
    ("weekday nearest the 15th of month", "0 0 15W * *"),
    ("nearest weekday to the 15th of month", "0 0 15W * *"),
    ("on days 1, 4, 7 … 28 of every month", "0 0 1-28/3 * *"),
    ("last day of year", "0 0 31 12 *"),
    ("first day of year", "0 0 1 1 *"),
    ("last weekday of the year", "0 0 LW 12 *"),
    # Weekdays of the month
    ("2nd thursday of month at 10:30", "30 10 * * 4#2"),
    ("last friday of month at 5pm", "0 17 * * 5L"),
    ("first monday of january at 9:00", "0 9 * 1 1#1"),
    ("first and third monday of month", "0 0 * * 1#1,1#3"),
    ("every second thursday of month at 9", "0 9 * * 4#2"),
    ("first monday and tuesday of month", "0 0 * * 1#1,2#1"),
    ("last day and last friday of month", "0 0 L * 5L"),
    # Longer
    ("weekly", "@weekly"),
    ("weekly on friday at 9", "0 9 * * 5"),
    ("monthly", "@monthly"),
    ("monthly on the 15th at 9:00", "0 9 15 * *"),
    ("every 3 months", "0 0 1 1,4,7,10 *"),
    ("every 3 months on the last day", "0 0 L 1,4,7,10 *"),
    ("every 5 months", "P5M"),
    ("yearly", "@yearly"),
    ("annually at 9", "0 9 1 1 *"),
    ("yearly on the 24th of december", "0 0 24 12 *"),
    ("every 2 years", "P2Y"),
    ("every 2 days", "P2D"),
    ("every 2 weeks", "P2W"),
    # More days or fewer, years
    ("on day 13 of every month and on every friday", "0 0 13 * 5"),
    ("on days 1, 3 and 5 of every month if it is sunday", "0 0 */2 * 0 & 0 0 1-5 * *"),
    ("15th of june in 2030", "0 0 0 15 6 * 2030"),
    ("daily from 2030 on", "0 0 0 * * * 2030-9999"),
    ("daily in 2030 to 2032", "0 0 0 * * * 2030-2032"),
]


@pytest.mark.parametrize(("words", "other"), EQUAL)
def test_words_are_equal_to(words: str, other: str) -> None:
    one, same = Timespec.parse(words), Timespec.parse(other)
    assert one == same and hash(one) == hash(same)
    assert one.after(utc("2026-01-01")) == same.after(utc("2026-01-01"))
    assert Timespec.parse(one.text) == one
    assert Timespec.parse(one.text).text == one.text


@pytest.mark.parametrize(("words", "cron"), [
    ("every 15 minutes", "*/15 * * * *"),
    ("every 2 hours", "0 */2 * * *"),
    ("hourly", "0 * * * *"),
    ("at minute 5 of every hour", "5 * * * *"),
    ("at minute 5 during hours 2 and 3", "5 2,3 * * *"),
    ("every minute during hour 2", "* 2 * * *"),
    ("daily at 2:30", "30 2 * * *"),
    ("every monday at 2:30", "30 2 * * 1"),
])  # fmt: skip
def test_words_follow_clock_changes_as_their_cron_text_does(words: str, cron: str) -> None:
    assert Timespec.parse(words, "Europe/Berlin") == Timespec.parse(cron, "Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("every munday at 9", 'column 7: found "munday", wanted a time, days, months or years'),
        ("every monday at nine", 'column 17: found "nine", wanted a time of day such as 9:00, 5pm or noon'),
        ("every monday at", "column 16: found nothing, wanted a time of day"),
        ("daily at 25:00", 'column 10: found "25:00", wanted a time of day, 00:00 to 23:59:59'),
        ("daily at 13pm", 'column 10: found "13pm", wanted a time of day'),
        ("daily at 9 at 10", 'column 15: found "10", wanted the times once, as in at 9:00 and 17:30'),
        ("every 15 lightyears", 'column 10: found "lightyears", wanted seconds, minutes, hours'),
        ("every 0 minutes", 'column 7: found "0", wanted how many minutes, 1 to'),
        ("every 999999999 days", 'column 7: found "999999999", wanted how many days, 1 to 36525'),
        ("every 15", "column 9: found nothing, wanted seconds, minutes"),
        ("32nd of month", 'column 1: found "32nd", wanted 1st to 31st'),
        ("6th friday of month", "wanted the 1st to the 5th of a weekday"),
        ("last day of juni", 'column 13: found "juni", wanted month, year or the name of a month'),
        ("last day of month of june", 'column 22: found "june", wanted the months once'),
        ("mondays on tuesdays", 'column 12: found "tuesdays", wanted the days once'),
        ("every day on mondays", 'column 14: found "mondays", wanted the days once'),
        ("every 15 minutes at 9:00", 'found "every 15 minutes at 9:00", wanted an interval or times'),
        ("every 15 minutes every 2 hours", "wanted one interval"),
        ("every 7 minutes during hour 9", "wanted a number of minutes that divides 60"),
        ("from 9:00 to 17:00", "wanted an interval to go from … to …"),
        ("every 30 seconds from 9:00 to 17:00", "wanted minutes or hours to go from … to …"),
        ("daily in 1969", 'column 10: found "1969", wanted a year, 1970 to 9999'),
        ("31st of april", 'column 1: found "31st of april", wanted days that exist: it never fires'),
        ("30th of february at 9:00", "it never fires"),
        ("5th last day of year and", "wanted a time, days, months or years"),
        ("weekday nearest", "column 16: found nothing, wanted a day of the month, 1 to 31"),
        ("mondays; tuesdays", 'column 8: found ";"'),
        ("during hours 9", "wanted an interval or minutes in these hours"),
        ("daily at 9:00:10 and 10:00:20", "wanted times of day with the same seconds"),
        ("every 2 days on mondays", "wanted every 2 days alone"),
        ("if it is monday", "wanted days of the month before if it is"),
        ("@daily | every munday", 'column 16: found "munday"'),
    ],
)  # fmt: skip
def test_a_word_that_does_not_fit_is_pointed_at(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid"
    assert fault in raised.value.message


# What is said can be read


@settings(deadline=None, max_examples=200)
@given(minute=minutes, hour=hours, month=months, of_month=month_days, of_week=week_days)
@pytest.mark.slow
def test_the_words_of_a_cron_text_read_as_the_same_times(
    minute: Field, hour: Field, month: Field, of_month: Items, of_week: Items
) -> None:
    try:
        timespec = Timespec.parse(f"{minute.text} {hour.text} {of_month.text} {month.text} {of_week.text}")
    except PicoschedError as refused:
        assert "never fires" in refused.message
        return
    assert Timespec.parse(timespec.explain()) == timespec, timespec.explain()


@pytest.mark.parametrize("words", [words for words, _ in EQUAL])
def test_the_words_of_words_read_as_the_same_times(words: str) -> None:
    timespec = Timespec.parse(words)
    assert Timespec.parse(timespec.explain()) == timespec, timespec.explain()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 9 LW * *", "at 09:00 on the last Monday-to-Friday day of every month"),
        ("0 9 L * *", "at 09:00 on the last day of every month"),
        ("0 9 L-3 * *", "at 09:00 on the 4th last day of every month"),
        ("0 9 1,15,L 6 *", "at 09:00 on days 1 and 15 and the last day of June"),
        ("0 9 15W * *", "at 09:00 on the Monday-to-Friday day nearest to day 15 of every month"),
        ("0 9 * * 5#2,5L", "at 09:00 on the 2nd Friday and the last Friday of every month"),
        ("0 9 * 1 1#1", "at 09:00 on the 1st Monday of January"),
        ("0 9 L * 5", "at 09:00 on the last day of every month and on every Friday"),
        ("first weekday of month at 9", "at 09:00 on the 1st Monday-to-Friday day of every month"),
        ("weekdays at 9 and 17:30", "at 09:00 and 17:30 on Monday to Friday"),
        ("every 15 minutes from 9:00 to 17:00", "every 15 minutes from 09:00 to 17:00"),
        ("@every 90s", "every 90 seconds"),
        ("P2D", "at 00:00 every 2 days"),
        ("P5M", "at 00:00 on day 1 of every 5th month"),
        ("every 90 minutes on weekdays", "every 90 minutes on Monday to Friday"),
    ],
)
def test_the_new_forms_are_told_in_words(text: str, words: str) -> None:
    assert Timespec.parse(text).explain() == words


def test_a_duration_in_a_zone_is_told_from_the_hours_of_its_clock() -> None:
    assert (
        Timespec.parse("@every 2h", "Europe/Berlin").explain()
        == "every 2 hours of elapsed time, Europe/Berlin time"
    )
    assert Timespec.parse("0 */2 * * *", "Europe/Berlin").explain() == "every 2 hours, Europe/Berlin time"


def test_the_same_words_mean_the_same_times_of_all_forms() -> None:
    """Words of many texts; where two are the same, so are the timespecs."""
    texts = [words for pair in EQUAL for words in pair]
    days = ("L", "LW", "L-1", "1,L", "15W", "*"), ("*", "5#2", "5L", "1-5", "5,5L", "0#1")
    texts += [
        f"0 {hour} {day} {month} {week}" for hour, day, week, month in product(("9", "*"), *days, ("*", "6"))
    ]
    texts += [
        f"@every {n}{unit}" for n in (1, 2, 3, 5, 7, 12, 24, 30, 90) for unit in ("s", "m", "h", "d", "mo")
    ]
    told: dict[str, Timespec] = {}
    for text in texts:
        timespec = Timespec.parse(text)
        assert told.setdefault(timespec.explain(), timespec) == timespec, (text, timespec.explain())


@given(st.integers(1, 31), st.integers(1, 12))
def test_an_ordinal_is_a_day_of_the_month(day: int, month: int) -> None:
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    name = Timespec.parse(f"0 0 1 {month} *").explain().split()[-1]
    try:
        assert Timespec.parse(f"{day}{ending} of {name}") == Timespec.parse(f"0 0 {day} {month} *")
    except PicoschedError as refused:
        assert (day, month) in {(30, 2), (31, 2), (31, 4), (31, 6), (31, 9), (31, 11)}
        assert "never fires" in refused.message
