"""README.md as somebody new reads it: its commands in order, in a clean folder, by an installed wheel.

Dependencies are those of the tests; what `pip install` would fetch is the concern of `tests/test_lock.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.files]

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = ("python3 -m venv .venv && . .venv/bin/activate", "pip install .", "pip install '.[all]'")
"""Commands that the fixture does in another way."""
UNTIL_STOPPED = "picosched run --db home.db"


GIT = ("git", "-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


class Example(NamedTuple):
    """A command, and the lines that it prints according to the page; none if the page shows none."""

    command: str
    lines: list[str]


def examples() -> Iterator[Example]:
    for form, block in FENCE.findall(README):
        if form not in ("console", "text"):
            continue
        found: list[Example] = []
        for line in block.splitlines():
            if line.startswith(("$ ", "pip ", "picosched ")):
                found.append(Example(line.removeprefix("$ ").partition("  #")[0].strip(), []))
            else:
                found[-1].lines.append(line)
        yield from found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a virtual environment's programs, in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("installed")
    source, environment = folder / "source", folder / "env"
    shutil.copytree(ROOT / "picosched", source / "picosched", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(ROOT / name, source)
    for words in (["init"], ["add", "."], ["commit", "-m", "all"]):
        subprocess.run([*GIT, *words], cwd=source, check=True, capture_output=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(environment)
    programs = environment / "bin"
    install = ["--python", str(programs / "python"), "install", "--no-deps", str(wheel)]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def test_its_commands_work_in_order_in_a_clean_folder(installed: Path, folder: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    environ["PATH"] = f"{installed}{os.pathsep}{environ['PATH']}"
    done = []
    for example in examples():
        if example.command in INSTALLING:
            continue
        process = subprocess.Popen(
            ["sh", "-c", f"exec {example.command}"],
            cwd=folder, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        if example.command == UNTIL_STOPPED:
            assert "Ctrl-C stops" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0, f"$ {example.command}\n{printed}"
        upto = example.lines.index("…") if "…" in example.lines else len(example.lines)
        shown = [line.rstrip() for line in printed.splitlines()]
        assert shown[:upto] == example.lines[:upto], example.command
        done.append(example.command)
    assert UNTIL_STOPPED in done
    assert "picosched demo" in done
    assert {each.name for each in folder.iterdir()} >= {"home.db", "rulesets"}


def test_the_wheel_has_all_that_the_clone_has(installed: Path) -> None:
    """Files that are read beside the code are easily left out."""
    (packages,) = installed.parent.glob("lib/python*/site-packages")
    for path in (ROOT / "picosched").rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert (packages / path.relative_to(ROOT)).exists(), path


def test_it_knows_the_commit_that_it_was_built_from(installed: Path) -> None:
    source = installed.parent.parent / "source"
    asked = [*GIT, "log", "-1", "--format=%h, %cs", "--abbrev=12"]
    commit = subprocess.run(asked, cwd=source, check=True, capture_output=True, text=True).stdout.strip()
    told = subprocess.run([installed / "picosched", "--version"], check=True, capture_output=True, text=True)
    assert told.stdout.splitlines()[0].endswith(f"({commit})")


def test_it_names_every_extra_and_each_target_that_it_names_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {*re.findall(r"^\| `'\.\[(\w+)\]'` \|", README, re.MULTILINE)} == {*extras} - {"dev"}
    targets = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)}
    assert {*re.findall(r"`make ([a-z-]+)`", README)} <= targets
