"""The views of `store/views.py` as SQLite makes them."""

from __future__ import annotations

from picosched.store.views import Own, views_of


def _time(column: str) -> str:
    """A time as text; its part of a second is never negative."""
    part = f"(({column} % 1000 + 1000) % 1000)"
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', ({column} - {part}) / 1000, 'unixepoch')"
    return f"{seconds} || printf('.%03dZ', {part})"


OWN = Own(
    time=_time,
    is_held="s.held",
    event="json_extract(j.handled, '$[0].domain') || ':' || json_extract(j.handled, '$[0].type')",
    rules="""(SELECT
            json_group_array(json_extract(c.value, '$.rid') || '.' || json_extract(c.value, '$.rule'))
        FROM json_each(j.handled) h, json_each(h.value, '$.considered') c
        WHERE json_extract(c.value, '$.outcome') = 'fired')""",
    failures="json_array_length(j.errors)",
    elements="""(SELECT '{' || coalesce(group_concat(t.key || ':' || t.value), '') || '}'
        FROM (SELECT key, value FROM element
            WHERE pico = e.pico AND rid = e.rid AND name = e.name ORDER BY place) t)""",
)
VIEWS = tuple(
    f"CREATE VIEW {each.name} AS SELECT {each.columns} FROM {each.tables} WHERE {each.only}"
    for each in views_of(OWN)
)
