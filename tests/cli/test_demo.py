"""`picosched demo` does the main job, on whatever machine and whatever its settings."""

from typing import Any


def test_the_demo_shows_the_event_come_back_once(picosched: Any) -> None:
    result = picosched("demo")
    assert (result.status, result.err) == (0, "")
    assert "and was killed" in result.out
    assert result.out.count("events raised: 1") == 1
    assert "tea_timer:cups answers 1" in result.out
    assert "its condition on line 8 is false" in result.out
    assert "365 events were raised" in result.out
    assert "raised" in result.out


def test_the_demo_is_true_under_other_settings(picosched: Any) -> None:
    result = picosched("demo", "--quick", PICOSCHED_GRANULARITY="3600", PICOSCHED_MISFIRE="skip")
    assert (result.status, result.err) == (0, "")
    assert "real time" not in result.out
