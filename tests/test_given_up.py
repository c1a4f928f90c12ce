"""A row that cannot be dealt with ends as failed, with the reason; the others go on, none is due for ever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.schedule.scheduled import Status

START = "2026-03-01T12:00:00Z"
RULESET = """ruleset bell {
  rule hang { select when bell hung
    always { schedule bell event "rings" at time:add(time:now(), {"seconds": 5}) } }
  rule wind { select when bell wound
    always { schedule bell event "rings" repeat event:attrs{"spec"} with _jitter = 604800 } }
  rule ring { select when bell rings always { ent:rung := ent:rung.defaultsTo(0) + 1 } }
}"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "picos.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    with Engine(path, VirtualClock(START), granularity=1, min_period=0) as engine:
        engine.root.install(RULESET)
        yield engine


def hung(engine: Engine) -> str:
    (id,) = engine.root.raise_event("bell", "hung").scheduled
    return id


def damage(engine: Engine, id: str) -> None:
    engine.store._database.run("UPDATE scheduled SET attrs = '{' WHERE id = ?", (id,))


@pytest.mark.parametrize("paused", [False, True])
def test_a_row_that_cannot_be_read_ends_and_the_others_come(engine: Engine, path: Path, paused: bool) -> None:
    damaged, sound = hung(engine), hung(engine)
    if paused:
        engine.agenda.pause([damaged, sound], "2026-03-01T12:00:03Z")
    damage(engine, damaged)
    assert engine.run_until("2026-03-01T12:00:05Z") == 1
    assert engine.next_due() is None
    (record,) = engine.root.history(damaged)
    assert (record.outcome, record.eid) == ("failed", None)
    assert record.why == "found '{' in the database, wanted JSON; `picosched doctor` says what is damaged"
    assert [each.outcome for each in engine.root.history(sound)] == ["fired"]


def test_a_repeat_that_is_put_off_past_the_last_year_is_finished(engine: Engine) -> None:
    spec = "2026-03-01T12:00:05 | 59 59 23 31 12 * 9999"
    ids = [*engine.root.raise_event("bell", "wound", {"spec": spec}).scheduled]
    assert engine.run_until("2026-03-10T00:00:00Z") == 1
    (row,) = (engine.agenda.load(id) for id in ids)
    assert (row.status, row.fires, row.due) == (Status.FINISHED, 1, None)


def test_an_event_that_asks_something_else_each_time_it_is_tried_fails(path: Path) -> None:
    numbers, asked = count(1), list[str]()

    def answer(request: HttpRequest) -> HttpResponse:
        asked.append(request.url)
        engine.root.raise_event("bell", "number", {"number": next(numbers)})
        return HttpResponse(200, "")

    with Engine(path, VirtualClock(START), granularity=1, outside=answer) as engine:
        other = engine.new_pico("other")
        for pico in (engine.root, other):
            pico.install("""ruleset bell {
              meta { shares number }
              global { number = function() { ent:number.defaultsTo(0) } }
              rule number { select when bell number always { ent:number := event:attrs{"number"} } }
              rule ask { select when bell asked
                always { schedule bell event "asks" at time:now() with eci = event:attrs{"eci"} } }
              rule asks { select when bell asks
                pre {
                  number = ctx:query(event:attrs{"eci"}, "bell", "number")
                  answer = http:get("http://example.com/" + number)
                }
                noop() }
            }""")
        eci = engine.root.new_channel().eci
        (id,) = other.raise_event("bell", "asked", {"eci": eci}).scheduled
        engine.run_due()
        (record,) = other.history(id)
        assert record.outcome == "failed"
        assert record.why == "the event asks something else each time it is tried"
        assert engine.next_due() is None
        assert len(set(asked)) == len(asked)
