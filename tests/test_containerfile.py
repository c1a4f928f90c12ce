"""The container file, as far as it can be tried without a builder: all that it names is there, and works.

`make container` builds and runs it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest
from web.served import Served

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
PORT = "8123"


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, on one line."""
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last(word: str) -> str:
    return [rest for each, rest in instructions() if each == word][-1]


def words(text: str) -> list[str]:
    """The words of a command in its exec form: a shell would not pass signals on."""
    found: list[str] = json.loads(text[text.index("[") :])
    return found


def test_what_it_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".containerignore").read_text().split()
    assert ignored[0] == "*"
    for word, rest in instructions():
        if word == "COPY" and "--from=" not in rest:
            *sources, _ = rest.split()
            for each in sources:
                assert (ROOT / each).exists()
                assert any(fnmatch(each, rule[1:]) for rule in ignored if rule.startswith("!")), each
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = re.search(r"'\.\[([a-z,]+)\]'", TEXT)
    assert named is not None and {*named[1].split(",")} <= {*extras}


def test_every_release_of_the_lock_becomes_a_constraint() -> None:
    script = re.search(r"sed -n '([^']+)' requirements.lock", TEXT)
    assert script is not None
    asked = ["sed", "-n", script[1], ROOT / "requirements.lock"]
    made = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    lock = (ROOT / "requirements.lock").read_text()
    assert len(made) == len(re.findall(r"^\S+==", lock, re.MULTILINE)) > 50
    assert all(re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[^\s\\]+( ; .+)?", each) for each in made)


def test_it_runs_as_nobody_special_and_keeps_its_data() -> None:
    assert int(last("USER")) >= 1_000
    assert last("VOLUME") == last("WORKDIR") == "/data"
    assert f"--uid {last('USER')} " in TEXT and "--owner picosched /data" in TEXT
    assert words(last("CMD"))[-3:-2] == ["/data/picosched.db"]
    assert last("EXPOSE") == PORT and PORT in words(last("CMD")) and f":{PORT}/" in last("HEALTHCHECK")


@pytest.mark.slow
def test_its_command_serves_is_healthy_and_stops(tmp_path: Path) -> None:
    (command,), (serve, *options) = words(last("ENTRYPOINT")), words(last("CMD"))
    assert (command, serve) == ("picosched", "serve")
    given = [each.replace("/data", str(tmp_path)) for each in options]
    given[given.index(PORT)] = "0"
    site = Served(tmp_path, *given)
    python, *check = words(last("HEALTHCHECK"))
    assert python == "python"
    port = site.url.rpartition(":")[2]
    health = [sys.executable, *(each.replace(PORT, port) for each in check)]
    assert subprocess.run(health, capture_output=True).returncode == 0
    assert httpx.get(f"http://127.0.0.1:{port}/api/picos").status_code == 401
    assert site.stop(signal.Signals[last("STOPSIGNAL")]) == 0
    assert subprocess.run(health, capture_output=True).returncode != 0
    assert (tmp_path / "picosched.db").stat().st_uid == os.getuid()
