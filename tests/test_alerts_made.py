"""Alerts made while the engine runs, beside those of the settings: kept, changed, tested and removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hooked import Received, receiving
from postgres_server import Server
from racing import race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import HTTP, Actor, Role
from picosched.krl.urls import shown_host
from picosched.schedule.alert import MOST, Alert

START = "2026-03-01T00:00:00Z"
FAULTY = Path(__file__).parent / "rulesets" / "faulty.krl"
SECRETS = ("hunter2", "hunter3", "hunter4", "hunter5")
"""What stands in an alert and gives access."""


@pytest.fixture
def hook() -> Iterator[Received]:
    with receiving() as received:
        yield received


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=0, http_allow=("127.0.0.1",)) as engine:
        plan(engine)
        yield engine


def plan(engine: Engine, until: str = "2026-03-02T00:00:00Z") -> None:
    """Let an hourly schedule fail until a time."""
    engine.root.install(FAULTY)
    engine.root.raise_event("plan", "broken", {"until": until})
    engine.root.raise_event("plan", "repeat", {"when": "0 * * * *", "_name": "hourly"})


def hours(engine: Engine, clock: VirtualClock, number: int) -> None:
    for _ in range(number):
        clock.advance(hours=1)
        engine.run_due()
    engine.run_due()


def bodies(hook: Received) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in hook]


def told(hook: Received) -> list[tuple[str, int]]:
    return [(each["happened"], each["failures"]) for each in bodies(hook)]


def test_it_holds_from_the_next_occurrence_until_it_is_removed(
    engine: Engine, clock: VirtualClock, hook: Received
) -> None:
    hours(engine, clock, 1)
    engine.add_alert("ops", hook.url, on=["failed"], after=2)
    hours(engine, clock, 2)
    assert told(hook) == [("failed", 2)]
    engine.change_alert("ops", after=4)
    hours(engine, clock, 1)
    assert told(hook) == [("failed", 2), ("failed", 4)]
    assert engine.remove_alert("ops") and not engine.remove_alert("ops")
    hours(engine, clock, 24)
    assert len(hook) == 2 and engine.alerts() == []


def test_it_is_told_of_sources_too(engine: Engine, clock: VirtualClock, hook: Received) -> None:
    line = {"name": "line", "when": "0 * * * *", "event": "secondly:due"}
    engine.add_source({"type": "crontab", "name": "table", "to": {"pico": "root"}, "entries": [line]})
    engine.agenda.cancel([each.id for each in engine.agenda.scheduled()])
    engine.root.install(SECONDLY)
    engine.add_alert("ops", hook.url)
    hours(engine, clock, 1)
    (body,) = bodies(hook)
    assert (body["happened"], body["name"]) == ("failed", "table/line")


def test_requests_are_signed_with_the_secret_it_has_now(
    engine: Engine, clock: VirtualClock, hook: Received
) -> None:
    engine.add_alert("ops", hook.url, secret="one")
    hours(engine, clock, 1)
    engine.change_alert("ops", secret="two", after=2)
    hours(engine, clock, 1)
    engine.change_alert("ops", secret="", after=3)
    hours(engine, clock, 1)
    signed = [headers["X-Picosched-Signature"] for headers, _ in hook]
    assert signed == [hook.signature("one", 0), hook.signature("two", 1), None]


def test_it_is_there_after_a_restart_and_acts_beside_those_of_the_settings(
    tmp_path: Path, clock: VirtualClock, hook: Received
) -> None:
    path, options = tmp_path / "two.db", {"min_period": 0, "http_allow": ("127.0.0.1",)}
    with Engine(path, clock, **options) as engine:
        plan(engine)
        engine.add_alert("me", hook.url)
    with Engine(path, clock, alerts={"ops": {"to": hook.url}}, **options) as engine:
        assert [(each.name, each.configured, each.made_by) for each in engine.alerts()] == [
            ("ops", True, None),
            ("me", False, "Python"),
        ]
        hours(engine, clock, 1)
    assert told(hook) == [("failed", 1)] * 2
    with Engine(path, clock, alerts={"me": {"to": f"{hook.url}/settings"}}, **options) as engine:
        with pytest.raises(PicoschedError, match="found the alert me in the settings, and one made"):
            engine.check_alerts()
        (alert,) = engine.alerts()
        assert (alert.configured, alert.to) == (True, shown_host(hook.url))
        hours(engine, clock, 1)
        (last,) = (each.last for each in engine.alerts())
        assert last is not None and last.what == "hourly failed"
        assert engine.remove_alert("me")  # as the error says
        engine.check_alerts()
        assert [each.last for each in engine.alerts()] == [last]  # what that of the settings told


def test_an_alert_of_the_settings_is_changed_where_it_is_written(tmp_path: Path, hook: Received) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(START), alerts={"ops": {"to": hook.url}}) as engine:
        for change in (
            lambda: engine.add_alert("ops", hook.url),
            lambda: engine.change_alert("ops", after=2),
            lambda: engine.remove_alert("ops"),
        ):
            with pytest.raises(PicoschedError, match=r"a table \[alert.ops\] of the settings") as told:
                change()
            assert told.value.code == "conflict"


@pytest.mark.parametrize(
    ("name", "to", "more", "wanted"),
    [
        ("a b", "https://x/", {}, 'found the name "a b" of an alert, wanted 1 to 64 letters'),
        (5, "https://x/", {}, "found int as the name of an alert, wanted a text"),
        (None, "https://x/", {}, "found NoneType as the name of an alert, wanted a text"),
        ("ops", None, {}, "wanted a table of `to`"),
        ("ops", "https://x/", {"on": 5}, "found 5, wanted as `on` a list"),
        ("taken", "https://x/", {}, "there is an alert taken already, wanted another name"),
        ("ops", "ftp://ada:hunter2@x/", {}, "wanted as `to` a URL of http or https"),
        ("ops", "https://hunter2@x/\0", {}, "wanted as `to` a URL"),
        ("ops", "https://hunter2@[::1", {}, r"found 'https://\[::1', wanted as `to` another URL: its URL is"),
        ("ops", "https://hunter2@a:99999/", {}, "wanted as `to` another URL: its URL is invalid"),
        ("ops", "https://hunter2@a..b/", {}, "wanted as `to` another URL: its URL is invalid"),
        ("ops", "https://hunter2@/hunter3", {}, "wanted as `to` another URL: found no host in the URL"),
        ("ops", "https://x/", {"secret": "hunter4\ud800"}, "without NUL"),
        ("ops", f"https://x/{'y' * 2_000}", {}, "wanted as `to` a URL"),
        ("ops", "eci:nosuchchannel", {}, "there is no channel nosuchch…"),
        ("ops", "https://x/", {"on": []}, "wanted as `on` a list"),
        ("ops", "https://x/", {"on": "failed"}, "wanted as `on` a list"),
        ("ops", "https://x/", {"on": ["fired"]}, "wanted as `on` a list"),
        ("ops", "https://x/", {"on": ["failed", "late", "failed"]}, "wanted as `on` a list .* each once"),
        ("ops", "https://x/", {"on": ["failed"] * 50_000}, "wanted as `on` a list"),
        ("ops", "https://x/", {"after": 0}, "wanted as `after` how many"),
        ("ops", "https://x/", {"secret": "x" * 2_001}, "found 2,001 characters, wanted a text as `secret`"),
    ],
)
def test_what_no_alert_can_be(engine: Engine, name: Any, to: Any, more: dict[str, Any], wanted: str) -> None:
    engine.add_alert("taken", "https://x/")
    with pytest.raises(PicoschedError, match=wanted) as caught:
        engine.add_alert(name, to, **more)
    assert "hunter" not in str(caught.value)
    assert [each.name for each in engine.alerts()] == ["taken"]


def test_there_are_so_many_and_no_more(engine: Engine) -> None:
    for number in range(MOST):
        engine.add_alert(f"a{number}", "https://x/")
    with pytest.raises(PicoschedError, match=f"found {MOST} alerts, wanted at most {MOST}"):
        engine.add_alert("more", "https://x/")
    engine.remove_alert("a0")
    engine.add_alert("more", "https://x/")


def test_a_test_arrives_by_request_and_by_channel(engine: Engine, hook: Received) -> None:
    pager = engine.new_pico("pager")
    pager.install(FAULTY)
    engine.add_alert("ops", hook.url, on=["late"], secret="s")
    engine.add_alert("pager", f"eci:{pager.new_channel().eci}")
    for name in ("ops", "pager"):
        engine.acting(Actor(HTTP, "bo", Role.OPERATE)).test_alert(name)
    engine.run_due()
    (body,) = bodies(hook)
    assert (body["happened"], body["name"], body["why"]) == ("test", "ops", 'this is a test, by HTTP as "bo"')
    assert hook[0][0]["X-Picosched-Signature"] == hook.signature("s", 0)
    assert {each.name: each.last and (each.last.what, each.last.became) for each in engine.alerts()} == {
        "ops": ("ops test", "accepted"),
        "pager": ("pager test", "raised"),
    }
    (turn,) = [each for each in engine.journal(pager.id) if each.scheduled]
    assert (turn.handled[0]["domain"], turn.handled[0]["type"]) == ("schedule", "test")
    pager.delete()
    with pytest.raises(PicoschedError, match="there is no channel"):
        engine.test_alert("pager")


def test_an_alert_whose_channel_is_gone_is_dropped(engine: Engine, clock: VirtualClock) -> None:
    channel = engine.new_pico("pager").new_channel()
    engine.add_alert("pager", f"eci:{channel.eci}")
    engine.pico("pager").delete_channel(channel.eci)
    hours(engine, clock, 1)
    (alert,) = engine.alerts()
    assert alert.last is not None
    assert (alert.last.what, alert.last.became) == ("hourly failed", "dropped")
    assert alert.last.why == f"there is no channel {channel.eci[:8]}…"


def test_a_preview_says_who_would_be_told(engine: Engine) -> None:
    eci = engine.root.new_channel().eci
    preview = engine.preview_alert
    assert preview("new", to="https://ada:pw@x.example/hook?key=1", after=3) == (
        "posts to https://x.example/… when any schedule or source fails 3 times in a row, is missed or "
        "recovers"
    )
    assert preview("new", to="mailto:a@b.example", on=["late"]).endswith(
        "is late; but nothing arrives: the setting smtp names no server"
    )
    assert preview("new", to=f"eci:{eci}", on=["late"]) == (
        f"raises an event schedule:* through the channel {eci[:8]}… when any schedule or source is late; "
        "the channel is of the pico root"
    )
    engine.add_alert("ops", "https://x.example/", secret="s")
    assert (
        preview("ops", on=["late"])
        == "posts to https://x.example/, signed, when any schedule or source is late"
    )
    assert [each.name for each in engine.alerts()] == ["ops"]


def test_what_gives_access_is_shown_nowhere(
    engine: Engine, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    url = "http://ada:hunter2@127.0.0.1:1/hook/hunter5?key=hunter3"  # nobody answers there
    author = engine.acting(Actor(HTTP, "anna", Role.AUTHOR))
    author.add_alert("ops", url, secret="hunter4")
    author.change_alert("ops", on=["failed"])
    author.test_alert("ops")
    hours(engine, clock, 1)
    states = [each.as_json() for each in author.alerts()]
    deeds = [each.as_json() for each in engine.audit()]
    assert author.remove_alert("ops")
    deeds += [each.as_json() for each in engine.audit()]
    shown = [
        states,
        deeds,
        [each.as_json() for each in engine.deliveries()],
        engine.journal(),
        engine.history(),
    ]
    assert not any(each in repr(shown) + caplog.text for each in SECRETS)
    assert [(each["what"], each["kind"], each["on"], each["by"]) for each in deeds[-4:]] == [
        (what, "alert", "ops", 'HTTP as "anna"') for what in ("removed", "tested", "changed", "added")
    ]
    assert deeds[-1]["told"] == (
        "posts to http://127.0.0.1:1/…, signed, when any schedule or source fails, is missed or recovers"
    )
    assert states[0]["made_by"] == 'HTTP as "anna"' and states[0]["made"] == START


def test_what_is_on_its_way_outlives_a_removed_alert_and_leaves_no_note(
    engine: Engine, clock: VirtualClock, hook: Received
) -> None:
    engine.add_alert("ops", hook.url, secret="s")
    clock.advance(hours=1)
    engine.run_due()
    engine.remove_alert("ops")
    engine.run_due()
    assert len(hook) == 1
    assert engine.store.picos.notes("alert ") == {}
    engine.add_alert("ops", hook.url)
    (state,) = engine.alerts()
    assert state.last is None


def test_it_is_in_a_copy_of_the_store(engine: Engine) -> None:
    engine.add_alert("ops", "https://x/", secret="s")
    copy = engine.read(engine.store.copy)
    assert copy.alerts.all() == engine.store.alerts.all()
    copy.close()


def test_a_failed_change_leaves_what_is_known_as_it_was(engine: Engine) -> None:
    """The alerts are read once in a transaction; what it wrote and undid is not in what is read."""
    engine.add_alert("ops", "https://x/")
    alerts = engine.store.alerts

    def work() -> list[int]:
        before = len(alerts.all())
        with suppress(PicoschedError), engine.store.savepoint():
            alerts.remove("ops")
            assert alerts.all() == ()
            raise PicoschedError("no")
        return [before, len(alerts.all())]

    assert engine.write(work) == [1, 1]


# On several machines


@pytest.fixture
def machines(postgres: Server, hook: Received) -> Iterator[Callable[[], Engine]]:
    address, engines = postgres.emptied_database(), list[Engine]()

    def start() -> Engine:
        engines.append(Engine(address, granularity=1, min_period=0, http_allow=("127.0.0.1",)))
        return engines[-1]

    yield start
    for each in engines:
        each.close()


SECONDLY = """ruleset secondly {
  rule plan { select when secondly plan fired { schedule secondly event "due" repeat "* * * * * *" } }
  rule due { select when secondly due pre { up = "down" - 1 } }
}"""


def test_it_holds_on_each_machine_at_once(machines: Callable[[], Engine], hook: Received) -> None:
    one, two = machines(), machines()
    for engine in (one, two):
        engine.start()
    picos = [one.new_pico(f"p{number}") for number in range(6)]
    for pico in picos:
        pico.install(SECONDLY)
        pico.raise_event("secondly", "plan")
    until(lambda: len({each.pico_id for each in one.agenda.history(outcome="failed")}) == len(picos))
    two.add_alert("ops", hook.url, on=["throttled"])
    assert [each.name for each in one.alerts()] == ["ops"]
    one.change_alert("ops", on=["failed"], after=10)
    until(lambda: len(hook) >= len(picos))
    for engine in (one, two):
        engine.stop()
    assert Counter(each["pico"] for each in bodies(hook)) == Counter(pico.id for pico in picos)
    assert {each["failures"] for each in bodies(hook)} == {10}


def test_each_machine_tests_it(machines: Callable[[], Engine], hook: Received) -> None:
    """Whichever of them has the pico whose delivery it is."""
    one, two = machines(), machines()
    for engine in (one, two):
        engine.start()
    one.add_alert("ops", hook.url)
    for number, engine in enumerate((one, two, one, two), 1):
        engine.test_alert("ops")
        until(lambda number=number: len(hook) >= number)
    assert {each["happened"] for each in bodies(hook)} == {"test"} and len(hook) == 4


MAKING = """
import sys
from picosched import Engine
engine = Engine(sys.argv[1], granularity=1, min_period=0)
engine.start()
engine.add_alert("ops", sys.argv[2], on=["failed"])
print("made", flush=True)
sys.stdin.read()
"""


def test_it_outlives_the_machine_that_made_it(postgres: Server, hook: Received) -> None:
    """One is killed as soon as it has made the alert; what it had to tell is told by the other, once."""
    address = postgres.emptied_database()
    with Engine(address, granularity=1, min_period=0, http_allow=("127.0.0.1",)) as engine:
        engine.start()
        picos = [engine.new_pico(f"p{number}") for number in range(8)]
        for pico in picos:
            pico.install(SECONDLY)
        words = [sys.executable, "-c", MAKING, address, hook.url]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as machine:
            assert machine.stdout is not None
            assert machine.stdout.readline() == "made\n"
            machine.kill()
        for pico in picos:
            pico.raise_event("secondly", "plan")
        until(lambda: len(hook) >= len(picos))
        engine.stop()
    assert Counter(each["pico"] for each in bodies(hook)) == Counter(pico.id for pico in picos)


def test_two_machines_make_one_alert_of_a_name(machines: Callable[[], Engine], hook: Received) -> None:
    one, two = machines(), machines()

    def make(engine: Engine) -> str:
        try:
            engine.add_alert("ops", hook.url)
        except PicoschedError as error:
            return error.code
        return "made"

    assert sorted(race(lambda: make(one), lambda: make(two))) == ["conflict", "made"]
    assert len(one.alerts()) == len(two.alerts()) == 1


def test_what_fails_while_it_is_made_is_told_at_most_once(tmp_path: Path, hook: Received) -> None:
    """Whichever comes first: from the alert's commit on each failure is told, and none twice."""
    with Engine(tmp_path / "race.db", granularity=1, min_period=0, http_allow=("127.0.0.1",)) as engine:
        engine.root.install(SECONDLY)
        names = range(12)

        def fail() -> None:
            for _ in names:
                turn = engine.root.raise_event("secondly", "plan")
                engine.agenda.move([*turn.scheduled], engine.now())
                engine.run_due()

        def make() -> None:
            for number in names:
                engine.add_alert(f"a{number}", f"{hook.url}/a{number}", on=["failed"])

        race(fail, make)
        until(lambda: (engine.run_due(), not engine.deliveries())[1])
    seen = Counter(zip(hook.paths, (each["id"] for each in bodies(hook)), strict=True))
    assert seen and {*seen.values()} == {1}
    heard = Counter(hook.paths)
    told_of = [heard[f"/hook/a{number}"] for number in names]
    assert told_of == sorted(told_of, reverse=True)  # the earlier it was made, the more it was told


def test_a_mail_that_no_server_would_send_is_refused(engine: Engine) -> None:
    told = "found mailto:a@b.example, but the setting smtp names no server"
    with pytest.raises(PicoschedError, match=told):
        engine.add_alert("mail", "mailto:a@b.example")
    engine.add_alert("ops", "https://ops.example/hook")
    with pytest.raises(PicoschedError, match=told):
        engine.change_alert("ops", to="mailto:a@b.example")
    assert [each.to for each in engine.alerts()] == ["https://ops.example/…"]


def test_a_change_that_changes_nothing_leaves_who_made_it_and_when(
    engine: Engine, clock: VirtualClock
) -> None:
    made = engine.add_alert("ops", "https://ops.example/hook", after=3)
    clock.advance(hours=1)
    assert engine.change_alert("ops") == engine.change_alert("ops", after=3) == made
    assert engine.change_alert("ops", after=4).made == engine.now() != made.made


def test_an_address_that_older_versions_took_can_be_mended(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(START), smtp="smtp://127.0.0.1:1") as engine:
        engine.write(engine.store.alerts.put, Alert("ops", "mailto:<a@b.example>"))
        with pytest.raises(PicoschedError, match=r"found 'mailto:<a@b\.example>', wanted as `to`"):
            engine.change_alert("ops", after=2)
        assert engine.change_alert("ops", to="mailto:a@b.example").to == "mailto:a@b.example"
