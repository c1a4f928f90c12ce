"""Several engines on one PostgreSQL database, each as a machine would have one, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from postgres_server import Server
from racing import PATIENCE, meanwhile, race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.clock import SystemClock, ticks
from picosched.engine.pico import PicoRef
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.sources.reading import read_source
from picosched.store.machines import SILENT_MS
from picosched.store.postgres.machines import PostgresMachines
from picosched.store.shards import shard_of

FIRES = """SELECT scheduled.pico, count(*) FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
    WHERE scheduled.type = 'beat' AND fire.outcome IN ('fired', 'late', 'coalesced') GROUP BY 1"""
TURNS = "SELECT pico, count(*) FROM journal WHERE scheduled IS NOT NULL GROUP BY 1"
ASKING = """ruleset asking {
  rule now { select when asking now
    pre { total = ctx:query(event:attr("eci"), "beats", "total") }
    send_directive("total", {"total": total}) }
}"""
RUNNING = """ruleset running {
  meta { shares outcomes }
  global { outcomes = function() { ent:outcomes.defaultsTo([]) } }
  rule now { select when running now proc:run("/bin/sleep", ["1"]) }
  rule ended { select when proc finished
    always { ent:outcomes := outcomes().append(event:attr("outcome")) } }
}"""
LOOKING = """ruleset looking {
  rule plan { select when looking plan always { schedule looking event "up" at time:now() } }
  rule up { select when looking up http:get("http://far.example/") setting(answer) }
}"""
START = "2026-03-01T00:00:00Z"
BEATS = """ruleset beats {
  meta { shares seen, total, of_all }
  global {
    seen = function() { ent:seen.defaultsTo([]) }
    total = function() { ent:total.defaultsTo(0) }
    of_all = function() { app:total.defaultsTo(0) }
  }
  rule plan { select when beats plan
    foreach [1, 2, 3] setting (n)
    always { schedule beats event "beat" repeat "* * * * * *" attributes {"n": n} } }
  rule beat { select when beats beat
    always { ent:seen := seen().append(event:attr("n")); ent:total := total() + 1 } }
  rule count { select when beats count always { ent:total := total() + 1 } }
  rule all { select when beats all always { app:total := of_all() + 1 } }
  rule send { select when beats send
    event:send({"eci": event:attr("to"), "domain": "beats", "type": "count"}) }
}"""


@pytest.fixture
def address(postgres: Server) -> str:
    return postgres.emptied_database()


@pytest.fixture
def opened(address: str) -> Iterator[Callable[..., Engine]]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            Engine(address, **{"granularity": 1, "min_period": 0, **options})
        )


def on(engine: Engine, pico: PicoRef) -> PicoRef:
    return PicoRef(pico.id, pico.name, engine)


def furnished(engine: Engine, number: int) -> list[PicoRef]:
    picos = [engine.new_pico(f"p{each}") for each in range(number)]
    for pico in picos:
        pico.install(BEATS)
    return picos


def times(work: Callable[[int], Any], number: int) -> Callable[[], None]:
    def run() -> None:
        for each in range(number):
            work(each)

    return run


def test_two_that_start_at_once_make_one_root(postgres: Server) -> None:
    address = postgres.new_database()
    first, second = race(lambda: Engine(address), lambda: Engine(address))
    assert first.root.id == second.root.id and len(second.picos()) == 1
    first.close()
    second.close()


def test_events_of_one_pico_through_two_engines_are_all_counted(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    picos = furnished(one, 3)

    def counts(engine: Engine) -> Callable[[], None]:
        return times(lambda n: on(engine, picos[n % 3]).raise_event("beats", "count"), 60)

    race(counts(one), counts(two), counts(one), counts(two))
    for engine in (one, two):
        assert [on(engine, pico).query("beats", "total") for pico in picos] == [80, 80, 80]


def test_what_one_answered_the_other_answers_too(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    (pico,) = furnished(one, 1)
    channel = pico.new_channel()
    for number in range(1, 6):
        for engine in (one, two):
            engine.raise_event(channel.eci, "beats", "count")
        assert on(one, pico).query("beats", "total") == on(two, pico).query("beats", "total") == 2 * number
    pico.delete_channel(channel.eci)
    with pytest.raises(Exception, match="no channel"):
        two.raise_event(channel.eci, "beats", "count")


def test_shared_variables_lose_no_update(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    picos = furnished(one, 4)
    race(
        times(lambda n: on(one, picos[n % 2]).raise_event("beats", "all"), 40),
        times(lambda n: on(two, picos[2 + n % 2]).raise_event("beats", "all"), 40),
    )
    assert picos[0].query("beats", "of_all") == on(two, picos[3]).query("beats", "of_all") == 80


def test_messages_between_shards_arrive_once(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    picos = furnished(one, 6)
    ecis = [pico.new_channel().eci for pico in picos]

    def sends(engine: Engine) -> Callable[[], None]:
        def send(n: int) -> None:
            on(engine, picos[n % 6]).raise_event("beats", "send", {"to": ecis[(n * 5 + 1) % 6]})
            engine.run_due()

        return times(send, 30)

    race(sends(one), sends(two))
    one.run_due()
    assert sum(on(two, pico).query("beats", "total") for pico in picos) == 60


def test_both_believe_that_all_is_theirs_and_yet_each_time_fires_once(
    opened: Callable[..., Engine], address: str, postgres: Server
) -> None:
    """Neither was started, so both see all that is due."""
    clocks = VirtualClock(START), VirtualClock(START)
    one, two = (opened(clock=clock, misfire="all") for clock in clocks)
    picos = furnished(one, 8)
    for pico in picos:
        pico.raise_event("beats", "plan")

    def ticks(engine: Engine, clock: VirtualClock) -> Callable[[], None]:
        def tick(_: int) -> None:
            clock.advance(seconds=1)
            engine.run_due()

        return times(tick, 60)

    race(ticks(one, clocks[0]), ticks(two, clocks[1]))
    checked(picos, postgres, address)
    assert picos[0].query("beats", "total") == 3 * 60


def shards_of(engine: Engine) -> list[int]:
    assert engine.store.machines is not None
    return sorted(engine.store.machines.own or ())


def test_machines_share_the_shards_and_hand_them_over(
    opened: Callable[..., Engine], address: str, postgres: Server
) -> None:
    one, two, three = opened(), opened(), opened()
    picos = furnished(one, 12)
    one.start()
    assert len(shards_of(one)) == 256
    two.start()
    until(lambda: len(shards_of(one)) == len(shards_of(two)) == 128)
    for pico in picos:
        on(three, pico).raise_event("beats", "plan")  # it takes no part, and tells the others
    three.start()
    until(lambda: sorted(len(shards_of(each)) for each in (one, two, three)) == [85, 85, 86])
    assert sorted(shards_of(one) + shards_of(two) + shards_of(three)) == [*range(256)]
    until(lambda: sum(pico.query("beats", "total") for pico in picos) > 50)
    one.stop()
    until(lambda: len(shards_of(two)) == len(shards_of(three)) == 128)
    before = [on(two, pico).query("beats", "total") for pico in picos]
    until(
        lambda: all(
            on(two, pico).query("beats", "total") > was for pico, was in zip(picos, before, strict=True)
        )
    )
    for each in (two, three):
        each.stop()
    checked(picos, postgres, address)


def test_one_that_waits_for_an_answer_is_leaving_and_hands_all_else_over(
    opened: Callable[..., Engine],
) -> None:
    asked, answered = threading.Event(), threading.Event()

    def ask(request: HttpRequest) -> HttpResponse:
        asked.set()
        assert answered.wait(PATIENCE)
        return HttpResponse(200, "OK")

    one, two = opened(outside=ask), opened()
    pico, *others = furnished(one, 8)
    pico.install(LOOKING)
    one.start()
    for each in others:
        each.raise_event("beats", "plan")
    pico.raise_event("looking", "plan")
    assert asked.wait(PATIENCE)
    stopping = threading.Thread(target=one.stop, args=(PATIENCE,))
    stopping.start()
    until(lambda: [each.state for each in two.machines()] == ["leaving"], two.machines)
    two.start()
    until(lambda: len(shards_of(two)) == 255, two.machines)
    assert [each.state for each in two.machines()] == ["leaving", "up"]
    assert shards_of(one) == [shard_of(pico.id)]  # where something is under way
    own = [on(two, each) for each in others if shard_of(each.id) != shard_of(pico.id)]
    before = [each.query("beats", "total") for each in own]
    until(lambda: all(each.query("beats", "total") > was for each, was in zip(own, before, strict=True)))
    answered.set()
    stopping.join(PATIENCE)
    until(lambda: [(each.state, len(each.shards)) for each in two.machines()] == [("up", 256)], two.machines)
    assert len(one.history(pico.id)) == 1


def test_two_that_are_sure_to_have_all_shards_fire_each_time_once(
    opened: Callable[..., Engine], address: str, postgres: Server
) -> None:
    """Placement is wrong on purpose, again and again, while both are at work."""
    one, two = opened(misfire="all"), opened(misfire="all")
    picos = furnished(one, 8)
    for engine in (one, two):
        engine.start()
    for pico in picos:
        pico.raise_event("beats", "plan")

    def mislead() -> None:
        for engine in (one, two):
            machines = engine.store.machines
            assert isinstance(machines, PostgresMachines)
            machines._have(frozenset(range(256)))
            engine.look_again()

    fired = "SELECT count(*) FROM fire"
    meanwhile(lambda: until(lambda: postgres.ask(fired, address)[0][0] > 24 * 4), mislead)
    for engine in (one, two):
        engine.stop()
    checked(picos, postgres, address)


def test_a_configured_source_is_there_once(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    declared = [read_source({"type": "metronome", "interval": 1000, "to": {"pico": "root"}})]
    race(lambda: one.bring_sources(declared), lambda: two.bring_sources(declared))
    assert len(one.sources()) == len(two.sources()) == 1


def test_a_family_is_deleted_while_events_come(
    opened: Callable[..., Engine], postgres: Server, address: str
) -> None:
    one, two = opened(), opened()
    (parent,) = furnished(one, 1)
    children = [one.new_pico(f"c{number}", parent) for number in range(12)]
    for child in children:
        child.install(BEATS)

    def events() -> None:
        with suppress(PicoschedError):
            while True:
                for child in children:
                    on(two, child).raise_event("beats", "count")

    race(events, lambda: one.pico(parent.id).delete())
    assert [pico.name for pico in two.picos()] == ["root"]
    for table in ("entity", "installed", "coming"):
        assert postgres.ask(f"SELECT count(*) FROM {table}", address) == [(0,)]


def test_a_rule_asks_a_pico_of_another_shard(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    asking, asked = furnished(one, 2)
    eci = asked.new_channel().eci
    asking.install(ASKING)
    for number in range(1, 6):
        on(two, asked).raise_event("beats", "count")
        turn = on(one, asking).raise_event("asking", "now", {"eci": eci})
        assert turn.directives[0].options == {"total": number}


def test_a_program_is_interrupted_by_nobody_but_the_end_of_its_process(opened: Callable[..., Engine]) -> None:
    one = opened(proc_allow=["/bin/sleep"])
    (pico,) = furnished(one, 1)
    pico.install(RUNNING)
    one.start()
    pico.raise_event("running", "now")
    until(lambda: one.read(one.store.agenda.programs, "running"))
    two = opened(proc_allow=["/bin/sleep"])  # which looks for programs of processes that ended
    two.start()
    until(lambda: len(shards_of(one)) == 128)
    until(lambda: on(two, pico).query("running", "outcomes"))
    assert pico.query("running", "outcomes") == ["exited"]


def test_the_machine_of_a_new_source_or_pico_is_told(opened: Callable[..., Engine]) -> None:
    one = opened()
    machines = one.store.machines
    assert machines is not None
    watch = machines.watch()
    (pico,) = furnished(one, 1)
    source = one.add_source({"type": "metronome", "interval": 100, "to": {"pico": pico.id}})
    wanted = {shard_of(pico.id), shard_of(source)}
    heard: set[int] = set()
    while not wanted <= heard:
        news = watch.wait(30).shards
        assert news, heard
        heard |= news
    watch.close()


def test_who_follows_the_journal_misses_no_turn(opened: Callable[..., Engine]) -> None:
    one, two, reader = opened(), opened(), opened(readonly=True)
    picos = furnished(one, 4)
    begin = reader.read(reader.store.pages.last_turn)
    eids: list[str] = []

    def read() -> None:
        last = max((each[0] for each in seen), default=begin)
        entries = reader.read(reader.store.pages.journal_since, last, 50)
        seen.extend((entry.seq, entry.eid) for entry in entries)

    def raised(engine: Engine) -> Callable[[], None]:
        return times(lambda n: eids.append(on(engine, picos[n % 4]).raise_event("beats", "count").eid), 100)

    seen: list[tuple[int, str]] = []
    meanwhile(lambda: race(raised(one), raised(two)), read)
    for _ in range(1_000):  # a reader waits for whoever is still in a transaction, and reads 50 at a time
        read()
        if len(seen) >= len(eids):
            break
    assert sorted(eid for _, eid in seen) == sorted(eids)


def test_a_call_that_found_nothing_holds_up_nobody_who_needs_another_shard(
    opened: Callable[..., Engine],
) -> None:
    """It stands in line before them, with no piece that could be tried alone first."""
    engine = opened()
    picos = furnished(engine, 2)
    commits, store = engine._commits, engine.store
    waiting, go_on = threading.Event(), threading.Event()

    def work() -> None:
        waiting.set()
        go_on.wait()

    def find() -> list[object]:
        return []

    calls: list[Callable[[], object]] = [
        lambda: commits.run(work),
        lambda: commits.run(store.need, picos[0].id),
        lambda: commits.perform_found(find, lambda piece: piece, lambda: None),
        lambda: commits.run(store.need, picos[1].id),
    ]
    threads = [threading.Thread(target=call, daemon=True) for call in calls]
    threads[0].start()
    waiting.wait()
    for place, thread in enumerate(threads[1:], 2):
        thread.start()
        until(lambda place=place: len(commits._line) == place)  # type: ignore[misc]
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_a_long_turn_is_no_silence_although_others_write_in_its_shards(opened: Callable[..., Engine]) -> None:
    one, two = opened(), opened()
    picos = furnished(one, 8)
    for engine in (one, two):
        engine.start()
    until(lambda: len(shards_of(one)) == len(shards_of(two)) == 128)
    begun, go_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    turn = threading.Thread(target=one._commits.run, args=(work,))
    turn.start()
    assert begun.wait(PATIENCE)
    for pico in picos:
        on(two, pico).raise_event("beats", "count")
    began, longest = ticks(), 0
    while ticks() - began < 2 * SILENT_MS / 1_000:
        longest = max(longest, *(each.silent for each in two.machines()))
    go_on.set()
    turn.join(PATIENCE)
    assert longest < SILENT_MS


def test_a_ruleset_that_the_database_refuses_is_not_left_out_from_then_on(
    opened: Callable[..., Engine], postgres: Server, address: str
) -> None:
    one, two = opened(), opened()
    (pico,) = furnished(one, 1)
    postgres.ask("ALTER TABLE ruleset RENAME COLUMN text TO away", address)
    with pytest.raises(PicoschedError, match="text"):
        on(two, pico).query("beats", "total")
    postgres.ask("ALTER TABLE ruleset RENAME COLUMN away TO text", address)
    assert on(two, pico).query("beats", "total") == 0


def test_what_was_written_while_nobody_listened_is_looked_for(
    opened: Callable[..., Engine], postgres: Server, address: str
) -> None:
    """The session that listens is ended, and another process schedules an event just then."""
    one, two = opened(clock=SystemClock()), opened(clock=SystemClock())
    (pico,) = furnished(one, 1)
    one.start()
    until(lambda: len(shards_of(one)) == 256)
    postgres.end_sessions(address, "query LIKE '%machine%'")
    on(two, pico).raise_event("beats", "plan")
    until(lambda: pico.query("beats", "total"))


def checked(picos: list[PicoRef], postgres: Server, address: str) -> None:
    """Each time fired once, and the picos know of it."""
    fires = dict(postgres.ask(FIRES, address))
    turns = dict(postgres.ask(TURNS, address))
    for pico in picos:
        total = pico.query("beats", "total")
        assert total == len(pico.query("beats", "seen")) == fires[pico.id] == turns[pico.id] > 0
