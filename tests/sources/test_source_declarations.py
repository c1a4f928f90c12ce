"""What may be declared, and how each fault is told: the source, the entry and the key, found and wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, PicoschedError, Timespec, VirtualClock
from picosched.schedule.scheduled import Misfire
from picosched.sources.reading import load_sources, read_source
from picosched.sources.source import Source

TO = {"pico": "kitchen"}
TICK = {"type": "metronome", "to": TO, "interval": 1000}
TEST = {"name": "test", "expr": "* * * * * *"}
TRIGGER = {"type": "crononome", "to": TO, "entries": [TEST]}
LINE = {"name": "nightly", "when": "0 3 * * *", "event": "backup:wanted"}
TABLE = {"type": "crontab", "to": TO, "entries": [LINE]}


def with_entry(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**source, "entries": [{**source["entries"][0], **changes}]}


def test_a_metronome_is_read() -> None:
    source = read_source({**TICK, "name": "tick", "interval": 250, "start": "2026-03-01T00:00:00Z"})
    assert (source.type, source.label, source.interval, source.journal) == ("metronome", "tick", 250, False)
    assert (source.entries[0].event, source.entries[0].misfire) == ("metronome:tick", Misfire.SKIP)
    assert not source.recorded


def test_a_crononome_is_read() -> None:
    source = read_source(with_entry(TRIGGER, payload={"snot": "badger"}, tz="Europe/Berlin"))
    (entry,) = source.entries
    assert entry.timespec == Timespec.parse("* * * * * *", "Europe/Berlin")
    assert (source.label, entry.event, entry.misfire) == ("crononome", "crononome:trigger", Misfire.SKIP)
    assert entry.attrs == {"snot": "badger"}


def test_a_cron_table_is_read() -> None:
    source = read_source({**TABLE, "tz": "Asia/Tokyo", "misfire": "all"})
    (entry,) = source.entries
    assert (entry.event, entry.misfire) == ("backup:wanted", Misfire.ALL)
    assert entry.timespec is not None and entry.timespec.tz == "Asia/Tokyo"


def test_an_entry_wins_over_its_source() -> None:
    table = {**TABLE, "tz": "Asia/Tokyo", "misfire": "all", "event": "x:y"}
    source = read_source(with_entry(table, tz="UTC", misfire="skip"))
    (entry,) = source.entries
    assert (entry.event, entry.misfire) == ("backup:wanted", Misfire.SKIP)
    assert entry.timespec is not None and entry.timespec.tz == "UTC"


def test_an_expression_may_be_a_map_of_time_parts() -> None:
    source = read_source(with_entry(TRIGGER, expr={"hours": [9, 17], "minutes": 0}))
    assert source.entries[0].timespec == Timespec.parse({"hours": [9, 17], "minutes": 0})


@pytest.mark.parametrize("given", [TICK, TRIGGER, TABLE, {**TABLE, "name": "table"}])
def test_what_is_kept_reads_as_the_same_source(given: dict[str, Any]) -> None:
    source = read_source(given)
    assert read_source(source.given, again=True) == source


TARGETS = [
    {"pico": "kitchen"},
    {"tag": "app"},
    {"rid": "tea_timer"},
    {"eci": "5f0c21d8"},
    {"url": "http://localhost:8123/c/5f0c21d8"},
    {"url": "http://user:password@localhost:8123/c/5f0c21d8"},
    {"url": "https://example.org/engine/sky/event/5f0c21d8/"},
]


@pytest.mark.parametrize("to", TARGETS, ids=str)
def test_a_target_is_exactly_one_thing(to: dict[str, str]) -> None:
    ((kind, name),) = to.items()
    target = read_source({**TICK, "to": to}).to
    assert (target.kind, target.name) == (kind, name.rstrip("/"))


FAULTS: list[tuple[Any, str]] = [
    ("metronome", 'the source: found "metronome", wanted a table'),
    ({}, 'the source: the key "type" is missing, wanted one of metronome, crononome, crontab'),
    ({"type": "metronom"}, 'the source, type: found "metronom", did you mean "metronome"?'),
    ({"type": "xyz"}, 'the source, type: found "xyz", wanted one of metronome, crononome, crontab'),
    ({"type": 7}, "the source, type: found 7, wanted one of metronome, crononome, crontab"),
    ({**TICK, "name": ""}, 'the source, name: found "", wanted a text'),
    ({**TICK, "intervall": 5}, 'the source: found the key "intervall", did you mean "interval"?'),
    ({**TICK, "entries": []}, 'the source: found the key "entries", wanted some of'),
    ({**TICK, "zzz": 1}, 'the source: found the key "zzz", wanted some of type, name, to'),
    ({"type": "metronome", "interval": 5}, 'the source: the key "to" is missing'),
    ({"type": "metronome", "to": TO}, 'the source: the key "interval" is missing'),
    (
        {**TICK, "interval": 9},
        "the source, interval: found 9, wanted a whole number of milliseconds from 10 to",
    ),
    ({**TICK, "interval": "1s"}, 'the source, interval: found "1s", wanted a whole number of milliseconds'),
    ({**TICK, "interval": 1.5}, "the source, interval: found 1.5, wanted a whole number"),
    ({**TICK, "interval": True}, "the source, interval: found true, wanted a whole number"),
    ({**TICK, "start": "noon"}, "the source, start: found 'noon', wanted an ISO 8601 time"),
    ({**TICK, "start": 5}, "the source, start: found 5, wanted an ISO 8601 time"),
    ({**TICK, "journal": "no"}, 'the source, journal: found "no", wanted true or false'),
    ({**TICK, "misfire": "on"}, 'the source, misfire: found "on", did you mean "once"?'),
    ({**TICK, "event": "tick"}, 'the source, event: found "tick", wanted "domain:type"'),
    ({**TICK, "event": "a:b:c"}, 'the source, event: found "a:b:c", wanted "domain:type"'),
    ({**TICK, "event": 5}, 'the source, event: found 5, wanted "domain:type"'),
    ({**TICK, "to": "kitchen"}, 'the source, to: found "kitchen", wanted a map, such as {"pico": "kitchen"}'),
    ({**TICK, "to": {}}, "the source, to: found none, wanted exactly one of pico, tag, rid, eci, url"),
    ({**TICK, "to": {"pico": "a", "rid": "b"}}, "the source, to: found pico and rid, wanted exactly one of"),
    ({**TICK, "to": {"picos": "a"}}, 'the source, to: found the key "picos", did you mean "pico"?'),
    ({**TICK, "to": {"pico": 5}}, "the source, to, pico: found 5, wanted a text"),
    ({**TICK, "to": {"url": "ftp://h/c/e"}}, 'the source, to, url: found "ftp://h/c/e", wanted "http://host'),
    (
        {**TICK, "to": {"url": "http://h/x/e"}},
        'the source, to, url: found "http://h/x/e", wanted "http://host',
    ),
    ({**TICK, "to": {"url": "http://h/c/"}}, 'the source, to, url: found "http://h/c/", wanted "http://host'),
    (
        {**TICK, "to": {"url": "http://u:p@h/c/5f0c21d8aa?key=1"}},
        'the source, to, url: found "http://h/c/5f0c21d8…?…", wanted "http://host',
    ),
    ({"type": "crononome", "to": TO}, 'the source: the key "entries" is missing'),
    ({**TRIGGER, "entries": []}, "the source, entries: found none, wanted at least one"),
    ({**TRIGGER, "entries": {"a": 1}}, "the source, entries: found {'a': 1}, wanted a list of tables"),
    ({**TRIGGER, "entries": ["a"]}, 'the source, entry 1: found "a", wanted a table'),
    ({**TRIGGER, "entries": [{"expr": "* * * * *"}]}, 'the source, entry 1: the key "name" is missing'),
    ({**TRIGGER, "entries": [{"name": "x"}]}, 'the source, entry 1 "x": the key "expr" is missing'),
    (with_entry(TRIGGER, expr="61 * * * *"), 'the source, entry 1 "test", expr: timespec "61 * * * *"'),
    (
        with_entry(TRIGGER, expr=5),
        'the source, entry 1 "test", expr: found int, wanted the text of a timespec',
    ),
    (with_entry(TRIGGER, tz="Mars"), 'the source, entry 1 "test", tz: '),
    (
        with_entry(TRIGGER, paylod=1),
        'the source, entry 1 "test": found the key "paylod", did you mean "payload"?',
    ),
    (with_entry(TRIGGER, when="x"), 'the source, entry 1 "test": found the key "when", wanted some of'),
    (with_entry(TRIGGER, payload={1, 2}), 'the source, entry 1 "test", payload: found {1, 2}, wanted JSON'),
    (with_entry(TRIGGER, payload=float("nan")), 'entry 1 "test", payload: found nan, wanted JSON'),
    (
        with_entry(TRIGGER, misfire=1),
        'the source, entry 1 "test", misfire: found 1, wanted one of once, skip, all',
    ),
    (
        {**TRIGGER, "entries": [TEST, TEST]},
        'the source: found two entries named "test", wanted names that differ',
    ),
    (
        {**TABLE, "entries": [{"name": "x", "when": "@daily"}]},
        'the source, entry 1 "x": found no event, wanted',
    ),
    (with_entry(TABLE, attrs=[1]), 'the source, entry 1 "nightly", attrs: found [1], wanted a map'),
    (with_entry(TABLE, event="x"), 'the source, entry 1 "nightly", event: found "x", wanted "domain:type"'),
    ({**TABLE, "tz": "Nowhere"}, 'the source, entry 1 "nightly", tz: '),
    ({**TABLE, "file": "tab"}, "the source: found both entries and file, wanted one of them"),
    (
        {"type": "crontab", "to": TO, "file": "tab"},
        "the source, file: only picosched.toml and Python may name",
    ),
]


@pytest.mark.parametrize(("given", "told"), FAULTS, ids=[told for _, told in FAULTS])
def test_a_fault_names_its_place(given: Any, told: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        read_source(given)
    assert told in str(caught.value)


def test_a_named_source_is_named_in_its_faults() -> None:
    with pytest.raises(PicoschedError, match=r'^the source "tick", interval: found 1, wanted'):
        read_source({**TICK, "name": "tick", "interval": 1})


# ---- the configuration file -------------------------------------------------------------------------

TOML = """
[engine]
granularity = 1

[[source]]
type = "metronome"
name = "tick"
interval = 250
start = 2026-03-01T00:00:00Z
to = { pico = "kitchen" }

[[source]]
type = "crononome"
to = { tag = "app" }
[[source.entries]]
name = "test"
expr = "* * * * * *"
payload = { at = 2026-03-01T00:00:00Z, day = 2026-03-01, n = [1, 2.5, true] }

[[source]]
type = "crontab"
name = "table"
to = { rid = "backup" }
tz = "Europe/Berlin"
file = "tab"
"""


def loaded(tmp_path: Path, text: str) -> tuple[Source, ...]:
    (tmp_path / "picosched.toml").write_text(text)
    return load_sources(tmp_path / "picosched.toml")


def test_sources_are_read_from_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "tab").write_text("5 4 * * * /bin/true\n")
    tick, trigger, table = loaded(tmp_path, TOML)
    assert (tick.name, tick.interval) == ("tick", 250)
    assert trigger.entries[0].attrs == {
        "at": "2026-03-01T00:00:00Z",
        "day": "2026-03-01",
        "n": [1, 2.5, True],
    }
    assert table.entries[0].timespec == Timespec.parse("5 4 * * *", "Europe/Berlin")
    assert read_source(table.given, again=True) == table


def test_a_file_that_is_not_there_has_no_sources(tmp_path: Path) -> None:
    assert load_sources(tmp_path / "picosched.toml") == ()


FILE_FAULTS = [
    ("source = 5", "source: found 5, wanted tables [[source]]"),
    ("[[source]]\ntype = 'metronome'", '[[source]] 1: the key "to" is missing'),
    ("[[source", "is not TOML"),
    (
        "[[source]]\ntype='metronome'\nname='a'\ninterval=10\nto={pico='a'}\n" * 2,
        'found two sources named "a", wanted names that differ',
    ),
    ("[[source]]\ntype='crontab'\nto={pico='a'}\nfile='nosuch'", "[[source]] 1, file: there is no file"),
]


@pytest.mark.parametrize(("text", "told"), FILE_FAULTS, ids=[told for _, told in FILE_FAULTS])
def test_a_fault_of_the_file_names_the_table(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        loaded(tmp_path, text)
    assert "picosched.toml" in str(caught.value) and told in str(caught.value)


def test_a_payload_that_has_no_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PicoschedError, match="more than 100 levels"):
        read_source(with_entry(TRIGGER, payload=endless))


# ---- on an engine -----------------------------------------------------------------------------------


def test_a_source_needs_the_pico_that_it_names() -> None:
    with Engine(clock=VirtualClock()) as engine:
        for to, told in (({"pico": "kitchen"}, "no pico kitchen"), ({"eci": "x"}, "no channel x")):
            with pytest.raises(PicoschedError, match=f"there is {told}") as caught:
                engine.add_source({**TICK, "to": to})
            assert caught.value.code == "not_found"
        engine.new_pico("kitchen")
        engine.new_pico("kitchen")
        with pytest.raises(PicoschedError, match="2 picos have the name kitchen"):
            engine.add_source(TICK)
        assert engine.sources() == []


def test_a_name_is_that_of_one_source() -> None:
    with Engine(clock=VirtualClock()) as engine:
        source = {**TICK, "name": "tick", "to": {"pico": "root"}}
        engine.add_source(source)
        with pytest.raises(PicoschedError, match='there is a source "tick" already') as caught:
            engine.add_source(source)
        assert caught.value.code == "conflict"
        assert engine.remove_source("tick")
        assert not engine.remove_source("tick")
        assert engine.add_source(source)


def test_sources_that_are_too_large_are_refused() -> None:
    large = with_entry({**TRIGGER, "to": {"pico": "root"}}, payload="x" * 200)
    with (
        Engine(clock=VirtualClock(), max_attrs_bytes=100) as engine,
        pytest.raises(PicoschedError, match="the source of"),
    ):
        engine.add_source(large)
