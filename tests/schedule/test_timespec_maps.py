"""Timespecs as maps of parts, held against the cron text that says the same."""

import json
from typing import Any

import pytest
from cron_fields import Field, days, hours, minutes, months, utc, weekdays
from hypothesis import given, settings

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec


@pytest.mark.parametrize(
    ("parts", "cron"),
    [
        ({"minutes": [0, 30], "hours": [9, 17]}, "0,30 9,17 * * *"),
        ({"minute": 0, "hour": 9}, "0 9 * * *"),
        ({"minutes": 0}, "0 * * * *"),
        ({"hours": 9}, "* 9 * * *"),
        ({"seconds": "*/10", "minutes": "*"}, "*/10 * * * * *"),
        ({"second": [0, 30], "minute": 5, "hour": 9}, "0,30 5 9 * * *"),
        ({"minutes": "*/15", "hours": "9-17", "weekdays": "mon-fri"}, "*/15 9-17 * * 1-5"),
        ({"minutes": "0,30", "hours": ["9-11", 17]}, "0,30 9-11,17 * * *"),
        ({"minutes": 0, "hours": 0, "dates": "last"}, "0 0 L * *"),
        ({"minutes": 0, "hours": 0, "dates": ["last weekday", "15W", 1, "L-2"]}, "0 0 LW,15W,1,L-2 * *"),
        ({"minutes": 0, "hours": 0, "date": "first weekday"}, "0 0 1W * *"),
        ({"minutes": 0, "hours": 0, "day": "2nd last"}, "0 0 L-1 * *"),
        ({"minutes": 0, "hours": 0, "day": "weekday nearest the 15th"}, "0 0 15W * *"),
        ({"minutes": 0, "hours": 0, "months": ["jan", "July", 9]}, "0 0 * 1,7,9 *"),
        ({"minutes": 0, "hours": 0, "day_of_week": "2nd thursday"}, "0 0 * * 4#2"),
        ({"minutes": 0, "hours": 0, "weekday": ["last friday", "MON#1", "sunday"]}, "0 0 * * 5L,1#1,0"),
        ({"minutes": 0, "hours": 0, "days_of_week": ["weekdays", "sun"]}, "0 0 * * 0-5"),
        ({"minutes": 0, "hours": 0, "dates": "13", "days_of_week": "fri"}, "0 0 13 * * & 0 0 * * 5"),
        ({"minutes": 0, "hours": 0, "dates": "13", "days_of_week": "*"}, "0 0 13 * *"),
        ({"minutes": 0, "hours": 0, "years": [2030, "2032-2034"]}, "0 0 0 * * * 2030,2032-2034"),
        (
            {
                "minutes": [0],
                "hours": [9],
                "dates": "last",
                "months": ["jan", "jul"],
                "days_of_week": ["mon"],
            },
            "0 9 L 1,7 * & 0 9 * * 1",
        ),
    ],
)
def test_a_map_is_equal_to_its_cron_text(parts: dict[str, Any], cron: str) -> None:
    for tz in ("UTC", "Europe/Berlin"):
        timespec = Timespec.parse(parts, tz)
        assert timespec == Timespec.parse(cron, tz)
        assert Timespec.parse(json.dumps(parts), tz) is Timespec.parse(json.dumps(parts), tz)
        assert Timespec.parse(timespec.text, tz) == timespec


@settings(deadline=None, max_examples=100)
@given(minute=minutes, hour=hours, of_month=days, month=months, of_week=weekdays)
@pytest.mark.slow
def test_a_map_of_the_fields_is_the_cron_text_where_both_days_must_match(
    minute: Field, hour: Field, of_month: Field, month: Field, of_week: Field
) -> None:
    texts = (minute.text, hour.text, of_month.text, month.text, of_week.text)
    parts = dict(zip(("minutes", "hours", "dates", "months", "days_of_week"), texts, strict=True))
    try:
        timespec = Timespec.parse(parts, "Europe/Berlin")
    except PicoschedError as refused:
        assert "it never fires" in refused.message
        return
    times = f"{minute.text} {hour.text}"
    both = f"{times} {of_month.text} {month.text} * & {times} * * {of_week.text}"
    assert timespec == Timespec.parse(both, "Europe/Berlin")


def test_the_text_of_a_map_is_json_with_its_parts_in_order() -> None:
    timespec = Timespec.parse(
        {"weekday": ["Mon"], "hour": [9, 17], "minute": 0, "dates": ["Last  Weekday", 3]}
    )
    assert timespec.text == '{"minutes":0,"hours":[9,17],"dates":["last weekday",3],"days_of_week":"mon"}'
    assert Timespec.parse(timespec.text).text == timespec.text
    spaced = '{ "hours" : 9 , "minutes" : 0 }'
    assert Timespec.parse(f"  {spaced}  ").text == '{"minutes":0,"hours":9}'
    assert Timespec.parse(spaced) == Timespec.parse("0 9 * * *")
    assert Timespec.parse(f"{spaced} except {spaced} & 2026-01-01") == Timespec.parse(
        "0 9 * * * except 2026-01-01"
    )


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"minuts": 0}, 'found the part "minuts", wanted minutes'),
        ({"xyzzy": 0}, 'found the part "xyzzy", wanted one of seconds, minutes, hours, dates'),
        ({"minutes": []}, "minutes: found an empty list, wanted at least one value"),
        ({"minutes": 60}, 'minutes: found "60", wanted 0 to 59'),
        ({"minutes": -1}, "minutes: found nothing, wanted 0 to 59"),
        ({"minutes": 1.5}, 'minutes: found "1.5", wanted a number, a text or a list of them'),
        ({"minutes": True}, 'minutes: found "true", wanted a number'),
        ({"minutes": None}, 'minutes: found "null", wanted a number'),
        ({"minutes": {"a": 1}}, "minutes: found a map, wanted a number"),
        ({"minutes": [[1]]}, "minutes: found a list in a list, wanted a number"),
        ({"minutes": "soon"}, 'minutes: found "soon", wanted 0 to 59'),
        ({"minutes": ""}, "minutes: found nothing, wanted 0 to 59"),
        ({"hours": "9 17"}, 'hours: found "9 17", wanted 0 to 23'),
        ({"dates": "last friday"}, 'dates: found "last friday", wanted a day of the month'),
        ({"dates": "last fryday"}, 'dates: found "fryday", wanted nothing more'),
        ({"days_of_week": "last day"}, 'days_of_week: found "last day", wanted a weekday'),
        ({"days_of_week": "noneday"}, 'days_of_week: found "noneday", wanted 0 to 7'),
        ({"years": 1969}, 'years: found "1969", wanted 1970 to 9999'),
        ({"dates": 30, "months": "feb"}, "it never fires"),
        ({"minute": 0, "minutes": 0}, "found minutes twice"),
        ({"minutes": {1, 2}}, "found a map with invalid values"),
        ({1: 2}, 'found the part "1"'),
        ('{"minutes":0,"minutes":1}', 'found "minutes" twice, wanted each part once'),
        ('{"minutes":0', "column 13: found nothing, wanted JSON"),
        ('{"minutes":0} 5', 'column 15: found "5", wanted nothing more'),
        ("0 9 * * * | {minutes}", 'column 14: found "minutes}", wanted JSON'),
        ('{"minutes":' + "[" * 2000 + "]" * 2000 + "}", ", wanted a "),
        ('{"minutes":' + "9" * 4000 + "}", "minutes: found"),
    ],
)  # fmt: skip
def test_a_map_that_is_wrong_is_refused_with_the_name_of_its_part(parts: Any, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(parts)
    assert raised.value.code == "invalid"
    assert fault in raised.value.message


def test_a_map_goes_by_elapsed_time_where_its_cron_text_does() -> None:
    berlin = "Europe/Berlin"
    assert Timespec.parse({"minutes": [0, 30], "hours": "*"}, berlin) == Timespec.parse(
        "*/30 * * * *", berlin
    )
    assert Timespec.parse({"minutes": "*/30", "hours": 2}, berlin) == Timespec.parse("*/30 2 * * *", berlin)
    assert Timespec.parse({"minutes": "0,30", "hours": 2}, berlin) != Timespec.parse("*/30 2 * * *", berlin)
    assert Timespec.parse({"minutes": 30, "hours": 2}, berlin).after(utc("2026-03-29")) == utc(
        "2026-03-29T01:00"
    )
