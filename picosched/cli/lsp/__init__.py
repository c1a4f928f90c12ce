"""`picosched lsp`: a language server for editors, and the extension of VS Code that starts it.

`server` speaks the protocol; what it answers is found by modules that know nothing of it: `document` is a
ruleset's text, `rulesets` those of a workspace; `hovering`, `completing`, `placing`, `renaming`,
`rehearsing` and `timespecs` answer, and `reference` has the library's page. `vscode` packs the extension.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from picosched.cli.declared import Commands, Option
from picosched.cli.options import command
from picosched.cli.printing import show_error, write
from picosched.errors import PicoschedError

app = Commands()
PANEL = "Editors and assistants"


@command(app, PANEL, "picosched lsp", "picosched lsp --vscode krl.vsix")
def lsp(
    vscode: Annotated[
        Path | None, Option("--vscode", metavar="FILE", help="Write the extension for VS Code to FILE.")
    ] = None,
) -> None:
    """Run a language server for rulesets on stdin and stdout; an editor starts it.

    It shows the findings of `check` as one types, explains what is under the pointer, timespecs with their
    next times among it, completes, formats, and finds definitions and references, also from an event that is
    scheduled to the rules that select it. Settings come from the folder it is started in.
    """
    if vscode is not None:
        from picosched.cli.lsp.packing import write_extension

        write_extension(vscode)
        write(f"wrote {vscode}")
        return
    if find_spec("pygls") is None:
        raise PicoschedError(
            "the language server needs pygls: install it with pip install 'picosched[lsp]'", "not_found"
        )
    from picosched.cli.lsp.server import new_server
    from picosched.cli.opening import TOML, settings_here

    settings = None
    if TOML.exists():
        try:
            settings = settings_here()
        except PicoschedError as error:  # texts can be checked without
            show_error(error)
    new_server(settings).start_io()
