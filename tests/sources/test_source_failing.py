"""Sources whose occurrences fail: tried again, paused, and told to the alerts, as schedules are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, Fire, PicoRef, PicoschedError, VirtualClock
from picosched.clock import format_time, rounded_up
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.schedule.alert import text_of
from picosched.schedule.backoff import backoff
from picosched.schedule.failing import FIRST_WAIT, LONGEST_WAIT
from picosched.schedule.fire import Label
from picosched.schedule.scheduled import Outcome
from picosched.sources.reading import read_source
from picosched.sources.state import EntryState

SHAKY = Path(__file__).parent.parent / "rulesets" / "shaky.krl"
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LINE = {"name": "line", "when": "0 * * * *", "event": "table:line"}
TABLE: dict[str, Any] = {"type": "crontab", "name": "table", "to": {"pico": "root"}, "entries": [LINE]}
ROUND: dict[str, Any] = {**TABLE, "to": {"rid": "shaky"}}
TICK: dict[str, Any] = {"type": "metronome", "name": "tick", "to": {"pico": "root"}, "interval": 3_600_000}
HEARING = """ruleset hearing {
  meta { shares heard }
  global { heard = function() { ent:heard.defaultsTo([]) } }
  rule plan { select when hearing plan
    always { schedule hearing event "hour" repeat "0 * * * *"
      with _on_failure = "pause after 2" and _retry = 1 } }
  rule hour { select when hearing hour pre { _ = "no" - 1 } }
  rule hear { select when schedule failed
    always { ent:heard := heard().append([[event:attr("try"), event:attr("tries")]]) } }
}"""
TOLD = ["failed", "recovered", "missed", "late"]


class Hook:
    """A host that keeps what it is posted, and answers with a status."""

    def __init__(self) -> None:
        self.status = 204
        self.told: list[dict[str, Any]] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.status == 204 or "hook" in request.url:
            self.told.append({"url": request.url, **json.loads(request.body)})
        return HttpResponse(204 if "hook" in request.url else self.status, "")

    def alerts(self) -> list[tuple[str, str, int]]:
        """(what, name, failures in a row) of the alerts told."""
        return [
            (each["happened"], each["name"], each["failures"]) for each in self.told if "happened" in each
        ]


def opened(hook: Hook | None = None, **alert: Any) -> Engine:
    alerts = {"ops": {"to": "http://hook/", "on": TOLD, **alert}} if hook else {}
    engine = Engine(clock=VirtualClock(START), alerts=alerts, outside=hook)
    engine.root.install(SHAKY)
    return engine


def broken(pico: PicoRef, until: datetime) -> None:
    pico.raise_event("shaky", "broken", {"until": format_time(until).replace("Z", ".000Z")})


def entry_of(engine: Engine) -> EntryState:
    (source,) = engine.sources()
    (entry,) = source.entries
    return entry


def records(engine: Engine) -> list[Fire]:
    return engine.history(id=entry_of(engine).id)[::-1]


@pytest.mark.parametrize("given", [TABLE, TICK], ids=["crontab", "metronome"])
def test_a_failed_occurrence_is_tried_again_as_if_it_had_never_been(given: dict[str, Any]) -> None:
    with opened() as engine:
        engine.add_source({**given, "retry": 5})
        broken(engine.root, START + HOUR + 2 * MINUTE)
        engine.run_until(START + HOUR)
        entry = entry_of(engine)
        assert (entry.tries, entry.fires, entry.failed, entry.outcome) == (1, 0, 0, Outcome.FAILED)
        assert entry.due is not None and START + HOUR < entry.due <= START + HOUR + MINUTE
        assert f"it is tried again at {format_time(entry.due)}, 1 of 5" in str(entry.error)
        assert engine.root.query("shaky", "done") == 0
        engine.run_until(START + HOUR + 10 * MINUTE)
        *tries, last = records(engine)
        assert [(each.outcome, each.stands_for) for each in tries] == [(Outcome.FAILED, 0)] * len(tries)
        assert len(tries) >= 2 and (last.outcome, last.stands_for) == (Outcome.FIRED, 1)
        entry = entry_of(engine)
        assert (entry.tries, entry.fires, entry.failed, entry.due) == (0, 1, 0, START + 2 * HOUR)
        assert engine.root.query("shaky", "at") == [format_time(last.fired).replace("Z", ".000Z")]


def naive(id: str, retry: int, works_at: datetime, hours: int, until: datetime | None) -> list[str]:
    """What happens to an hourly source in so many hours, by the words of the page: "TIME OUTCOME"."""
    found = []
    for hour in range(1, hours + 1):
        due, following = START + hour * HOUR, START + (hour + 1) * HOUR
        if until is not None and due > until:
            break
        for number in range(retry + 1):
            works = due >= works_at
            found.append(f"{format_time(due)} {'fired' if works else 'failed'}")
            again = rounded_up(due + backoff(id, number, FIRST_WAIT, LONGEST_WAIT), 1)
            if works or number == retry or again >= following or (until is not None and again > until):
                break
            due = again
    return found


@settings(max_examples=40, deadline=None)
@given(
    retry=st.integers(1, 6),
    works_after=st.integers(0, 5 * 3600),
    until=st.none() | st.integers(3600, 5 * 3600),
    round=st.booleans(),
)
def test_tries_are_those_of_a_naive_model(
    retry: int, works_after: int, until: int | None, round: bool
) -> None:
    works_at, end = START + timedelta(seconds=works_after), None
    with opened() as engine:
        more: dict[str, Any] = {"retry": retry}
        if until is not None:
            end = START + timedelta(seconds=until)
            more["until"] = format_time(end)
        engine.add_source({**TABLE, **more})
        broken(engine.root, works_at)
        engine.run_until(START + 5 * HOUR + 59 * MINUTE)
        told = [f"{format_time(each.fired)} {each.outcome}" for each in records(engine)]
        assert told == naive(entry_of(engine).id, retry, works_at, 5, end)
        fired = [each for each in told if each.endswith("fired")]
        last = [each for each in records(engine) if each.stands_for and each.outcome is Outcome.FAILED]
        assert engine.root.query("shaky", "done") == len(fired) + len(last)
        assert (entry_of(engine).fires, entry_of(engine).failed) == (len(fired) + len(last), len(last))


def test_each_of_many_picos_tries_again_and_the_occurrence_fails_with_the_last_try() -> None:
    with opened() as engine:
        kitchen = engine.new_pico("kitchen")
        kitchen.install(SHAKY)
        engine.add_source({**ROUND, "retry": 2})
        broken(engine.root, START + HOUR + MINUTE)
        broken(kitchen, START + 2 * HOUR)
        engine.run_until(START + HOUR + MINUTE)
        assert engine.root.query("shaky", "done") == 1
        assert (kitchen.query("shaky", "done"), entry_of(engine).failed) == (0, 0)
        engine.run_until(START + HOUR + 59 * MINUTE)
        assert kitchen.query("shaky", "done") == 1  # rules that did not fail keep what they did in the last
        entry = entry_of(engine)
        assert (entry.fires, entry.failed, entry.failures, entry.outcome) == (1, 1, 1, Outcome.FAILED)
        assert records(engine)[0].outcome is Outcome.FAILED and "tried again" not in str(entry.error)


def test_what_reaches_nobody_is_tried_again() -> None:
    with opened() as engine:
        engine.add_source({**TABLE, "to": {"tag": "bell"}, "retry": 3})
        engine.run_until(START + HOUR)
        assert str(entry_of(engine).error).startswith(
            "sent to 0 picos: none has the tag bell; it is tried again"
        )
        engine.root.new_channel(["bell"])
        engine.run_until(START + HOUR + 2 * MINUTE)
        assert (engine.root.query("shaky", "done"), entry_of(engine).failed) == (1, 0)


@pytest.mark.parametrize("given", [TABLE, ROUND, TICK], ids=["one", "many", "metronome"])
def test_a_source_is_paused_after_failures_in_a_row(given: dict[str, Any]) -> None:
    with opened() as engine:
        id = engine.add_source({**given, "on_failure": "pause after 3"})
        broken(engine.root, START + 2 * HOUR)
        engine.run_until(START + 3 * HOUR)
        assert entry_of(engine).failures == 0  # the second worked
        broken(engine.root, START + 9 * HOUR)
        engine.run_until(START + 9 * HOUR)
        (source,) = engine.sources()
        (entry,) = source.entries
        assert (source.paused, entry.failures, entry.failed) == (True, 3, 4)
        assert str(entry.error).endswith("; the source is paused, after 3 failures in a row")
        if given is not TICK:
            assert records(engine)[-1].why == entry.error
        assert engine.resume_source(id)
        engine.run_until(START + 10 * HOUR)
        assert (engine.sources()[0].paused, entry_of(engine).failures) == (False, 0)


@pytest.mark.parametrize("given", [TABLE, ROUND, TICK], ids=["one", "many", "metronome"])
def test_who_resumes_a_source_begins_anew(given: dict[str, Any]) -> None:
    with opened() as engine:
        id = engine.add_source({**given, "on_failure": "pause after 3"})
        broken(engine.root, START + 90 * HOUR)
        engine.run_until(START + 4 * HOUR)
        for failures in (3, 6, 9):
            assert (engine.sources()[0].paused, entry_of(engine).failures) == (True, failures)
            assert engine.resume_source(id)
            engine.run_until(engine.now() + 2 * HOUR)
            assert (engine.sources()[0].paused, entry_of(engine).failures) == (False, failures + 2)
            engine.run_until(engine.now() + HOUR)


@pytest.mark.parametrize("given", [TABLE, ROUND], ids=["one", "many"])
def test_what_is_told_of_a_failure_says_which_try_it_was(given: dict[str, Any]) -> None:
    hook = Hook()
    with opened(hook, on=["failed", "recovered"]) as engine:
        engine.add_source({**given, "retry": 2})
        broken(engine.root, START + 90 * MINUTE)
        engine.run_until(START + 4 * HOUR)
        failed, recovered = hook.told
        assert [(each["try"], each["tries"]) for each in (failed, recovered)] == [(2, 2), (0, 2)]
        last = next(each for each in engine.history() if each.outcome is Outcome.FAILED)
        assert str(last.why).startswith("try 2 of 2: ")
        assert text_of(failed)[1].endswith("\ntry: 2 of 2\n")


def test_a_schedule_that_somebody_resumes_begins_anew_and_its_rules_hear_of_the_try() -> None:
    with opened() as engine:
        engine.root.install(HEARING)
        engine.root.raise_event("hearing", "plan")
        (row,) = engine.scheduled()
        for failures in (2, 4):
            engine.run_until(engine.now() + 3 * HOUR)
            now = engine.agenda.load(row.id)
            assert (now.paused, now.failures) == (True, failures)
            assert engine.agenda.resume(row.id)
            engine.run_until(engine.now() + HOUR)
            assert not engine.agenda.load(row.id).paused
        engine.run_due()
        assert {tuple(each) for each in engine.root.query("hearing", "heard")} == {(1, 1)}


@pytest.mark.parametrize("given", [TABLE, ROUND, TICK], ids=["one", "many", "metronome"])
def test_alerts_are_told_of_failures_in_a_row_and_of_the_recovery(given: dict[str, Any]) -> None:
    hook = Hook()
    with opened(hook, after=2) as engine:
        engine.add_source(given)
        broken(engine.root, START + 4 * HOUR)
        engine.run_until(START + 6 * HOUR)
        name = "tick" if given is TICK else "table/line"
        assert hook.alerts() == [("failed", name, 2), ("recovered", name, 3)]
        failed, recovered = hook.told
        place = engine.root.id if given is not ROUND else None
        assert (failed["pico"], failed["source"]) == (place, engine.sources()[0].id)
        assert (failed["nominal"], recovered["nominal"]) == (hours(2), hours(4))
        (alert,) = engine.alerts()
        assert alert.last is not None and (alert.last.what, alert.last.became) == (
            f"{name} recovered",
            "accepted",
        )


def hours(number: int) -> str:
    return format_time(START + number * HOUR)


def test_an_event_for_many_recovers_with_the_last_of_them() -> None:
    hook = Hook()
    with opened(hook) as engine:
        kitchen = engine.new_pico("kitchen")
        kitchen.install(SHAKY)
        engine.add_source(ROUND)
        broken(kitchen, START + 2 * HOUR)
        engine.run_until(START + 3 * HOUR)
        assert hook.alerts() == [("failed", "table/line", 1), ("recovered", "table/line", 1)]
        broken(kitchen, START + 9 * HOUR)
        broken(engine.root, START + 9 * HOUR)
        engine.run_until(START + 4 * HOUR)
        assert hook.alerts()[2:] == [("failed", "table/line", 1)]  # once, however many picos it failed in
        assert (entry_of(engine).failed, entry_of(engine).failures) == (2, 1)


def test_an_event_that_another_engine_refuses_or_takes_is_told() -> None:
    hook = Hook()
    with opened(hook) as engine:
        engine.add_source({**TABLE, "to": {"url": "http://host/c/abc"}, "on_failure": "pause after 3"})
        hook.status = 404
        engine.run_until(START + 2 * HOUR)
        hook.status = 204
        engine.run_until(START + 3 * HOUR)
        assert hook.alerts() == [("failed", "table/line", 1), ("recovered", "table/line", 2)]
        assert (entry_of(engine).failed, entry_of(engine).failures) == (2, 0)
        hook.status = 404
        engine.run_until(START + 9 * HOUR)
        (source,) = engine.sources()
        assert (source.paused, source.entries[0].failures, source.waiting) == (True, 3, 0)


def test_alerts_are_told_of_what_is_missed_and_late() -> None:
    hook = Hook()
    with opened(hook) as engine:
        engine.add_source({**TABLE, "misfire": "once"})
        engine.add_source({**TICK, "late_after": 7_200})
        assert isinstance(engine.clock, VirtualClock)
        engine.clock.set(START + 3 * HOUR + 30 * MINUTE)
        engine.run_due()
        engine.run_due()
        told = {(each["happened"], each["name"], each["number"]) for each in hook.told}
        assert told == {("missed", "table/line", 2), ("late", "table/line", 3), ("missed", "tick", 3)}


def test_an_alert_through_a_channel_needs_no_pico_of_the_source(caplog: pytest.LogCaptureFixture) -> None:
    with Engine(clock=VirtualClock(START)) as engine:
        eci = engine.root.new_channel().eci
        path = engine.store
        with Engine(
            path, engine.clock, alerts={"a": {"to": f"eci:{eci}"}, "b": {"to": "eci:gone12345"}}
        ) as told:
            told.root.install(
                "ruleset hears { meta { shares of } global { of = function() { ent:of } }"
                " rule r { select when schedule failed always { ent:of := event:attrs } } }"
            )
            told.add_source(ROUND)
            told.run_until(START + HOUR)
            heard = told.root.query("hears", "of")
            assert (heard["happened"], heard["name"], heard["pico"]) == ("failed", "table/line", None)
            assert "the alert b is not told of schedule:failed: there is no channel gone1234…" in caplog.text
            assert [each.last and each.last.became for each in told.alerts()] == ["raised", "dropped"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({**TABLE, "retry": 0}, "found 0 as retry, wanted a whole number from 1 to 100"),
        ({**TABLE, "on_failure": "stop"}, 'found "stop" as on_failure, wanted "pause" or "pause after"'),
        ({**TABLE, "late_after": -1}, "found -1 as late_after, wanted a number of seconds"),
        ({**TABLE, "overlap": "wait"}, 'found "wait" as overlap, wanted "skip", "queue" or "cancel"'),
        (
            {**TABLE, "to": {"url": "http://h/c/e"}, "retry": 2},
            'entry 1 "line": found retry with a url, wanted',
        ),
        (
            {**TICK, "interval": 20_000, "retry": 2},
            'the source "tick": found retry with an occurrence every 20 s, wanted less than one every 30 s',
        ),
        (
            {**TABLE, "retry": 2, "entries": [{**LINE, "when": "* * * * * *"}]},
            'entry 1 "line": found retry with an occurrence every 1 s, wanted less than one',
        ),
    ],
)
def test_what_is_wrong_with_a_declaration(given: dict[str, Any], wanted: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        read_source(given)
    assert wanted in caught.value.message


def test_an_entry_wins_over_its_source_and_a_changed_declaration_ends_a_try() -> None:
    with opened() as engine:
        engine.bring_sources([read_source({**TABLE, "retry": 2, "entries": [{**LINE, "retry": 1}]})])
        broken(engine.root, START + 9 * HOUR)
        engine.run_until(START + HOUR)
        assert "1 of 1" in str(entry_of(engine).error)
        changed = {**TABLE, "entries": [{**LINE, "when": "30 * * * *"}]}
        engine.bring_sources([read_source(changed)])
        assert (entry_of(engine).tries, entry_of(engine).due) == (0, START + HOUR + 30 * MINUTE)


def test_a_pause_ends_a_try() -> None:
    with opened() as engine:
        id = engine.add_source({**TABLE, "retry": 2})
        broken(engine.root, START + 9 * HOUR)
        engine.run_until(START + HOUR)
        engine.pause_source(id, START + HOUR + 20 * MINUTE)
        engine.run_until(START + HOUR + 21 * MINUTE)
        entry = entry_of(engine)
        assert (entry.tries, entry.due, engine.root.query("shaky", "done")) == (0, START + 2 * HOUR, 0)


def after_downtime(engine: Engine, retry: int | None) -> None:
    """Let an hourly source be down for five hours, and its first try fail after them."""
    engine.add_source({**TABLE, "misfire": "once", **({} if retry is None else {"retry": retry})})
    assert isinstance(engine.clock, VirtualClock)
    if retry is not None:
        broken(engine.root, START + 5 * HOUR + 31 * MINUTE)
    engine.clock.set(START + 5 * HOUR + 30 * MINUTE)
    engine.run_until(START + 6 * HOUR + 10 * MINUTE)


@pytest.mark.parametrize("retry", [None, 5])
def test_what_was_missed_is_counted_and_told_also_if_the_first_try_fails(retry: int | None) -> None:
    hook = Hook()
    with opened(hook) as engine:
        after_downtime(engine, retry)
        entry = entry_of(engine)
        assert (entry.fires, entry.missed, entry.failed) == (2, 4, 0)
        tries = [each for each in records(engine) if each.stands_for == 0]
        assert bool(tries) is (retry is not None)
        assert [each.stands_for for each in records(engine) if each not in tries] == [5, 1]
        told = [(each["happened"], each["number"], each["nominal"]) for each in hook.told]
        assert told == [("missed", 4, hours(1)), ("late", 5, hours(1))]


def test_nothing_is_missed_behind_the_last_of_a_count() -> None:
    hook = Hook()
    with opened(hook) as engine:
        engine.add_source({**TABLE, "count": 1, "retry": 20})
        broken(engine.root, START + 30 * HOUR)
        engine.run_until(START + 40 * HOUR)
        assert (entry_of(engine).missed, records(engine)[-1].stands_for) == (0, 1)
        assert "missed" not in [each["happened"] for each in hook.told]


def test_the_record_of_a_try_tells_when_its_occurrence_was_due() -> None:
    with opened() as engine:
        after_downtime(engine, 5)
        *tries, fifth, _ = records(engine)
        assert {each.asked for each in (*tries[1:], fifth)} == {START + HOUR}
        assert (tries[0].nominal, tries[0].asked) == (START + HOUR, None)
        assert fifth.nominal > START + 5 * HOUR + 30 * MINUTE


def test_an_alert_of_the_last_try_tells_when_its_occurrence_was_due() -> None:
    hook = Hook()
    with opened(hook) as engine:
        engine.add_source({**TABLE, "retry": 2})
        broken(engine.root, START + 9 * HOUR)
        engine.run_until(START + HOUR + 59 * MINUTE)
        late, failed = hook.told
        assert (late["happened"], late["nominal"]) == ("late", hours(1))
        at = records(engine)[-1].fired
        assert (failed["nominal"], failed["at"]) == (hours(1), format_time(at))
        assert failed["lateness"] == (at - START - HOUR).total_seconds()


def test_what_a_source_sends_to_each_pico_is_called_as_its_entry() -> None:
    with opened() as engine:
        engine.add_source(ROUND)
        engine.run_until(START + HOUR)
        labels = engine.agenda.labels(engine.history())
        assert len(labels) == 2 and {*labels.values()} == {Label("table:line", "table/line")}
