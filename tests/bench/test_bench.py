"""The measurements run, and what is made of their samples is right. How fast anything is is not tested."""

from __future__ import annotations

import pytest

from tests.bench.chart import chart
from tests.bench.measurements import ASKED_FOR, NAMES, about, rows_of
from tests.bench.page import PAGE, replaced
from tests.bench.report import line_of, number, table
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, side_by_side


@pytest.mark.slow
@pytest.mark.parametrize("name", (*NAMES, *ASKED_FOR))
def test_a_measurement_measures_something(name: str) -> None:
    rows = rows_of(name, Setup(repeats=1, scale=0.002))
    assert rows
    assert all(row.median() >= 0 for row in rows) and any(row.median() > 0 for row in rows)
    assert about(name)


def test_contenders_take_turns_and_the_first_round_is_dropped() -> None:
    order: list[str] = []

    def sample(name: str) -> float:
        order.append(name)
        return float(len(order))

    row = side_by_side(
        "w", "s", {OURS: lambda: sample("a"), "other": lambda: sample("b"), "gone": None}, repeats=2
    )
    assert order == ["a", "b"] * 3
    assert row.samples == {OURS: [3, 5], "other": [4, 6]}


def test_several_runs_are_one_line_with_the_ratios_of_each_run() -> None:
    runs = [
        Row("w", "s", {OURS: [2.0, 2.0], "other": [1.0, 1.0]}),
        Row("w", "s", {OURS: [4.0, 4.0], "other": [4.0, 4.0]}),
        Row("w", "s", {OURS: [9.0, 9.0], "other": [3.0, 3.0]}),
    ]
    line = line_of(runs)
    assert (line.median, line.spread) == (4.0, (2.0, 9.0))
    assert line.others == {"other": (3.0, 2.0)}
    assert "| w | 4 s (2–9) | 2 × other (3) |" in table("a title", [line])


@pytest.mark.parametrize(
    ("value", "text"), [(123_456, "123,000"), (12.34, "12.3"), (0.0123, "0.0123"), (0, "0")]
)
def test_a_number_has_three_figures(value: float, text: str) -> None:
    assert number(value) == text


def test_the_page_has_a_place_for_each_measurement() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in (*NAMES, *ASKED_FOR):
        assert replaced(text, name, "new").count("-->\nnew\n<!--") == 1
    with pytest.raises(ValueError, match="no mark <!-- bench: nosuch -->"):
        replaced(text, "nosuch", "new")


def test_a_part_is_replaced_and_nothing_around_it() -> None:
    empty = "a\n<!-- bench: x -->\n<!-- end -->\nb\n<!-- bench: y -->\nold\n<!-- end -->\nc"
    once = replaced(empty, "x", "new")
    assert once == "a\n<!-- bench: x -->\nnew\n<!-- end -->\nb\n<!-- bench: y -->\nold\n<!-- end -->\nc"
    assert replaced(once, "x", "newer") == once.replace("new", "newer")
    with pytest.raises(ValueError, match="no mark"):
        replaced("<!-- bench: x -->\n<!-- bench: y -->\nold\n<!-- end -->", "x", "new")


def test_a_chart_has_a_bar_for_each_contender() -> None:
    both = line_of([Row("a < b", "s", {OURS: [2.0], "other": [4.0]})])
    drawn = chart("a title", [both, line_of([Row("alone", "s", {OURS: [1.0]})])])
    assert drawn is not None
    assert drawn.count("<rect") == 3 and "a &lt; b (s)" in drawn and "alone" not in drawn
    assert chart("a title", [line_of([Row("alone", "s", {OURS: [1.0]})])]) is None
