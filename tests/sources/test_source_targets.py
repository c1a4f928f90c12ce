"""Where the events of sources go: to one pico, through a channel, to all that have a tag or a ruleset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.schedule.scheduled import Outcome

START = datetime(2026, 3, 1, tzinfo=UTC)

WITNESS = """ruleset witness {
  meta { shares ticks, eci }
  global { ticks = function(){ ent:ticks.defaultsTo(0) } eci = function(){ ent:eci } }
  rule tick { select when metronome tick or table line
    always { ent:ticks := ticks() + 1; ent:eci := meta:eci } }
}"""

FAILING = """ruleset failing {
  rule tick { select when metronome tick always { schedule x event "y" at "no time" } }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock(START), durability="normal") as engine:
        yield engine


def table(to: dict[str, str], name: str = "table") -> dict[str, Any]:
    entry = {"name": "line", "when": "0 * * * *", "event": "table:line"}
    return {"type": "crontab", "name": name, "to": to, "entries": [entry]}


def hours(number: int) -> datetime:
    return START + timedelta(hours=number)


def test_a_pico_is_found_by_its_id_and_by_its_name(engine: Engine) -> None:
    kitchen = engine.new_pico("kitchen")
    kitchen.install(WITNESS)
    engine.add_source(table({"pico": "kitchen"}))
    engine.add_source(table({"pico": kitchen.id}, "other"))
    assert engine.run_until(hours(1)) == 2
    assert kitchen.query("witness", "ticks") == 2
    assert {fire.pico_id for fire in engine.history()} == {kitchen.id}
    assert {fire.rules for fire in kitchen.history()} == {("witness.tick",)}


def test_the_record_and_the_journal_tell_of_the_entry(engine: Engine) -> None:
    engine.add_source(table({"pico": "root"}))
    engine.run_until(hours(1))
    (source,) = engine.sources()
    (fire,) = engine.history(id=source.entries[0].id)
    (turn,) = engine.journal(eid=fire.eid)
    assert (turn.scheduled, turn.nominal) == (source.entries[0].id, hours(1))
    assert (fire.nominal, fire.outcome, fire.stands_for) == (hours(1), Outcome.FIRED, 1)


def test_a_pico_that_is_gone_is_a_failure_and_the_source_lives_on(engine: Engine) -> None:
    kitchen = engine.new_pico("kitchen")
    engine.add_source(table({"pico": "kitchen"}))
    kitchen.delete()
    engine.run_until(hours(2))
    (source,) = engine.sources()
    (entry,) = source.entries
    assert (entry.fires, entry.failed, entry.outcome) == (2, 2, Outcome.FAILED)
    assert entry.error == "there is no pico kitchen"
    assert [(fire.outcome, fire.error) for fire in engine.history()] == [(Outcome.FAILED, entry.error)] * 2
    engine.new_pico("kitchen")
    engine.run_until(hours(3))
    (source,) = engine.sources()
    assert (source.entries[0].outcome, source.entries[0].error) == (Outcome.FIRED, None)


def test_a_rule_that_fails_is_a_failure(engine: Engine) -> None:
    engine.root.install(FAILING)
    engine.add_source({"type": "metronome", "interval": 1000, "to": {"pico": "root"}})
    engine.run_until(START + timedelta(seconds=2))
    (source,) = engine.sources()
    assert (source.entries[0].fires, source.entries[0].failed) == (2, 2)
    assert "failing" in str(engine.journal()[0].handled)
    assert source.entries[0].error == engine.journal()[-1].errors[0]


def test_a_channel_lets_pass_what_its_policy_allows(engine: Engine) -> None:
    kitchen = engine.new_pico("kitchen")
    kitchen.install(WITNESS)
    wide = kitchen.new_channel(["wide"])
    narrow = kitchen.new_channel(["narrow"], allow_events=["tea:*"])
    engine.add_source(table({"eci": wide.eci}, "wide"))
    engine.add_source(table({"eci": narrow.eci}, "narrow"))
    engine.run_until(hours(1))
    assert kitchen.query("witness", "ticks") == 1
    assert kitchen.query("witness", "eci") == wide.eci
    through, refused = engine.sources()
    assert through.entries[0].outcome is Outcome.FIRED
    assert refused.entries[0].error == "the event table:line is not allowed by the channel's policy"


def test_a_family_channel_is_for_its_family(engine: Engine) -> None:
    engine.root.install(
        'ruleset mother { rule new { select when new child ctx:newPico([{"url": "x"}]) } '
        'rule bare { select when bare child ctx:newPico(rulesets = [], name = "kid") } }'
    )
    engine.root.raise_event("bare", "child")
    (channel,) = [each for each in engine.root.channels() if each.kin]
    engine.add_source(table({"eci": channel.eci}))
    engine.run_until(hours(1))
    assert engine.sources()[0].entries[0].error == "the event table:line is for its family only"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rid", "tag"])
def test_a_thousand_picos_get_an_event_once_each(engine: Engine, kind: str) -> None:
    picos = [engine.new_pico(f"p{number}") for number in range(1_000)]
    for pico in picos:
        pico.install(WITNESS)
        if kind == "tag":
            pico.new_channel(["App 7", "other"])
            pico.new_channel(["App 7"])
    engine.add_source(table({"rid": "witness"} if kind == "rid" else {"tag": "app 7"}))
    before = engine.commits
    assert engine.run_until(hours(1)) == 1 + 1_000
    assert engine.commits - before < 20
    assert {pico.query("witness", "ticks") for pico in picos} == {1}
    (source,) = engine.sources()
    (fire,) = engine.history(id=source.entries[0].id)
    assert (fire.outcome, fire.why, source.fires) == (Outcome.FIRED, "sent to 1,000 picos", 1)
    records = [fire for fire in engine.history(limit=5_000) if fire.id != source.entries[0].id]
    assert len({fire.id for fire in records}) == len(records) == 1_000
    assert engine.scheduled() == []
    assert engine.run_until(hours(2)) == 1_001


def test_a_tag_goes_by_the_channel_that_allows_the_event(engine: Engine) -> None:
    kitchen, shelf = engine.new_pico("kitchen"), engine.new_pico("shelf")
    for pico in (kitchen, shelf):
        pico.install(WITNESS)
        pico.new_channel(["app"], allow_events=["tea:*"])
    open_channel = kitchen.new_channel(["app"], allow_events=["table:*"])
    engine.add_source(table({"tag": "app"}))
    engine.run_until(hours(1))
    assert kitchen.query("witness", "eci") == open_channel.eci
    assert shelf.query("witness", "ticks") == 0
    why = "the event table:line is not allowed by the channel's policy"
    (entry,) = engine.sources()[0].entries
    failed = {(fire.id == entry.id, fire.pico_id, fire.why) for fire in engine.history() if fire.error}
    assert failed == {(False, shelf.id, why), (True, "", why)}
    assert (entry.fires, entry.failed, entry.error) == (1, 1, why)


@pytest.mark.parametrize(
    ("to", "wanted"), [({"tag": "nosuch"}, "tag nosuch"), ({"rid": "nosuch"}, "ruleset nosuch")]
)
def test_nobody_who_gets_an_event_is_a_failure(engine: Engine, to: dict[str, str], wanted: str) -> None:
    engine.add_source(table(to))
    engine.run_until(hours(2))
    why = f"sent to 0 picos: none has the {wanted}"
    assert [(fire.outcome, fire.why) for fire in engine.history()] == [(Outcome.FAILED, why)] * 2
    assert (engine.sources()[0].entries[0].failed, engine.sources()[0].entries[0].error) == (2, why)


@pytest.mark.parametrize("to", [{"rid": "failing"}, {"tag": "app"}], ids=str)
@pytest.mark.parametrize("type", ["metronome", "crontab"])
def test_a_turn_that_fails_in_one_of_many_picos_is_a_failure_of_the_source(
    engine: Engine, to: dict[str, str], type: str
) -> None:
    for name in ("kitchen", "shelf", "office"):
        pico = engine.new_pico(name)
        pico.install(FAILING if name != "office" else WITNESS)
        pico.new_channel(["app"])
    tick = {"type": "metronome", "interval": 3_600_000, "to": to}
    entry = {"name": "line", "when": "0 * * * *", "event": "metronome:tick"}
    engine.add_source(tick if type == "metronome" else {**table(to), "entries": [entry]})
    engine.run_until(hours(3))
    (found,) = engine.sources()[0].entries
    assert (found.fires, found.failed, found.outcome) == (3, 3, Outcome.FAILED)  # not one for each pico
    assert "no time" in str(found.error)
    records = engine.history(id=found.id)
    assert [fire.error for fire in records] == ([found.error] * 3 if type == "crontab" else [])


# ---- the journal, pausing, removing -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pico", "eci", "tag", "rid"])
@pytest.mark.parametrize(
    ("interval", "journal", "turns"), [(1_000, None, 1), (999, None, 0), (100, True, 10), (1_000, False, 0)]
)
def test_fast_ticks_leave_the_journal_alone(
    engine: Engine, interval: int, journal: bool | None, turns: int, kind: str
) -> None:
    engine.root.install(WITNESS)
    channel = engine.root.new_channel(["app"])
    name = {"pico": "root", "eci": channel.eci, "tag": "app", "rid": "witness"}[kind]
    said = {} if journal is None else {"journal": journal}
    engine.add_source({"type": "metronome", "interval": interval, "to": {kind: name}, **said})
    engine.run_until(START + timedelta(seconds=1))
    assert engine.root.query("witness", "ticks") == 1_000 // interval
    assert len(engine.journal()) == turns


def test_a_source_that_is_paused_waits_and_then_goes_on(engine: Engine) -> None:
    id = engine.add_source(table({"pico": "root"}))
    engine.run_until(hours(1))
    assert engine.pause_source("table")
    assert engine.next_due() is None
    assert engine.run_until(hours(3)) == 0
    assert engine.resume_source(id)
    assert not engine.resume_source(id)
    assert engine.run_until(hours(5)) == 2
    told = [(fire.outcome, fire.stands_for) for fire in reversed(engine.history())]
    assert told == [(Outcome.FIRED, 1), (Outcome.PAUSED, 2), (Outcome.FIRED, 1), (Outcome.FIRED, 1)]
    (source,) = engine.sources()
    assert (source.fires, source.missed, source.paused) == (3, 0, False)


def test_a_pause_may_end_by_itself(engine: Engine) -> None:
    engine.add_source({"type": "metronome", "name": "m", "interval": 7_000, "to": {"pico": "root"}})
    engine.pause_source("m", START + timedelta(seconds=20))
    assert engine.sources()[0].paused_until == engine.next_due() == START + timedelta(seconds=20)
    assert engine.run_until(START + timedelta(seconds=29)) == 2  # at 21 and 28: the phase is kept
    (source,) = engine.sources()
    assert (source.paused, source.fires, source.missed) == (False, 2, 0)


def test_what_is_not_there_is_neither_paused_nor_removed(engine: Engine) -> None:
    assert not engine.pause_source("nosuch")
    assert not engine.resume_source("nosuch")
    assert not engine.remove_source("nosuch")
    with pytest.raises(PicoschedError, match="there is no source nosuch"):
        engine.source("nosuch")


def test_a_source_that_is_removed_raises_nothing_and_leaves_its_records(engine: Engine) -> None:
    id = engine.add_source(table({"pico": "root"}))
    engine.run_until(hours(1))
    assert engine.remove_source(id)
    assert (engine.sources(), engine.next_due(), engine.run_until(hours(3))) == ([], None, 0)
    assert len(engine.history()) == 1
