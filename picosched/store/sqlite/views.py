"""Views for people and their programs: what the tables hold, with times as ISO 8601 text, and names.

Nothing of ours reads them. Their columns stay as they are from version to version, and are the same on
PostgreSQL; docs/sql.md describes them. The tables may change: a migration that renames or drops a column that
they use has to drop them first.
"""

from __future__ import annotations


def _time(column: str) -> str:
    """Milliseconds since 1970 as `2026-03-01T09:30:00.000Z`; the part of a second is never negative."""
    part = f"(({column} % 1000 + 1000) % 1000)"
    seconds = f"strftime('%Y-%m-%dT%H:%M:%S', ({column} - {part}) / 1000, 'unixepoch')"
    return f"{seconds} || printf('.%03dZ', {part})"


VIEWS = (
    f"""CREATE VIEW schedules AS SELECT
        s.id,
        s.name,
        s.domain || ':' || s.type AS event,
        p.name AS pico,
        s.pico AS pico_id,
        s.rid || '.' || s.rule AS made_by,
        CASE WHEN s.held THEN 'held' ELSE s.status END AS status,
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
        json_extract(j.handled, '$[0].domain') || ':' || json_extract(j.handled, '$[0].type') AS event,
        j.eid,
        j.scheduled AS schedule_id,
        {_time("j.nominal")} AS nominal,
        (SELECT json_group_array(json_extract(c.value, '$.rid') || '.' || json_extract(c.value, '$.rule'))
            FROM json_each(j.handled) h, json_each(h.value, '$.considered') c
            WHERE json_extract(c.value, '$.outcome') = 'fired') AS rules,
        json_array_length(j.errors) AS failures,
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
            (SELECT '{' || coalesce(group_concat(t.key || ':' || t.value), '') || '}'
                FROM (SELECT key, value FROM element
                    WHERE pico = e.pico AND rid = e.rid AND name = e.name ORDER BY place) t)
        END AS value
    FROM entity e LEFT JOIN pico p ON p.id = e.pico""",
)
