"""Cold starts: CPU time of commands, a server's start and its memory, as users run them.

CPU time of the processes, since other programs share the machine. A sample starts a process with compiled
files; compare the ratios to `python -c pass`, and for a server to the smallest ASGI app on the same uvicorn.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from picosched import Engine
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, side_by_side

PYTHON = "python -c pass"
UVICORN = "bare ASGI app on uvicorn"
TEA = Path(__file__).parent.parent.parent / "rulesets" / "tea_timer.krl"
MAIN = "from picosched.cli.main import main; main()"
BARE = """
import socket, uvicorn
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
listening = socket.create_server(("127.0.0.1", 0))
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, lifespan="off", log_level="error", loop="uvloop", http="httptools")
uvicorn.Server(config).run(sockets=[listening])
"""
COMMANDS = (
    ("next", "*/10 * * * *"),
    ("check", str(TEA)),
    ("scheduled",),
    ("raise", "tea:started", "minutes=5"),
    ("--help",),
)


def measure(setup: Setup) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with Engine(folder / "picosched.db") as engine:
            engine.root.install(TEA)
            engine.root.raise_event("tea", "started", {"minutes": 5})
        return [*_commands(folder, setup), *_servers(folder, setup)]


def _commands(folder: Path, setup: Setup) -> Iterator[Row]:
    for words in COMMANDS:
        yield side_by_side(
            f"picosched {words[0]}",
            "ms CPU",
            {
                OURS: lambda words=words: _cpu(folder, MAIN, words) * 1_000,  # type: ignore[misc]
                PYTHON: lambda: _cpu(folder, "pass") * 1_000,
            },
            repeats=setup.repeats,
        )


def _cpu(folder: Path, code: str, words: Sequence[str] = ()) -> float:
    """CPU seconds of a process that ends by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=folder, stdout=subprocess.DEVNULL, env=_env()
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return used.ru_utime + used.ru_stime


def _env() -> dict[str, str]:
    """Compiled files are kept, as they are for users."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@dataclass(frozen=True, slots=True)
class Started:
    """A server that has answered once."""

    cpu_ms: float
    url: str
    pid: int

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        return int(re.findall(r"^Rss: +(\d+) kB", rollup, re.MULTILINE)[0]) / 1_000


@contextmanager
def _started(folder: Path, code: str, words: Sequence[str] = ()) -> Iterator[Started]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=_env(),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        url = re.findall(r"http://\S+\d", process.stdout.readline())[0]
        with urlopen(f"{url}/health") as answer:
            answer.read()
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        yield Started(ticks * 1_000 / os.sysconf("SC_CLK_TCK"), url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _servers(folder: Path, setup: Setup) -> list[Row]:
    serve = ("serve", "--open", "--port", "0", "--no-access-log")

    def ours(look: Callable[[Started], float]) -> Callable[[], float]:
        def sample() -> float:
            with _started(folder, MAIN, serve) as server:
                return look(server)

        return sample

    def bare(look: Callable[[Started], float]) -> Callable[[], float]:
        def sample() -> float:
            with _started(folder, BARE) as server:
                return look(server)

        return sample

    def after(path: str) -> Callable[[Started], float]:
        def look(server: Started) -> float:
            with urlopen(Request(f"{server.url}{path}", headers={"accept": "*/*"})) as answer:
                answer.read()
            return server.megabytes

        return look

    repeats = setup.few(5)
    rows = {
        "picosched serve, until its first answer": ("ms CPU", lambda server: server.cpu_ms),
        "memory of an idle server": ("MB", lambda server: server.megabytes),
    }
    return [
        *(
            side_by_side(what, unit, {OURS: ours(look), UVICORN: bare(look)}, repeats=repeats)
            for what, (unit, look) in rows.items()
        ),
        side_by_side(
            "… after a request for the API", "MB", {OURS: ours(after("/api/version"))}, repeats=repeats
        ),
        side_by_side("… after a page of the console", "MB", {OURS: ours(after("/"))}, repeats=repeats),
    ]
