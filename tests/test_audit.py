"""The audit: who did what from outside, kept with what it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import COMMAND_LINE, CONSOLE, HTTP, Actor, Role
from picosched.audit import LONGEST, deed_of, read_deed
from picosched.clock import parse_time
from picosched.engine.agenda import MOST_NOTED
from picosched.intervention import ENGINE, FORGOTTEN

START = "2026-03-01T00:00:00Z"
TEA = """
ruleset tea {
  rule brew {
    select when tea started
    always { schedule tea event "ready" repeat "0 * * * *" }
  }
  rule many {
    select when tea many
    foreach 1.range(event:attrs{"n"}) setting(n)
    always { schedule tea event "ready" at time:add(time:now(), {"minutes": n}) }
  }
  rule broken { select when tea broken send_directive("x", {"n": time:add("soon", {"days": 1})}) }
}
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock=clock, min_period=0) as engine:
        engine.root.install(TEA)
        yield engine


def done(engine: Engine) -> list[tuple[str, str, str]]:
    """What was done, oldest first: by whom, what, to which kind of thing."""
    return [(each.by, each.what, each.kind) for each in reversed(engine.audit())]


def test_each_thing_that_somebody_does_is_told(engine: Engine, clock: VirtualClock) -> None:
    engine.make_token("anna", "author")
    anna = engine.acting(Actor(HTTP, "anna"))
    pico = anna.new_pico("kitchen")
    pico.install(TEA)
    channel = pico.new_channel(["app"])
    turn = pico.raise_event("tea", "started")
    (id,) = turn.scheduled
    anna.raise_event(channel.eci, "tea", "nosuch")
    agenda = anna.agenda
    agenda.pause(id, "2026-03-01T12:00:00Z")
    agenda.resume(id)
    agenda.move(id, "2026-03-01T00:30:00Z")
    agenda.reschedule(id, "0 9 * * *")
    agenda.fire_now(id)
    agenda.pause(id)
    clock.advance(days=2)
    agenda.resume(id)
    agenda.backfill(id, "2026-03-01T08:00:00Z", "2026-03-01T10:00:00Z")
    agenda.cancel(id)
    source = anna.add_source({"type": "metronome", "interval": 1000, "to": {"pico": pico.id}})
    anna.pause_source(source)
    anna.resume_source(source)
    anna.remove_source(source)
    pico.delete_channel(channel.eci)
    pico.uninstall("tea")
    pico.delete()
    anna.make_token("bo", "read")
    anna.revoke_token("bo")
    assert [(what, kind) for _, what, kind in done(engine)] == [
        ("made", "pico"),
        ("installed", "ruleset"),
        ("made", "channel"),
        ("raised", "event"),
        ("raised", "event"),
        ("paused", "schedule"),
        ("resumed", "schedule"),
        ("moved", "schedule"),
        ("rescheduled", "schedule"),
        ("fired", "schedule"),
        ("paused", "schedule"),
        ("resumed", "schedule"),
        ("backfilled", "schedule"),
        ("cancelled", "schedule"),
        ("added", "source"),
        ("paused", "source"),
        ("resumed", "source"),
        ("removed", "source"),
        ("deleted", "channel"),
        ("uninstalled", "ruleset"),
        ("deleted", "pico"),
        ("made", "token"),
        ("revoked", "token"),
    ]
    assert {by for by, _, _ in done(engine)} == {'HTTP as "anna"'}
    told = {(each.what, each.kind): each for each in engine.audit()}
    assert told["rescheduled", "schedule"].told == 'tea:ready from "0 * * * *" to "0 9 * * *"'
    assert told["moved", "schedule"].on == id
    assert told["made", "token"].told == "for read"
    assert channel.eci not in str(engine.audit())


def test_it_is_kept_with_what_it_tells_of_or_not_at_all(engine: Engine) -> None:
    anna = engine.acting(Actor(HTTP, "anna"))
    with pytest.raises(PicoschedError):
        anna.root.install('ruleset broken { global { x = time:add("soon", {}) } }')
    with pytest.raises(PicoschedError):
        anna.root.uninstall("nosuch")
    assert not anna.retry_delivery("nosuch") and not anna.agenda.pause("nosuch")
    with pytest.raises(PicoschedError):
        anna.agenda.fire_now("nosuch")
    reader = engine.acting(Actor(HTTP, "bo", Role.READ))
    with pytest.raises(PicoschedError, match="role"):
        reader.new_pico("den")
    (id,) = engine.root.raise_event("tea", "started").scheduled

    def work() -> None:
        anna.note("paused", "schedule", id)
        raise ZeroDivisionError

    with pytest.raises(PicoschedError, match="nothing of this was kept"):
        engine.write(work)
    assert engine.audit() == []
    assert anna.root.raise_event("tea", "broken").errors  # it was raised, though a rule failed
    assert [each.what for each in engine.audit()] == ["raised"]


def test_a_program_is_told_of_only_if_it_says_for_whom_it_acts(engine: Engine) -> None:
    engine.root.raise_event("tea", "started")
    engine.new_pico("den")
    assert engine.audit() == []
    engine.acting("the shop").new_pico("shop")
    engine.acting(Actor(COMMAND_LINE, "joe")).new_pico("cellar")
    assert done(engine) == [("the shop", "made", "pico"), ('the command line as "joe"', "made", "pico")]


def test_a_change_of_many_rows_is_one_deed(engine: Engine) -> None:
    ids = [*engine.root.raise_event("tea", "many", {"n": MOST_NOTED + 1}).scheduled]
    agenda = engine.acting(CONSOLE).agenda
    agenda.pause(ids[:MOST_NOTED])
    assert [each.on for each in reversed(engine.audit())] == ids[:MOST_NOTED]
    agenda.cancel(ids)
    last = engine.audit()[0]
    assert (last.what, last.on) == ("cancelled", f"{len(ids)} schedules")
    assert last.told is not None and ids[0] in last.told and len(last.told) <= LONGEST


def test_a_source_has_one_id_whether_it_is_named_or_not(engine: Engine) -> None:
    anna = engine.acting(Actor(HTTP, "anna"))
    id = anna.add_source({"type": "metronome", "name": "beat", "interval": 1000, "to": {"pico": "root"}})
    anna.pause_source("beat")
    anna.resume_source(id)
    anna.remove_source("beat")
    found = [(each.what, each.told) for each in reversed(engine.audit(on=id))]
    assert found == [("added", "beat"), ("paused", "beat"), ("resumed", "beat"), ("removed", "beat")]


def test_what_is_listed_can_be_chosen(engine: Engine, clock: VirtualClock) -> None:
    one, two = engine.acting(Actor(HTTP, "anna")), engine.acting(Actor(CONSOLE, "bo", Role.AUTHOR))
    one.new_pico("a")
    clock.advance(hours=1)
    two.new_pico("b")
    id = two.new_pico("c").id
    assert [each.told for each in engine.audit()] == ["c", "b", "a"]
    assert [each.told for each in engine.audit(name="anna")] == ["a"]
    assert [each.told for each in engine.audit(since="2026-03-01T01:00:00Z")] == ["c", "b"]
    assert [each.told for each in engine.audit(on=id)] == ["c"]
    assert engine.audit(what="cancelled") == [] and len(engine.audit(what="made", kind="pico")) == 3
    first = engine.audit(limit=1)
    assert [each.told for each in engine.audit(before=first[0].seq)] == ["b", "a"]
    assert [read_deed(each.as_json()) for each in engine.audit()] == engine.audit()
    with pytest.raises(PicoschedError, match='found "eaten", wanted one of raised, paused'):
        engine.audit(what="eaten")
    with pytest.raises(PicoschedError, match='found "cake", wanted one of schedule, event'):
        engine.audit(kind="cake")


def test_it_is_deleted_as_history_is(engine: Engine, clock: VirtualClock) -> None:
    acting = engine.acting(HTTP)
    acting.new_pico("a")
    clock.advance(days=20)
    acting.new_pico("b")
    clock.advance(days=11)
    engine.prune()
    assert [each.told for each in engine.audit()] == ["b"]
    clock.advance(days=20)
    engine.prune()
    assert engine.audit() == []


def test_so_are_the_arguments_of_what_people_did_the_last_ones_too(
    engine: Engine, clock: VirtualClock
) -> None:
    kept = engine.store.interventions
    engine.root.install(TEA, {"password": "hunter2"})
    number = kept.last()
    clock.advance(days=20)
    engine.prune()
    assert kept.since(number - 1, 9)[0].told["config"] == {"password": "hunter2"}
    clock.advance(days=11)
    engine.prune()
    (only,) = kept.since(0, 9)
    assert (only.what, only.by, only.told, only.seq) == (FORGOTTEN, ENGINE, {}, number)
    engine.prune()
    assert kept.since(0, 9) == [only] and not engine.store.prunable(engine.now())
    engine.new_pico("b")  # the next number follows it
    assert [each.seq for each in kept.since(0, 9)] == [number, number + 1]
    engine.prune()
    assert [each.told["name"] for each in kept.since(0, 9)] == ["b"]


def test_long_texts_are_cut(engine: Engine) -> None:
    engine.acting(HTTP).new_pico("x" * 5_000)
    (deed,) = engine.audit()
    assert deed.told is not None and len(deed.told) == LONGEST


def test_what_changes_nothing_is_not_told(engine: Engine) -> None:
    engine.make_token("anna", "author")
    engine = engine.acting(Actor(HTTP, "anna"))
    (id,) = engine.root.raise_event("tea", "started").scheduled
    source = engine.add_source({"type": "metronome", "interval": 1000, "to": {"pico": "root"}})
    before = len(engine.audit())
    for _ in range(2):
        assert len(engine.agenda.pause(id)) == 1 and engine.pause_source(source)
    assert len(engine.agenda.pause(id, "2026-03-01T12:00:00Z")) == 1  # until another time
    engine.agenda.resume(id)
    engine.agenda.resume(id)
    for _ in range(2):
        engine.resume_source(source)
        engine.agenda.move(id, "2026-03-01T00:30:00Z")
    told = [(what, kind) for _, what, kind in done(engine)[before:]]
    assert told == [
        ("paused", "schedule"),
        ("paused", "source"),
        ("paused", "schedule"),
        ("resumed", "schedule"),
        ("resumed", "source"),
        ("moved", "schedule"),
    ]


def test_what_was_done_to_many_is_told_by_their_number() -> None:
    by = Actor(COMMAND_LINE, "joe")
    many = deed_of(by, parse_time("2026-03-01T00:00:00Z"), "paused", "schedule", "25 schedules")
    assert str(many) == "paused 25 schedules"
    assert str(replace(many, on="5f0c21d8")) == "paused schedule 5f0c21d8"
