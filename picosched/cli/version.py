"""`picosched --version`: the release, the build, and what it runs on.

The build is a commit and its date: written into a wheel by `setup.py`, or of a clone, that of its folder.
"""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
BUILD = "build.txt"
"""The file of the package in which a wheel has its build."""


def version_text() -> str:
    """The lines of `picosched --version`."""
    from picosched.store.opening import sqlite_version

    built = build_of(PACKAGE)
    release = f"picosched {version('picosched')}" + (f" ({built})" if built else "")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{release}\n{python}, SQLite {sqlite_version()}, {platform.platform()}"


def build_of(package: Path) -> str | None:
    """The commit and date of a package, such as "0e1f2d3c4b5a, 2026-11-29"; None if it is not known."""
    if (package / BUILD).exists():
        return (package / BUILD).read_text().strip() or None
    if not (package.parent / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "log", "-1", "--format=%h, %cs", "--abbrev=12"],
            cwd=package,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or none that answers
        return None
    return asked.stdout.strip() or None
