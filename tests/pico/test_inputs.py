"""What a turn drew and was answered is kept, within a bound and with keys covered, and can be read again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from picosched.covered import Covers
from picosched.errors import PicoschedError
from picosched.krl.requests import EventQuery, EventQueryAnswer, HttpRequest, HttpResponse
from picosched.pico.inputs import Inputs, kept, mark_of, read_inputs
from picosched.pico.said import Answers

GET = HttpRequest("GET", "https://weather.example/today")
PLAIN = Covers()

numbers = st.integers(1, 128).flatmap(lambda bits: st.tuples(st.just(bits), st.integers(0, 2**bits - 1)))
tapes = st.lists(numbers | st.tuples(st.none(), st.floats(0, 1, exclude_max=True)))
headers = st.lists(st.tuples(st.text(), st.text())).map(tuple)
responses = st.builds(HttpResponse, st.integers(0, 599), st.text(), headers, st.binary())
requests = st.builds(HttpRequest, st.sampled_from(["GET", "POST"]), st.text(), body=st.binary())


@given(tapes, st.lists(st.tuples(requests, responses)))
def test_what_was_kept_is_read_again(drawn: list, given: list) -> None:  # type: ignore[type-arg]
    text = kept(Answers(given, drawn), PLAIN, 10**6)
    assert read_inputs(text) == Inputs(drawn, [(mark_of(asked), answer) for asked, answer in given])


def test_answers_of_other_picos_and_their_errors() -> None:
    asked = EventQuery("p", "eci", "a", "b", "{}", "rid", "name", "{}", "once")
    failed = EventQueryAnswer(error=PicoschedError("there is none", "not_found"))
    told = read_inputs(
        kept(Answers([(asked, EventQueryAnswer({"a": 1}, size=7)), (asked, failed)]), PLAIN, 999)
    )
    assert told is not None
    (_, value), (_, error) = told.given
    assert value == EventQueryAnswer({"a": 1}, size=7)
    assert isinstance(error, EventQueryAnswer) and error.error is not None
    assert (error.error.message, error.error.code) == ("there is none", "not_found")


def test_an_answer_that_is_too_large_is_left_out_and_a_later_one_kept() -> None:
    answers = Answers([(GET, HttpResponse(200, "OK", (), b"x" * 9_000)), (GET, HttpResponse(204, "None"))])
    told = read_inputs(kept(answers, PLAIN, 1_000))
    assert told is not None and [each for _, each in told.given] == [None, HttpResponse(204, "None")]


def test_too_many_numbers_are_left_out() -> None:
    drawn = [(128, 2**128 - 1)] * 100
    told = read_inputs(kept(Answers(drawn=[*drawn]), PLAIN, 1_000))
    assert told == Inputs(None)
    assert kept(Answers(drawn=[*drawn]), PLAIN, 0) is None and read_inputs(None) is None
    assert read_inputs("") == Inputs([])


def test_keys_are_covered_and_requests_are_not_readable() -> None:
    covers = Covers()
    covers.add({"token": "s3cret-token"})
    asked = HttpRequest("GET", "https://x.example/?key=s3cret-token", auth=("me", "s3cret-token"))
    text = kept(Answers([(asked, HttpResponse(200, "OK", (), b'"s3cret-token is yours"'))]), covers, 9_999)
    assert text is not None and "s3cret" not in text and "x.example" not in text and "is yours" in text
