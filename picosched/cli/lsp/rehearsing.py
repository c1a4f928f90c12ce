"""What a ruleset would do in the coming week: a rehearsal, as a text for the editor to show.

It is `picosched simulate` of the text as it is in the editor, with one event raised now. Nothing is kept, and
nothing outside is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from picosched.cli.explain import record_lines
from picosched.cli.lsp.document import Document, Mention
from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError
from picosched.notation import parse_input
from picosched.rehearsal.simulate import simulate
from picosched.settings import Settings

SPAN = timedelta(days=7)
MOST = 200
"""Events that are shown."""
SECONDS = 5.0
"""Real time that a rehearsal may take; an editor that leaves waits for its end."""


def firsts(document: Document) -> Iterator[Mention]:
    """Of each rule the event that selects it, or the first of several."""
    rules = set()
    for each in document.mentions:
        if each.role == "select" and each.rule not in rules:
            rules.add(each.rule)
            yield each


def rehearsed(text: str, event: str, now: datetime, settings: Settings) -> str:
    """What happens in a week that begins with an event, a line each; or the error that ends it."""
    until = now + SPAN
    lines = [f"{event}, and the week until {format_time(until)}", ""]
    try:
        records = simulate([text], now, until, [parse_input(event)], settings=settings, seconds=SECONDS)
        for record in islice(records, MOST):
            lines += [line for line, _ in record_lines(record)]
        if next(records, None) is not None:
            lines.append("…")
        if len(lines) == 2:
            lines.append("nothing happens")
    except KrlError as error:
        lines.append(error.render(text))
    except PicoschedError as error:
        lines.append(f"error: {error}")
    return "\n".join(lines) + "\n"
