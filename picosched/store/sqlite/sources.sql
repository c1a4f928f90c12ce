-- Sources, their entries, deliveries and received keys: `source`, `source_entry`, `delivery`, `received`.

-- name: due_entries
-- A held one is due when nothing of what it started is at work any more.
SELECT id, source FROM source_entry WHERE paused = 0 AND due <= ?1{where:source}
    AND NOT (held = 1 AND (
        EXISTS (SELECT 1 FROM scheduled WHERE started_by = source_entry.id AND status = 'pending')
        OR EXISTS (SELECT 1 FROM delivery
            WHERE delivery.source = source_entry.source AND entry = source_entry.id AND dead IS NULL)))
    ORDER BY due, rowid

-- name: sources_resumable
SELECT id FROM source WHERE paused_until <= ?1{where:id} ORDER BY paused_until

-- name: sources
SELECT {source} FROM source ORDER BY rowid

-- name: find_source
SELECT {source} FROM source WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1

-- name: source_entries
SELECT {source_entry} FROM source_entry WHERE source = ? ORDER BY position

-- name: find_entry
SELECT {source_entry} FROM source_entry WHERE id = ?

-- name: put_source
INSERT INTO source ({source}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, declaration = excluded.declaration,
        configured = excluded.configured, anchor = excluded.anchor

-- name: put_source_entry
INSERT INTO source_entry ({source_entry}, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, due = excluded.due, position = excluded.position,
        tries = excluded.tries, held = excluded.held

-- name: settle_entry
UPDATE source_entry SET due = ?, fires = ?, missed = ?, failed = ?, fired = ?, outcome = ?, why = ?, failures = ?, tries = ?, held = ?, asked = ?
    WHERE id = ?

-- name: count_raised
UPDATE source SET raised = raised + 1 WHERE id = ?

-- name: entry_failed
UPDATE source_entry SET outcome = ?, why = ?, failed = failed + 1, failures = failures + 1 WHERE id = ?

-- name: hold_entry
UPDATE source_entry SET held = 1 WHERE id = ?

-- name: entry_recovered
UPDATE source_entry SET failures = 0 WHERE id = ?

-- name: pause_source
UPDATE source SET paused = ?, paused_until = ? WHERE id = ?

-- name: pause_entries
UPDATE source_entry SET paused = ? WHERE source = ?

-- name: set_entry_due
UPDATE source_entry SET due = ?, tries = 0, held = 0 WHERE id = ?

-- name: remove_entry
DELETE FROM source_entry WHERE id = ?

-- name: remove_entries
DELETE FROM source_entry WHERE source = ?

-- name: remove_source
DELETE FROM source WHERE id = ?

-- Deliveries

-- name: due_deliveries
SELECT id, coalesce(pico, source) FROM delivery
    WHERE dead IS NULL AND due <= ?1{where:coalesce(pico, source)} ORDER BY due, rowid LIMIT ?2

-- name: find_delivery
SELECT {delivery} FROM delivery WHERE id = ?

-- name: deliveries_waiting
SELECT count(*) FROM delivery WHERE source = ? AND dead IS NULL AND rule IS NULL

-- name: alerts_waiting_of
SELECT count(*) FROM delivery WHERE source = ? AND dead IS NULL AND rule IS NOT NULL

-- name: deliveries_waiting_of
SELECT count(*) FROM delivery WHERE pico = ? AND dead IS NULL

-- name: deliveries
SELECT {delivery} FROM delivery WHERE dead IS NULL{where} ORDER BY due, rowid LIMIT ?1

-- name: dead_letters
SELECT {delivery} FROM delivery WHERE dead IS NOT NULL{where} ORDER BY dead, rowid LIMIT ?1

-- name: last_delivery_error
SELECT error FROM delivery WHERE source = ? AND dead IS NULL AND error IS NOT NULL AND rule IS NULL
    ORDER BY due DESC LIMIT 1

-- name: deliveries_of_entry
SELECT {delivery} FROM delivery WHERE source = ? AND entry = ? AND dead IS NULL ORDER BY rowid

-- name: add_delivery
INSERT INTO delivery ({delivery}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: put_off_delivery
UPDATE delivery SET due = ?, tries = tries + 1, error = ? WHERE id = ?

-- name: give_up_delivery
UPDATE delivery SET dead = ?, tries = tries + 1, error = ? WHERE id = ?

-- name: retry_delivery
-- One that was given up has another day.
UPDATE delivery SET due = ?1, created = CASE WHEN dead IS NULL THEN created ELSE ?1 END, dead = NULL WHERE id = ?2

-- name: remove_delivery
DELETE FROM delivery WHERE id = ?

-- name: remove_deliveries_of
DELETE FROM delivery WHERE pico = ?

-- name: is_dead_before
SELECT 1 FROM delivery WHERE dead < ? LIMIT 1

-- name: prune_deliveries
DELETE FROM delivery WHERE rowid IN (SELECT rowid FROM delivery WHERE dead < ? ORDER BY dead LIMIT ?)

-- Received events

-- name: received
SELECT eid, at FROM received WHERE pico = ? AND key = ?

-- name: receive
INSERT INTO received (pico, key, eid, at) VALUES (?, ?, ?, ?)

-- name: is_received_before
SELECT 1 FROM received WHERE at < ? LIMIT 1

-- name: prune_received
DELETE FROM received WHERE (pico, key) IN (SELECT pico, key FROM received WHERE at < ? ORDER BY at LIMIT ?)
