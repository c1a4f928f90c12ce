"""Views for people and their programs, as those of SQLite (`store/sqlite/views.py`), column for column."""

from __future__ import annotations


def _time(column: str) -> str:
    """Milliseconds since 1970 as `2026-03-01T09:30:00.000Z`."""
    time = f"timestamp 'epoch' + {column} * interval '1 millisecond'"
    return f"""to_char({time}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _json(column: str) -> str:
    """A text as JSON. PostgreSQL has no text for U+0000 and half characters: they are shown as U+FFFD."""
    return rf"""regexp_replace({column}, '\\u(0000|[dD][89a-fA-F]..)', '\\ufffd', 'g')::json"""


VIEWS = (
    f"""CREATE VIEW schedules AS SELECT
        s.id,
        s.name,
        s.domain || ':' || s.type AS event,
        p.name AS pico,
        s.pico AS pico_id,
        s.rid || '.' || s.rule AS made_by,
        CASE WHEN s.held = 1 THEN 'held' ELSE s.status END AS status,
        s.kind,
        s.timespec,
        s.tz,
        {_time("s.due")} AS due,
        {_time("s.asked")} AS asked,
        {_time("s.created")} AS created,
        s.fires,
        {_time("s.fired")} AS fired,
        s.failures,
        {_time("s.paused_until")} AS paused_until,
        s.description,
        s.attrs
    FROM scheduled s LEFT JOIN pico p ON p.id = s.pico
    WHERE s.kind IN ('at', 'repeat', 'window')""",
    f"""CREATE VIEW fires AS SELECT
        f.scheduled AS schedule_id,
        s.name AS schedule,
        s.domain || ':' || s.type AS event,
        p.name AS pico,
        f.pico AS pico_id,
        {_time("f.nominal")} AS nominal,
        {_time("f.fired")} AS fired,
        (f.fired - f.nominal) / 1000.0 AS lateness,
        f.outcome,
        f.rules,
        f.why,
        f.stands_for,
        f.eid
    FROM fire f LEFT JOIN scheduled s ON s.id = f.scheduled LEFT JOIN pico p ON p.id = f.pico""",
    f"""CREATE VIEW turns AS SELECT
        j.seq,
        {_time("j.at")} AS at,
        p.name AS pico,
        j.pico AS pico_id,
        ({_json("j.handled")} -> 0 ->> 'domain') || ':' || ({_json("j.handled")} -> 0 ->> 'type') AS event,
        j.eid,
        j.scheduled AS schedule_id,
        {_time("j.nominal")} AS nominal,
        (SELECT coalesce(json_agg((c ->> 'rid') || '.' || (c ->> 'rule')), '[]')::text
            FROM json_array_elements({_json("j.handled")}) h, json_array_elements(h -> 'considered') c
            WHERE c ->> 'outcome' = 'fired') AS rules,
        json_array_length(j.errors::json) AS failures,
        j.handled,
        j.directives,
        j.errors,
        j.log
    FROM journal j LEFT JOIN pico p ON p.id = j.pico""",
    """CREATE VIEW variables AS SELECT
        p.name AS pico,
        e.pico AS pico_id,
        e.rid,
        e.name,
        CASE WHEN e.size IS NULL THEN e.value ELSE
            (SELECT '{' || coalesce(string_agg(t.key || ':' || t.value, ',' ORDER BY t.place), '') || '}'
                FROM element t WHERE t.pico = e.pico AND t.rid = e.rid AND t.name = e.name)
        END AS value
    FROM entity e LEFT JOIN pico p ON p.id = e.pico""",
)
