-- Due rows of the table `scheduled`. The status is written out, so that PostgreSQL takes the partial indexes.
-- `due + 0` and `shard + 0` leave `due_of` but one index, that of the pico: see TURN in `schema.py`.

-- name: first_due
SELECT {scheduled.columns} FROM scheduled
    WHERE status = 'pending' AND due BETWEEN $1 AND $2{where:pico} ORDER BY due, seq LIMIT $3

-- name: due_among
SELECT id, pico FROM scheduled
    WHERE id IN (SELECT json_array_elements_text($1::json)) AND status = 'pending' AND due <= $2{where:pico}
    ORDER BY due, seq

-- name: due_of
SELECT value, coalesce((SELECT json_agg(id ORDER BY due, seq) FROM (SELECT id, due, seq FROM (
            SELECT id, pico, due + 0 AS due, seq, shard + 0 AS shard FROM scheduled
            WHERE pico = value AND status = 'pending') AS of_pico
        WHERE due <= $2{where:pico}
        ORDER BY due, seq LIMIT $3) AS own)::text, '[]')
    FROM json_array_elements_text($1::json)

-- name: further_due
SELECT due, seq FROM scheduled
    WHERE status = 'pending' AND (due, seq) > ($1, $2) AND (due, seq) <= ($3, $4){where:pico}
    ORDER BY due, seq LIMIT 1 OFFSET $5

-- name: picos_due_between
SELECT pico FROM (SELECT pico, row_number() OVER (ORDER BY due, seq) AS place FROM scheduled
        WHERE status = 'pending' AND (due, seq) > ($1, $2) AND (due, seq) <= ($3, $4){where:pico}) AS between_them
    GROUP BY pico ORDER BY min(place)

-- name: never_due
SELECT id, due FROM scheduled WHERE status = 'pending' AND (due < {first_ms} OR due > {last_ms})

-- name: soonest
SELECT
    (SELECT min(due) FROM source_entry WHERE paused = 0{where[0]:source}
        AND NOT (held = 1 AND (
            EXISTS (SELECT 1 FROM scheduled WHERE started_by = source_entry.id AND status = 'pending')
            OR EXISTS (SELECT 1 FROM delivery
                WHERE delivery.source = source_entry.source AND entry = source_entry.id AND dead IS NULL)))),
    (SELECT min(paused_until) FROM source WHERE paused_until IS NOT NULL{where[4]:id}),
    (SELECT min(due) FROM delivery WHERE dead IS NULL{where[1]:coalesce(pico, source)}),
    (SELECT created FROM scheduled
        WHERE kind = 'proc' AND status = 'pending'{where[2]:pico}
        ORDER BY seq LIMIT 1),
    (SELECT min(due) FROM scheduled
        WHERE status = 'pending' AND due BETWEEN $1 AND {last_ms}{where[3]:pico}),
    (SELECT min(paused_until) FROM scheduled WHERE paused_until IS NOT NULL{where[5]:pico}),
    EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due < {first_ms})
        OR EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due > {last_ms})

-- name: first_due_of_others
SELECT due FROM scheduled
    WHERE status = 'pending' AND due BETWEEN $1 AND {last_ms}{where:pico} ORDER BY due LIMIT 1
