"""Programs that rules run: what they give back, how they are bounded, and that each runs at most once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from picosched import Engine, KrlError, PicoschedError, VirtualClock
from picosched.krl.allowed import AllowedProgram
from picosched.krl.scope import Program
from picosched.outside.processes import Processes
from picosched.pico.turn import Turn
from picosched.rehearsal.pico import rehearsed
from picosched.settings import load_settings
from picosched.standard import PROC, url_of

RULESET = """ruleset proc.test {
  meta { shares got, asked }
  global {
    got = function() { ent:got.defaultsTo([]) }
    asked = function() { ent:asked }
  }
  rule run {
    select when t run
    proc:run(event:attrs{"program"}, event:attrs{"args"}, event:attrs{"options"}) setting(id)
    always { ent:asked := id }
  }
  rule finished { select when proc finished always { ent:got := got().append(event:attrs) } }
}"""
OTHER = "ruleset other { rule finished { select when proc finished always { ent:heard := true } } }"
ALLOWED = (
    "/bin/echo",
    "/bin/true cwd=/nowhere",
    "/bin/sleep",
    "/bin/cat",
    "/bin/sh TEA TZ",
    "/usr/bin/env",
    "/nowhere/program",
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(clock=VirtualClock("2026-03-01T00:00:00Z"), proc_allow=ALLOWED) as engine:
        engine.root.install(RULESET)
        yield engine


def ask(engine: Engine, program: str, args: list[str] | None = None, **options: Any) -> Turn:
    return engine.root.raise_event("t", "run", {"program": program, "args": args, "options": options})


def ran(engine: Engine, program: str, args: list[str] | None = None, **options: Any) -> dict[str, Any]:
    """What `proc:finished` told of a run, without a background."""
    turn = ask(engine, program, args, **options)
    assert turn.errors == []
    engine.run_due()
    found: dict[str, Any] = engine.root.query("proc.test", "got")[-1]
    return found


# ---- what comes of a run --------------------------------------------------------------------------------


def test_a_program_is_run_and_its_end_told_to_the_ruleset_that_asked(engine: Engine) -> None:
    engine.root.install(OTHER)
    found = ran(engine, "/bin/echo", ["$HOME", "*", "a b"], name="greeting")
    assert found.pop("duration") < 5
    assert found == {
        "id": engine.root.query("proc.test", "asked"),
        "name": "greeting",
        "program": "/bin/echo",
        "args": ["$HOME", "*", "a b"],
        "exit": 0,
        "signal": None,
        "stdout": "$HOME * a b\n",  # no shell stands between
        "stderr": "",
        "truncated": False,
        "outcome": "exited",
        "why": None,
    }
    entry = engine.journal(limit=1)[0]
    (handled,) = entry.handled
    bypassed = [each["rid"] for each in handled["considered"] if each["outcome"] == "bypassed"]
    assert bypassed == ["other"]
    assert {each["rid"] for each in handled["considered"]} == {"proc.test", "other"}
    assert [(fire.outcome, fire.rules) for fire in engine.history()] == [("fired", ("proc.test.finished",))]
    assert engine.run_due() == 0


def test_it_has_what_it_is_given_and_hardly_more(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the engine")
    names = {line.split("=")[0] for line in ran(engine, "/usr/bin/env")["stdout"].splitlines()}
    assert names == {"PATH", "LANG"}
    read, write = os.pipe()
    os.set_inheritable(write, True)
    told = ran(
        engine, "/bin/sh", ["-c", "echo $TEA; pwd; cat; ls /proc/$$/fd"], env={"TEA": "oolong"}, stdin="é\n"
    )
    os.close(read)
    os.close(write)
    assert told["stdout"] == "oolong\n/\né\n0\n1\n2\n"


def test_a_program_runs_in_the_folder_that_its_rule_may_choose(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    allowed = [{"path": "/bin/pwd", "cwd": [str(first), str(second)]}]
    with Engine(clock=VirtualClock(), proc_allow=allowed) as engine:
        engine.root.install(RULESET)
        assert ran(engine, "/bin/pwd")["stdout"] == f"{first}\n"
        assert ran(engine, "/bin/pwd", cwd=str(second))["stdout"] == f"{second}\n"
        (error,) = ask(engine, "/bin/pwd", cwd=str(tmp_path)).errors
        assert (error.code, error.message) == (
            "refused",
            f"found the cwd {tmp_path} for /bin/pwd, "
            f"wanted one of those that proc_allow names for it: {first}, {second}",
        )


def test_exit_status_error_output_and_signals_are_told(engine: Engine) -> None:
    failed = ran(engine, "/bin/sh", ["-c", "echo no >&2; exit 3"])
    assert (failed["exit"], failed["stderr"], failed["outcome"]) == (3, "no\n", "exited")
    killed = ran(engine, "/bin/sh", ["-c", "kill -9 $$"])
    assert (killed["exit"], killed["signal"], killed["outcome"]) == (None, "SIGKILL", "exited")


def test_more_output_than_is_kept_is_dropped_and_flagged(engine: Engine) -> None:
    found = ran(engine, "/bin/sh", ["-c", "yes | head -c 3000000; echo end >&2"])
    assert (len(found["stdout"]), found["truncated"], found["stderr"]) == (65_536, True, "end\n")
    fed = ran(engine, "/bin/cat", stdin="x" * 300_000)
    assert (len(fed["stdout"]), fed["truncated"]) == (65_536, True)


def test_a_program_that_does_not_read_its_input_is_no_fault(engine: Engine) -> None:
    assert ran(engine, "/bin/echo", stdin="x" * 300_000)["outcome"] == "exited"


@pytest.mark.slow
def test_a_program_out_of_time_is_ended_with_all_it_has_started(engine: Engine, tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child; echo begun; wait"
    found = ran(engine, "/bin/sh", ["-c", script], timeout=0.3)
    assert (found["outcome"], found["exit"], found["stdout"]) == ("timeout", None, "begun\n")
    assert found["why"] == "it took more than 0.3 seconds"
    assert ends(int((tmp_path / "child").read_text()))


def ends(pid: int) -> bool:
    """Whether a process ends within some seconds, be it that nobody asks for its status."""
    pause = threading.Event()
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                return True
        except OSError:
            return True
        pause.wait(0.01)
    return False


@pytest.mark.slow
def test_one_that_does_not_listen_to_sigterm_is_killed() -> None:
    stubborn = Program("/bin/sh", ("-c", "trap '' TERM; while :; do sleep 0.05; done"))
    ended = Processes(grace=0.2).run(stubborn, 0.2)
    assert (ended.outcome, ended.signal) == ("timeout", "SIGKILL")


def test_what_it_leaves_in_the_background_holds_up_nobody() -> None:
    ended = Processes().run(Program("/bin/sh", ("-c", "sleep 2 & echo done")), 30)
    assert (ended.outcome, ended.stdout) == ("exited", "done\n")
    assert ended.duration < 1.5


@pytest.mark.slow
def test_the_setting_proc_timeout_caps_what_a_rule_asks_for() -> None:
    with Engine(clock=VirtualClock(), proc_allow=ALLOWED, proc_timeout=1) as engine:
        engine.root.install(RULESET)
        assert ran(engine, "/bin/sleep", ["60"], timeout=1_000)["why"] == "it took more than 1 seconds"


@pytest.mark.parametrize(
    ("program", "options", "why"),
    [
        ("/nowhere/program", {}, "/nowhere/program: No such file or directory"),
        ("/bin/true", {"cwd": "/nowhere"}, "/nowhere: No such file or directory"),
    ],
)
def test_a_program_that_cannot_begin_says_why(
    engine: Engine, program: str, options: dict[str, str], why: str
) -> None:
    found = ran(engine, program, **options)
    assert (found["outcome"], found["exit"], found["why"]) == ("not_started", None, why)


# ---- what is refused ------------------------------------------------------------------------------------


def test_nothing_is_run_that_proc_allow_does_not_name() -> None:
    with Engine(clock=VirtualClock()) as engine:
        engine.root.install(RULESET)
        (error,) = ask(engine, "/bin/echo").errors
        assert (error.code, error.message) == (
            "refused",
            "found the program /bin/echo, wanted one that proc_allow names",
        )
        engine.run_due()
        assert engine.root.query("proc.test", "got") == []


@pytest.mark.parametrize(
    ("program", "args", "options", "message"),
    [
        ("echo", [], {}, "as the program, wanted its absolute path"),
        ("/bin/../bin/echo", [], {}, "wanted one that proc_allow names"),
        ("/bin/echo", "a b", {}, "as the arguments of a program, wanted an Array of Strings"),
        ("/bin/echo", [1], {}, "wanted an Array of Strings"),
        ("/bin/echo", ["a\0"], {}, "without the character 0"),
        ("/bin/echo", [], [], "as the options of a program, wanted a Map"),
        ("/bin/echo", [], {"shell": True}, "proc:run has no option shell"),
        ("/bin/echo", [], {"env": {"A": 1}}, "as the env of a program, wanted a Map of Strings"),
        ("/bin/echo", [], {"timeout": 0}, "wanted a Number of seconds above 0"),
        ("/bin/echo", [], {"timeout": True}, "wanted a Number of seconds above 0"),
        ("/bin/echo", [], {"cwd": 1}, "as the cwd of a program, wanted a String"),
        ("/bin/echo", [], {"stdin": []}, "as the stdin of a program, wanted a String"),
    ],
)
def test_a_wrong_call_is_an_error_to_the_rule(
    engine: Engine, program: str, args: Any, options: Any, message: str
) -> None:
    turn = engine.root.raise_event("t", "run", {"program": program, "args": args, "options": options})
    assert [message in error.message for error in turn.errors] == [True], turn.errors


def test_a_rule_that_fails_afterwards_runs_nothing(engine: Engine, tmp_path: Path) -> None:
    rule = 'rule r { select when t go proc:run("/bin/echo") always { ent:x := "a".as("nothing") } }'
    engine.root.install(f"ruleset fails {{ {rule} }}")
    assert engine.root.raise_event("t", "go").errors
    assert engine.next_due() is None


HARMFUL = {
    "BASH_ENV": "/tmp/code",
    "BASH_FUNC_date%%": "() { echo harm; }",
    "LD_PRELOAD": "/tmp/code.so",
    "PYTHONWARNINGS": "all:0:antigravity.x:0:0",
    "BROWSER": "/bin/sh -c harm",
    "PATH": "/tmp",
    "": "x",
    "A=B": "x",
    "tea": "another case",
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_rule_sets_no_variable_that_proc_allow_does_not_name(engine: Engine, name: str) -> None:
    (error,) = ask(engine, "/bin/sh", ["-c", "date"], env={"TEA": "oolong", name: HARMFUL[name]}).errors
    assert (error.code, error.message) == (
        "refused",
        f"found the variable {name} for /bin/sh, wanted one of those that proc_allow names for it: TEA, TZ",
    )
    assert engine.next_due() is None
    (error,) = ask(engine, "/bin/cat", env={name: HARMFUL[name]}).errors
    assert error.message.endswith(
        "for /bin/cat, wanted none: the setting proc_allow names none that it may have"
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["echo"], "wanted absolute paths of programs"),
        ([""], "wanted absolute paths of programs"),
        (["/bin/my tools/x"], '/bin/my: found "tools/x", wanted the name of a variable'),
        (["/bin/date TZ=UTC"], 'found "TZ=UTC", wanted the name of a variable'),
        (["/bin/date cwd=tmp"], 'found the folder "tmp", wanted an absolute path'),
        (["/bin/date", "/bin/date TZ"], "found /bin/date twice"),
        ([{"env": ["TZ"]}], "or a map of path, env and cwd"),
        ([{"path": "/bin/date", "shell": True}], "or a map of path, env and cwd"),
        ([{"path": "/bin/date", "env": "TZ"}], "env of /bin/date: found TZ, wanted a list of texts"),
        ([7], "or a map of path, env and cwd"),
        (7, "wanted a list of programs"),
    ],
)
def test_a_wrong_proc_allow_is_refused(given: Any, message: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        Engine(proc_allow=given)
    assert message in caught.value.message


def test_proc_allow_says_the_same_in_a_file_and_in_the_environment(
    tmp_path: Path,
) -> None:
    page = (Path(__file__).parent.parent / "docs" / "language-library.md").read_text()
    (block,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    toml = tmp_path / "picosched.toml"
    toml.write_text(block)
    weather = AllowedProgram("/usr/local/bin/weather", ("CITY", "LANG"), ("/srv/weather",))
    wanted = (AllowedProgram("/usr/bin/uptime"), weather)
    assert load_settings(toml, {}).proc_allow == wanted
    text = "/usr/bin/uptime, /usr/local/bin/weather CITY LANG cwd=/srv/weather,"
    assert load_settings(None, {"PICOSCHED_PROC_ALLOW": text}).proc_allow == wanted
    assert load_settings(None, {}, proc_allow=wanted).proc_allow == wanted
    tables = tmp_path / "tables.toml"
    tables.write_text('[engine]\nproc_allow = [{path = "/opt/my tools/weather", env = ["CITY"]}]')
    assert load_settings(tables, {}).proc_allow == (AllowedProgram("/opt/my tools/weather", ("CITY",)),)


def test_a_query_cannot_run_a_program(engine: Engine) -> None:
    engine.root.install('ruleset q { meta { shares f } global { f = function() { proc:run("/bin/echo") } } }')
    with pytest.raises(KrlError, match="found the action proc:run as a function"):
        engine.root.query("q", "f")


# ---- at most once ---------------------------------------------------------------------------------------


def test_in_the_background_programs_run_side_by_side(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with Engine(tmp_path / "picos.db", granularity=1, proc_allow=ALLOWED) as engine:
        engine.root.install(RULESET)
        engine.start()
        ask(engine, "/bin/cat", [str(fifo)])  # it ends only once the other one has begun to write
        ask(engine, "/bin/sh", ["-c", f"echo tea > {fifo}"])
        got = wait_for(engine, 2)
    assert sorted(each["stdout"] for each in got) == ["", "tea\n"]


def wait_for(engine: Engine, number: int) -> list[dict[str, Any]]:
    """What was told of so many runs, once it is told: the journal is looked at as it grows."""
    enough = threading.Event()
    for _ in range(2_000):
        got: list[dict[str, Any]] = engine.root.query("proc.test", "got")
        if len(got) >= number:
            return got
        enough.wait(0.01)
    raise AssertionError(f"found {len(got)} runs told, wanted {number}")


def test_what_runs_when_the_engine_stops_is_ended_and_told_at_the_next_start(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with Engine(tmp_path / "picos.db", granularity=1, proc_allow=ALLOWED) as engine:
        engine.root.install(RULESET)
        engine.start()
        ask(engine, "/bin/sh", ["-c", f"echo $$ > {begun}; exec sleep 60"])
        pid = written(begun)
    assert ends(pid)
    with Engine(tmp_path / "picos.db", granularity=1, proc_allow=ALLOWED) as engine:
        engine.run_due()
        (told,) = engine.root.query("proc.test", "got")
    assert (told["outcome"], told["signal"]) == ("interrupted", "SIGTERM")


def written(path: Path) -> int:
    """The number that a program writes to a file, once it is there."""
    pause = threading.Event()
    for _ in range(2_000):
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return int(text)
        pause.wait(0.01)
    raise AssertionError(f"nothing was written to {path}")


KILLED = """
import sys
from picosched import Engine
folder = sys.argv[1]
engine = Engine(folder + "/picos.db", granularity=1, proc_allow=["/bin/sh"])
engine.root.install(open(folder + "/rules.krl").read())
engine.start()
script = f"echo run >> {folder}/runs; echo $$ > {folder}/begun; exec sleep 60"
engine.root.raise_event("t", "run", {"program": "/bin/sh", "args": ["-c", script]})
sys.stdin.read()
"""


@pytest.mark.files
@pytest.mark.slow
def test_a_run_whose_engine_is_killed_is_interrupted_and_not_begun_again(tmp_path: Path) -> None:
    (tmp_path / "rules.krl").write_text(RULESET)
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdin=subprocess.PIPE) as process:
        try:
            pid = written(tmp_path / "begun")
        finally:
            process.send_signal(signal.SIGKILL)
    os.killpg(pid, signal.SIGKILL)
    for _ in range(2):
        with Engine(tmp_path / "picos.db", granularity=1, proc_allow=["/bin/sh"]) as engine:
            engine.run_due()
            (told,) = engine.root.query("proc.test", "got")
    assert (told["outcome"], told["exit"], told["why"]) == (
        "interrupted",
        None,
        "the engine ended while it ran",
    )
    assert (tmp_path / "runs").read_text() == "run\n"


def test_a_run_that_waits_is_not_begun_once_its_ruleset_is_gone_or_it_is_not_allowed(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(), proc_allow=ALLOWED) as engine:
        engine.root.install(RULESET)
        ask(engine, "/bin/echo")
    with Engine(tmp_path / "picos.db", VirtualClock()) as engine:
        engine.run_due()
        (fire,) = engine.history()
        why = "found the program /bin/echo, wanted one that proc_allow names"
        assert (fire.outcome, fire.why) == ("failed", why)
        assert engine.next_due() is None and engine.root.query("proc.test", "got") == []
    with Engine(tmp_path / "picos.db", VirtualClock(), proc_allow=ALLOWED) as engine:
        ask(engine, "/bin/echo")
        engine.root.uninstall("proc.test")
        engine.run_due()
        assert "has no ruleset proc.test" in str(engine.history()[0].why)
        assert engine.next_due() is None


def test_runs_are_no_schedules(engine: Engine) -> None:
    ask(engine, "/bin/echo")
    assert engine.scheduled() == [] and engine.next_due() is not None


# ---- rehearsals, and the standard ruleset ---------------------------------------------------------------


def test_on_virtual_time_of_a_rehearsal_nothing_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with rehearsed("2026-03-01T00:00:00Z", proc_allow=["/bin/sh"]) as pico:
        pico.install(RULESET)
        attrs = {"program": "/bin/sh", "args": ["-c", f"touch {made}"]}
        pico.raise_event("t", "run", attrs)
        pico.advance(minutes=1)
        (told,) = pico.query("proc.test", "got")
    assert (told["outcome"], told["exit"]) == ("rehearsed", 0)
    assert not made.exists()


def test_the_standard_ruleset_runs_the_commands_of_a_crontab(engine: Engine) -> None:
    engine.root.install(url_of(PROC))
    command = {"command": ["/bin/sh", "-c", "echo $TEA; exit 2"], "env": {"TEA": "oolong"}, "line": 3}
    engine.root.raise_event("proc", "run", command)
    engine.run_due()
    (run,) = engine.root.query(PROC, "runs")
    assert (run["stdout"], run["exit"], run["time"]) == ("oolong\n", 2, "2026-03-01T00:00:00.000Z")
    assert [each["level"] for each in engine.journal(limit=1)[0].log] == ["warn"]
    for number in range(25):
        engine.root.raise_event("proc", "run", {"command": ["/bin/echo", str(number)]})
    engine.run_due()
    runs = engine.root.query(PROC, "runs")
    assert [each["stdout"] for each in runs] == [f"{number}\n" for number in range(5, 25)]


def test_a_crontab_file_runs_its_programs_in_the_pico_it_is_addressed_to(tmp_path: Path) -> None:
    (tmp_path / "crontab").write_text("TEA=oolong\n30 2 * * *  /bin/sh -c 'env'\n")
    with Engine(clock=VirtualClock("2026-03-01T00:00:00Z"), proc_allow=["/bin/sh TEA"]) as engine:
        cron = engine.new_pico("cron")
        cron.install(url_of(PROC))
        table = {"type": "crontab", "file": str(tmp_path / "crontab"), "to": {"pico": "cron"}}
        engine.add_source(table)
        engine.run_until("2026-03-01T03:00:00Z")
        (run,) = cron.query(PROC, "runs")
        assert (run["exit"], "TEA=oolong" in run["stdout"]) == (0, True)
        assert run["time"] == "2026-03-01T02:30:00.000Z"
