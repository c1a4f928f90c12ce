"""Windows on an engine: their edges come exactly once, and what is tied to them waits or is let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from picosched import Engine, KrlError, PicoschedError, VirtualClock
from picosched.clock import format_time
from picosched.schedule.scheduled import Scheduled
from picosched.settings import load_settings

SUNDAY = "2026-03-01T00:00:00Z"
META = 'window pager from "0 8 * * 1-5" to "0 18 * * 1-5" in "Europe/Berlin"'
RULES = """
  rule opened {
    select when window opened name re#pager#
    always { ent:edges := edges().append("+" + event:attrs{"at"}) }
  }
  rule closed {
    select when window closed name re#pager#
    always { ent:edges := edges().append("-" + event:attrs{"at"}) }
  }
  rule tick { select when t tick or t once always { ent:ticks := ticks().append(time:now()) } }
  rule plan {
    select when t plan
    pre { with = event:attrs{"with"} }
    always {
      schedule t event "tick" repeat event:attrs{"repeat"} attributes with if event:attrs{"repeat"};
      schedule t event "once" at event:attrs{"at"} attributes with if event:attrs{"at"}
    }
  }
  rule steer {
    select when t steer
    every {
      event:pause(event:attrs{"id"}) setting(paused)
      event:move(event:attrs{"id"}, "2026-03-05T00:00:00Z") setting(moved)
      event:remove_scheduled(event:attrs{"id"}) setting(deleted)
      event:fire_now(event:attrs{"id"}) setting(fired)
    }
    always { ent:steered := [paused, moved, deleted, fired] }
  }
"""
GLOBAL = """global {
    edges = function() { ent:edges.defaultsTo([]) }
    ticks = function() { ent:ticks.defaultsTo([]) }
    steered = function() { ent:steered }
    open = function(name) { window:open(name) }
    list = function() { window:list() }
    found = function() { event:find({"kind": "window"}).map(function(each) { each{"name"} }) }
    listed = function() { [event:get_list(), event:list_scheduled(), schedule:list(), event:find({})] }
  }"""


def ruleset(meta: str = META, rules: str = RULES) -> str:
    shares = "shares edges, ticks, open, list, found, listed, steered"
    return f"ruleset night {{ meta {{ {meta} {shares} }} {GLOBAL} {rules} }}"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock(SUNDAY), min_period=0) as engine:
        yield engine


def edge_rows(engine: Engine) -> list[Scheduled]:
    return [row for row in engine.scheduled() if row.kind == "window"]


def dues(engine: Engine) -> list[str]:
    return [f"{row.type} {format_time(row.due)}" for row in edge_rows(engine) if row.due]


# ---- edges --------------------------------------------------------------------------------------------


def test_each_edge_is_raised_once_at_its_time(engine: Engine) -> None:
    engine.root.install(ruleset())
    assert dues(engine) == ["opened 2026-03-02T07:00:00Z"]
    engine.run_until("2026-03-04T00:00:00Z")
    assert engine.root.query("night", "edges") == [
        "+2026-03-02T07:00:00Z",
        "-2026-03-02T17:00:00Z",
        "+2026-03-03T07:00:00Z",
        "-2026-03-03T17:00:00Z",
    ]
    assert {fire.outcome for fire in engine.history()} == {"fired"}
    assert dues(engine) == ["opened 2026-03-04T07:00:00Z"]


def test_edges_are_rounded_up_to_the_granularity_and_say_when_they_were(engine: Engine) -> None:
    engine.root.install(ruleset('window pager from "10 0 8 * * *" to "40 0 8 * * *"'))
    engine.run_until("2026-03-02T00:00:00Z")
    # Both fall into one minute: the last of them counts.
    assert engine.root.query("night", "edges") == ["-2026-03-01T08:00:40Z"]
    assert [format_time(fire.nominal) for fire in engine.history()] == ["2026-03-01T08:01:00Z"]


@pytest.mark.parametrize(
    ("misfire", "raised", "outcomes"),
    [
        ("once", ["-2026-03-03T17:00:00Z"], [("coalesced", 4)]),
        ("skip", [], [("skipped", 4)]),
        (
            "all",
            [
                "+2026-03-02T07:00:00Z",
                "-2026-03-02T17:00:00Z",
                "+2026-03-03T07:00:00Z",
                "-2026-03-03T17:00:00Z",
            ],
            [("late", 1)] * 4,
        ),
    ],
)
def test_of_edges_that_were_missed_the_last_one_comes_unless_the_policy_says_otherwise(
    tmp_path: Path, misfire: str, raised: list[str], outcomes: list[tuple[str, int]]
) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(SUNDAY)) as engine:
        engine.root.install(ruleset())
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-04T03:00:00Z"), misfire=misfire) as engine:
        engine.run_due()
        assert engine.run_due() == 0
        assert engine.root.query("night", "edges") == raised
        assert [(fire.outcome, fire.stands_for) for fire in engine.history()] == outcomes
        assert dues(engine) == ["opened 2026-03-04T07:00:00Z"]


def test_a_restart_between_edges_raises_none_twice(tmp_path: Path) -> None:
    clock = VirtualClock(SUNDAY)
    for hour in range(0, 72, 5):
        with Engine(tmp_path / "picos.db", clock) as engine:
            engine.root.install(ruleset())
            engine.run_until(f"2026-03-{2 + hour // 24:02}T{hour % 24:02}:00:00Z")
            edges = engine.root.query("night", "edges")
    assert len(edges) == len(set(edges)) == 6  # type: ignore[arg-type]


def test_only_windows_whose_edges_are_selected_have_a_row(engine: Engine) -> None:
    other = 'window other from "0 1 * * *" to "0 2 * * *"'
    engine.root.install(ruleset(f"{META} {other}"))
    assert [row.name for row in edge_rows(engine)] == ["pager"]
    engine.root.install(ruleset(META, "rule any { select when window opened noop() }"))
    assert [row.name for row in edge_rows(engine)] == ["pager"]
    engine.root.install(ruleset(META, ""))
    assert edge_rows(engine) == []


def test_a_window_that_is_changed_keeps_its_row_with_other_edges(engine: Engine) -> None:
    engine.root.install(ruleset())
    (before,) = edge_rows(engine)
    engine.root.pause(before.id)
    engine.root.install(ruleset('window pager from "0 9 * * *" to "0 10 * * *"'))
    (after,) = edge_rows(engine)
    assert (after.id, after.paused) == (before.id, True)
    assert dues(engine) == ["opened 2026-03-01T09:00:00Z"]
    engine.root.resume(after.id)
    engine.run_until("2026-03-01T12:00:00Z")
    assert engine.root.query("night", "edges") == ["+2026-03-01T09:00:00Z", "-2026-03-01T10:00:00Z"]


def test_a_window_that_has_no_edge_any_more_has_no_row(engine: Engine) -> None:
    engine.root.install(ruleset())
    engine.root.install(ruleset('window pager from "2026-02-01T08:00" to "2026-02-01T18:00"'))
    assert edge_rows(engine) == []
    assert [fire.why for fire in engine.history()] == ["the window pager has no edge to come"]


def test_rows_go_with_the_ruleset_and_with_the_pico(engine: Engine) -> None:
    child = engine.new_pico("child")
    for pico in (engine.root, child):
        pico.install(ruleset())
    assert len(edge_rows(engine)) == 2
    engine.root.uninstall("night")
    child.delete()
    assert edge_rows(engine) == []
    engine.root.install(ruleset())
    engine.run_until("2026-03-03T00:00:00Z")
    assert len(engine.root.query("night", "edges")) == 2


def test_a_row_can_be_paused_and_nothing_else(engine: Engine) -> None:
    engine.root.install(ruleset())
    (row,) = edge_rows(engine)
    assert engine.agenda.move(row.id, "2026-03-09T00:00:00Z") == []
    assert engine.agenda.reschedule(row.id, "0 1 * * *") == []
    assert engine.agenda.cancel(row.id) == []
    with pytest.raises(PicoschedError, match="is a window of its ruleset"):
        engine.agenda.fire_now(row.id)
    assert [each.id for each in engine.agenda.pause(row.id)] == [row.id]
    engine.run_until("2026-03-02T12:00:00Z")
    assert engine.root.query("night", "edges") == []
    engine.agenda.resume(row.id)
    assert dues(engine) == ["closed 2026-03-02T17:00:00Z"]
    assert [(fire.outcome, fire.stands_for) for fire in engine.history()] == [("paused", 1)]


def test_rules_see_the_row_only_if_they_ask_for_windows(engine: Engine) -> None:
    engine.root.install(ruleset())
    assert engine.root.query("night", "found") == ["pager"]
    assert engine.root.query("night", "listed") == [[], [], [], []]
    (row,) = edge_rows(engine)
    engine.root.raise_event("t", "steer", {"id": row.id})
    assert engine.root.query("night", "steered") == [True, False, False, False]


def test_a_schedule_may_have_the_name_of_a_window(engine: Engine) -> None:
    engine.root.install(ruleset())
    engine.root.raise_event("t", "plan", {"repeat": "0 * * * *", "with": {"_name": "pager"}})
    assert [row.kind for row in engine.scheduled()] == ["repeat", "window"]


# ---- asking -------------------------------------------------------------------------------------------


def test_rules_ask_whether_a_window_is_open(engine: Engine) -> None:
    engine.root.install(ruleset())
    assert engine.root.query("night", "open", {"name": "pager"}) is False
    engine.run_until("2026-03-02T08:00:00Z")
    assert engine.root.query("night", "list") == [
        {
            "name": "pager",
            "open": True,
            "opens": "2026-03-03T07:00:00.000Z",
            "closes": "2026-03-02T17:00:00.000Z",
            "tz": "Europe/Berlin",
        }
    ]
    with pytest.raises(KrlError, match=r"there is no window pagr; did you mean pager\?"):
        engine.root.query("night", "open", {"name": "pagr"})
    with pytest.raises(KrlError, match="as the name of a window, wanted a String"):
        engine.root.query("night", "open")


def test_a_select_a_condition_and_a_guard_may_ask(engine: Engine) -> None:
    rules = """
      rule page { select when t alarm where window:open("pager") send_directive("page") }
      rule call { select when t alarm if not window:open("pager") then send_directive("call") }
      rule note { select when t alarm always { log info "by day" if window:open("pager") } }"""
    engine.root.install(ruleset(META, rules))

    def said() -> tuple[list[str], int]:
        turn = engine.root.raise_event("t", "alarm")
        return [each.name for each in turn.directives], len(turn.log)

    assert said() == (["call"], 0)
    engine.run_until("2026-03-02T08:00:00Z")
    assert said() == (["page"], 1)


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ('window pager from "0 25 * * *" to "0 9 * * *"', "the window pager: timespec"),
        ('window pager from "0 8 * * *" to "0 9 * * *" in "Mars/Olympus"', "the window pager: "),
        ('window pager from "0 8 * * *" to "0 9 * * *" ' * 2, "found a second window named pager"),
        ("window pager from time:now() to 7", "found an invalid timespec for the window pager"),
        ('window pager from "0 8 * * *" to "0 9 * * *" in 1', "found an invalid zone for the window pager"),
    ],
)
def test_a_wrong_window_keeps_its_ruleset_from_being_installed(
    engine: Engine, meta: str, message: str
) -> None:
    with pytest.raises(KrlError) as caught:
        engine.root.install(ruleset(meta))
    assert message in caught.value.message
    assert caught.value.span is not None
    assert engine.root.rulesets() == {}


# ---- schedules that are tied to a window --------------------------------------------------------------


def test_what_comes_while_the_window_is_closed_is_skipped_and_the_schedule_lives_on(engine: Engine) -> None:
    engine.root.install(ruleset())
    engine.root.raise_event("t", "plan", {"repeat": "30 */8 * * *", "with": {"_window": "pager"}})
    engine.run_until("2026-03-03T00:00:00Z")
    assert engine.root.query("night", "ticks") == ["2026-03-02T08:30:00.000Z", "2026-03-02T16:30:00.000Z"]
    skipped = [fire for fire in engine.history() if fire.outcome == "skipped"]
    assert len(skipped) == 4
    assert {fire.why for fire in skipped} == {"the window pager is closed until 2026-03-02T07:00:00Z"}
    assert engine.scheduled()[0].window == "pager"


def test_a_single_event_is_put_off_until_the_window_opens(engine: Engine) -> None:
    engine.root.install(ruleset())
    for at in ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z"):
        engine.root.raise_event("t", "plan", {"at": at, "with": {"_window": "pager"}})
    engine.run_until("2026-03-03T00:00:00Z")
    assert engine.root.query("night", "ticks") == ["2026-03-02T07:00:00.000Z", "2026-03-02T12:00:00.000Z"]
    (put_off,) = [fire for fire in engine.history() if fire.outcome == "skipped"]
    assert (
        put_off.why == "the window pager is closed until 2026-03-02T07:00:00Z, and it is postponed until then"
    )


def test_where_each_missed_occurrence_is_raised_each_has_to_lie_in_the_window(tmp_path: Path) -> None:
    options = {"min_period": 0, "misfire": "all"}
    with Engine(tmp_path / "picos.db", VirtualClock(SUNDAY), **options) as engine:
        engine.root.install(ruleset())
        engine.root.raise_event("t", "plan", {"repeat": "0 6,12 * * *", "with": {"_window": "pager"}})
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-03T13:00:00Z"), **options) as engine:
        engine.run_due()
        assert len(engine.root.query("night", "ticks")) == 2  # Monday's and Tuesday's noon


DAY = 'window pager from "0 10 * * *" to "0 18 * * *"'


def away(tmp_path: Path, down: str, up: str, **plan: object) -> tuple[list[str], list[tuple[str, str, int]]]:
    """What ticked, and what is on record, if nobody is there from `down` to `up`, and then until midnight."""
    path = tmp_path / "picos.db"
    with Engine(path, VirtualClock(SUNDAY), min_period=0) as engine:
        engine.root.install(ruleset(DAY))
        engine.root.raise_event("t", "plan", {**plan, "with": {"_window": "pager"}})
        engine.run_until(f"2026-03-01T{down}:00Z")
    with Engine(path, VirtualClock(f"2026-03-01T{up}:00Z"), min_period=0) as engine:
        engine.run_due()
        engine.run_until("2026-03-01T23:59:00Z")
        fires = reversed(engine.history())
        ticks: list[str] = engine.root.query("night", "ticks") or []
        records = [(f"{fire.nominal:%H:%M}", str(fire.outcome), fire.stands_for) for fire in fires]
        return [time[11:16] for time in ticks], records


def test_what_would_have_been_skipped_in_time_is_skipped_after_an_outage(tmp_path: Path) -> None:
    ticks, records = away(tmp_path, "08:00", "12:00", repeat="0 9 * * *")
    assert ticks == []
    assert ("09:00", "skipped", 1) in records


def test_of_several_that_were_missed_one_counts_if_one_of_them_lay_in_the_window(tmp_path: Path) -> None:
    ticks, records = away(tmp_path, "07:30", "12:10", repeat="0 * * * *")
    assert ticks == ["12:10", *(f"{hour}:00" for hour in range(13, 18))]
    assert ("08:00", "skipped", 2) in records and ("10:00", "coalesced", 3) in records


def test_what_was_missed_while_the_window_was_open_is_not_made_up_for_while_it_is_closed(
    tmp_path: Path,
) -> None:
    ticks, records = away(tmp_path, "16:30", "20:10", repeat="0 * * * *")
    assert ticks[-1] == "16:00"
    assert ("17:00", "skipped", 4) in records


def test_a_single_event_that_an_outage_met_before_its_window_comes_late_as_that_of_its_opening(
    tmp_path: Path,
) -> None:
    ticks, records = away(tmp_path, "08:00", "12:00", at="2026-03-01T09:00:00Z")
    assert ticks == ["12:00"]
    assert ("09:00", "skipped", 1) in records and ("10:00", "late", 1) in records


def test_a_single_event_whose_window_passed_in_an_outage_waits_for_the_next(tmp_path: Path) -> None:
    ticks, records = away(tmp_path, "08:00", "20:00", at="2026-03-01T09:00:00Z")
    assert ticks == []
    assert ("09:00", "skipped", 1) in records and ("10:00", "skipped", 1) in records
    with Engine(tmp_path / "picos.db", VirtualClock("2026-03-02T09:00:00Z"), min_period=0) as engine:
        engine.run_until("2026-03-03T00:00:00Z")
        assert engine.root.query("night", "ticks") == ["2026-03-02T10:00:00.000Z"]


def test_a_window_that_is_not_there_is_an_error_to_the_rule(engine: Engine) -> None:
    engine.root.install(ruleset())
    turn = engine.root.raise_event("t", "plan", {"repeat": "0 * * * *", "with": {"_window": "pagr"}})
    assert [error.message for error in turn.errors] == ["there is no window pagr; did you mean pager?"]


def test_a_window_that_is_gone_fails_the_occurrence_and_is_told(engine: Engine) -> None:
    engine.root.install(ruleset())
    engine.root.raise_event("t", "plan", {"repeat": "0 * * * *", "with": {"_window": "pager"}})
    engine.root.install(ruleset(""))
    engine.run_until("2026-03-01T01:00:00Z")
    (fire,) = engine.history(limit=1)
    assert fire.outcome == "failed" and "there is no window pager" in str(fire.why)
    assert [row.kind for row in engine.scheduled()] == ["repeat"]


# ---- windows of the configuration ---------------------------------------------------------------------

TOML = '[window.pager]\nfrom = "0 8 * * *"\nto = "0 18 * * *"\n'


def test_windows_of_the_configuration_are_seen_by_all_and_a_rulesets_own_wins(tmp_path: Path) -> None:
    (tmp_path / "picosched.toml").write_text(TOML)
    settings = load_settings(tmp_path / "picosched.toml", {})
    with Engine(clock=VirtualClock(SUNDAY), settings=settings) as engine:
        engine.root.install(ruleset(""))
        engine.run_until("2026-03-01T12:00:00Z")
        assert engine.root.query("night", "open", {"name": "pager"}) is True
        assert engine.root.query("night", "edges") == ["+2026-03-01T08:00:00Z"]
        engine.root.install(ruleset())
        assert engine.root.query("night", "open", {"name": "pager"}) is False


def test_another_configuration_changes_the_rows_of_all_picos(tmp_path: Path) -> None:
    def configured(start: str, *hours: int) -> list[str]:
        windows = {"pager": {"from": f"0 {hours[0]} * * *", "to": f"0 {hours[1]} * * *"}} if hours else {}
        with Engine(tmp_path / "picos.db", VirtualClock(start), windows=windows) as engine:
            if not engine.root.rulesets():
                engine.root.install(ruleset(""))
                engine.new_pico("child").install(ruleset(""))
            return dues(engine)

    assert configured(SUNDAY) == []
    assert configured(SUNDAY, 8, 18) == ["opened 2026-03-01T08:00:00Z"] * 2
    assert configured("2026-03-01T09:00:00Z", 8, 18) == ["opened 2026-03-01T08:00:00Z"] * 2  # still due
    assert configured(SUNDAY, 9, 10) == ["opened 2026-03-01T09:00:00Z"] * 2
    assert configured(SUNDAY) == []


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('window = "pager"', 'window: found "pager", wanted a table [window]'),
        ("[window]\npager = 1", "window pager: found 1, wanted a table with from, to"),
        ('[window.pager]\nfrom = "0 8 * * *"', "wanted a table with from, to"),
        ('[engine]\nwindows = "pager"', 'windows: found "pager", wanted a table for each window'),
    ],
)
def test_a_wrong_window_of_the_configuration_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    (tmp_path / "picosched.toml").write_text(toml)
    with pytest.raises(PicoschedError) as caught:
        load_settings(tmp_path / "picosched.toml", {})
    assert message in caught.value.message
