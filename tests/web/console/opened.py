"""A real `picosched serve` with its console, as a process; and the rulesets that tests look at."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from elsewhere import database_of

HOSTILE = "</script><img src=x onerror=alert(1)>"

CLOCKS = """
ruleset clocks {
  meta { shares beats, given }
  global {
    beats = function() { ent:beats.defaultsTo(0) }
    given = function(name) { name }
  }
  rule begin {
    select when clocks begin
    always {
      schedule clock event "beat" repeat "* * * * * *"
      schedule clock event "never" at "2126-01-01T00:00:00Z" attributes {"n": 1}
    }
  }
  rule beat {
    select when clock beat
    always { ent:beats := beats() + 1 }
  }
  rule many { select when clock beat where event:attrs{"n"} > 5 send_directive("many") }
  rule odd { select when tell me if event:attrs{"n"} == 1 then send_directive("odd", event:attrs) }
  rule broken { select when tell wrong send_directive("x", {"t": time:add("soon", {"days": 1})}) }
  rule hostile {
    select when tell hostile
    send_directive("HOSTILE", {"HOSTILE": "HOSTILE"})
    always { ent:state := {"HOSTILE": event:attrs}; log warn "HOSTILE" }
  }
}
""".replace("HOSTILE", HOSTILE)

TOKEN = re.compile(r"the token, shown only now: (\S+)")


@dataclass
class Opened:
    """A server that runs."""

    url: str
    token: str | None
    client: httpx.Client
    """Asks its API, with the token."""

    def pico(self, name: str) -> str:
        """The id of a new pico that has the clocks."""
        made = self.client.post("/api/picos", json={"name": name})
        assert made.status_code == 201, made.text
        id = str(made.json()["id"])
        installed = self.client.post(f"/api/picos/{id}/rulesets", json={"text": CLOCKS})
        assert installed.status_code == 201, installed.text
        return id

    def raise_event(self, pico: str, event: str, **attrs: object) -> None:
        domain, _, type = event.partition(":")
        raised = self.client.post(
            f"/api/picos/{pico}/raise", json={"domain": domain, "type": type, "attrs": attrs}
        )
        assert raised.status_code == 200, raised.text


@contextmanager
def opened(folder: Path, *words: str) -> Iterator[Opened]:
    """Serve a new database in a folder until the block ends."""
    start = "from picosched.cli.main import main; main()"
    command = [sys.executable, "-c", start, "serve", "--port", "0", "--no-access-log"]
    with (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [*command, *database_of(folder, words)],
            cwd=folder,
            env={**os.environ, "PICOSCHED_GRANULARITY": "1", "PICOSCHED_MIN_PERIOD": "0"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+\d", process.stdout.readline())
            told = (folder / "errors").read_text()
            assert found, told
            token = TOKEN.search(told)
            headers = {"authorization": f"Bearer {token[1]}"} if token else {}
            with httpx.Client(base_url=found[0], headers=headers, timeout=30) as client:
                yield Opened(found[0], token[1] if token else None, client)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            process.stdout.close()
    assert "Traceback" not in (folder / "errors").read_text()
