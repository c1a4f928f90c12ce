-- Windows that were made while an engine ran, the table `made_window`, and what depends on a window.

-- name: made_windows
SELECT {made_window.columns} FROM made_window ORDER BY name

-- name: put_window
INSERT INTO made_window ({made_window.inserted}) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO UPDATE SET opens = excluded.opens, closes = excluded.closes, tz = excluded.tz, made = excluded.made, made_by = excluded.made_by

-- name: remove_window
DELETE FROM made_window WHERE name = $1

-- name: tied_to_window
SELECT scheduled.id, scheduled.name, scheduled.pico, scheduled.rid, installed.hash
    FROM scheduled LEFT JOIN installed ON installed.pico = scheduled.pico AND installed.rid = scheduled.rid
    WHERE in_window = $1 AND status IN ('pending', 'paused') ORDER BY scheduled.seq LIMIT $2

-- name: edges_of_window
SELECT scheduled.id, scheduled.name, scheduled.pico, scheduled.rid, installed.hash
    FROM scheduled LEFT JOIN installed ON installed.pico = scheduled.pico AND installed.rid = scheduled.rid
    WHERE scheduled.name = $1 AND kind = 'window' AND status IN ('pending', 'paused') ORDER BY scheduled.seq LIMIT $2

-- name: texts_with_windows
SELECT rid, hash, text FROM ruleset WHERE text LIKE '%window%' AND hash IN (SELECT hash FROM installed)
    ORDER BY rid, hash LIMIT $1

-- name: picos_with_windows
SELECT DISTINCT pico FROM installed WHERE pico > $1
    AND hash IN (SELECT hash FROM ruleset WHERE text LIKE '%window%') ORDER BY pico LIMIT $2
