"""A replay from a backup gives the same turns under the same rules, and the first difference under others."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from picosched import Engine, VirtualClock
from picosched.clock import parse_time
from picosched.engine.replayed import Replayed
from picosched.errors import PicoschedError
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.store.store import Store

RULES = """ruleset tea {
  meta { shares cups }
  global { cups = function() { ent:cups } }
  rule start {
    select when tea started
    if event:attrs{"minutes"} > 0 then send_directive("steeping", {"id": random:uuid()})
    fired { schedule tea event "ready" at time:add(time:now(), {"minutes": event:attrs{"minutes"}})
        attributes {"cup": ent:cups.defaultsTo(0)}
      schedule tea event "tidy" repeat "0 */6 * * *" attributes {"_name": "tidy", "_jitter": 600} }
  }
  rule ready { select when tea ready
    send_directive("ready", event:attrs)
    fired { ent:cups := ent:cups.defaultsTo(0) + 1 raise tea event "poured" attributes {"cups": ent:cups} } }
  rule poured { select when tea poured before tea tidy noop() }
  rule tidy { select when tea tidy noop() }
}"""
END = parse_time("2026-03-04T00:00:00Z")


class Lived(NamedTuple):
    """A store in which something happened, and a backup from between."""

    store: Store
    backup: Store
    engine: Engine


@pytest.fixture
def lived() -> Iterator[Lived]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z"), granularity=1) as engine:
        engine.root.install(RULES)
        other = engine.new_pico("kitchen")
        other.install(RULES)
        engine.root.raise_event("tea", "started", {"minutes": 90})
        engine.run_until("2026-03-01T09:00:00Z")
        backup = engine.store.copy()
        try:
            engine.run_until("2026-03-01T10:00:00Z")
            other.raise_event("tea", "started", {"minutes": 1500})
            engine.root.raise_event("tea", "started", {"minutes": 0})
            engine.run_until("2026-03-02T10:00:00Z")
            engine.root.raise_event("tea", "started", {"minutes": 5})
            engine.run_until(END)
            yield Lived(engine.store, backup, engine)
        finally:
            backup.close()


def replayed(lived: Lived, *rulesets: str) -> Replayed:
    return lived.engine.replay(until=END, rulesets=rulesets, backup=lived.backup)


def test_the_same_rules_give_the_same_turns(lived: Lived) -> None:
    before = lived.engine.journal()
    told: list[tuple[int, int]] = []
    found = lived.engine.replay(until=END, backup=lived.backup, progress=lambda *each: told.append(each))
    assert told == [(found.turns, found.turns)]
    assert found.differences == [] and (found.outside, found.lost, found.requests) == (3, 0, 0)
    assert found.turns == len(before) - 1 > 15
    assert found.lines()[-1] == "each turn is as it was"
    assert lived.engine.journal() == before
    assert lived.backup.journal.entries() == before[-1:]


def test_other_rules_show_the_first_turn_of_each_pico_that_differs(lived: Lived) -> None:
    found = replayed(lived, RULES.replace('"minutes"} > 0', '"minutes"} >= 0'))
    (difference,) = found.differences
    assert (difference.pico, difference.at) == ("root", parse_time("2026-03-01T10:00:00Z"))
    assert difference.was[1].startswith("notfired tea.start") and difference.became[1] == "fired tea.start"
    shown = found.lines()[1:]
    assert shown[0] == "root: its first turn that differs, at 2026-03-01T10:00:00Z (turn 4)"
    assert shown[1] == "  tea.start, line 4"
    assert shown[2].startswith("  - notfired tea.start") and shown[3] == "  + fired tea.start"


def test_places_in_the_rulesets_texts_are_no_difference(tmp_path: Path) -> None:
    rules = """ruleset ops {
      rule go { select when a go pre { x = event:attrs{"n"} - 1 } if x > 1 then noop() }
      rule failed { select when system error send_directive("failed", {"why": event:attrs{"species"}}) }
    }"""
    (tmp_path / "ops.krl").write_text(rules)
    (tmp_path / "ops3.krl").write_text("// the same\n\n" + rules)
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(tmp_path / "ops.krl")
        engine.root.raise_event("a", "begun")
        with closing(engine.store.copy()) as backup:
            for each in ("text", 1):
                engine.root.raise_event("a", "go", {"n": each})
            found = engine.replay(rulesets=[tmp_path / "ops3.krl"], backup=backup)
            assert found.differences == [], found.lines()
            other = rules.replace("> 1 then", "> 2 then").replace('"species"', '"genus"')
            (difference,) = engine.replay(rulesets=[other], backup=backup).differences
            assert difference.seq == 2 and '< failed {"why": "runtime"}' in difference.became


def test_what_only_looks_like_an_id_is_compared() -> None:
    rules = """ruleset h { rule go { select when a go send_directive("told", {
      "hash": math:hash("md5", "one" + event:attrs{"v"}),
      "fixed": "9f0c2d1e-0000-4000-8000-00000000000a", "drawn": random:uuid() }) } }"""
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(rules)
        engine.root.raise_event("a", "begun")
        with closing(engine.store.copy()) as backup:
            for each in range(3):
                engine.root.raise_event("a", "go", {"v": each})
            more = rules.replace("math:hash(", "[random:uuid(), math:hash(").replace('"v"}),', '"v"})][1],')
            for same in (rules, more):
                assert engine.replay(rulesets=[same], backup=backup).differences == []
            for other in (rules.replace('"one"', '"two"'), rules.replace("00a", "00b")):
                (difference,) = engine.replay(rulesets=[other], backup=backup).differences
                assert difference.seq == 2


def test_a_turn_that_is_missing_on_record_is_a_difference(lived: Lived) -> None:
    turn = next(each for each in lived.engine.journal() if each.handled[0]["type"] == "ready")
    with lived.store.transaction():
        lived.store._database.run(f"DELETE FROM journal WHERE seq = {turn.seq}")
        lived.store._database.run(f"DELETE FROM fire WHERE scheduled = '{turn.scheduled}'")
    assert [each.became[0][:9] for each in replayed(lived).differences] == ["tea:ready"]


def test_what_is_not_on_record_is_counted(lived: Lived) -> None:
    lived.engine.root.install(
        """ruleset asks { rule ask { select when tea started
          pre { it = http:get("http://127.0.0.1:9/"){"status_code"} } noop() } }"""
    )
    forget_people(lived)
    found = replayed(lived)
    assert (found.requests, found.changed) == (0, ("asks on root",))
    assert "not replayed: people installed asks on root" in found.lines()
    lived.engine.root.raise_event("tea", "started", {"minutes": 0})
    found = lived.engine.replay(backup=lived.backup)
    assert [each.unsure for each in found.unsure] == ["people changed the ruleset asks since"]
    assert found.differences == []
    child = lived.engine.new_pico("late")
    child.install(RULES)
    forget_people(lived)
    child.raise_event("tea", "started", {"minutes": 1})
    lived.engine.clock.advance(minutes=1)
    lived.engine.run_due()
    found = lived.engine.replay(backup=lived.backup)
    lost = len(lived.engine.journal(child.id))
    assert found.lost == lost >= 2 and f"not replayed: {lost} events for picos" in "\n".join(found.lines())
    assert found.differences == []


def forget_people(lived: Lived) -> None:
    """As if an older picosched had run, which did not keep what people did."""
    with lived.store.transaction():
        lived.store._database.run("DELETE FROM intervention")


def test_a_backup_of_another_database_or_too_old_is_refused(lived: Lived) -> None:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as other:
        other.root.raise_event("some", "thing")
        with pytest.raises(PicoschedError, match="a backup of another database"):
            lived.engine.replay(until=END, backup=other.store)
    with lived.store.transaction():
        lived.store._database.run("DELETE FROM journal WHERE seq < 3")
    with pytest.raises(PicoschedError, match="may be lost; they are known since 2026-03-01T"):
        replayed(lived)


def test_a_ruleset_that_no_pico_has_is_refused(lived: Lived) -> None:
    with pytest.raises(PicoschedError, match="no pico has the ruleset other"):
        replayed(lived, "ruleset other { rule r { select when a b noop() } }")


def test_up_to_a_time(lived: Lived) -> None:
    until = parse_time("2026-03-01T10:00:00Z")
    found = lived.engine.replay(until=until, backup=lived.backup)
    assert (found.outside, found.differences) == (2, [])
    later = parse_time("2026-03-01T09:50:00Z")
    span = "from 2026-03-01T08:00:00Z (the latest state before 2026-03-01T09:50:00Z) to 2026-03-01T10:00:00Z"
    assert span in lived.engine.replay(since=later, until=until, backup=lived.backup).lines()[0]


def test_one_is_no_plural() -> None:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z")) as engine:
        engine.root.install(RULES)
        with closing(engine.store.copy()) as backup:
            engine.root.raise_event("tea", "started", {"minutes": 0})
            (first, _) = engine.replay(backup=backup).lines()
    assert first.startswith("1 turn from 2026-03-01T08:00:00Z to ")


OLDER = Path(__file__).parent / "store" / "older" / "0_1_0.db.gz"


@pytest.mark.files
def test_from_the_backup_of_an_older_picosched(tmp_path: Path) -> None:
    for name in ("backup.db", "live.db"):
        (tmp_path / name).write_bytes(gzip.decompress(OLDER.read_bytes()))
    with Engine(tmp_path / "live.db", VirtualClock("2026-11-21T14:40:00Z"), min_period=0) as engine:
        engine.pico("kitchen").raise_event("kept", "second")  # the other half of what waits
        engine.run_until("2026-11-22T12:00:00Z")
        found = engine.replay(backup=tmp_path / "backup.db")
        assert found.turns > 20 and (found.differences, found.unsure, found.unrecorded) == ([], [], 0)
    before = gzip.decompress(OLDER.read_bytes())
    assert (tmp_path / "backup.db").read_bytes() == before


def test_what_cannot_be_a_start_is_refused(lived: Lived) -> None:
    with pytest.raises(PicoschedError, match="found neither a time nor a backup"):
        lived.engine.replay()
    with pytest.raises(PicoschedError, match="there is no backup nosuch"):
        lived.engine.replay(backup="nosuch.db")
    empty = Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z"))
    with empty, pytest.raises(PicoschedError, match="the journal has no turns"):
        empty.replay(backup=lived.backup)


def test_the_story_of_the_docs() -> None:
    page = (Path(__file__).parent.parent / "docs" / "foresight.md").read_text(encoding="utf-8")
    _, rules = re.findall(r"```krl\n(.*?)```", page, re.DOTALL)
    same, other = re.findall(r"\$ picosched replay --from 2026-03-03.*?\n(.*?)(?=```|\$)", page, re.DOTALL)
    prices, degrees = random.Random(4), random.Random(5)

    def price(request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, "OK", (), str(prices.randint(15, 40)).encode())

    with Engine(":memory:", VirtualClock("2026-03-01T00:00:00Z"), outside=price, granularity=1) as engine:
        engine.root.install(rules)
        for hour in range(96):
            engine.run_until(f"2026-03-0{1 + hour // 24}T{hour % 24:02}:00:00Z")
            engine.root.raise_event("room", "measured", {"degrees": degrees.randint(12, 24)})
            if hour == 48:
                snapshot = engine.store.copy()
        cheaper = rules.replace("ent:price < 30", "ent:price < 25")
        found = [engine.replay("2026-03-03", rulesets=each, backup=snapshot) for each in ((), (cheaper,))]
        assert ["\n".join(each.lines()) + "\n" for each in found] == [same, other]
        snapshot.close()
