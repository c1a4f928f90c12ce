"""`picosched demo`: a guided tour of the main features, on a temporary database.

Nothing is canned: a real process is killed, the tables are read from the database, and every claim is
checked before it is printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Commands, Option
from picosched.cli.options import command
from picosched.cli.printing import console, shown_time, write_table
from picosched.clock import SystemClock, VirtualClock, format_time, parse_time
from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.engine.engine import Engine
    from picosched.engine.pico import PicoRef
    from picosched.schedule.fire import Fire

app = Commands()

START = "2026-03-01T16:00:00Z"
PATIENCE, GLANCE = timedelta(seconds=30), timedelta(milliseconds=10)

RULESET = """\
ruleset tea_timer {
  meta { shares cups }
  global { cups = function() { ent:cups.defaultsTo(0) } }

  rule start {
    select when tea started
    pre { wait = event:attrs }
    if wait{"minutes"} > 0 || wait{"seconds"} > 0 then
      send_directive("say", {"text": "steeping"})
    fired {
      schedule notification event "tea_ready" at time:add(time:now(), wait)
    }
  }

  rule ready {
    select when notification tea_ready
    send_directive("say", {"text": "your tea is ready"})
    always { ent:cups := cups() + 1 }
  }
}
"""

RAISE_AND_WAIT = """\
import sys
from picosched.cli.demo import START, RULESET
from picosched.clock import VirtualClock
from picosched.engine.engine import Engine
from picosched.settings import Settings
pico = Engine(sys.argv[1], VirtualClock(START), settings=Settings()).root
pico.install(RULESET)
turn = pico.raise_event("tea", "started", {"minutes": 5})
print(*(each.options["text"] for each in turn.directives), flush=True)
sys.stdin.read()
"""
"""The script of the process to be killed: it raises the event, prints the answer, and closes nothing."""


@command(app, "First steps", "picosched demo", "picosched demo --quick")
def demo(
    quick: Annotated[bool, Option("--quick", help="Skip the part that waits for the real clock.")] = False,
) -> None:
    """Take a tour in under a minute: a rule schedules an event, which is raised exactly once.

    It uses a temporary database, through a kill and restarts, and deletes it at the end.
    """
    with tempfile.TemporaryDirectory() as folder:
        tour = _Tour(Path(folder) / "demo.db")
        tour.ruleset()
        tour.killed()
        tour.comes_back()
        tour.why()
        tour.a_year()
        if not quick:
            tour.on_the_real_clock(Path(folder) / "real.db")
    console().print(
        "\n[bold]Next:[/bold] picosched install RULESET.krl · picosched raise DOMAIN:TYPE · picosched --help"
    )


class _Tour:
    """The steps, in order, on one database."""

    def __init__(self, db: Path) -> None:
        self._db = db
        self._out = console()
        self._step = 0

    def _tell(self, title: str, text: str) -> None:
        self._step += 1
        self._out.print(f"\n[bold]{self._step}. {title}[/bold]\n[dim]{text}[/dim]")

    def _line(self, text: str) -> None:
        self._out.print(f"   {text}")

    def _opened(self, clock: VirtualClock) -> Engine:
        from picosched.engine.engine import Engine
        from picosched.settings import Settings

        # Default settings: the text would be wrong for other settings in the environment.
        return Engine(self._db, clock, settings=Settings())

    def ruleset(self) -> None:
        self._tell(
            "A ruleset", "When tea is started, it schedules an event; when that is raised, the tea is ready."
        )
        self._out.print(RULESET, markup=False, style="cyan")

    def killed(self) -> None:
        self._tell(
            "Raise an event, and kill the engine",
            "Another process installs the ruleset and raises tea:started minutes=5. "
            "It is killed as soon as it has the answer, without closing anything.",
        )
        process = subprocess.Popen(
            [sys.executable, "-c", RAISE_AND_WAIT, str(self._db)],
            stdin=subprocess.PIPE,  # nothing is ever written to it
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            answer = process.stdout.readline().strip()
        finally:
            process.kill()
            process.communicate()
        _check(answer == "steeping", f"the process answered {answer!r}")
        self._line(f"process {process.pid} said “{answer}” and was killed (exit {process.returncode}).")
        self._line("This process opens the database. It contains this scheduled event:")
        with self._opened(VirtualClock(START)) as engine:
            pending = engine.root.scheduled()
        _check(len(pending) == 1, f"{len(pending)} events are scheduled")
        write_table(
            ("   DUE", "EVENT", "MADE BY"),
            [
                (
                    f"   {shown_time(each.due)}",
                    f"{each.domain}:{each.type}",
                    f"{each.rid}.{each.rule}, line {each.line}",
                )
                for each in pending
            ],
        )

    def comes_back(self) -> None:
        from picosched.cli.explain import directive_text

        self._tell(
            "Let time pass",
            "The clock is virtual, so minutes take no time. The engine is closed and reopened in between.",
        )
        clock = VirtualClock(START)
        for minutes in (4, 1, 0, 60):
            clock.advance(minutes=minutes)
            with self._opened(clock) as engine:
                raised = engine.run_due()
                self._line(f"{format_time(clock.now())}  opened; events raised: {raised}")
                _check(raised == (minutes == 1), f"{raised} events were raised at {format_time(clock.now())}")
                for each in engine.root.journal(raised)[0].directives if raised else ():
                    self._line(f"   [green]{directive_text(each['name'], each['options'])}[/green]")
        with self._opened(clock) as engine:
            cups = engine.root.query("tea_timer", "cups")
            fires = engine.root.history()
        _check((cups, len(fires)) == (1, 1), f"{cups} cups and {len(fires)} fires are on record")
        self._line(f"The query tea_timer:cups answers {cups}. The history:")
        write_table(
            ("   DUE", "FIRED", "LATE", "OUTCOME", "RULES"),
            [
                (
                    f"   {format_time(fire.nominal)}",
                    format_time(fire.fired),
                    f"{fire.lateness:.3f} s",
                    fire.outcome.value,
                    ", ".join(fire.rules),
                )
                for fire in fires
            ],
        )

    def why(self) -> None:
        from picosched.cli.explain import show_handled

        self._tell(
            "Ask why", "The journal shows for every event which rules selected it, and why each fired or not."
        )
        with self._opened(VirtualClock("2026-03-01T18:00:00Z")) as engine:
            engine.root.raise_event("tea", "started", {"minutes": 0})
            for entry in reversed(engine.root.journal()):
                due = f"scheduled, due {shown_time(entry.nominal)}" if entry.scheduled else "raised"
                self._line(f"{format_time(entry.at)}  {due}")
                show_handled(entry.handled, "     ")

    def a_year(self) -> None:
        from picosched.cli.explain import event_text
        from picosched.notation import Input
        from picosched.rehearsal.simulate import simulate

        self._tell("See a year ahead", "A simulation in memory: a tea every day at four in the afternoon.")
        daily = RULESET.replace("at time:add(time:now(), wait)", 'repeat "0 16 * * *"')
        start, until = parse_time("2026-01-01T00:00:00Z"), parse_time("2027-01-01T00:00:00Z")
        began = SystemClock().now()
        records = [*simulate([daily], start, until, [Input("tea", "started", {"minutes": 1})])]
        seconds = (SystemClock().now() - began).total_seconds()
        fires = [each for each in records if each.scheduled is not None]
        _check(len(fires) == 365, f"{len(fires)} events were raised in a year")
        last = fires[-1]
        self._line(f"{len(fires)} events were raised, in {seconds:.1f} s. The last:")
        self._line(f"{format_time(last.at)}  {event_text(last.domain, last.type, last.attrs)}")

    def on_the_real_clock(self, db: Path) -> None:
        from picosched.engine.engine import Engine
        from picosched.settings import Settings

        self._tell(
            "And in real time",
            "The background scheduler on this machine's clock, with granularity=1 (second).",
        )
        with Engine(db, settings=Settings(granularity=1)) as engine:
            pico = engine.root
            pico.install(RULESET)
            engine.start()
            pico.raise_event("tea", "started", {"seconds": 2})
            (pending,) = pico.scheduled()
            self._line(f"{format_time(engine.now())}  scheduled for {shown_time(pending.due)} …")
            fire = _first_fire(pico)
        late = f"{fire.lateness * 1000:.0f} ms after it was due"
        self._line(f"{format_time(fire.fired)}  [green]raised[/green], {late}")


def _first_fire(pico: PicoRef) -> Fire:
    clock, never = SystemClock(), threading.Event()
    deadline = clock.now() + PATIENCE
    while clock.now() < deadline:
        if fires := pico.history():
            return fires[0]
        clock.wait_until(clock.now() + GLANCE, never)
    raise PicoschedError("the scheduled event was not raised", "internal")


def _check(holds: bool, found: str) -> None:
    """Check a claim of the demo before printing it."""
    if not holds:
        raise PicoschedError(f"the demo failed: {found}", "internal")
