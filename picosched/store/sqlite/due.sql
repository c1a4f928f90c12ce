-- Due rows of the table `scheduled`. The status is written out, so that SQLite takes the partial indexes.

-- name: first_due
SELECT {scheduled.columns} FROM scheduled
    WHERE status = 'pending' AND due BETWEEN ?1 AND ?2{where:pico} ORDER BY due, rowid LIMIT ?3

-- name: due_among
SELECT id, pico FROM scheduled
    WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'pending' AND due <= ?2{where:pico}
    ORDER BY due, rowid

-- name: due_of
SELECT value, (SELECT json_group_array(id) FROM (SELECT id FROM scheduled
        WHERE pico = value AND status = 'pending' AND due <= ?2{where:pico} ORDER BY due, rowid LIMIT ?3))
    FROM json_each(?1)

-- name: further_due
SELECT due, rowid FROM scheduled
    WHERE status = 'pending' AND (due, rowid) > (?1, ?2) AND (due, rowid) <= (?3, ?4){where:pico}
    ORDER BY due, rowid LIMIT 1 OFFSET ?5

-- name: picos_due_between
SELECT DISTINCT pico FROM scheduled
    WHERE status = 'pending' AND (due, rowid) > (?1, ?2) AND (due, rowid) <= (?3, ?4){where:pico}

-- name: never_due
-- In SQLite text is greater than any number.
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
        WHERE kind = 'proc' AND kind IN ('proc', 'running') AND status = 'pending'{where[2]:pico}
        ORDER BY rowid LIMIT 1),
    (SELECT min(due) FROM scheduled
        WHERE status = 'pending' AND due BETWEEN ?1 AND {last_ms}{where[3]:pico}),
    (SELECT min(paused_until) FROM scheduled WHERE paused_until IS NOT NULL{where[5]:pico}),
    EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due < {first_ms})
        OR EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due > {last_ms})

-- name: first_due_of_others
SELECT due FROM scheduled
    WHERE status = 'pending' AND due BETWEEN ?1 AND {last_ms}{where:pico} ORDER BY due LIMIT 1
