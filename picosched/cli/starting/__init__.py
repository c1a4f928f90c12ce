"""`picosched init`: a folder to begin in, with a ruleset, its transcript and the settings.

The files beside this module are what it writes.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from shlex import quote
from typing import Annotated

from picosched.cli.declared import Argument, Commands
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json
from picosched.errors import PicoschedError, words

app = Commands()
PANEL = "Rulesets and times"

FILES = ("morning.krl", "morning.txt", "picosched.toml")


@command(app, PANEL, "picosched init", "picosched init home")
def init(
    folder: Annotated[
        Path, Argument(metavar="[DIR]", help="The folder, which is made if it is missing. Default: this one.")
    ] = Path(),
    json: Json = False,
) -> None:
    """Make a folder with a ruleset, a transcript that tests it, and picosched.toml with every setting.

    The settings are commented out, each with its default. Files that are there already are never
    overwritten: then nothing is written.
    """
    made = [folder / name for name in FILES]
    for file in made:
        if file.exists():
            raise PicoschedError(f"found {file}, wanted none there: nothing was written", "conflict")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in made:
            with file.open("x", encoding="utf-8") as opened:
                opened.write((files(__package__) / file.name).read_text(encoding="utf-8"))
    except OSError as cause:
        raise PicoschedError(f"cannot write to {folder}: {words(cause)}") from cause
    if json:
        write_json([*map(str, made)])
        return
    for file in made:
        write(f"made {file}")
    there = "" if folder == Path() else f"cd {quote(str(folder))} && "
    write(f"next: {there}picosched test . && picosched install morning.krl")
