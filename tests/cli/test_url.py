"""`--url`: what a command prints of a server is what it prints of a database; and a server may be lacking."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from test_cli_page import formed
from web.running import RULESET, Running, running

from picosched.cli.completing import complete_id
from picosched.clock import SystemClock
from picosched.engine.engine import Engine

pytestmark = pytest.mark.slow

PATIENCE = 20
LOGGED = re.compile(r"\S+ \S+ \[\w+ *\] ")
"""A line of the server's own log, which is of this process."""


@contextmanager
def served(folder: Path, **options: Any) -> Iterator[Running]:
    """A server that asks for its token, on `served.db` of the folder, with settings as the commands have."""
    with running(folder, token=True, engine=Engine(folder / "served.db"), **options) as site:
        yield site


SCENARIO = """
picos --new kitchen
picos --new kitchen
picos --json
install echo.krl --pico kitchen --json
install broken.krl --pico kitchen
install odd.krl --pico kitchen
install lacking.krl --pico kitchen
install rulesets/daily_digest.krl --pico kitchen
install echo.krl --pico kitchen --config [1]
raise echo:back n=1 word=two --pico kitchen
raise echo:back --attrs {"n":12345678901234567890123} --pico kitchen --json
raise echo:back --pico kitchen --explain
raise echo:broken --pico kitchen
raise echo:later at=2099-01-01T00:00:00Z --pico kitchen
raise echo:later at=2098-01-01T00:00:00Z --pico kitchen --json
raise digest:wanted zone=Europe/Rome --pico kitchen
raise digest:unwanted zone=Europe/Rome --pico kitchen
raise digest:wanted zone=Europe/Berlin --pico kitchen
raise echo:back --pico nosuch
raise nosuch --pico kitchen
query echo:count --pico kitchen
query echo:greet name=ada --pico kitchen
query echo:nosuch --pico kitchen
channels --pico kitchen --new --tag App --allow-events echo:back --allow-queries echo:greet
channels --pico kitchen --json
channels --pico kitchen --delete nosuch
raise echo:back n=2 --eci ECI
raise echo:later --eci ECI
raise echo:back --eci nosuch
query echo:greet name=ada --eci ECI
query echo:count --eci ECI
scheduled --pico kitchen
scheduled --pico kitchen --json
scheduled --pico kitchen -n 1
scheduled --kind repeat --text DIGEST
scheduled --rid echo --since 2098-06-01
scheduled --status all --pico kitchen --json
scheduled --event nosuch
scheduled --pico nosuch
show ID0
show ID0 -n 200 --json
show ID1 -n 2
show nosuch
show evening
pause evening
show
pause ID1 ID0 --until 2097-01-01
pause ID1 nosuch
scheduled --status paused --json
resume ID1 --json
resume ID1
resume ID0
move ID1 --by 1h30m
move ID1 --by -1.5s --dry-run
move ID1 --to 2097-06-01
reschedule ID1 --timespec @daily --tz Europe/Rome
reschedule ID1 --timespec 61
reschedule --name nosuch --timespec 61
fire ID2 --dry-run
fire ID2
fire ID2 --json
fire ID0
history
history ID2 --json
history --pico kitchen --outcome cancelled
history --outcome skipped
schedule echo:back --at 2099-01-01 n=3 --pico kitchen
schedule echo:back --repeat @daily _name=daily --pico kitchen --json
schedule echo:back --repeat @hourly _name=daily --pico kitchen
schedule echo:back --repeat 61 --pico kitchen
schedule echo:back --pico kitchen
cancel --pico kitchen
cancel --pico kitchen --dry-run
cancel --pico kitchen --yes --json
cancel --pico kitchen --yes
cancel ID1
journal -n 4
journal --pico kitchen --json
journal --eid nosuch
journal --pico nosuch
uninstall daily_digest --pico kitchen
uninstall nosuch --pico kitchen
install echo.krl
uninstall echo
picos --new shelf --parent kitchen
export kitchen kitchen.json --force
export nosuch nosuch.json
import kitchen.json --json
import kitchen.json --name pantry --parent kitchen
import echo.krl
backup copy.db --force
backup copy.db
simulate --from 2098-12-31 --until 2099-01-02 --pico pantry
sources
add-source sources.toml
add-source sources.toml --json
add-source {"type":"crontab","name":"table","to":{"rid":"echo"},"file":"crontab"} --json
add-source {"type":"sundial"}
sources
pause-source tick --until 2099-01-01
pause-source nosuch
resume-source tick
resume-source tick
remove-source table
remove-source table
sources --json
picos --delete kitchen
picos --delete root
picos --delete nosuch
picos
"""

ODD = """ruleset odd {
  meta { shares f }
  global { f = function() { tme:now() } }
  rule tell { select when t go alert("x") }
  rule often { select when t often fired { schedule t event "come" repeat "* * * * *" } }
}
"""
"""Installed with warnings: of its names, a rule, a schedule, and an event that no rule selects."""

LACKING = """ruleset lacking {
  meta {
    use module nosuch
  }
}
"""
"""Refused by the pico."""

SOURCES = """
[[source]]
type = "metronome"
name = "tick"
interval = 3_600_000
to = { pico = "kitchen" }

[[source]]
type = "crononome"
to = { tag = "app" }
entries = [{ name = "yearly", expr = "@yearly" }]
"""


def told(run: Any, place: list[str]) -> Iterator[tuple[str, int, list[str], list[str]]]:
    """What each command of the scenario says, ids and times by their form."""
    ids, eci = [""] * 3, ""
    for line in SCENARIO.strip().splitlines():
        words = line.replace("ECI", eci).split()
        words = [ids[int(each[2])] if each in ("ID0", "ID1", "ID2") else each for each in words]
        result = run(*words, *place)
        if line == "channels --pico kitchen --json":
            eci = result.lines[-1]["eci"]
        if line == "scheduled --pico kitchen --json":
            ids = [each["id"] for each in result.lines]
        lines = [each.replace(place[1], "PLACE").splitlines() for each in (result.out, result.err)]
        if line == "raise echo:broken --pico kitchen":
            lines[1] = lines[1][:1]  # the line of the file stands under it only where the file is known
        out, err = ([*map(formed, map(of_file, part))] for part in lines)
        yield line, result.status, [each for each in out if not LOGGED.match(each)], err


def of_file(line: str) -> str:
    """A server is sent the text of a ruleset and not the name of its file: it names the rid."""
    return re.sub(r"\b(echo|broken):(?=\d+:\d+)", r"\1.krl:", line)


@pytest.mark.files
def test_a_server_says_what_a_database_says(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "echo.krl").write_text(RULESET)
    (folder / "sources.toml").write_text(SOURCES)
    (folder / "crontab").write_text("0 3 * * * /bin/true\n")
    (folder / "odd.krl").write_text(ODD)
    (folder / "lacking.krl").write_text(LACKING)
    (folder / "broken.krl").write_text("ruleset broken {\n  rule a { select when }\n}\n")
    (folder / "local").mkdir()
    with served(folder / "local"):
        pass  # so both begin with what a server puts into its database
    here = [*told(run, ["--db", "local/served.db"])]
    with served(folder) as site:
        monkeypatch.setenv("PICOSCHED_TOKEN", site.token or "")
        there = [*told(run, ["--url", site.url])]
    for mine, its in zip(here, there, strict=True):
        assert mine == its, mine[0]
    told_of = {line: err for line, _, _, err in there}
    odd = " ".join(told_of["install odd.krl --pico kitchen"])
    assert re.findall(r"warning: odd\.krl:\d+:\d+: (\w+)", odd) == ["W109", "W305", "W303", "W403"]
    lacking = told_of["install lacking.krl --pico kitchen"]
    assert lacking[0].startswith("error: lacking.krl:3:5: the module nosuch is not installed")
    assert lacking[1:] == ["use module nosuch", "^^^^^^^^^^^^^^^^^"]
    statuses = [status for _, status, _, _ in here]
    assert statuses.count(0) > 40 and statuses.count(1) > 15


def test_a_test_of_an_alert_is_on_its_way_where_a_server_runs(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(folder) as site:
        monkeypatch.setenv("PICOSCHED_TOKEN", site.token or "")
        assert "http_allow" in run("add-alert", "me", "http://10.0.0.1/x", "--url", site.url).err
        tested = run("test-alert", "me", "--url", site.url)
        assert tested.out == "on its way from me; `picosched alerts` shows what became of it\n"


def test_the_url_and_the_token_come_from_where_they_are_said(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(folder) as site:
        token = folder / "token"
        token.write_text(f"{site.token}\n")
        assert run("picos", "--url", site.url, "--token-file", "token").status == 0
        for words, wrong in ((), "no token"), (("--token-file", "echo"), "a token that is not valid"):
            (folder / "echo").write_text("x" * 43)
            result = run("picos", "--url", site.url, *words)
            assert (result.status, result.out) == (1, "")
            assert f"found {wrong}" in result.err and "PICOSCHED_TOKEN" in result.err
        assert run("picos", "--url", site.url, "--token-file", "nosuch").status == 1
        (folder / "empty").touch()
        assert (
            "found an empty file empty, wanted"
            in run("picos", "--url", site.url, "--token-file", "empty").err
        )
        monkeypatch.setenv("PICOSCHED_URL", site.url + "/")
        monkeypatch.setenv("PICOSCHED_TOKEN", site.token or "")
        assert run("picos", "--json").lines[0]["name"] == "root"
        assert "there is no database other.db" in run("picos", "--db", "other.db").err


@pytest.mark.parametrize("words", [("run", "--once"), ("doctor",)])
def test_a_command_for_files_refuses_the_url_of_the_environment(
    run: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PICOSCHED_URL", "http://127.0.0.1:1")
    refused = run(*words)
    assert (refused.status, "PICOSCHED_URL=http://127.0.0.1:1" in refused.err) == (2, True)
    assert "there is no database a.db" in run(*words, "--db", "a.db").err


@pytest.mark.parametrize(
    "words",
    [("--db", "a.db", "--url", "http://127.0.0.1:1"), ("--db", "a.db", "--token-file", "token")],
)
def test_a_database_and_a_server_at_once_are_wrong_usage(run: Any, words: tuple[str, ...]) -> None:
    assert run("scheduled", *words).status == 2


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:8123", "http://", "x"])
def test_what_is_no_url_is_told(run: Any, url: str) -> None:
    result = run("scheduled", "--url", url)
    assert (result.status, f'found the URL "{url}"' in result.err) == (1, True)


def test_a_server_that_is_not_there_is_3(run: Any) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody listens
        result = run("scheduled", "--url", f"http://127.0.0.1:{held.getsockname()[1]}")
    assert (result.status, result.err.startswith("error: nobody answers at http://127.0.0.1")) == (3, True)


class Stranger(BaseHTTPRequestHandler):
    """A server of something else."""

    def do_GET(self) -> None:
        body = self.server.body  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<h1>hello</h1>"),
        (500, b'{"error": 1}'),
        (200, b"[]"),
        (200, b'{"version": "1.3.0"}'),
        (404, b'{"error": "no such page"}'),
    ],
)
def test_a_server_of_something_else_is_3(run: Any, status: int, body: bytes) -> None:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    server.status, server.body = status, body  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for words in (("picos",), ("scheduled",), ("history",), ("install", "rulesets/tea_timer.krl")):
            result = run(*words, "--url", f"http://127.0.0.1:{server.server_port}")
            assert (result.status, "a picosched server" in result.err) == (3, True)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def following(folder: Path, *words: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    script = Path(sys.executable).with_name("picosched")
    process = subprocess.Popen(
        [str(script), "journal", "--follow", "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={"PATH": "", **env},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def followed(folder: Path, place: str) -> Iterator[tuple[Engine, subprocess.Popen[str]]]:
    """An engine with one turn, and a process that has told that turn and waits for more."""
    if place == "--db":
        with Engine(folder / "own.db") as engine:
            engine.root.install(RULESET)
            engine.root.raise_event("echo", "back", {"n": 0})
            with following(folder, "-n", "1", "--db", "own.db") as process:
                assert '"n":0' in line_of(process)
                yield engine, process
        return
    with served(folder) as site:
        site.engine.root.raise_event("echo", "back", {"n": 0})
        words = ("-n", "1", "--url", site.url)
        with following(folder, *words, PICOSCHED_TOKEN=site.token or "") as process:
            assert '"n":0' in line_of(process)
            yield site.engine, process


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()
    return line


places = pytest.mark.parametrize("place", ["--db", "--url"])


@pytest.mark.files
@places
def test_turns_are_told_as_they_happen_and_ctrl_c_is_0(folder: Path, place: str) -> None:
    with followed(folder, place) as (engine, process):
        for number in range(1, 4):
            engine.root.raise_event("echo", "back", {"n": number})
            assert f'"n":{number}' in line_of(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.communicate() == ("", "")


@pytest.mark.files
@places
def test_following_ends_when_the_reader_goes_though_nothing_happens(folder: Path, place: str) -> None:
    with followed(folder, place) as (_, process):
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


@pytest.mark.files
@places
def test_following_ends_when_the_reader_goes_while_much_happens(folder: Path, place: str) -> None:
    with followed(folder, place) as (engine, process):
        assert process.stdout is not None and process.stderr is not None
        for number in range(1, 200):
            engine.root.raise_event("echo", "back", {"n": number})
            if number == 100:
                process.stdout.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


@pytest.mark.files
@places
def test_many_turns_are_followed_in_their_order_and_each_once(folder: Path, place: str) -> None:
    with followed(folder, place) as (engine, process):
        for number in range(1, 500):
            engine.root.raise_event("echo", "back", {"n": number})
        for number in range(1, 500):
            assert f'"attrs":{{"n":{number}}}' in line_of(process)


def test_a_server_that_ends_is_told_to_who_follows(folder: Path) -> None:
    with served(folder) as site:
        site.engine.root.raise_event("echo", "back", {"n": 0})
        with following(folder, "-n", "1", "--url", site.url, PICOSCHED_TOKEN=site.token or "") as process:
            line_of(process)
            site.server.stop()
            assert process.wait(PATIENCE) == 3
            assert process.stderr is not None and site.url in process.stderr.read()


def test_following_wants_no_single_turn(run: Any) -> None:
    assert run("journal", "--follow", "--eid", "x").status == 2


def complete(picosched: Any, *words: str, **env: str) -> list[str]:
    line = f"picosched {' '.join(words)}"
    asked = picosched(_PICOSCHED_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)), **env)
    assert (asked.status, asked.err) == (0, "")
    return asked.out.split()


def test_names_and_ids_of_the_database_are_completed(picosched: Any, run: Any, folder: Path) -> None:
    run("install", "rulesets/tea_timer.krl")
    run("picos", "--new", "kitchen")
    run("raise", "tea:started", "minutes=5")
    id = run("scheduled", "--json").json["id"]
    assert complete(picosched, "scheduled", "--pico", "ki") == ["kitchen"]
    assert complete(picosched, "show", id[:3]) == [id]
    assert complete(picosched, "cancel", id[:3]) == [id]
    assert complete(picosched, "export", "ro") == ["root"]
    assert complete(picosched, "show", "--db", "rulesets", "x") == []
    (folder / "text.db").write_text("no database" * 100)
    assert complete(picosched, "show", "--db", "text.db", "x") == []
    assert complete(picosched, "scheduled", "--url", "http://127.0.0.1:1", "--pico", "r") == []


def test_names_and_ids_of_a_server_are_completed(picosched: Any, folder: Path) -> None:
    with served(folder) as site:
        kitchen = site.engine.new_pico("kitchen")
        kitchen.install(RULESET)
        kitchen.raise_event("echo", "later", {"at": "2099-01-01T00:00:00Z"})
        (row,) = kitchen.scheduled()
        (folder / "token").write_text(site.token or "")
        there = ("--url", site.url, "--token-file", "token")
        assert complete(picosched, "scheduled", *there, "--pico", "ki") == ["kitchen"]
        assert complete(picosched, "show", *there, row.id[:3]) == [row.id]
        env = {"PICOSCHED_URL": site.url, "PICOSCHED_TOKEN": site.token or ""}
        assert complete(picosched, "export", "ki", **env) == ["kitchen"]
        assert complete(picosched, "show", '""', **env) == [row.id]
        assert complete(picosched, "show", row.id[:3], PICOSCHED_URL=site.url) == []  # without its token


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_for_completion(picosched: Any, shell: str) -> None:
    shown = picosched(_PICOSCHED_COMPLETE=f"source_{shell}")
    assert (shown.status, "_PICOSCHED_COMPLETE" in shown.out) == (0, True)


def test_completing_an_id_is_quick(picosched: Any, run: Any) -> None:
    run("install", "rulesets/tea_timer.krl")
    values: dict[str, Any] = {}
    assert complete_id(values, "") == []  # what it imports, it has then
    clock = SystemClock()
    start = clock.now()
    assert complete_id(values, "") == []
    assert (clock.now() - start).total_seconds() < 0.15
