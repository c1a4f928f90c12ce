"""A simulation is the engine on virtual time: the same bytes each time, and nothing outside is touched."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from picosched.clock import VirtualClock, parse_time
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import Record, TookLongError
from picosched.errors import KrlError, PicoschedError
from picosched.notation import Input, parse_input
from picosched.rehearsal.simulate import simulate
from picosched.settings import Settings
from picosched.store.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = datetime(2027, 1, 1, tzinfo=UTC)

DAILY = """\
ruleset daily {
  rule begin {
    select when daily begin
    always {
      schedule explicit event "day" repeat "0 7 * * *"
        attributes {"_name": "each day", "_timezone": "Europe/Rome"}
    }
  }
  rule day {
    select when explicit day
    send_directive("day", {"chance": random:integer(1000), "id": random:uuid()})
    always { ent:days := ent:days.defaultsTo(0) + 1 }
  }
}
"""

CHAIN = """\
ruleset chain {
  rule first { select when chain first
    send_directive("a") always { raise chain event "second" attributes {"n": 2} } }
  rule second { select when chain second n re#(.)# setting(n)
    send_directive("b", {"n": n}) always { raise chain event "second" attributes {"n": n - 1} if n > 0 } }
  rule broken { select when chain second n re#0# pre { x = "x" - 1 } }
}
"""


def played(*rulesets: str, inputs: list[str], until: datetime = YEAR, **more: object) -> list[Record]:
    return [*simulate(rulesets, START, until, [*map(parse_input, inputs)], **more)]  # type: ignore[arg-type]


def test_a_year_of_a_daily_repeat_is_365_events_at_seven_in_rome() -> None:
    records = played(DAILY, inputs=["daily:begin"])
    days = [each for each in records if each.scheduled]
    assert len(records) == 366
    assert len(days) == 365
    assert {each.scheduled.name for each in days if each.scheduled} == {"each day"}
    assert {(each.at.hour, each.at.minute) for each in days} == {(6, 0), (5, 0)}
    assert days[0].at == datetime(2026, 1, 1, 6, tzinfo=UTC)
    summer = [each.at for each in days if each.at.hour == 5]
    assert (summer[0].date().isoformat(), summer[-1].date().isoformat()) == ("2026-03-29", "2026-10-24")
    assert all(each.scheduled and each.scheduled.nominal == each.at for each in days)


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_chance_included() -> None:
    first, second = (
        [json.dumps(each.as_json()) for each in played(DAILY, inputs=["daily:begin"])] for _ in range(2)
    )
    assert first == second
    other = [json.dumps(each.as_json()) for each in played(DAILY, inputs=["daily:begin"], seed=1)]
    assert other != first


def test_what_a_rule_raises_has_a_record_of_its_own() -> None:
    records = played(CHAIN, inputs=["chain:first"], until=START)
    assert [(each.type, each.rules, [d["options"] for d in each.directives]) for each in records[:4]] == [
        ("first", ["first"], [{}]),
        ("second", ["second"], [{"n": "2"}]),
        ("second", ["second"], [{"n": "1"}]),
        ("second", ["second"], [{"n": "0"}]),
    ]
    assert [len(each.errors) for each in records] == [0, 0, 0, 1, 0]
    assert (records[4].domain, records[4].type) == ("system", "error")


def test_time_stands_where_an_event_is_raised() -> None:
    at = ["2026-01-01T12:00:00Z daily:begin", "2026-01-02T06:00:00Z x:y", "2026-01-02T05:59:59Z x:z"]
    records = played(DAILY, inputs=at, until=datetime(2026, 1, 2, 6, tzinfo=UTC))
    # What is due goes before what comes in at the same time.
    assert [each.type for each in records] == ["begin", "z", "day", "y"]


def test_an_end_before_the_start_and_events_outside_are_refused() -> None:
    with pytest.raises(PicoschedError, match="before the start"):
        played(DAILY, inputs=[], until=START - timedelta(seconds=1))
    with pytest.raises(PicoschedError, match="wanted a time from"):
        played(DAILY, inputs=["2030-01-01 daily:begin"])


def test_a_ruleset_with_a_fault_is_refused() -> None:
    with pytest.raises(KrlError, match="unknown name"):
        played("ruleset x { global { a = b } }", inputs=[])


def test_settings_hold_here_too() -> None:
    often = DAILY.replace("0 7 * * *", "* * * * *")
    until = START + timedelta(hours=1)
    throttled = played(often, inputs=["daily:begin"], until=until)
    each_minute = played(often, inputs=["daily:begin"], until=until, settings=Settings(min_period=0))
    assert (len(throttled), len(each_minute)) == (1 + 6, 1 + 60)


def test_a_copy_of_a_store_goes_on_and_the_store_stays(tmp_path: Path) -> None:
    db = tmp_path / "picos.db"
    with Engine(db, VirtualClock(START), settings=Settings()) as engine:
        pico = engine.new_pico("kitchen")
        pico.install(DAILY)
        pico.raise_event("daily", "begin")
        pending = engine.scheduled()
    store = Store(db, readonly=True)
    records = [
        *simulate(
            [], START, parse_time("2026-01-08"), [Input("daily", "begin", {})], store=store, pico="kitchen"
        )
    ]
    store.close()
    assert [each.pico for each in records] == ["kitchen"] * 8
    assert {each.scheduled.id for each in records if each.scheduled} == {pending[0].id}
    with Engine(db, VirtualClock(START), settings=Settings()) as engine:
        assert engine.scheduled() == pending
        assert len(engine.journal()) == 1


def test_records_come_as_they_happen() -> None:
    records = simulate([DAILY], START, YEAR, [parse_input("daily:begin")])
    assert [next(records).type for _ in range(3)] == ["begin", "day", "day"]
    records.close()  # type: ignore[attr-defined]


def test_nobody_outside_is_asked() -> None:
    (record,) = played(
        """ruleset h { rule r { select when h r
          pre { answer = http:get("http://127.0.0.1:9/") }
          send_directive("answer", {"is": answer{"status_line"}}) } }""",
        inputs=["h:r"],
        until=START,
    )
    assert record.directives[0]["options"] == {"is": "nobody is asked on virtual time"}


def test_what_is_asked_of_the_world_outside_is_shown_and_not_asked() -> None:
    text = """ruleset asker {
      rule make { select when t make
        fired { schedule t event "ask" at "2026-01-01T01:00:00Z" with n = 1
                schedule t event "ask" at "2026-01-01T01:00:00Z" with n = 2
                schedule t event "quiet" at "2026-01-01T01:00:00Z" } }
      rule ask { select when t ask
        every { http:post("https://example.test/" + event:attrs{"n"}) setting(a)
                send_directive("got", {"status": a{"status_code"}}) } }
      rule quiet { select when t quiet }
    }"""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    records = [*simulate([text], start, start + timedelta(hours=2), [Input("t", "make", {})])]
    told = {(each.type, str(each.attrs.get("n", ""))): each.as_json().get("outside", []) for each in records}
    assert told == {
        ("make", ""): [],
        ("ask", "1"): [{"method": "POST", "url": "https://example.test/1"}],
        ("ask", "2"): [{"method": "POST", "url": "https://example.test/2"}],
        ("quiet", ""): [],
    }
    assert [each.directives[0]["options"] for each in records if each.type == "ask"] == [{"status": 0}] * 2


def test_a_simulation_in_which_nothing_is_handled_has_an_end_too() -> None:
    text = """ruleset closed {
      meta { window never from "0 8 29 2 *" to "1 8 29 2 *" }
      rule plan { select when closed begin
        fired { schedule closed event "due" repeat "* * * * * *" with _window = "never" } }
      rule due { select when closed due noop() }
    }"""
    with pytest.raises(TookLongError, match="wanted a shorter time, or less to happen") as found:
        played(text, inputs=["closed:begin"], settings=Settings(min_period=0), seconds=0.2)
    assert START <= found.value.at < YEAR
