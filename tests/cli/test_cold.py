"""What a command imports before it does its work: this decides how long it takes, and is counted here.

The limits are a little above what was found. A module more is no fault by itself, but somebody should know of
it: `python -X importtime .venv/bin/picosched next @daily` shows where it comes from.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.files

NEVER = {
    *("typer", "rich", "pydantic", "click", "fastapi", "starlette", "nicegui", "uvicorn", "structlog"),
    *("httpx", "httpcore", "anyio", "pendulum", "sqlite_utils"),
}
LANGUAGE = {"ply", "regex", "picosched.krl.syntax", "picosched.krl.compiler", "picosched.krl.library"}
OTHERS = {"logging", "asyncio", "orjson", "croniter"}
STORE = {"sqlite3", "filelock", "picosched.engine.engine"}
REPORT = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps([*sys.modules]), file=sys.stderr))
from picosched.cli.main import main
main(sys.argv[1:])
"""


def imported(folder: Path, *words: str) -> set[str]:
    """All modules that a process has imported when the command ends."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *words], capture_output=True, text=True, cwd=folder, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return {*json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "never", "most"),
    [
        (
            ("next", "*/10 * * * *"),
            NEVER | LANGUAGE | STORE | OTHERS,
            45,
        ),
        (("check", "rulesets/daily_digest.krl"), NEVER | STORE | {"asyncio"}, 151),
        (("scheduled",), NEVER | LANGUAGE | {"filelock", "asyncio", "croniter"}, 214),
        (("history",), NEVER | LANGUAGE | {"filelock", "asyncio", "croniter"}, 214),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else None,
)
def test_a_command_imports_only_what_it_needs(
    run: Any, folder: Path, words: tuple[str, ...], never: set[str], most: int
) -> None:
    run("picos", "--new", "kitchen")
    run("install", "rulesets/tea_timer.krl")
    run("raise", "tea:started", "minutes=5")
    found = imported(folder, *words)
    assert sorted(never & found) == []
    assert len([name for name in found if name.startswith("picosched")]) <= most


@pytest.mark.slow
def test_typer_is_imported_for_help_alone(folder: Path) -> None:
    found = imported(folder, "next", "--help")
    assert "typer" in found
    assert sorted(found & (LANGUAGE | STORE | {"pendulum", "croniter", "orjson"})) == []
