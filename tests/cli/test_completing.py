"""Completion where it is used: in an interactive bash on a terminal, by the Tab key."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.files]

SECONDS = 30
KEYS = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\a")


class Bash:
    """A bash on a terminal, with completion installed."""

    def __init__(self, folder: Path) -> None:
        self._seen = b""
        environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PS1": "> ",
            "TERM": "dumb",
            "COLUMNS": "200",
        }
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execvpe("bash", ["bash", "--noprofile", "--norc", "-i"], environ)
        self.enter(
            'eval "$(_PICOSCHED_COMPLETE=source_bash picosched)"; bind "set enable-bracketed-paste off"'
        )
        self.enter("echo be''gun")
        self.await_("begun\r\n")

    def press(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def enter(self, line: str) -> None:
        self.press(f"{line}\n")

    def await_(self, text: str) -> None:
        """Wait until the terminal shows this; what came before is forgotten."""
        while text.encode() not in self._seen:
            ready, _, _ = select.select([self._terminal], [], [], SECONDS)
            assert ready, self._seen.decode()
            self._seen = KEYS.sub(b"", self._seen + os.read(self._terminal, 65_536))
        self._seen = self._seen.partition(text.encode())[2]

    def end(self) -> None:
        os.kill(self._pid, signal.SIGHUP)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)


@pytest.fixture
def bash(folder: Path) -> Iterator[Bash]:
    bash = Bash(folder)
    yield bash
    bash.end()


RULESET = """ruleset digest {
  rule plan { select when digest wanted
    always { schedule digest event "daily" repeat "0 9 * * *" attributes {"_name": "daily digest (home)"} }
  }
}
"""


def test_tab_completes_commands_names_ids_and_rulesets(run: Any, folder: Path, bash: Bash) -> None:
    (folder / "digest.krl").write_text(RULESET)
    run("install", "digest.krl", "rulesets/tea_timer.krl")
    run("picos", "--new", "kitchen")
    run("raise", "digest:wanted")
    run("raise", "tea:started", "minutes=5")
    named, plain = sorted(run("scheduled", "--json").lines, key=lambda row: row["name"] is None)
    assert named["name"] == "daily digest (home)"

    bash.press("picosched resch\t")
    bash.await_("eschedule ")
    bash.press("\x15picosched show dai\t")
    bash.await_("daily\\ digest\\ \\(home\\) ")
    bash.press("--json\n")
    bash.await_(f'"id":"{named["id"]}"')
    bash.press(f"picosched show {plain['id'][:6]}\t")
    bash.await_(f"{plain['id']} ")
    bash.press("\x15picosched uninstall tea\t")
    bash.await_("tea_timer ")
    bash.press("\x15picosched scheduled --pico kit\t")
    bash.await_("kitchen ")
    run("add-source", '{"type": "metronome", "name": "ticking", "interval": 60000, "to": {"pico": "root"}}')
    run("make-token", "anna", "--role", "read")
    run("add-alert", "ops", "https://x/")
    run("add-window", "day", "0 8 * * *", "0 18 * * *")
    for line, word in (
        ("pause-source tic", "ticking "),
        ("why tic", "ticking "),
        ("why dai", "daily\\ digest\\ \\(home\\) "),
        ("scheduled --name dai", "daily\\ digest\\ \\(home\\) "),
        ("versions tea", "tea_timer "),
        ("go-back tea", "tea_timer "),
        ("query tea", "tea_timer:"),
        ("revoke-token an", "anna "),
        ("remove-alert o", "ops "),
        ("change-window d", "day "),
        ("add-alert x y --on rec", "recovered "),
        ("make-token bob --role op", "operate "),
    ):
        bash.press(f"\x15picosched {line}\t")
        bash.await_(word)


def test_completion_is_installed_for_the_shell_that_is_named(run: Any, folder: Path) -> None:
    for shell, sign in (
        ("zsh", "#compdef picosched"),
        ("bash", "complete -o"),
        ("fish", "complete --command"),
    ):
        assert sign in run("--show-completion", shell).out
    assert run("--show-completion", "tcsh").status == 2


def test_rulesets_of_a_server_are_completed(folder: Path) -> None:
    from test_url import served

    from picosched.cli.completing import complete_rid

    with served(folder) as site:
        (folder / "token").write_text(site.token or "")
        values = {"url": site.url, "token_file": folder / "token"}
        site.engine.new_pico("kitchen").install(RULESET)
        assert ("digest", "") in complete_rid({**values, "pico": "kitchen"}, "dig")
        assert complete_rid(values, "dig") == []
