-- Windows that were made while an engine ran, the table `made_window`, and what depends on a window.

-- name: made_windows
SELECT {made_window.columns} FROM made_window ORDER BY name

-- name: put_window
INSERT INTO made_window ({made_window.inserted}) VALUES ({made_window.marks})
    ON CONFLICT (name) DO UPDATE SET opens = excluded.opens, closes = excluded.closes, tz = excluded.tz, made = excluded.made, made_by = excluded.made_by

-- name: remove_window
DELETE FROM made_window WHERE name = ?

-- name: tied_to_windows
SELECT in_window, hash, sum(number) FROM (SELECT in_window, pico, rid, count(*) AS number FROM scheduled
        WHERE in_window IS NOT NULL AND status IN ('pending', 'paused') GROUP BY in_window, pico, rid) AS tied
    LEFT JOIN installed ON installed.pico = tied.pico AND installed.rid = tied.rid GROUP BY in_window, hash

-- name: tied_to_window
SELECT coalesce(nullif(scheduled.name, ''), scheduled.id)
    FROM scheduled LEFT JOIN installed ON installed.pico = scheduled.pico AND installed.rid = scheduled.rid
    WHERE in_window = ? AND status IN ('pending', 'paused') AND coalesce(hash, '') NOT IN (SELECT value FROM json_each(?))
    ORDER BY scheduled.rowid LIMIT ?

-- name: rulesets_in_use
SELECT rid, hash FROM ruleset WHERE hash IN (SELECT hash FROM installed) ORDER BY rid, hash

-- name: picos_with_windows
SELECT DISTINCT pico FROM installed WHERE pico > ?
    AND hash IN (SELECT hash FROM ruleset WHERE text LIKE '%window%') ORDER BY pico LIMIT ?
