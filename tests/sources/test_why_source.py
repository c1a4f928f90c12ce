"""`why` of sources: of an entry as of a schedule, of a source with a link for each entry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from picosched import Engine, VirtualClock
from picosched.schedule.chain import Why
from picosched.sources.reading import read_source

RULES = """ruleset disks {
  rule full { select when probe disk if event:attrs{"used"} > 90 then noop() }
}"""
ENTRIES = [
    {"name": "disk", "when": "0 * * * *", "event": "probe:disk", "attrs": {"used": 50}},
    {"name": "net", "when": "30 5 * * *", "event": "probe:net"},
]
FALSE = 'notfired: its condition on line 2 is false: event:attrs{"used"} was 50'


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T00:00:00Z"), seed=1) as engine:
        engine.root.install(RULES)
        for name, to in (("probe", {"pico": "root"}), ("round", {"rid": "disks"})):
            engine.add_source({"type": "crontab", "name": name, "to": to, "entries": ENTRIES})
        engine.add_source(
            {"type": "metronome", "name": "tick", "to": {"pico": "root"}, "interval": 3_600_000}
        )
        engine.run_until("2026-03-01T06:10:00Z")
        yield engine


def broke(why: Why) -> tuple[str, str]:
    assert why.broke is not None
    return why.broke.name, why.broke.text


def test_an_entry_is_asked_for_by_its_name_and_its_id(engine: Engine) -> None:
    why = engine.why("probe/disk")
    assert [each.name for each in why.links] == ["declared", "timetable", "raised", "disks.full"]
    assert (why.what, why.links[1].text) == (
        "probe:disk (probe/disk)",
        "every hour; next at 2026-03-01T07:00:00Z",
    )
    assert broke(why) == ("disks.full", FALSE)
    assert why.instead == '`event:attrs{"used"}` 91 (it was 50)'
    (entry, _) = engine.source("probe").entries
    assert engine.why(entry.id) == engine.why(entry.id[:8]) == why


def test_a_source_has_a_link_for_each_entry(engine: Engine) -> None:
    why = engine.why("probe")
    assert [(each.name, each.text) for each in why.links] == [
        ("probe/disk", f"disks.full: {FALSE}"),
        ("probe/net", "selected: no rule selects probe:net: the event reached nobody"),
    ]
    assert engine.why(engine.source("probe").id).links == why.links


def test_an_event_for_many_picos_leads_to_its_turns(engine: Engine) -> None:
    assert broke(engine.why("round/disk")) == ("root: disks.full", FALSE)
    assert engine.why("round/disk").links[2].text.endswith(": sent to 1 pico")


def test_a_time_is_on_record_or_none_of_its_times(engine: Engine) -> None:
    raised = engine.why("probe/disk", "2026-03-01T03:00:00Z").links[2]
    assert raised.text.startswith("at 2026-03-01T03:00:00Z, 0 s after")
    off = engine.why("probe/net", "2026-03-01T06:30:00Z")
    assert broke(off)[0] == "timetable" and off.instead == "23 h later, at 2026-03-02T05:30:00Z"
    early = engine.why("probe/net", "2026-02-01T06:30:00Z")
    assert broke(early)[0] == "declared"
    between = engine.why_between("probe", "2026-03-01T03:00:00Z", "2026-03-01T05:30:00Z")
    assert [each.what.rpartition("T")[2] for each in between] == [
        "03:00:00Z", "04:00:00Z", "05:00:00Z", "05:30:00Z",
    ]  # fmt: skip


def test_a_metronome_is_counted_and_a_pause_is_told(engine: Engine) -> None:
    counted = engine.why("tick").links[2]
    assert counted.held and "only counted; the last was fired at 2026-03-01T06:00:00Z" in counted.text
    engine.pause_source("tick", "2026-03-02T00:00:00Z")
    assert broke(engine.why("tick")) == ("paused", "its source is, until 2026-03-02T00:00:00Z")


def test_a_crontab_is_asked_for_by_its_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("0 4 * * * /bin/date\n15 4 * * * /bin/true\n")
    declared = {"type": "crontab", "name": "night", "file": "jobs", "to": {"pico": "root"}}
    engine.add_sources([read_source(declared, folder=tmp_path)])
    engine.run_until("2026-03-02T04:05:00Z")
    why = engine.why("jobs")
    assert [(each.held, each.text.partition(":")[0]) for each in why.links] == [
        (False, "selected"), (True, "to come"),
    ]  # fmt: skip
