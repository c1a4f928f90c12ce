"""The command line in tests: `picosched(…)` is the real command in a process, `run(…)` the same in this one.

Both stand in a folder of their own, with the shipped rulesets in `rulesets/`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from picosched.cli.main import main

RULESETS = Path(__file__).parent.parent.parent / "rulesets"


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the commands stand in."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PICOSCHED_")]:
        monkeypatch.delenv(name)
    shutil.copytree(RULESETS, tmp_path / "rulesets")
    return tmp_path


@pytest.fixture
def picosched(folder: Path) -> Run:
    """Run the command as a process."""

    def picosched(*words: str, input: str = "", **env: str) -> Result:
        # The script beside this Python, as it is installed.
        script = Path(sys.executable).with_name("picosched")
        done = subprocess.run(
            [str(script), *words],
            input=input,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env={**os.environ, **env},
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return picosched


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process."""

    def run(*words: str) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        captured = capsys.readouterr()
        return Result(int(ended.value.code or 0), captured.out, captured.err)

    return run
