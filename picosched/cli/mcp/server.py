"""The tools as a server of the Model Context Protocol, by its SDK."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from picosched.cli.declared import WrongUseError
from picosched.cli.mcp.tools import Tools
from picosched.cli.printing import rendered
from picosched.errors import KrlError, PicoschedError

INSTRUCTIONS = """picosched runs rulesets in a KRL-like language in persistent picos, and schedules events.
Times are ISO 8601 in UTC. Check a ruleset's text before you simulate it, and simulate before you install."""

DESTRUCTIVE = ("cancel", "install")
"""Tools whose effects nobody can undo."""


def new_server(tools: Tools, *, write: bool = False) -> MCPServer:
    """A server with the tools that read, and with `write` those that change something, not started yet."""
    server = MCPServer(
        "picosched", instructions=INSTRUCTIONS, version=version("picosched"), log_level="WARNING"
    )
    reading = (tools.check, tools.next, tools.simulate, tools.plan, tools.why, tools.scheduled)
    for each in reading:
        hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
        server.add_tool(_told(each), each.__name__, annotations=hints)
    changing = (tools.raise_, tools.fire, tools.pause, tools.resume, tools.cancel, tools.install)
    for change in changing if write else ():
        hints = ToolAnnotations(read_only_hint=False, destructive_hint=change.__name__ in DESTRUCTIVE)
        server.add_tool(_told(change), change.__name__.rstrip("_"), annotations=hints)
    return server


def _told(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The tool with errors as the commands print them, all of a text at once."""

    @wraps(tool)
    def run(*args: Any, **values: Any) -> dict[str, Any]:
        try:
            return tool(*args, **values)
        except WrongUseError as error:
            raise ToolError(str(error)) from error
        except PicoschedError as error:
            others = error.others if isinstance(error, KrlError) else ()
            raise ToolError(
                "\n".join(rendered(each, values.get("text"), files=False) for each in (error, *others))
            ) from error

    return run
