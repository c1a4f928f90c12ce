"""What picos take in PostgreSQL, what raising events and migrating costs: `python -m tests.bench.sizes`.

Bytes are of tables with their indexes, after VACUUM. Work is CPU time, of our process and of the server's
session; a busy machine changes it by a third or so, not more.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from time import process_time

from picosched import Engine, VirtualClock
from picosched.schedule.scheduled import Outcome
from picosched.store.migrate import migrate

sys.path.insert(0, str(Path(__file__).parent.parent))
from postgres_server import Server

PICOS, SCHEDULES, ROUNDS = 2_000, 10, 5
RULES = """ruleset bell {
  rule plan {
    select when bell plan
    foreach 1.range(event:attrs{"n"}) setting(n)
    always { schedule bell event "rang" repeat "* * * * *" attributes {"n": n} }
  }
  rule rang { select when bell rang always { ent:rung := ent:rung.defaultsTo(0) + 1 } }
}"""
TABLES = ("pico", "channel", "installed", "entity", "scheduled", "coming", "fire", "journal")


def main() -> None:
    server = Server()
    try:
        _measure(server, server.new_database())
    finally:
        server.remove()


def _measure(server: Server, address: str) -> None:
    clock = VirtualClock("2026-03-01T00:00:30Z")
    with Engine(address, clock, min_period=0) as engine:
        for number in range(PICOS):
            pico = engine.new_pico(f"p{number}")
            pico.install(RULES)
            pico.raise_event("bell", "plan", {"n": SCHEDULES})
        ((session,),) = server.ask("SELECT pid FROM pg_locks WHERE locktype = 'advisory'", address)
        before = _bytes(server, address)
        written = _position(server)
        client, theirs = process_time(), _seconds_of(session)
        for _ in range(ROUNDS):
            clock.advance(minutes=1)
            engine.run_due()
        client, theirs = process_time() - client, _seconds_of(session) - theirs
        fires = PICOS * SCHEDULES * ROUNDS
        outcomes = {fire.outcome for fire in engine.store.agenda.fires(limit=10 * fires)}
        assert outcomes == {Outcome.FIRED} and engine.store.journal.entries()[0].seq >= fires, outcomes
    after = _bytes(server, address)
    own = sum(before[table] for table in ("pico", "channel", "installed", "entity", "coming"))
    _say("a pico with one ruleset and one variable", own / PICOS, "bytes")
    _say("a schedule", before["scheduled"] / (PICOS * SCHEDULES), "bytes")
    _say("a record of a fire", after["fire"] / fires, "bytes")
    _say("an entry of the journal", (after["journal"] - before["journal"]) / fires, "bytes")
    _say("write-ahead log of a fire", (_position(server) - written) / fires, "bytes")
    _say("a fire: our process", client / fires * 1e6, "µs of CPU")
    _say("a fire: the server's session", theirs / fires * 1e6, "µs of CPU")
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/picos.db"
        for name, source, target in (
            ("to a file", address, file),
            ("to PostgreSQL", file, server.new_database()),
        ):
            started = process_time()
            found = migrate(source, target, lambda *_: None)
            _say(
                f"migrating {name}: our process",
                (process_time() - started) / found.total * 1e6,
                "µs of CPU a row",
            )
        _say("the file", Path(file).stat().st_size / found.total, "bytes a row")


def _bytes(server: Server, address: str) -> dict[str, int]:
    server.ask("VACUUM (FULL, ANALYZE)", address)
    return {table: server.ask(f"SELECT pg_total_relation_size('{table}')", address)[0][0] for table in TABLES}


def _position(server: Server) -> int:
    ((bytes,),) = server.ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
    return int(bytes)


def _seconds_of(session: int) -> float:
    """CPU seconds that a process has taken."""
    fields = Path(f"/proc/{session}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _say(what: str, number: float, unit: str) -> None:
    sys.stdout.write(f"{what:45} {number:8,.0f} {unit}\n")


if __name__ == "__main__":
    main()
