-- Windows that were made while an engine ran, the table `made_window`, and what depends on a window.

-- name: made_windows
SELECT {made_window.columns} FROM made_window ORDER BY name

-- name: put_window
INSERT INTO made_window ({made_window.inserted}) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (name) DO UPDATE SET opens = excluded.opens, closes = excluded.closes, tz = excluded.tz, made = excluded.made, made_by = excluded.made_by

-- name: remove_window
DELETE FROM made_window WHERE name = $1

-- name: tied_to_windows
SELECT in_window, hash, sum(number)::bigint FROM (SELECT in_window, pico, rid, count(*) AS number FROM scheduled
        WHERE in_window IS NOT NULL AND status IN ('pending', 'paused') GROUP BY in_window, pico, rid) AS tied
    LEFT JOIN installed ON installed.pico = tied.pico AND installed.rid = tied.rid GROUP BY in_window, hash

-- name: tied_to_window
SELECT coalesce(nullif(scheduled.name, ''), scheduled.id)
    FROM scheduled LEFT JOIN installed ON installed.pico = scheduled.pico AND installed.rid = scheduled.rid
    WHERE in_window = $1 AND status IN ('pending', 'paused') AND coalesce(hash, '') NOT IN (SELECT json_array_elements_text($2::json))
    ORDER BY scheduled.seq LIMIT $3

-- name: rulesets_in_use
SELECT rid, hash FROM ruleset WHERE hash IN (SELECT hash FROM installed) ORDER BY rid, hash

-- name: picos_with_windows
SELECT DISTINCT pico FROM installed WHERE pico > $1
    AND hash IN (SELECT hash FROM ruleset WHERE text LIKE '%window%') ORDER BY pico LIMIT $2
