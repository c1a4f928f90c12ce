"""The programs rules may run, and the variables and folders rules may choose for them.

A variable of the environment, or the folder a program runs in, can make it run foreign code (`BASH_ENV`,
`LD_PRELOAD`, a module that lies in the folder). So a rule may set only what the settings list for that
program.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from picosched.errors import PicoschedError
from picosched.krl.scope import Program

HOME = "/"
"""The default working directory."""

KEYS = ("path", "env", "cwd")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WANTED = 'an absolute path, such as "/bin/date", with variables and folders such as "/bin/date TZ cwd=/srv"'


@dataclass(frozen=True, slots=True)
class AllowedProgram:
    """A program that rules may run."""

    path: str
    env: tuple[str, ...] = ()
    """The environment variables that a rule may set."""
    cwd: tuple[str, ...] = ()
    """The working directories that a rule may choose; the first is the default."""

    @property
    def home(self) -> str:
        """The default working directory."""
        return self.cwd[0] if self.cwd else HOME

    def refusal(self, program: Program) -> str | None:
        """Why this run is not allowed; None if it is."""
        for name, _ in program.env:
            if name not in self.env:
                return f"found the variable {name} for {self.path}, {_one_of(self.env)}"
        if program.cwd is not None and program.cwd not in self.cwd:
            return f"found the cwd {program.cwd} for {self.path}, {_one_of(self.cwd)}"
        return None


def allowed_as(program: Program, allowed: Iterable[AllowedProgram]) -> AllowedProgram:
    """The settings entry that allows a run; `refused`, with the reason, if there is none."""
    for each in allowed:
        if each.path == program.path:
            refusal = each.refusal(program)
            if refusal is not None:
                raise PicoschedError(refusal, "refused")
            return each
    raise PicoschedError(f"found the program {program.path}, wanted one that proc_allow names", "refused")


def read_allowed(given: object) -> AllowedProgram:
    """Parse a settings entry: a text of words, or a map of path, env and cwd."""
    if isinstance(given, AllowedProgram):
        return given
    if isinstance(given, str):
        path, *rest = given.split() or [""]
        env = [word for word in rest if not word.startswith("cwd=")]
        cwd = [word.removeprefix("cwd=") for word in rest if word.startswith("cwd=")]
        return _checked(path, env, cwd)
    if isinstance(given, Mapping) and "path" in given and set(given) <= set(KEYS):
        return _checked(given["path"], given.get("env", []), given.get("cwd", []))
    raise PicoschedError(f"found {given}, wanted {WANTED}, or a map of path, env and cwd")


def _checked(path: object, env: object, cwd: object) -> AllowedProgram:
    if not isinstance(path, str) or not path.startswith("/"):
        raise PicoschedError(f'found "{path}", wanted absolute paths of programs: {WANTED}')
    names = _texts(env, f"env of {path}")
    folders = _texts(cwd, f"cwd of {path}")
    for name in names:
        if not VARIABLE.fullmatch(name):
            raise PicoschedError(f'{path}: found "{name}", wanted the name of a variable, such as "TZ"')
    for folder in folders:
        if not folder.startswith("/"):
            raise PicoschedError(f'{path}: found the folder "{folder}", wanted an absolute path')
    return AllowedProgram(path, names, folders)


def _texts(given: object, what: str) -> tuple[str, ...]:
    if not isinstance(given, (list, tuple)) or not all(isinstance(each, str) for each in given):
        raise PicoschedError(f"{what}: found {given}, wanted a list of texts")
    return tuple(given)


def _one_of(named: tuple[str, ...]) -> str:
    if not named:
        return "wanted none: the setting proc_allow names none that it may have"
    return f"wanted one of those that proc_allow names for it: {', '.join(named)}"
