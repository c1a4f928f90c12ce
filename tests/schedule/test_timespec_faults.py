"""Texts, zones and other things that are no timespec: each is refused with its place and what was wanted."""

import gc
import time

import pytest
from cron_fields import utc
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "column 1: found 0 fields, wanted 5"),
        ("   ", "column 1: found 0 fields, wanted 5"),
        ("0 9 * *", "column 8: found 4 fields, wanted 5"),
        ("0 0 9 * * * 2030 1", "column 18: found 8 fields, wanted 5"),
        ("0 25 * * *", 'column 3, hour: found "25", wanted 0 to 23'),
        ("  0   24 * * *", 'column 7, hour: found "24", wanted 0 to 23'),
        ("60 * * * *", 'column 1, minute: found "60", wanted 0 to 59'),
        ("0 0 0 * *", 'column 5, day of month: found "0", wanted 1 to 31'),
        ("0 0 1 13 *", 'column 7, month: found "13", wanted 1 to 12 or JAN to DEC'),
        ("0 0 1 0 *", 'column 7, month: found "0", wanted 1 to 12 or JAN to DEC'),
        ("0 0 * * 8", 'column 9, day of week: found "8", wanted 0 to 7 or SUN to SAT'),
        ("0 0 * * MONDAYS", 'column 9, day of week: found "MONDAYS", wanted 0 to 7 or SUN to SAT'),
        ("0 0 * juni *", 'column 7, month: found "juni", wanted 1 to 12 or JAN to DEC'),
        ("0 0 * mon *", 'column 7, month: found "mon", wanted 1 to 12 or JAN to DEC'),
        ("0 0 * * 1,2,9", 'column 13, day of week: found "9", wanted 0 to 7'),
        ("0,,5 * * * *", "column 3, minute: found nothing, wanted 0 to 59"),
        ("0, * * * *", "column 3, minute: found nothing, wanted 0 to 59"),
        ("5- * * * *", "column 3, minute: found nothing, wanted 0 to 59"),
        ("-5 * * * *", "column 1, minute: found nothing, wanted 0 to 59"),
        ("+5 * * * *", 'column 1, minute: found "+5", wanted 0 to 59'),
        ("1.5 * * * *", 'column 1, minute: found "1.5", wanted 0 to 59'),
        ("*/0 * * * *", 'column 3, minute: found "0", wanted a step of 1 to 60'),
        ("*/ * * * *", "column 3, minute: found nothing, wanted a step of 1 to 60"),
        ("*/90 * * * *", 'column 3, minute: found "90", wanted a step of 1 to 60'),
        ("*/5/5 * * * *", 'column 3, minute: found "5/5", wanted a step of 1 to 60'),
        ("1-2-3 * * * *", 'column 3, minute: found "2-3", wanted 0 to 59'),
        ("*-5 * * * *", 'column 1, minute: found "*", wanted 0 to 59'),
        ("** * * * *", 'column 1, minute: found "**", wanted 0 to 59'),
        ("? * * * *", 'column 1, minute: found "?", wanted 0 to 59'),
        ("0 0 ?,1 * *", 'column 5, day of month: found "?", wanted 1 to 31'),
        ("R * * * *", 'column 1, minute: found "R", wanted 0 to 59'),
        ("r * * * *", 'column 1, minute: found "r", wanted 0 to 59'),
        ("0 0 1,L-31 * *", 'column 7, day of month: found "L-31", wanted L-1 to L-30'),
        ("0 0 LW-1 * *", 'column 5, day of month: found "LW", wanted 1 to 31, L, L-3, LW, 15W or L-3W'),
        ("0 0 L/2 * *", 'column 5, day of month: found "L", wanted 1 to 31'),
        ("0 0 * L *", 'column 7, month: found "L", wanted 1 to 12'),
        ("0 0 1-l * *", 'column 7, day of month: found "l", wanted 1 to 31'),
        ("0 0 1,32W * *", 'column 7, day of month: found "32", wanted 1 to 31'),
        ("0 0 W * *", 'column 5, day of month: found "W", wanted 1 to 31'),
        ("0 0 * * L8", 'column 10, day of week: found "8", wanted 0 to 7'),
        ("0 0 * * fooL", 'column 9, day of week: found "foo", wanted 0 to 7'),
        ("0 0 * * L", 'column 9, day of week: found "L", wanted 0 to 7'),
        ("0 0 * * 5#6", 'column 11, day of week: found "6", wanted 1 to 5, as in FRI#2'),
        ("0 0 * * 8#1", 'column 9, day of week: found "8", wanted 0 to 7'),
        ("0 0 * * 1,5#", "column 13, day of week: found nothing, wanted 1 to 5"),
        ("0 0 L-30 2 *", 'column 5, day of month: found "L-30", wanted a date that its'),
        ("0 0 31W 4 *", 'column 5, day of month: found "31W", wanted a date that its months and years have'),
        ("0 0 * * 1/9", 'column 11, day of week: found "9", wanted a step of 1 to 8'),
        ("H(29-0) * * * *", 'column 1, minute: found "H(29-0)", wanted a range within 0 to 59'),
        ("H(0-60) * * * *", "wanted a range within 0 to 59"),
        ("0 H/25 * * *", 'column 3, hour: found "H/25", wanted a step of 1 to 24'),
        ("0 H-5 * * *", 'column 3, hour: found "H", wanted 0 to 23'),
        ("0 0 0 1 1 * H", 'column 13, year: found "H", wanted H, H/15, H(0-29) or H(0-29)/10, of no year'),
        ("0 0 * * 1-9L", 'column 11, day of week: found "9", wanted 0 to 7'),
        ("0 0 L-31W * *", 'column 5, day of month: found "L-31W", wanted L-1 to L-30'),
        ("٥ * * * *", 'column 1, minute: found "٥", wanted 0 to 59'),
        ("0\N{NO-BREAK SPACE}9 * * * *", "column 1, minute: found"),
        ("0 0 * * ſun", 'column 9, day of week: found "ſun", wanted 0 to 7'),
        ("\ud800 * * * *", "column 1, minute: found"),
        ("61 0 0 1 1 *", 'column 1, second: found "61", wanted 0 to 59'),
        ("0 0 0 1 1 * 1969", 'column 13, year: found "1969", wanted 1970 to 9999'),
        ("0 0 0 1 1 * 2030-2029", 'column 13, year: found "2030-2029", wanted the lower end first, as in 2'),
        ("@reboot", 'column 1: found "@reboot", wanted @hourly @daily'),
        ("@daily *", 'column 8: found "*", wanted nothing after @daily'),
        ("0 0 30 2 *", 'column 5, day of month: found "30", wanted a date that its months and years have'),
        ("0 0 31 2,4,6,9,11 *", 'column 5, day of month: found "31", wanted a date'),
        ("0 0 0 29 2 * 2027", 'column 7, day of month: found "29", wanted a date'),
        ("0 0 30 2 */2", 'column 5, day of month: found "30", wanted a date'),
        ("0 0 0 30 2 * 1970-9999/3", 'column 7, day of month: found "30", wanted a date'),
        ("5," * 2100 + "5 * * * *", "found a timespec of 4209 characters, wanted at most 4096"),
    ],
)  # fmt: skip
def test_a_bad_text_is_refused_with_its_place_and_what_was_wanted(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid"
    assert fault in raised.value.message
    raised.value.message.encode()  # it can be printed, whatever was found


@pytest.mark.parametrize(
    ("tz", "wanted"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("", "a name such as UTC"),
        ("Europe", "Europe/Oslo"),
        ("../etc/passwd", "a name such as UTC"),
        ("right/UTC", "UTC"),
        ("localtime", "a name such as UTC"),
        ("Mars/Olympus_Mons", ""),
        ("\0", ""),
        ("\ud800", ""),
        ("x" * 10_000, "a name such as UTC"),
    ],
)
def test_an_unknown_zone_is_refused_with_names_that_are_near(tz: str, wanted: str) -> None:
    with pytest.raises(PicoschedError, match="found the time zone") as raised:
        Timespec.parse("@daily", tz)
    assert raised.value.code == "invalid"
    assert wanted in raised.value.message.partition(", wanted ")[2]
    assert len(raised.value.message) < 200
    raised.value.message.encode()


def test_what_is_not_text_is_refused() -> None:
    for text, tz in ((5, "UTC"), (None, "UTC"), ("@daily", None), ([5], "UTC")):
        with pytest.raises(PicoschedError, match="wanted the"):
            Timespec.parse(text, tz)  # type: ignore[arg-type]


def test_a_time_that_a_zone_skips_in_the_only_year_it_has_never_fires() -> None:
    text = "0 */5 2 29 3 * 2026"
    assert Timespec.parse(text).after(utc("2026-01-01")) == utc("2026-03-29T02:00")
    with pytest.raises(PicoschedError, match="never fires in Europe/Berlin"):
        Timespec.parse(text, "Europe/Berlin")


VALID = (
    "0 9 * * 1-5",
    "*/10 9-17 L,LW,15W jan-sept 5#2,FRIL",
    "30 0 9 * * * 2030-2040/2",
    "@every 1h30m",
    "P1DT12H",
    "last weekday of march, june and december at 18:00",
    "every 15 minutes from 9:00 to 17:00 on weekdays",
    "on day 13 of every month and on every friday",
    "(0 9 * * 1 | 2026-12-24T09:00) & 2026-01-01..2027-01-06",
    "0 9 * * 1-5 except 2026-12-24, --12-25, last friday of month",
    '{"minutes":[0,30],"hours":"*/2","dates":"last","months":["jan"],"days_of_week":"2nd monday"}',
)
PIECES = sorted(
    {piece for text in VALID for piece in text.replace(",", " , ").split()} | set("|&(){}[]-*/#L,")
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid text, from which something is taken or into which something is put."""
    text = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 6)))
        text = (
            text[:start]
            + draw(st.one_of(st.just(""), st.sampled_from(PIECES), st.text(max_size=2)))
            + text[end:]
        )
    return text


cron_like = st.text(alphabet="0123456789*/-,?#@ \tLWRHmonFRIjan|&(){}:PTDdays", max_size=60)
phrases = st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join)


@pytest.mark.slow
@settings(max_examples=800, deadline=None)
@given(
    st.one_of(
        st.text(max_size=300),
        cron_like,
        st.lists(cron_like, min_size=5, max_size=7).map(" ".join),
        mutated(),
        phrases,
    )
)
def test_any_text_is_read_or_refused_at_once(text: str) -> None:
    Timespec.parse("0 9-17 * * *")  # the first text of all that needs croniter waits for its import
    gc.disable()  # a collection of all that the tests have made takes longer than that
    began = time.thread_time()
    try:
        timespec = Timespec.parse(text)
    except PicoschedError as refused:
        assert time.thread_time() - began < 0.1
        assert refused.code == "invalid"
        assert refused.message
        refused.message.encode()
    else:
        assert time.thread_time() - began < 0.1
        assert timespec.after(utc("2000-01-01")) or timespec.before(utc("2000-01-01"))
        assert timespec.explain()
        again = Timespec.parse(timespec.text)
        assert again == timespec and again.text == timespec.text
        assert hash(again) == hash(timespec)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(f"{n} {n % 24} * * *" for n in range(60)),
        " | ".join(f"@every {n}s" for n in range(61, 91))
        + " except "
        + ", ".join("2026-12-%02d" % n for n in range(1, 32)),
        "@every 27s & @every 32s & 0 9 * * *",
        " & ".join(f"0-{n} * 1-{n % 31 + 1} * *" for n in range(30)),
        "0 9 * * * except " + ", ".join(f"{y}-{m:02}-01" for y in range(2000, 2030) for m in range(1, 11)),
        "(" * 20 + "@daily" + ")" * 20,
        "@every 36524d & 9999-12-31",
        "@every 876599h & 0 * * * * | @every 36523d",
        "P1199M | P1187M | P1181M",
        "every 101 days at 9 except every 0 days",
    ],
)
def test_texts_that_make_work_are_read_or_refused_soon_too(text: str) -> None:
    began = time.thread_time()
    try:
        Timespec.parse(text).after(utc("2026-01-01"))
    except PicoschedError as refused:
        assert refused.code == "invalid"
    assert time.thread_time() - began < 0.5
