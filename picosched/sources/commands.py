"""Commands of a crontab file that the settings do not let run, known before the first of them is due."""

from __future__ import annotations

from collections.abc import Sequence

from picosched.krl.allowed import AllowedProgram
from picosched.krl.scope import Program
from picosched.sources.source import URL, Source

RUN = "proc:run"
"""The event of each line of a crontab file."""


def refused_commands(source: Source, allowed: Sequence[AllowedProgram]) -> list[str]:
    """Which lines of the file of a source will be refused, and what to add for them; one text for lines that
    lack the same.
    """
    if source.file is None or source.to.kind == URL:  # another engine has its own settings
        return []
    lacking: dict[str, list[str]] = {}
    for entry in source.entries:
        given = entry.attrs or {}
        if entry.event == RUN and given.get("command"):
            program = Program(given["command"][0], env=tuple(given.get("env", {}).items()))
            if (lacks := _lacks(program, allowed)) is not None:
                lacking.setdefault(lacks, []).append(str(given.get("line")))
    return [
        f"{source.file}, line{'s' * (len(lines) > 1)} {', '.join(lines)}: each run will fail: {lacks}"
        for lacks, lines in lacking.items()
    ]


def _lacks(program: Program, allowed: Sequence[AllowedProgram]) -> str | None:
    """What the settings lack for a program; None if nothing."""
    path, names = program.path, [name for name, _ in program.env]
    known = next((each for each in allowed if each.path == path), None)
    if not path.startswith("/"):
        return f"found the program {path}, wanted its absolute path, here and in the setting proc_allow"
    missing = names if known is None else [name for name in names if name not in known.env]
    if known is not None and not missing:
        return None
    folders = () if known is None else (*known.env, *(f"cwd={each}" for each in known.cwd))
    entry = " ".join((path, *folders, *missing))
    lacks = f"the program {path}" if known is None else f"the variable {', '.join(missing)} of {path}"
    instead = f"; or take the line {missing[0]}=… out of the file" if missing else ""
    return f'the setting proc_allow does not name {lacks}: write "{entry}" there{instead}'
