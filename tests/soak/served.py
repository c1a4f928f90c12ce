"""`picosched serve` as a process of its own: started, killed, started again at the same address, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path

from tests.soak.figures import Figures

TOKEN = re.compile(r"the token, shown only now: (\S+)")
START = "from picosched.cli.main import main; main()"
ALLOCATION = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}
"""How glibc is to give memory back. By itself it keeps what each thread has once had, for many minutes more
and more of it, and nobody could tell that from what is really in use."""

WARM_SECONDS = 20.0
"""Memory and files of a younger process are not sampled."""

STARTS_WITHIN = 60.0
STOPS_WITHIN = 45.0
"""Seconds from SIGTERM to the end: requests have 20 of them, what is under way ends after that."""


class Served:
    """One server, whose database is `picos.db` in a folder. What it logs as an error is a fault."""

    def __init__(self, folder: Path, settings: Mapping[str, object], figures: Figures) -> None:
        self.folder = folder
        self.database = folder / "picos.db"
        self.port = 0
        self.token = ""
        self.last_lines: deque[str] = deque(maxlen=40)
        """The end of its log."""
        self.logged: Counter[str] = Counter()
        """How many lines of each level."""
        self._figures = figures
        self._settings = {f"PICOSCHED_{name.upper()}": str(value) for name, value in settings.items()}
        self._process: subprocess.Popen[str] | None = None
        self._started = 0.0
        self._reading: threading.Thread | None = None
        self._has_token = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> float:
        """Start it, with the port that it had; seconds until it answers."""
        self._started = began = time.monotonic()
        command = [sys.executable, "-c", START, "serve", "--port", str(self.port)]
        command += ["--db", str(self.database), "--log", "json", "--no-access-log"]
        process = self._process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **ALLOCATION, **self._settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the soak, which stops it in good order
        )
        self._reading = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._reading.start()
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[^\s;]+:(\d+)", line)
        if found is None:
            process.kill()
            raise RuntimeError(f"the server did not start: {line!r}, {[*self.last_lines]}")
        self.port = int(found[1])
        assert self._has_token.wait(STARTS_WITHIN)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, which nothing in it can answer."""
        self._end(signal.SIGKILL, STARTS_WITHIN)

    def stop(self) -> tuple[int, float]:
        """SIGTERM; its exit status and how many seconds its end took."""
        began = time.monotonic()
        return self._end(signal.SIGTERM, STOPS_WITHIN), time.monotonic() - began

    def sample(self) -> None:
        """Take down how much memory and how many files it has."""
        process = self._process
        if process is None or time.monotonic() - self._started < WARM_SECONDS:
            return
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            files = len(os.listdir(f"/proc/{process.pid}/fd"))  # noqa: PTH208 (an entry may go meanwhile)
        except OSError:
            return  # it was killed in this moment
        found = re.search(r"VmRSS:\s+(\d+)", status)
        if found:
            self._figures.memory.samples.append(int(found[1]))
            self._figures.files.samples.append(files)

    def _end(self, how: signal.Signals, within: float) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            status = process.wait(within)
        except subprocess.TimeoutExpired:
            self._figures.fault(f"{how.name} did not end the server within {within:g} s")
            process.kill()
            status = process.wait()
        assert self._reading is not None and process.stdout is not None and process.stderr is not None
        self._reading.join()
        process.stdout.close()
        process.stderr.close()
        return status

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            token = TOKEN.search(line)
            if token:
                self.token = token[1]
            if self.token:
                self._has_token.set()
            self.last_lines.append(line.rstrip()[:2_000])
            self._judge(line)

    def _judge(self, line: str) -> None:
        if not line.startswith("{"):
            if "Traceback" in line or "Fatal" in line:
                self._figures.fault(f"the log has {line.strip()}")
            return
        told = json.loads(line)
        level = str(told.get("level", "info"))
        self.logged[level] += 1
        if level in ("error", "critical"):
            self._figures.fault(f"the log has an error: {line.strip()[:1_000]}")
