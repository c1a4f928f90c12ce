"""What holds of every command: its help, its exit status, its colours, and how it meets bad input."""

import platform
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from picosched.cli import full
from picosched.cli.main import MODULES
from picosched.engine.engine import Engine

RULESETS = Path(__file__).parent.parent.parent / "rulesets"

COMMANDS = [
    "demo", "init", "lsp", "mcp",
    "check", "eval", "next", "plan", "simulate", "replay", "test", "install", "uninstall", "raise",
    "query",
    "picos", "channels", "scheduled", "load", "show", "schedule", "cancel", "pause", "resume", "fire", "move",
    "reschedule", "backfill", "history", "why", "journal", "backup", "export", "import", "doctor",
    "migrate", "sources", "add-source", "remove-source", "pause-source", "resume-source", "deliveries",
    "retry-delivery", "drop-delivery", "alerts", "add-alert", "change-alert", "remove-alert", "test-alert",
    "windows", "add-window", "change-window", "remove-window",
]  # fmt: skip

ON_A_DATABASE = [
    ("raise", "x:y"),
    ("query", "a:b"),
    ("picos",),
    ("channels",),
    ("scheduled",),
    ("load",),
    ("plan", "tea.krl"),
    ("show", "1"),
    ("schedule", "x:y", "--at", "2099-01-01"),
    ("cancel", "1"),
    ("pause", "1"),
    ("resume", "1"),
    ("fire", "1"),
    ("move", "1", "--by", "1h"),
    ("reschedule", "1", "--timespec", "@daily"),
    ("backfill", "1", "--from", "2026-03-01", "--until", "2026-03-02", "--yes"),
    ("history",),
    ("why", "1"),
    ("journal",),
    ("backup", "copy.db"),
    ("export", "root", "-"),
    ("sources",),
    ("add-source", '{"type": "metronome", "interval": 1000, "to": {"pico": "root"}}'),
    ("remove-source", "1"),
    ("pause-source", "1"),
    ("resume-source", "1"),
    ("deliveries",),
    ("alerts",),
    ("add-alert", "ops", "https://x/"),
    ("change-alert", "ops", "--after", "2"),
    ("remove-alert", "ops"),
    ("test-alert", "ops"),
    ("windows",),
    ("add-window", "day", "0 8 * * *", "0 18 * * *"),
    ("change-window", "day", "--tz", "Asia/Tokyo"),
    ("remove-window", "day"),
    ("retry-delivery", "1"),
    ("drop-delivery", "1"),
    ("audit",),
    ("versions", "tea"),
    ("diff", "tea.krl"),
    ("go-back", "tea"),
    ("tokens",),
    ("make-token", "anna"),
    ("revoke-token", "anna"),
    ("machines",),
]
WRITING = {
    "raise", "schedule", "cancel", "pause", "resume", "fire", "move", "reschedule", "backfill",
    "add-source", "remove-source", "pause-source", "resume-source", "retry-delivery", "drop-delivery",
    "make-token", "revoke-token", "go-back",
    "add-alert", "change-alert", "remove-alert", "test-alert",
    "add-window", "change-window", "remove-window",
}  # fmt: skip

HOLD = """\
import sys
from picosched.engine import engine
with engine.Engine(sys.argv[1]):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_the_help_lists_every_command(picosched: Any) -> None:
    result = picosched("--help")
    assert result.status == 0
    for command in COMMANDS:
        assert f" {command} " in result.out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_teaches_by_example(run: Any, command: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    assert "Examples" in result.out
    assert f"$ picosched {command}" in result.out


def test_every_command_on_picos_takes_a_database_or_a_server() -> None:
    """`run`, `serve` and `worker` are the process that has the database, `doctor` examines a file."""
    both = {"--db", "--url", "--token-file"}
    taken = {
        name: both & {option for parameter in command.params for option in parameter.opts}
        for name, command in full.whole(tuple(MODULES)).commands.items()  # type: ignore[attr-defined]
    }
    own = {name for name, options in taken.items() if options == {"--db"}}
    assert own == {"run", "serve", "worker", "doctor"}
    on_picos = {name for name, options in taken.items() if options == both}
    others = {"check", "simulate", "replay", "install", "uninstall", "import", "mcp"}
    assert on_picos == {words[0] for words in ON_A_DATABASE} | others


def test_the_version_is_that_of_the_package(picosched: Any) -> None:
    release, machine = picosched("--version").out.splitlines()
    assert release.startswith(f"picosched {version('picosched')}")
    assert f" {platform.python_version()}, SQLite 3." in machine


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("nosuch",),
        ("check",),
        ("next", "--nosuch"),
        ("next", "* * * * *", "-n", "x"),
        ("picos", "--new", ""),
        ("serve", "--proxy", "foo"),
    ],
)
def test_wrong_usage_is_2(run: Any, words: tuple[str, ...]) -> None:
    assert run(*words).status == 2


def test_what_fails_makes_no_database(run: Any, folder: Path) -> None:
    run("picos", "--new", "kitchen")
    run("export", "root", "root.json")
    for words, told in (
        (("import", "root.json"), "there is a pico root already"),
        (("serve", "nosuch.krl", "--port", "0"), "there is no file nosuch.krl"),
    ):
        failed = run(*words, "--db", "fresh.db")
        assert (told in failed.err, "token" in failed.err) == (True, False)
        assert not [*folder.glob("fresh.db*")]


def test_a_shell_is_told_how_to_complete(picosched: Any) -> None:
    asked = picosched(_PICOSCHED_COMPLETE="complete_bash", COMP_WORDS="picosched ch", COMP_CWORD="1")
    assert asked.out.split() == ["check", "channels", "change-alert", "change-window"]


def test_there_are_no_colours_where_nobody_sees_them(picosched: Any) -> None:
    for words in (
        ["check", "nosuch.krl"],
        ["--help"],
        ["next", "61 * * * *"],
        ["check", "rulesets/tea_timer.krl"],
    ):
        result = picosched(*words)
        assert "\x1b" not in result.out + result.err


def test_colours_are_forced_and_forbidden_by_the_environment(picosched: Any) -> None:
    assert "\x1b[" in picosched("next", "61 * * * *", FORCE_COLOR="1").err
    assert "\x1b[3" not in picosched("next", "61 * * * *", FORCE_COLOR="1", NO_COLOR="1").err


def test_help_is_quick_for_it_imports_nothing_heavy() -> None:
    code = """\
import sys
sys.argv = ["picosched", "--help"]
from picosched.cli.main import main
try:
    main()
except SystemExit:
    heavy = {"picosched.engine.engine", "picosched.krl.text", "sqlite3", "pendulum", "croniter", "ply"}
    sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", ON_A_DATABASE, ids=lambda words: words[0])
def test_a_database_that_is_not_there_is_named(run: Any, folder: Path, words: tuple[str, ...]) -> None:
    result = run(*words, "--db", "nosuch.db")
    assert result.status == 1
    assert "there is no database nosuch.db" in result.err
    assert not (folder / "nosuch.db").exists()


@pytest.mark.files
@pytest.mark.parametrize("words", ON_A_DATABASE, ids=lambda words: words[0])
def test_a_file_that_is_no_database_is_told(run: Any, folder: Path, words: tuple[str, ...]) -> None:
    (folder / "text.db").write_text("this is not a database, however long one looks at it" * 100)
    result = run(*words, "--db", "text.db")
    assert result.status == 1
    assert "text.db is not an SQLite database" in result.err
    assert (folder / "text.db").read_text().startswith("this is not")


@pytest.mark.files
def test_a_database_of_another_program_is_left_alone(run: Any, folder: Path) -> None:
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE song (title)")
    connection.close()
    before = (folder / "other.db").read_bytes()
    result = run("install", "rulesets/tea_timer.krl", "--db", "other.db")
    assert (result.status, "another program" in result.err) == (1, True)
    assert (folder / "other.db").read_bytes() == before


@pytest.mark.files
def test_a_folder_is_no_database(run: Any) -> None:
    result = run("scheduled", "--db", "rulesets")
    assert (result.status, "rulesets is a folder" in result.err) == (1, True)


@dataclass(frozen=True)
class Held:
    """A database that another process has open."""

    db: Path
    pid: int


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    db = tmp_path_factory.mktemp("held") / "held.db"
    with Engine(db) as engine:
        engine.root.install(RULESETS / "tea_timer.krl")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield Held(db, process.pid)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("words", ON_A_DATABASE, ids=lambda words: words[0])
def test_a_database_in_use_is_read_but_not_written(run: Any, held: Held, words: tuple[str, ...]) -> None:
    result = run(*words, "--db", str(held.db))
    if words[0] in WRITING:
        assert result.status == 3
        assert f"in use by another picosched (process {held.pid})" in result.err
    else:
        assert "in use" not in result.err


@pytest.mark.files
def test_a_database_that_may_not_be_written_is_read(run: Any, folder: Path) -> None:
    run("install", "rulesets/tea_timer.krl", "--db", "kept.db")
    (folder / "kept.db").chmod(0o444)
    assert run("picos", "--json", "--db", "kept.db").json["rulesets"] == ["tea_timer"]


def test_a_fault_nobody_foresaw_is_3_and_shows_where_it_came_from(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: object) -> None:
        raise ValueError("boom")

    monkeypatch.setattr("picosched.timespec.timespec.Timespec.parse", broken)
    result = run("next", "* * * * *")
    assert result.status == 3
    assert "Traceback" in result.err
    assert "picosched failed: ValueError: boom" in result.err


def test_settings_come_from_the_folder_and_the_environment(
    run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "picosched.toml").write_text("[engine]\ngranularity = 3600\n")
    run("install", "rulesets/tea_timer.krl")
    run("raise", "tea:started", "minutes=5")
    assert run("scheduled", "--json").json["due"].endswith(":00:00Z")
    monkeypatch.setenv("PICOSCHED_GRANULARITY", "none")
    result = run("scheduled")
    assert (result.status, "PICOSCHED_GRANULARITY" in result.err or "granularity" in result.err) == (1, True)
