"""Crontab files: what is read, what cannot be run without a shell, and all faults of a file at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from picosched import Engine, PicoschedError, VirtualClock
from picosched.krl.allowed import read_allowed
from picosched.sources.commands import refused_commands
from picosched.sources.crontab import read_crontab
from picosched.sources.reading import read_source
from picosched.sources.source import Source

FILE = r"""# m h dom mon dow command

MAILTO=ops@example.org
PATH = /usr/bin:/bin
"GREETING" = 'good  morning'
*/5 * * * * /usr/bin/backup --to "/mnt/a b" 'x|y' plain\ blank
@daily      /bin/date +\%F
CRON_TZ=Europe/Berlin
 30 2 1-7 jan,feb mon  /bin/true
30 2 1-7 jan,feb mon /bin/true
"""


def test_a_file_is_read() -> None:
    lines = read_crontab(FILE, "tab", "Asia/Tokyo")
    env = {"PATH": "/usr/bin:/bin", "GREETING": "good  morning"}
    assert [(each.number, each.when, each.tz) for each in lines] == [
        (6, "*/5 * * * *", "Asia/Tokyo"),
        (7, "@daily", "Asia/Tokyo"),
        (9, "30 2 1-7 jan,feb mon", "Europe/Berlin"),
        (10, "30 2 1-7 jan,feb mon", "Europe/Berlin"),
    ]
    assert lines[0].command == ("/usr/bin/backup", "--to", "/mnt/a b", "x|y", "plain blank")
    assert lines[0].env == env
    assert lines[1].command == ("/bin/date", "+%F")
    assert lines[2].env == env
    assert [each.name for each in lines[2:]] == [
        "30 2 1-7 jan,feb mon /bin/true",
        "30 2 1-7 jan,feb mon /bin/true (2)",
    ]


REFUSED = [
    ("* * * * * a | b", "a pipe"),
    ("* * * * * a > /dev/null", "a redirection"),
    ("* * * * * a 2>&1", "a redirection"),
    ("* * * * * a < in", "a redirection"),
    ("* * * * * a && b", "&"),
    ("* * * * * a; b", "several commands"),
    ("* * * * * echo `date`", "a command in a command"),
    ('* * * * * echo "`date`"', "a command in a command"),
    ("* * * * * echo $(date)", "a variable or a command in a command"),
    ('* * * * * echo "$HOME"', "a variable or a command in a command"),
    ("* * * * * ls *.txt", "a pattern of file names"),
    ("* * * * * (a)", "a subshell"),
    ("* * * * * ls ~/x", "a home folder"),
    ("* * * * * a # b", "a comment"),
    ("* * * * * date +%F", r"wanted \% for the character"),
    ("* * * * * date '+%F'", r"wanted \% for the character"),
    ("* * * * * A=1 run", "wanted it on a line of its own above"),
    ("* * * * * echo 'x", "no closing quotation"),
    ("* * * * * root /bin/true", 'found the user field "root"'),
    ("@reboot /bin/true", "found @reboot, which is not a time"),
    ("@nosuch /bin/true", "@nosuch"),
    ("0~30 * * * * /bin/true", "not random"),
    ("61 * * * * /bin/true", 'found "61", wanted 0 to 59'),
    ("* * * * *", "found no command"),
    ("* * * *", "found"),
    ("CRON_TZ=Mars/Phobos", "CRON_TZ"),
    ("RANDOM_DELAY=5", "found RANDOM_DELAY"),
]


@pytest.mark.parametrize(("line", "told"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_cannot_be_is_refused_by_its_line(line: str, told: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        read_crontab(f"# first\n{line}\n", "tab")
    assert str(caught.value).startswith("tab: line 2: ")
    assert told in str(caught.value)


def test_a_quote_takes_its_meaning_from_a_sign() -> None:
    (line,) = read_crontab(r"""* * * * * echo '$HOME | `x` > *' "a;b" \$x \*""", "tab")
    assert line.command == ("echo", "$HOME | `x` > *", "a;b", "$x", "*")


def test_the_systems_crontab_has_a_user_field() -> None:
    with pytest.raises(PicoschedError, match='found the user field "ada"'):
        read_crontab("* * * * * ada /bin/true", "/etc/cron.d/backup")


def test_all_faults_of_a_file_are_told_at_once() -> None:
    with pytest.raises(PicoschedError) as caught:
        read_crontab("61 * * * * a\n* * * * * b\n@reboot c\n* * * * * d | e\n", "tab")
    told = str(caught.value).splitlines()
    assert told[0] == "tab: 3 invalid lines"
    assert [line.strip().split(":")[0] for line in told[1:]] == ["line 1", "line 3", "line 4"]


def test_a_line_becomes_an_event_for_a_program(tmp_path: Path) -> None:
    path = tmp_path / "tab"
    path.write_text("PATH=/bin\n5 4 * * * /bin/echo 'a b'\n")
    with Engine(clock=VirtualClock("2026-03-01T00:00:00Z")) as engine:
        engine.add_source({"type": "crontab", "to": {"pico": "root"}, "file": str(path)})
        assert engine.run_until("2026-03-02T00:00:00Z") == 1
        (turn,) = engine.journal()
        attrs = {"command": ["/bin/echo", "a b"], "env": {"PATH": "/bin"}, "line": 2}
        assert turn.handled[0] == {"domain": "proc", "type": "run", "attrs": attrs, "considered": []}
        assert turn.nominal is not None and turn.nominal.isoformat() == "2026-03-01T04:05:00+00:00"


JOBS = """PATH=/usr/bin:/bin
0 4 * * * /bin/date
5 4 * * * /bin/date -u
0 5 * * * /bin/backup
0 6 * * * backup
"""
DATE = '"/bin/date TZ PATH"'


def declared(folder: Path) -> Source:
    (folder / "jobs").write_text(JOBS)
    given = {"type": "crontab", "name": "night", "file": "jobs", "to": {"pico": "root"}}
    return read_source(given, folder=folder)


def test_commands_that_the_settings_refuse_are_known_before_the_night(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = declared(tmp_path)
    refused = [
        f"jobs, lines 2, 3: each run will fail: the setting proc_allow does not name the variable PATH of "
        f"/bin/date: write {DATE} there; or take the line PATH=… out of the file",
        "jobs, line 4: each run will fail: the setting proc_allow does not name the program /bin/backup: "
        'write "/bin/backup PATH" there; or take the line PATH=… out of the file',
        "jobs, line 5: each run will fail: found the program backup, wanted its absolute path, here and in "
        "the setting proc_allow",
    ]
    with Engine(clock=VirtualClock(), proc_allow=["/bin/date TZ"]) as engine:
        engine.bring_sources([source])
        assert [each.message for each in caplog.records] == [f"the source night: {each}" for each in refused]
    allowed = [read_allowed(each) for each in ("/bin/date TZ PATH", "/bin/backup PATH")]
    assert refused_commands(source, allowed) == refused[2:]
