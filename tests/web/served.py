"""`picosched serve` as a real process, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
from elsewhere import database_of


class Served:
    """A process that serves, or does another command; its output is read as it comes."""

    def __init__(self, folder: Path, *words: str, command: str = "serve", **env: str) -> None:
        options = ["--port", "0"] if command == "serve" else []
        main = "from picosched.cli.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", main, command, *options, *database_of(folder, words)],
            cwd=folder,
            env={**os.environ, "PICOSCHED_GRANULARITY": "1", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        self._told = threading.Condition()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+\d", line)
        self.url = found[0] if found else ""

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._told:
                self.errors.append(line)
                self._told.notify_all()
        with self._told:
            self.errors.append("")
            self._told.notify_all()

    def told(self, part: str) -> str:
        """The first line of its errors that holds this."""
        with self._told:
            assert self._told.wait_for(
                lambda: any(part in each for each in self.errors) or self.errors[-1:] == [""], 20
            ), self.errors
            return next((each for each in self.errors if part in each), "")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self, seconds: float = 30) -> int:
        status = self.process.wait(seconds)
        self._reading.join()
        sys.stderr.write("".join(self.errors))  # for whoever looks into a failure
        return status


def eci_of(site: Served) -> str:
    eci: str = httpx.get(f"{site.url}/api/ui-context").json()["eci"]
    return eci
