"""`picosched mcp`: what the commands do, as tools for assistants that speak the Model Context Protocol.

`tools` has the tools, which know nothing of the protocol; `server` gives them to the SDK.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from picosched.cli.declared import Commands, Option
from picosched.cli.options import command
from picosched.cli.where import HERE, Where
from picosched.errors import PicoschedError

app = Commands()
PANEL = "Editors and assistants"


@command(app, PANEL, "picosched mcp --db home.db", "picosched mcp --url http://127.0.0.1:8123 --write")
def mcp(
    where: Where = HERE,
    write: Annotated[
        bool,
        Option(
            "--write", help="Also offer raise, fire, pause, resume, cancel and install, which change picos."
        ),
    ] = False,
) -> None:
    """Offer tools to assistants on stdin and stdout, by the Model Context Protocol; a client starts it.

    The tools check rulesets, explain timespecs, simulate, plan, say why something fired or not, and list what
    is scheduled. Without --write none of them changes anything.
    """
    if find_spec("mcp") is None:
        raise PicoschedError(
            "the tools for assistants need mcp: install it with pip install 'picosched[mcp]'", "not_found"
        )
    from picosched.cli.mcp.server import new_server
    from picosched.cli.mcp.tools import Tools

    new_server(Tools(where), write=write).run("stdio")
