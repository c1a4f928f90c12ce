"""A pico that moves: the document has all of it, and where it is put in it goes on as it was."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from racing import race

from picosched import Engine, Filter, PicoRef, PicoschedError, VirtualClock
from picosched.pico.event import Event
from picosched.schedule.scheduled import Outcome

START, LATER = "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"

CLERK = """
ruleset clerk {
  meta {
    use module stamp
    configure using greeting = "hello"
    shares seen, kept, say
  }
  global {
    seen = function() { ent:seen.defaultsTo(0) }
    kept = function() { ent:kept }
    say = function() { greeting + stamp:mark() }
  }
  rule keep { select when clerk keep always { ent:kept := event:attrs{"value"} } }
  rule pair {
    select when clerk first then clerk second
    send_directive("pair", {})
  }
  rule two {
    select when count 3 (clerk knock)
    send_directive("open", {})
  }
  rule plan {
    select when clerk plan
    always { schedule clerk event "rang" at event:attrs{"at"} attributes {"n": event:attrs{"n"}} }
  }
  rule often {
    select when clerk often
    always { schedule clerk event "rang" repeat event:attrs{"spec"} if event:attrs{"spec"} }
  }
  rule rang {
    select when clerk rang
    send_directive("rang", event:attrs)
    always { ent:seen := seen() + 1 }
  }
}
"""
STAMP = 'ruleset stamp { meta { provides mark } global { mark = function() { "!" } } }\n'


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "old.db", clock, min_period=0, granularity=1, seed=1) as engine:
        yield engine


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "new.db", VirtualClock(START), min_period=0, granularity=1, seed=2) as engine:
        yield engine


@pytest.fixture
def office(engine: Engine) -> PicoRef:
    """A pico in the midst of its work."""
    office = engine.new_pico("office")
    office.install(STAMP)
    office.install(CLERK, {"greeting": "good day"})
    office.new_channel(["app"], ["clerk:*"], ["clerk:seen"], ["clerk:often"])
    office.raise_event("clerk", "keep", {"value": {"big": 2**80, "list": [1, None, "ä"]}})
    office.raise_event("clerk", "first")
    office.raise_event("clerk", "knock")
    office.raise_event("clerk", "plan", {"at": LATER, "n": 1})
    office.raise_event("clerk", "plan", {"at": "2026-03-02T00:00:00Z", "n": 2})
    office.raise_event("clerk", "often", {"spec": "0 * * * *"})
    assert not [error for entry in office.journal() for error in entry.errors]
    first, *_ = [row for row in office.scheduled() if row.kind == "at"]
    office.pause(first.id, "2026-03-01T18:00:00Z")
    engine.run_until("2026-03-01T02:30:00Z")
    return office


def through_text(document: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(document))
    return read


def moved(office: PicoRef, other: Engine, **options: Any) -> PicoRef:
    other.clock.set(office.engine.now())  # type: ignore[attr-defined]
    return other.import_pico(through_text(office.engine.export_pico(office.id, history=True)), **options)


def same(document: dict[str, Any]) -> dict[str, Any]:
    """What does not change on the way: all but the time it was written."""
    return {name: value for name, value in document.items() if name != "exported"}


def test_a_pico_that_moved_is_written_as_the_same_document(office: PicoRef, other: Engine) -> None:
    before = office.engine.export_pico("office", history=True)
    assert (len(before["scheduled"]), len(before["fires"]), len(before["journal"])) == (3, 2, 8)
    assert {rule for each in before["rulesets"] for rule in each["waiting"]} == {"pair", "two"}
    there = moved(office, other, keep_ecis=True)
    assert same(other.export_pico(there.id, history=True)) == same(before)
    assert (there.id == office.id, there.name, there.parent) == (False, "office", other.root)


def test_it_goes_on_where_it_was(office: PicoRef, other: Engine) -> None:
    there = moved(office, other)
    assert there.query("clerk", "seen") == 2
    assert there.query("clerk", "kept")["big"] == 2**80
    assert there.query("clerk", "say") == "good day!"
    assert [each.name for each in there.raise_event("clerk", "second").directives] == ["pair"]
    assert there.raise_event("clerk", "knock").directives == []
    assert [each.name for each in there.raise_event("clerk", "knock").directives] == ["open"]
    (channel,) = there.channels()
    assert channel.eci != office.channels()[0].eci
    with pytest.raises(PicoschedError, match=r"clerk:often"):
        other.raise_event(channel.eci, "clerk", "often")


def test_what_is_scheduled_fires_there_once_and_at_its_time(office: PicoRef, other: Engine) -> None:
    there = moved(office, other)
    other.run_until("2026-03-02T00:00:00Z")
    fires = [(fire.id, fire.nominal) for fire in there.history(limit=1000)]
    assert len({*fires}) == len(fires)
    ran = [each for each in there.history(limit=1000) if each.outcome in (Outcome.FIRED, Outcome.LATE)]
    # 24 hours, the `at` of midnight, and the one that was paused until six
    assert len(ran) == 24 + 1 + 1
    assert there.query("clerk", "seen") == 26


@pytest.mark.parametrize(("misfire", "raised"), [("once", 1), ("skip", 0), ("all", 5)])
def test_what_was_due_on_the_way_is_dealt_with_as_missed(
    tmp_path: Path, office: PicoRef, misfire: str, raised: int
) -> None:
    document = through_text(office.engine.export_pico(office.id))
    clock = VirtualClock("2026-03-01T07:30:00Z")
    with Engine(tmp_path / "late.db", clock, min_period=0, granularity=1, misfire=misfire) as late:
        there = late.import_pico(document)
        assert late.run_due() == raised
        assert there.query("clerk", "seen") == 2 + raised
        assert sum(each.stands_for for each in there.history()) == 1 + 5  # the last fire came along


def test_ids_stay_unless_they_are_taken(office: PicoRef, other: Engine) -> None:
    ids = {row.id for row in office.scheduled()}
    first, second = moved(office, other), moved(office, other, name="again")
    assert {row.id for row in first.scheduled()} == ids
    assert not {row.id for row in second.scheduled()} & ids
    assert len(second.history()) == len(first.history()) == 2
    assert {fire.id for fire in second.history()} <= {row.id for row in second.scheduled()}
    copy = office.engine.import_pico(office.engine.export_pico(office.id), name="copy")
    assert not {row.id for row in copy.scheduled()} & ids


def test_without_history_only_the_last_fires_come_along(office: PicoRef) -> None:
    document = office.engine.export_pico(office.id)
    assert (len(document["fires"]), document["journal"]) == (1, [])
    assert document["fires"][0]["nominal"] == "2026-03-01T02:00:00Z"


def test_it_is_put_under_a_parent_and_gets_a_name(office: PicoRef, other: Engine) -> None:
    house = other.new_pico("house")
    there = moved(office, other, parent=house, name="study")
    assert (there.name, there.parent) == ("study", house)
    with pytest.raises(PicoschedError, match="there is a pico study already"):
        moved(office, other, name="study")
    with pytest.raises(PicoschedError, match="there is no pico nosuch"):
        moved(office, other, parent="nosuch")


def test_an_eci_that_is_taken_is_a_conflict(office: PicoRef) -> None:
    document = office.engine.export_pico(office.id)
    with pytest.raises(PicoschedError, match="there is a channel") as raised:
        office.engine.import_pico(document, name="copy", keep_ecis=True)
    assert raised.value.code == "conflict"
    assert [each.name for each in office.engine.picos()] == ["root", "office"]


def test_a_database_that_somebody_has_is_exported(office: PicoRef, tmp_path: Path) -> None:
    before = office.engine.export_pico(office.id)
    with Engine(tmp_path / "old.db", office.engine.clock, readonly=True) as reader:
        assert same(reader.export_pico("office")) == same(before)
        with pytest.raises(PicoschedError, match="opened readonly"):
            reader.import_pico(before, name="copy")


WRONG: list[tuple[list[Any], Any, str]] = [
    (["format"], "other", 'found no format, wanted "picosched pico"'),
    (["version"], 2, "found the version 2, wanted 1"),
    (["more"], 1, 'found the field "more"'),
    (["name"], "", "empty name of a pico"),
    (["name"], 7, "name: found 7, wanted a text"),
    (["rulesets"], None, "rulesets: found None, wanted a list"),
    (["rulesets", 0, "text"], "no ruleset\n", "wanted `ruleset`"),
    (["rulesets", 0, "rid"], "stump", "found the ruleset stamp in the text of stump"),
    (["rulesets", 1, "text"], CLERK.replace("module stamp", "module gone alias stamp"), "module gone is not"),
    (["rulesets", 1, "waiting", "pair"], 1, "found no state of the event expression of pair"),
    (["rulesets", 1, "waiting", "gone"], {"states": [], "bindings": {}, "since": 1}, "of the rule gone"),
    (["rulesets", 1, "config"], [], "config: found [], wanted a map"),
    (["rulesets", 1, "rid"], "\ud800", "wanted a text without half characters"),
    (["channels", 0, "events", "allow"], ["clerk"], 'found the pattern "clerk"'),
    (["channels", 0, "tags"], "app", "tags: found 'app', wanted a list of texts"),
    (["scheduled", 0], 5, "scheduled[0]: found 5, wanted a map"),
    (["scheduled", 1, "due"], "soon", "scheduled[1].due"),
    (["scheduled", 1, "due"], None, 'nothing that is "due"'),
    (["scheduled", 1, "rid"], "gone", "found gone, wanted a ruleset of the document"),
    (["scheduled", 1, "event"], "clerk", "an empty id or event"),
    (["scheduled", 1, "status"], "asleep", 'found "asleep", wanted one of pending, paused'),
    (["scheduled", 1, "timespec"], "61 * * * *", "scheduled[1]: "),
    (["scheduled", 1, "kind"], "proc", 'kind "proc"'),
    (["scheduled", 1, "fires"], True, "fires: found true, wanted a whole number"),
    (["scheduled", 1, "jitter"], -1, "found -1, wanted a number from 0 to 604,800"),
    (["fires", 0, "outcome"], "lost", 'found "lost"'),
    (["fires", 0, "rules"], [1], "rules: found [1], wanted a list of texts"),
    (["journal", 0, "handled"], {}, "journal[0].handled: found {}, wanted a list of maps"),
]


@pytest.mark.parametrize(("place", "value", "told"), WRONG, ids=lambda case: None)
def test_a_wrong_document_is_told_and_nothing_is_done(
    office: PicoRef, other: Engine, place: list[Any], value: Any, told: str
) -> None:
    document = copy.deepcopy(office.engine.export_pico(office.id, history=True))
    at: Any = document
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    other.root.install(STAMP)
    before = other.store.changes
    with pytest.raises(PicoschedError) as raised:
        other.import_pico(document)
    assert told in str(raised.value)
    assert raised.value.code in ("invalid", "not_found")
    assert [each.name for each in other.picos()] == ["root"]
    assert (other.store.changes >= before, other.journal(), other.scheduled()) == (True, [], [])
    assert moved(office, other).query("clerk", "seen") == 2


def test_what_stands_twice_is_told(office: PicoRef, other: Engine) -> None:
    for part in ("rulesets", "channels", "scheduled", "fires"):
        document = office.engine.export_pico(office.id, history=True)
        document[part].append(document[part][0])
        with pytest.raises(PicoschedError, match="twice"):
            other.import_pico(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, database=None)
@given(value=JSON)
def test_every_value_of_a_variable_arrives_as_it_was(value: Any) -> None:
    with Engine(clock=VirtualClock(START)) as old, Engine(clock=VirtualClock(START)) as new:
        old.root.install(STAMP)
        old.root.install(CLERK)
        old.root.raise_event("clerk", "keep", {"value": value})
        there = new.import_pico(through_text(old.export_pico(old.root.id)), name="there")
        found, wanted = there.query("clerk", "kept"), old.root.query("clerk", "kept")
        assert json.dumps(found) == json.dumps(wanted)


def test_windows_of_the_new_engine_hold(tmp_path: Path) -> None:
    text = """ruleset desk {
      rule open { select when window opened where event:attrs{"name"} == "office" send_directive("open", {}) }
    }"""
    with Engine(clock=VirtualClock(START)) as old:
        old.root.install(text)
        document = old.export_pico(old.root.id)
    with Engine(clock=VirtualClock(START)) as new:
        there = new.import_pico(document, name="desk")
        assert [row.kind for row in there.scheduled()] == [row["kind"] for row in document["scheduled"]]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
HOSTILE: list[Any] = [
    None, True, -1, 0, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, 10**5000, 0.5, 1e308,
    inf, -inf, nan, "", "x", "\ud800", "x" * 5000, "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00Z",
    [], [[]], ["\ud800"], {}, {"a": 1}, {"\ud800": 1}, {1: 2}, nested(250), nested(30_000), ENDLESS, b"b",
    {1}, "pending", "paused", "cancelled", "window", "repeat",
]  # fmt: skip


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document, however deep."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*place, key)
        yield from places(item, (*place, key))


def with_value(document: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = through_text(document)
    at: Any = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return changed


def all_of(engine: Engine) -> list[Any]:
    """What there is, of all kinds that an import makes."""
    rows = engine.agenda.scheduled(Filter(status=()))
    return [engine.picos(), rows, engine.history(limit=1000), engine.journal(limit=1000)]


def check_hostile(document: dict[str, Any], other: Engine) -> None:
    """It is refused with nothing done, or it is a pico that works."""
    before = all_of(other)
    try:
        there = other.import_pico(document, name="there")
    except PicoschedError as error:
        assert error.code in ("invalid", "too_large", "not_found", "conflict"), error
        assert all_of(other) == before
        return
    for type in ("first", "second", "knock"):
        there.raise_event("clerk", type)
    other.run_due()
    assert not [error for entry in there.journal() for error in entry.errors if "Error:" in error]
    assert all(each.fired is not None for each in there.journal())
    other.export_pico(there.id, history=True)
    there.delete()


@pytest.mark.slow
def test_whatever_a_document_holds_it_is_refused_or_works(office: PicoRef, other: Engine) -> None:
    document = through_text(office.engine.export_pico(office.id, history=True))
    other.clock.set("2026-03-01T02:30:00Z")  # type: ignore[attr-defined]

    @settings(max_examples=80, deadline=None, database=None)
    @given(place=st.sampled_from([*places(document)]), value=st.sampled_from(HOSTILE))
    def check(place: tuple[Any, ...], value: Any) -> None:
        check_hostile(with_value(document, place, value), other)

    check()


WHERE_NUMBERS_STAND = [
    ("version",),
    *(("scheduled", 1, name) for name in ("line", "fires", "count", "jitter")),
    *(("fires", 0, name) for name in ("stands_for", "lateness")),
    ("rulesets", 1, "variables", "seen"),
    ("rulesets", 1, "waiting", "two", "states", 0, 0),
    ("rulesets", 1, "waiting", "pair", "since"),
    ("journal", 0, "handled", 0, "considered", 0, "line"),
    ("journal", 7, "directives", 0, "handled"),
]


@pytest.mark.parametrize("place", WHERE_NUMBERS_STAND, ids=lambda place: "-".join(map(str, place)))
def test_whatever_number_a_document_holds_it_is_refused_or_works(
    office: PicoRef, other: Engine, place: tuple[Any, ...]
) -> None:
    document = through_text(office.engine.export_pico(office.id, history=True))
    for value in (2**53 + 1, 2**63, -(2**63) - 1, 10**400, 10**5000, 1e308, inf, -inf, nan, -1, 0.5, True):
        check_hostile(with_value(document, place, value), other)


def test_a_document_at_fault_concerns_nobody_else(office: PicoRef, other: Engine) -> None:
    """Others are in the transaction in which it fails, halfway."""
    document = through_text(office.engine.export_pico(office.id))
    document["rulesets"][0]["rid"] = "stump"
    other.root.install(CLERK.replace("use module stamp", "").replace("greeting + stamp:mark()", "1"))
    eci = other.root.new_channel().eci
    events = [Event("clerk", "keep", {"value": n}, f"e{n}", other.now(), eci) for n in range(20)]

    def arrive() -> None:
        for _ in range(20):
            with pytest.raises(PicoschedError, match="found the ruleset stamp"):
                other.import_pico(document)

    outcomes = race(arrive, *[lambda: [other.raise_some([each])[0] for each in events]] * 3)
    assert [turn.errors for turns in outcomes[1:] for turn in turns] == [[]] * 60
    assert len(other.journal()) == 60


def test_what_is_due_and_on_record_is_refused(office: PicoRef, other: Engine) -> None:
    """Its occurrence could never be settled: the record of it is unique."""
    document = through_text(office.engine.export_pico(office.id, history=True))
    (repeat,) = [row for row in document["scheduled"] if row["kind"] == "repeat"]
    document["fires"][0]["nominal"] = repeat["due"]
    with pytest.raises(PicoschedError, match="a record of that time, wanted one of the two"):
        other.import_pico(document)


def test_a_pico_whose_clock_was_set_back_moves(office: PicoRef, other: Engine, clock: VirtualClock) -> None:
    """A repeat that somebody made anew then is due before its last record."""
    (repeat,) = [row for row in office.scheduled() if row.kind == "repeat"]
    clock.set("2026-03-01T00:30:00Z")
    office.engine.agenda.reschedule([repeat.id], "15 * * * *")
    (repeat,) = [row for row in office.scheduled() if row.kind == "repeat"]
    assert repeat.due is not None and repeat.due < office.history()[0].nominal
    there = moved(office, other)
    other.run_until("2026-03-01T04:00:00Z")
    assert [f"{fire.nominal:%H:%M}" for fire in there.history(limit=3)] == ["03:15", "02:15", "01:15"]


@pytest.mark.parametrize(
    "select",
    [
        "t a or t b before t c",
        "any 2 (t a, t b, t c then t d)",
        "t a not between(t b, t c)",
        "count 3 (t a and t b)",
        "repeat 2 (t a before t b) max(x)",
        "t a before t b within 5 minutes",
        "(t a then t b within 1 hours) and t c",
    ],
)
def test_each_state_in_which_an_expression_waits_moves(select: str) -> None:
    text = f"ruleset waits {{ rule waits {{ select when {select} send_directive('x', {{}}) }} }}"
    text = text.replace("'", '"')

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.lists(st.sampled_from("abcd"), max_size=6))
    def check(types: list[str]) -> None:
        for type in types:
            old.root.raise_event("t", type)
        new.import_pico(through_text(old.export_pico(old.root.id)), name="there").delete()

    with Engine(clock=VirtualClock(START)) as old, Engine(clock=VirtualClock(START)) as new:
        old.root.install(text)
        check()
