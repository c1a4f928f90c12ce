"""`picosched format`: format rulesets, replacing each file completely or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from picosched.cli.declared import Argument, Commands, Option
from picosched.cli.options import Json, command
from picosched.cli.printing import rendered, show_error, write, write_json, write_rendered
from picosched.errors import EXIT_STATUS, KrlError, PicoschedError

app = Commands()
PANEL = "Rulesets and times"
STDIN = Path("-")


@command(
    app,
    PANEL,
    "picosched format rulesets/*.krl",
    "picosched format --check rulesets/*.krl",
    "picosched format - < tea.krl",
    name="format",
)
def format_(
    files: Annotated[
        list[Path], Argument(metavar="FILE…", help="Rulesets to format; - reads one from stdin.")
    ],
    check: Annotated[
        bool,
        Option(
            "--check", help="Write nothing; list the files that would change, and exit with 1 if any would."
        ),
    ] = False,
    diff: Annotated[bool, Option("--diff", help="Write nothing; show what would change.")] = False,
    json: Json = False,
) -> None:
    """Format rulesets in the standard layout, and write them back.

    The meaning and the comments are preserved. A file is replaced completely or not at all, and not touched
    if nothing would change. [bold]-[/bold] reads stdin and writes to stdout. Syntax errors are reported as
    by [bold]picosched check[/bold], and the other files are still formatted.
    """
    failed = changes = False
    for file in files:
        try:
            text = _text_of(file)
            new = _formatted(text, _name_of(file))
        except PicoschedError as error:
            failed = True
            if not isinstance(error, KrlError):
                show_error(error)
            continue
        changed = new != text
        changes = changes or changed
        if json:
            _write_json(file, text, new, dry_run=check or diff)
        elif diff:
            for line in _difference(text, new, _name_of(file)):
                write(line, _colour_of(line))
        elif check:
            if changed:
                write(f"{_name_of(file)}: would be rewritten")
        elif file == STDIN:
            write(new.removesuffix("\n"))
        elif changed:
            _replace(file, new)
            write(f"{file}: rewritten")
        else:
            write(f"{file}: already formatted")
    if failed or (check and changes):
        raise SystemExit(EXIT_STATUS["invalid"])


def _write_json(file: Path, text: str, new: str, *, dry_run: bool) -> None:
    """Print the JSON for a file, after rewriting it if needed; for stdin and dry runs include the formatted
    text."""
    told: dict[str, Any] = {"file": _name_of(file), "changed": new != text}
    if file != STDIN and not dry_run and new != text:
        _replace(file, new)
    if file == STDIN or dry_run:
        told["text"] = new
    write_json(told)


def _name_of(file: Path) -> str:
    return "<stdin>" if file == STDIN else str(file)


def _text_of(file: Path) -> str:
    from picosched.krl.source import read_source

    if file != STDIN:
        return read_source(file)
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"stdin is not UTF-8 at offset {cause.start}") from cause


def _formatted(text: str, name: str) -> str:
    """The formatted text. All syntax errors are printed before one is raised."""
    from picosched.check import syntax_errors
    from picosched.krl.printer import formatted

    try:
        return formatted(text, name)
    except KrlError as error:
        told = [each.error for each in syntax_errors(text, name)] or [error]
        for each in told:
            write_rendered(rendered(each, text), "red", stderr=True)
        raise


def _difference(old: str, new: str, name: str) -> Iterator[str]:
    from difflib import unified_diff

    return unified_diff(old.splitlines(), new.splitlines(), name, f"{name}, formatted", lineterm="", n=2)


def _colour_of(line: str) -> str:
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _replace(file: Path, text: str) -> None:
    """Replace a file's content atomically: readers see the old text or the new one."""
    real = file.resolve()  # keep a symbolic link
    try:
        descriptor, temporary = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        try:
            with os.fdopen(descriptor, "wb") as new:
                new.write(text.encode("utf-8"))
                new.flush()
                os.fsync(new.fileno())
            Path(temporary).chmod(real.stat().st_mode)
            Path(temporary).replace(real)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as cause:
        raise PicoschedError(f"cannot write {file}: {cause.strerror}") from cause
