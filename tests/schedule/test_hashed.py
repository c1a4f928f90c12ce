"""`H` in cron text: drawn from an id, within its range, and evenly."""

from collections import Counter

import pytest
from cron_fields import utc
from hypothesis import given
from hypothesis import strategies as st

from picosched.timespec.timespec import Timespec

NOW = utc("2026-03-01")


def drawn(text: str, id: str) -> list[str]:
    return Timespec.parse(text).starting(NOW, id).text.split()


@given(id=st.text(max_size=20))
def test_it_is_within_its_range_and_stays(id: str) -> None:
    minute, hour, day, month, weekday = map(int, drawn("H H H H H", id))
    assert 0 <= minute < 60 and 0 <= hour < 24 and 1 <= day <= 28 and 1 <= month <= 12 and 0 <= weekday < 7
    assert drawn("H H H H H", id) == [str(n) for n in (minute, hour, day, month, weekday)]
    assert 10 <= int(drawn("H(10-19) * * * *", id)[0]) <= 19
    first, _, rest = drawn("H/15 * * * *", id)[0].partition("-")
    assert 0 <= int(first) < 15 and rest == "59/15"
    first, _, rest = drawn("H(30-59)/10 * * * *", id)[0].partition("-")
    assert 30 <= int(first) < 40 and rest == "59/10"
    assert len([*Timespec.parse("H/15 * * * *").starting(NOW, id).between(NOW, utc("2026-03-02"))]) == 96


def test_ids_are_spread() -> None:
    found = Counter(drawn("H * * * *", str(n))[0] for n in range(6_000))
    assert len(found) == 60 and min(found.values()) > 60 and max(found.values()) < 140


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("H 9 * * 1-5", "* 9 * * 1-5"),
        ("h h(0-7) * * *", "* * * * *"),
        ("H,H(30-59) * * * *", "*,* * * * *"),
        ("H H H * * *", "* * * * * *"),
        ("H(0-29) 9 * * * | H(30-59) 17 * * *", "* 9 * * * | * 17 * * *"),
        ("(H(0-29) 9 * * *) except 2026-12-24", "* 9 * * * except 2026-12-24"),
        ("0 9 * * * except H(0-29) 9 * * 1, 2026-12-24", "0 9 * * * except * 9 * * 1, 2026-12-24"),
    ],
)
def test_it_is_written_where_it_stood(text: str, beginning: str) -> None:
    open = Timespec.parse(text)
    assert open.open and Timespec.parse(open.text).text == open.text
    bound = open.starting(NOW, "an id")
    assert not bound.open and Timespec.parse(bound.text) == bound
    assert len(bound.text.split()) == len(beginning.split())
    assert "H" not in bound.text
