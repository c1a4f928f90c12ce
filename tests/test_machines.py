"""Several engines on one PostgreSQL database, each as a machine would have one, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from postgres_server import Server
from racing import race, until

from picosched import Engine, VirtualClock
from picosched.engine.pico import PicoRef

FIRES = """SELECT scheduled.pico, count(*) FROM fire JOIN scheduled ON scheduled.id = fire.scheduled
    WHERE scheduled.type = 'beat' AND fire.outcome IN ('fired', 'late', 'coalesced') GROUP BY 1"""
TURNS = "SELECT pico, count(*) FROM journal WHERE scheduled IS NOT NULL GROUP BY 1"
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
    until(lambda: [len(shards_of(each)) for each in (one, two, three)].count(85) == 2)
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


def checked(picos: list[PicoRef], postgres: Server, address: str) -> None:
    """Each time fired once, and the picos know of it."""
    fires = dict(postgres.ask(FIRES, address))
    turns = dict(postgres.ask(TURNS, address))
    for pico in picos:
        total = pico.query("beats", "total")
        assert total == len(pico.query("beats", "seen")) == fires[pico.id] == turns[pico.id] > 0
