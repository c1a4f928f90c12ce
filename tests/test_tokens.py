"""Named tokens: made once, kept as hashes, for a role and until a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import ACTIONS, CONSOLE, HTTP, Actor, Role
from picosched.clock import parse_time
from picosched.notation import time_or_later
from picosched.tokens import MOST, hash_of

START = "2026-03-01T00:00:00Z"
RULESET = """
ruleset tea {
  rule brew {
    select when tea started
    always { schedule tea event "ready" at time:add(time:now(), {"minutes": 5}) }
  }
}
"""


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Engine:
    with Engine(tmp_path / "picos.db", clock=clock) as engine:
        yield engine


def test_a_token_is_told_once_and_its_hash_is_kept(engine: Engine, tmp_path: Path) -> None:
    token, made = engine.make_token("anna", "operate", "2026-03-02T00:00:00Z")
    assert engine.tokens() == [made] and made.hash == hash_of(token)
    assert token not in str(made) and token not in str(made.as_json(engine.now()))
    for file in tmp_path.iterdir():
        assert token.encode() not in file.read_bytes()
    assert len(token) >= 43  # 256 bits
    found = engine.token_of(hash_of(token))
    assert found is not None and (found.name, found.role) == ("anna", Role.OPERATE)
    assert engine.token_of(hash_of(f"{token}x")) is None


def test_a_token_ends_at_its_time_and_when_it_is_revoked(engine: Engine, clock: VirtualClock) -> None:
    short, _ = engine.make_token("short", "read", "2026-03-01T01:00:00Z")
    long, _ = engine.make_token("long", "read")
    clock.advance(minutes=59, seconds=59)
    assert engine.token_of(hash_of(short)) is not None
    clock.advance(seconds=1)
    assert engine.token_of(hash_of(short)) is None and engine.token_of(hash_of(long)) is not None
    assert [each.state(engine.now()) for each in engine.tokens()] == ["valid", "expired"]
    assert engine.revoke_token("long") and not engine.revoke_token("long")
    assert engine.token_of(hash_of(long)) is None
    clock.advance(days=31)
    engine.prune()
    assert engine.tokens() == []


def test_another_engine_on_the_store_knows_it(tmp_path: Path) -> None:
    with Engine(tmp_path / "two.db") as engine:
        token, _ = engine.make_token("anna", "read")
    with Engine(tmp_path / "two.db") as engine:
        assert engine.token_of(hash_of(token)) is None  # before it has looked
        engine.look_at_tokens()
        assert engine.token_of(hash_of(token)) is not None


@pytest.mark.parametrize(
    ("name", "role", "expires", "wanted"),
    [
        (5, "read", None, "found int as the name of a token, wanted a text"),
        ("anna", 5, None, 'found the role "5", wanted read, operate, author'),
        ("", "read", None, "wanted 1 to 64 letters"),
        ("a b", "read", None, "wanted 1 to 64 letters"),
        ('a"', "read", None, "wanted 1 to 64 letters"),
        ("a" * 65, "read", None, "wanted 1 to 64 letters"),
        ("anna", "root", None, 'found the role "root", wanted read, operate, author'),
        ("anna", "read", START, "wanted a time in the future"),
        ("taken", "read", None, "there is a token taken already"),
    ],
)
def test_what_no_token_can_be(engine: Engine, name: str, role: str, expires: str | None, wanted: str) -> None:
    engine.make_token("taken", "read")
    with pytest.raises(PicoschedError, match=wanted):
        engine.make_token(name, role, expires)
    assert [each.name for each in engine.tokens()] == ["taken"]


def test_there_are_so_many_and_no_more(engine: Engine) -> None:
    for number in range(MOST):
        engine.make_token(f"t{number}", "read")
    with pytest.raises(PicoschedError, match=f"there are {MOST} tokens"):
        engine.make_token("more", "read")
    engine.revoke_token("t0")
    engine.make_token("more", "read")


def test_no_token_makes_one_that_outlives_it(engine: Engine) -> None:
    end = engine.now() + timedelta(hours=1)
    engine.make_token("anna", "author", end)
    anna = engine.acting(Actor(HTTP, "anna", Role.AUTHOR))
    for until in (None, end + timedelta(seconds=1)):
        with pytest.raises(PicoschedError, match="expires at 2026-03-01T01:00:00Z, wanted no later end"):
            anna.make_token("heir", "author", until)
    _, made = anna.make_token("heir", "author", end)
    assert made.made_by == 'HTTP as "anna"'
    engine.revoke_token("anna")
    with pytest.raises(PicoschedError, match="the token was revoked"):
        anna.make_token("late", "author", end)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("wanted", Role)
def test_a_role_may_what_those_before_it_may(role: Role, wanted: Role) -> None:
    order = ["read", "operate", "author"]
    assert role.covers(wanted) == (order.index(role) >= order.index(wanted))


@pytest.mark.parametrize("role", Role)
def test_the_engine_refuses_what_the_role_does_not_cover(engine: Engine, role: Role) -> None:
    """Whatever page or route asks, and with nothing changed."""
    root = engine.root
    root.install(RULESET)
    channel = root.new_channel(["test"])
    (id,) = [row.id for row in root.raise_event("tea", "started").scheduled.values()]
    acting = engine.acting(Actor(CONSOLE, "anna", role))
    pico, agenda = acting.root, acting.agenda
    source = {"type": "metronome", "interval": 60, "to": {"pico": root.id}, "event": "tea:tick"}
    before = engine.agenda.find(id)
    tries = {
        "paused": lambda: agenda.pause(id),
        "resumed": lambda: agenda.resume(id),
        "moved": lambda: agenda.move(id, timedelta(minutes=1)),
        "rescheduled": lambda: agenda.reschedule(id, "0 9 * * *"),
        "fired": lambda: agenda.fire_now("nosuch"),
        "cancelled": lambda: agenda.cancel("nosuch"),
        "backfilled": lambda: agenda.backfill(id, START, START),
        "raised": lambda: pico.raise_event("tea", "tick"),
        "scheduled": lambda: pico.schedule("tea", "tick", at="2026-03-02"),
        "retried": lambda: acting.retry_delivery("nosuch"),
        "dropped": lambda: acting.drop_delivery("nosuch"),
        "made": lambda: acting.new_pico("den"),
        "deleted": lambda: pico.delete_channel("nosuch"),
        "installed": lambda: pico.install(RULESET),
        "uninstalled": lambda: pico.uninstall("nosuch"),
        "imported": lambda: acting.import_pico({}),
        "exported": lambda: acting.export_pico(root.id),
        "planned": lambda: acting.plan([RULESET], 1),
        "replayed": lambda: acting.replay(START),
        "added": lambda: acting.add_source(source),
        "changed": lambda: acting.change_alert("nosuch", after=2),
        "tested": lambda: acting.test_alert("nosuch"),
        "removed": lambda: acting.remove_source("nosuch"),
        "revoked": lambda: acting.revoke_token("nosuch"),
    }
    assert {*tries} == {*ACTIONS} - {"started", "stopped"}  # those are the route's
    for what, attempt in tries.items():
        refused = None
        try:
            attempt()
        except PicoschedError as error:
            refused = str(error) if error.code == "refused" and "role" in str(error) else None
        assert (refused is None) == role.covers(ACTIONS[what]), what
        if refused:
            assert f'the token "anna" with the role {role}, wanted {ACTIONS[what]}' in refused
    if role is Role.READ:
        assert engine.agenda.find(id) == before and len(engine.picos()) == 1
    shown = [each.eci for each in pico.channels()]
    assert (channel.eci in shown) == (role is Role.AUTHOR)


def test_operators_do_not_install_by_raising_events(engine: Engine) -> None:
    operator = engine.acting(Actor(HTTP, "bo", Role.OPERATE)).root
    for domain in ("wrangler", "engine_ui", "source"):
        with pytest.raises(PicoschedError, match="wanted author: events of"):
            operator.raise_event(domain, "install_ruleset_request", {"url": "http://x/"})
    assert operator.raise_event("tea", "started").errors == []


def test_what_is_neither_a_time_nor_a_duration_is_told_so() -> None:
    now = parse_time("2026-03-01T09:00:00Z")
    for wrong in ("tomorrow", "5x3d"):
        with pytest.raises(PicoschedError, match=r"ISO 8601 time.*, or a duration such as 30d"):
            time_or_later(wrong, now)
    assert time_or_later("30m", now) == parse_time("2026-03-01T09:30:00Z")
