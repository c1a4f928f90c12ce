-- Statements for a machine that has some of the shards, {own}, instead of those of the same names. They go through
-- the index of each shard, so that what is due in those of other machines costs nothing. `due + 0` keeps PostgreSQL
-- from using the index by due time: where a few shards hold most rows, it would expect to meet them early there.

-- name: first_due
SELECT {scheduled.columns} FROM scheduled WHERE id IN (
    SELECT first.id FROM unnest({own}::bigint[]) AS own (shard),
        LATERAL (SELECT id, due, seq FROM scheduled
            WHERE scheduled.shard = own.shard AND status = 'pending' AND due + 0 BETWEEN $1 AND $2{where:pico}
            ORDER BY due + 0, seq LIMIT $3) AS first
        ORDER BY first.due, first.seq LIMIT $3)
    ORDER BY due, seq

-- name: soonest
SELECT
    (SELECT min(due) FROM source_entry WHERE paused = 0{where[0]:source}
        AND NOT (held = 1 AND (
            EXISTS (SELECT 1 FROM scheduled WHERE started_by = source_entry.id AND status = 'pending')
            OR EXISTS (SELECT 1 FROM delivery
                WHERE delivery.source = source_entry.source AND entry = source_entry.id AND dead IS NULL)))),
    (SELECT min(paused_until) FROM source WHERE paused_until IS NOT NULL{where[4]:id}),
    (SELECT min(first.due) FROM unnest({own}::bigint[]) AS own (shard),
        LATERAL (SELECT due FROM delivery
            WHERE delivery.shard = own.shard AND dead IS NULL{where[1]:coalesce(pico, source)}
            ORDER BY due + 0 LIMIT 1) AS first),
    (SELECT first.created FROM unnest({own}::bigint[]) AS own (shard),
        LATERAL (SELECT created, seq FROM scheduled
            WHERE scheduled.shard = own.shard AND kind = 'proc' AND status = 'pending'{where[2]:pico}
            ORDER BY seq + 0 LIMIT 1) AS first
        ORDER BY first.seq LIMIT 1),
    (SELECT min(first.due) FROM unnest({own}::bigint[]) AS own (shard),
        LATERAL (SELECT due FROM scheduled
            WHERE scheduled.shard = own.shard AND status = 'pending' AND due + 0 BETWEEN $1 AND {last_ms}{where[3]:pico}
            ORDER BY due + 0 LIMIT 1) AS first),
    (SELECT min(paused_until) FROM scheduled WHERE paused_until IS NOT NULL{where[5]:pico}),
    EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due < {first_ms})
        OR EXISTS (SELECT 1 FROM scheduled WHERE status = 'pending' AND due > {last_ms})
