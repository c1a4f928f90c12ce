"""Gives a process of this folder an order, and reads what its child says until it is killed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator


def said_until_killed(process: subprocess.Popen[str], order: str) -> Iterator[str]:
    """What one child says, as it says it; AssertionError if it ends by itself."""
    assert process.stdin and process.stdout
    process.stdin.write(f"{order}\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.strip() == "killed":
            return
        assert line.strip() != "died", "the child ended by itself"
        yield line
    raise AssertionError("the worker ended")


def killed(process: subprocess.Popen[str], order: str) -> list[str]:
    """Run one child until it is killed; what it said."""
    return [*said_until_killed(process, order)]
