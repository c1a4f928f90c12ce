"""The desk: what waits is done together, each gets its own outcome, and there is a bound."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from racing import until
from web.running import RULESET

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.turns import commit
from picosched.turns.pieces import AskPassing, Later
from picosched.web import desk as desks
from picosched.web.desk import Desk
from picosched.web.errors import BusyError

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with Engine(tmp_path / "picos.db") as engine:
        engine.root.install(RULESET)
        yield engine


def test_what_waits_shares_one_commit_and_each_has_its_outcome(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "LIGHT_SECONDS", 60.0)  # however slow this machine is
    eci = engine.root.new_channel().eci

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        asked = [
            *(engine.new_event("echo", "back", {"n": n}, eci=eci) for n in range(50)),
            engine.new_event("echo", "back", {}, eci="nosuch"),
            engine.new_query("echo", "greet", {"name": "ada"}, eci=eci),
            engine.new_query("echo", "nosuch", {}, eci=eci),
        ]
        waiting = [desk.done(each) for each in asked]  # at the desk, which is not open yet
        desk.start()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(desk.stop)
        return found

    engine.root.query("echo", "count")  # the pico is in memory, so its events are light
    before = engine.commits
    *turns, unknown, greeting, unshared = asyncio.run(work())
    assert engine.commits == before + 1
    assert [turn.directives[0].options["n"] for turn in turns] == [*range(50)]
    assert isinstance(unknown, PicoschedError) and unknown.code == "not_found"
    assert greeting == "hello ada"
    assert isinstance(unshared, PicoschedError) and "shares no nosuch" in unshared.message


def test_a_query_alone_is_answered_at_once_and_goes_before_nobody(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "SLOW_SECONDS", 60.0)  # however slow this machine is
    slow = """ruleset slow { meta { shares sum } global {
        sum = function() { 1.range(60000).reduce(function(a, b) { a + b }) } } }"""
    engine.root.install(slow)
    eci, other = engine.root.new_channel().eci, engine.root.new_channel().eci
    engine.root.query("echo", "count")  # the pico is in memory, so its queries are light

    async def work() -> None:
        desk = Desk(engine)
        desk.listen()
        count = engine.new_query("echo", "count", {}, eci=eci)
        assert desk.at_once(count) is Later.BUSY  # it is not open yet
        desk.start()
        await asyncio.sleep(0)
        assert desk.at_once(count) == 0
        assert desk.at_once(count) is Later.BUSY  # the loop has to read its sockets first
        await asyncio.sleep(0)
        with pytest.raises(PicoschedError, match="shares no nosuch"):
            desk.at_once(engine.new_query("echo", "nosuch", {}, eci=eci))
        await asyncio.sleep(0)
        turn = desk.done(engine.new_event("echo", "count", {}, eci=eci))
        assert desk.at_once(count) is Later.BUSY  # the event comes first
        assert (await turn).errors == []
        heavy = engine.new_query("slow", "sum", {}, eci=other)
        await asyncio.sleep(0)
        assert desk.at_once(heavy) is Later.HEAVY
        await asyncio.sleep(0)
        assert desk.at_once(heavy) is Later.BUSY  # it goes to the thread now
        assert await desk.done(heavy) == 1_800_030_000
        await asyncio.to_thread(desk.stop)

    asyncio.run(work())


def test_one_too_many_is_told_to_come_later(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "MOST_WAITING", 3)

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        waiting = [desk.done(engine.new_query("a", "b", {}, eci="x")) for _ in range(3)]
        with pytest.raises(BusyError):
            desk.done(engine.new_query("a", "b", {}, eci="x"))
        desk.start()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(desk.stop)
        return found

    assert [type(each) for each in asyncio.run(work())] == [PicoschedError] * 3


def test_those_that_wait_to_ask_outside_are_counted_and_left_out_once_nobody_wants_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desks, "MOST_WAITING", 3)
    monkeypatch.setattr(desks, "ASKING", 1)
    began, go_on, asked = threading.Event(), threading.Event(), list[str]()

    def outside(request: HttpRequest) -> HttpResponse:
        asked.append(request.url[-1])
        began.set()
        assert go_on.wait(30)
        return HttpResponse(200, "OK", (), b"{}")

    async def work(desk: Desk, eci: str) -> None:
        def ask(number: int) -> asyncio.Future[Any]:
            return desk.done(engine.new_query("asker", "ask", {"n": number}, eci=eci))

        desk.listen()
        desk.start()
        first = ask(0)
        await asyncio.to_thread(began.wait, 30)
        others = [ask(number) for number in (1, 2, 3)]
        await asyncio.to_thread(
            until, lambda: desk._ready.waiting + desk._apart.waiting == 0 and desk.waiting == 3
        )
        with pytest.raises(BusyError):
            ask(4)
        others[1].cancel()
        go_on.set()
        await asyncio.gather(first, *others, return_exceptions=True)
        assert desk.waiting == 0
        await asyncio.to_thread(desk.stop)

    with Engine(outside=outside) as engine:
        engine.root.install("""ruleset asker { meta { shares ask } global {
            ask = function(n) { http:get("https://example.test/" + n){"status_code"} } } }""")
        asyncio.run(work(Desk(engine), engine.root.new_channel().eci))
    assert asked == ["0", "1", "3"]


def test_who_goes_away_disturbs_nobody(engine: Engine) -> None:
    eci = engine.root.new_channel().eci

    async def work() -> Any:
        desk = Desk(engine)
        desk.listen()
        waiting = [desk.done(engine.new_query("echo", "greet", {"name": str(n)}, eci=eci)) for n in range(3)]
        waiting[1].cancel()
        desk.start()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(desk.stop)
        return found

    first, gone, last = asyncio.run(work())
    assert (first, last) == ("hello 0", "hello 2")
    assert isinstance(gone, asyncio.CancelledError)


@pytest.mark.parametrize("attrs", [{"a": "x" * 2_000_000}, {"a": object()}])
def test_what_cannot_be_attributes_never_reaches_the_desk(engine: Engine, attrs: dict[str, Any]) -> None:
    with pytest.raises(PicoschedError, match="attributes"):
        engine.new_event("a", "b", attrs, eci="x")


def test_what_was_cancelled_before_it_was_taken_up_never_happens(engine: Engine) -> None:
    eci = engine.root.new_channel().eci

    async def work() -> Any:
        desk = Desk(engine)
        desk.listen()
        waiting = [desk.done(engine.new_event("echo", "back", {"n": n}, eci=eci)) for n in range(3)]
        waiting[1].cancel()
        desk.start()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.to_thread(desk.stop)

    asyncio.run(work())
    assert engine.root.query("echo", "count") == 2


def test_a_channel_is_asked_what_it_lets_pass(engine: Engine) -> None:
    eci = engine.root.new_channel(["narrow"], allow_events=["echo:back"], allow_queries=["echo:count"]).eci
    event, query, no = ("echo", "back"), ("echo", "count"), ("echo", "nothing")
    asked = [
        AskPassing("nosuch", event, None),
        AskPassing(eci, event, query),
        AskPassing(eci, no, query),
        AskPassing(eci, event, no),
        AskPassing(eci, None, None),
    ]

    async def work() -> Any:
        desk = Desk(engine)
        desk.listen()
        desk.start()
        found = await asyncio.gather(*map(desk.done, asked), return_exceptions=True)
        await asyncio.to_thread(desk.stop)
        return [getattr(each, "code", None) for each in found]

    assert asyncio.run(work()) == ["not_found", None, "refused", "refused", None]


HEAVY = """
ruleset heavy {
  meta { shares slow }
  global { slow = function() { 1.range(800000).map(function(i) { i * 2 }).length() } }
  rule slow { select when heavy slow pre { n = slow() } send_directive("slow", {"n": n}) }
}
"""


@pytest.mark.parametrize("kind", ["events", "queries", "both"])
def test_a_channel_that_keeps_the_engine_busy_holds_up_another_by_one_of_its_requests(
    engine: Engine, kind: str
) -> None:
    engine.root.install(HEAVY)
    busy, other = engine.root.new_channel(["busy"]).eci, engine.root.new_channel(["other"]).eci
    order: list[str] = []

    async def work() -> None:
        desk = Desk(engine)
        desk.listen()

        def ask(name: str, wanted: Any) -> Any:
            future = desk.done(wanted)
            future.add_done_callback(lambda _: order.append(name))
            return future

        waiting = []
        for number in range(12):
            if kind != "queries" and (kind == "events" or number % 2):
                waiting.append(ask("busy", engine.new_event("heavy", "slow", {}, eci=busy)))
            else:
                waiting.append(ask("busy", engine.new_query("heavy", "slow", {}, eci=busy)))
        waiting.append(ask("event", engine.new_event("echo", "back", {"n": 1}, eci=other)))
        waiting.append(ask("query", engine.new_query("echo", "greet", {"name": "ada"}, eci=other)))
        desk.start()
        await asyncio.gather(*waiting)
        await asyncio.to_thread(desk.stop)

    asyncio.run(work())
    assert len(order) == 14
    assert order.index("event") <= 4
    assert order.index("query") <= 6  # it comes after the event, and each waits for one or two


def test_requests_of_one_channel_are_done_in_their_order(engine: Engine) -> None:
    engine.root.install(HEAVY)
    eci = engine.root.new_channel().eci

    async def work() -> list[int]:
        desk = Desk(engine)
        desk.listen()
        waiting = []
        for number in range(30):
            if number % 10 == 0:
                waiting.append(desk.done(engine.new_event("heavy", "slow", {}, eci=eci)))
            waiting.append(desk.done(engine.new_event("echo", "back", {"n": number}, eci=eci)))
        desk.start()
        turns = await asyncio.gather(*waiting)
        await asyncio.to_thread(desk.stop)
        return [each.options["n"] for turn in turns for each in turn.directives if each.name != "slow"]

    asyncio.run(work())
    directives = [each for entry in reversed(engine.journal()) for each in entry.directives]
    assert [each["options"]["n"] for each in directives if each["name"] != "slow"] == [*range(30)]


async def with_thread(desk: Desk, eci: str) -> None:
    """Until the thread has a request of a channel."""
    for _ in range(1_000):
        if eci in desk._with_thread:
            return
        await asyncio.sleep(0)
    raise AssertionError("the loop kept the request")


def test_another_program_that_locks_the_database_does_not_hold_up_the_loop(
    engine: Engine, tmp_path: Path
) -> None:
    """The loop goes on while the thread waits for the lock, and the event happens once."""
    eci = engine.root.new_channel().eci
    engine.root.query("echo", "count")
    other = sqlite3.connect(tmp_path / "picos.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    event = engine.new_event("echo", "back", {"n": 0}, eci=eci)
    assert engine.raise_some([event], light=True) == [Later.BUSY]

    async def work() -> Any:
        desk = Desk(engine)
        desk.listen()
        desk.start()
        event = desk.done(engine.new_event("echo", "back", {"n": 1}, eci=eci))
        await with_thread(desk, eci)  # which waits, while the loop goes on
        other.execute("ROLLBACK")
        turn = await event
        await asyncio.to_thread(desk.stop)
        return turn

    assert asyncio.run(work()).directives[0].options == {"n": 1}
    assert engine.root.query("echo", "count") == 1
    other.close()


def test_a_turn_that_takes_long_leaves_the_loop_and_happens_once(engine: Engine) -> None:
    """Its light try has no effect: neither on the pico nor on what its rules draw."""
    engine.root.install(HEAVY)
    eci = engine.root.new_channel().eci
    engine.root.query("echo", "count")

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        desk.start()
        heavy = desk.done(engine.new_event("heavy", "slow", {}, eci=eci))
        await with_thread(desk, eci)
        turns = [await heavy, await desk.done(engine.new_event("heavy", "slow", {}, eci=eci))]
        await asyncio.to_thread(desk.stop)
        return turns

    assert [turn.directives[0].options for turn in asyncio.run(work())] == [{"n": 800_000}] * 2
    assert len(engine.journal()) == 2


@pytest.mark.parametrize("before", [[], ["other"]])
def test_no_request_goes_before_one_of_its_channel(engine: Engine, before: list[str]) -> None:
    eci, other = engine.root.new_channel().eci, engine.root.new_channel(["other"]).eci
    engine.root.query("echo", "count")

    async def work() -> list[Any]:
        desk = Desk(engine)
        desk.listen()
        for _ in before:
            desk.done(engine.new_query("echo", "count", {}, eci=other))
        waiting = []
        for _ in range(3):
            waiting.append(desk.done(engine.new_event("echo", "back", {}, eci=eci)))
            waiting.append(desk.done(engine.new_query("echo", "count", {}, eci=eci)))
        desk.start()
        found = await asyncio.gather(*waiting)
        await asyncio.to_thread(desk.stop)
        return found[1::2]

    assert asyncio.run(work()) == [1, 2, 3]
