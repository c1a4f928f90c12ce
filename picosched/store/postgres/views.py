"""The views of `store/views.py` as PostgreSQL makes them."""

from __future__ import annotations

from picosched.store.views import Own, views_of


def _time(column: str) -> str:
    """A time as text."""
    time = f"timestamp 'epoch' + {column} * interval '1 millisecond'"
    return f"""to_char({time}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _json(column: str) -> str:
    """A text as JSON. PostgreSQL has no text for U+0000 and half characters: they are shown as U+FFFD."""
    return rf"""regexp_replace({column}, '\\u(0000|[dD][89a-fA-F]..)', '\\ufffd', 'g')::json"""


HANDLED = _json("j.handled")
OWN = Own(
    time=_time,
    is_held="s.held = 1",
    event=f"({HANDLED} -> 0 ->> 'domain') || ':' || ({HANDLED} -> 0 ->> 'type')",
    rules=f"""(SELECT coalesce(json_agg((c ->> 'rid') || '.' || (c ->> 'rule')), '[]')::text
        FROM json_array_elements({HANDLED}) h, json_array_elements(h -> 'considered') c
        WHERE c ->> 'outcome' = 'fired')""",
    failures="json_array_length(j.errors::json)",
    elements="""(SELECT '{' || coalesce(string_agg(t.key || ':' || t.value, ',' ORDER BY t.place), '') || '}'
        FROM element t WHERE t.pico = e.pico AND t.rid = e.rid AND t.name = e.name)""",
)
VIEWS = tuple(
    f"CREATE VIEW {each.name} AS SELECT {each.columns} FROM {each.tables} WHERE {each.only}"
    for each in views_of(OWN)
)
