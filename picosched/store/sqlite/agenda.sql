-- Scheduled events and the record of their occurrences: the tables `scheduled`, `fire`, `coming` and `begun`.

-- name: scheduled_resumable
SELECT id FROM scheduled WHERE paused_until <= ?1{where:pico} ORDER BY paused_until, rowid LIMIT ?2

-- name: find_scheduled
SELECT {scheduled.columns} FROM scheduled WHERE id = ?

-- name: scheduled_among
SELECT {scheduled.columns} FROM scheduled WHERE id IN (SELECT value FROM json_each(?))

-- name: programs
SELECT {scheduled.columns} FROM scheduled
    WHERE kind = ?1 AND kind IN ('proc', 'running') AND status = 'pending'{where:pico}
    ORDER BY rowid LIMIT ?2

-- name: at_work
SELECT {scheduled.columns} FROM scheduled WHERE started_by = ? AND status = 'pending' ORDER BY rowid

-- name: is_sent_round
SELECT 1 FROM scheduled WHERE started_by = ?1 AND status = 'pending' AND kind = 'send' AND name = ?1 LIMIT 1

-- name: no_longer_held
SELECT {scheduled.columns} FROM scheduled WHERE pico = ? AND held = 1 AND status = 'paused'
    AND NOT EXISTS (SELECT 1 FROM scheduled AS each WHERE each.started_by = scheduled.id AND each.status = 'pending')

-- name: live_ids_like
SELECT id FROM scheduled WHERE id >= ? AND id < ? AND {is_live} ORDER BY id

-- name: ids_like
SELECT id FROM scheduled WHERE id >= ?1 AND id < ?2
    UNION SELECT scheduled FROM fire WHERE scheduled >= ?1 AND scheduled < ?2

-- name: coming_like
SELECT id, domain || ':' || type, due FROM scheduled
    WHERE id >= ? AND id < ? AND {is_live} ORDER BY due, rowid LIMIT ?

-- name: names_like
SELECT name, min(domain || ':' || type) FROM scheduled
    WHERE name >= ? AND name < ? AND {is_live} GROUP BY name ORDER BY name LIMIT ?

-- name: first_named
SELECT * FROM (SELECT {scheduled.columns} FROM scheduled WHERE pico = ?1 AND rid = ?2
    AND name = ?3 AND kind = ?4 AND status = 'pending' ORDER BY due, rowid LIMIT ?5)
UNION ALL
SELECT * FROM (SELECT {scheduled.columns} FROM scheduled WHERE pico = ?1 AND rid = ?2
    AND name = ?3 AND kind = ?4 AND status = 'paused' ORDER BY due, rowid LIMIT ?5)

-- name: windows
SELECT {scheduled.columns} FROM scheduled WHERE pico = ? AND rid = ?
    AND kind = 'window' AND name IS NOT NULL AND status IN ('pending', 'paused')

-- name: matching
SELECT {scheduled.columns} FROM scheduled WHERE {is_shown}{where}
    ORDER BY due NULLS LAST, rowid LIMIT ?1

-- name: events_coming
SELECT DISTINCT CASE WHEN channel.pico IS NULL THEN scheduled.pico ELSE channel.pico END,
        CASE WHEN {is_schedule} THEN rid ELSE '' END, domain, type
    FROM scheduled LEFT JOIN channel ON channel.eci = scheduled.eci
    WHERE status IN ('pending', 'paused')

-- name: hold_back
UPDATE scheduled SET status = 'paused', paused_until = NULL
    WHERE status IN ('pending', 'paused') AND {is_schedule}
    AND pico || ' ' || rid IN (SELECT value FROM json_each(?))

-- name: matching_as_made
SELECT {scheduled.columns} FROM scheduled WHERE {is_shown}{where} ORDER BY rowid LIMIT ?1

-- name: how_many
SELECT count(*) FROM scheduled WHERE {is_shown}{where}

-- name: add_scheduled
INSERT INTO scheduled ({scheduled.inserted}) VALUES ({scheduled.marks})

-- name: settle_scheduled
UPDATE scheduled
    SET due = ?, status = ?, fires = ?, fired = ?, keep_until = ?, paused_until = ?, moved_from = ?,
        spaced_from = ?, tries = ?, failures = ?, asked = ?, held = ?
    WHERE id = ?

-- name: set_event
UPDATE scheduled SET kind = ?, domain = ?, type = ?, attrs = ?, machine = ? WHERE id = ?

-- name: set_repeat
UPDATE scheduled SET kind = ?, timespec = ?, tz = ? WHERE id = ?

-- name: is_due_at
SELECT 1 FROM scheduled WHERE id = ? AND due = ?

-- name: record_cancelled
-- A store of an older picosched may have the occurrence on record already.
INSERT OR IGNORE INTO fire ({fire.columns})
    SELECT id, due, pico, ?1, ?1 - due, 'cancelled', NULL, '[]', ?2, 1, asked
    FROM scheduled WHERE due IS NOT NULL AND ({is_shown} OR {is_told}){where} ORDER BY due, rowid

-- name: cancel_scheduled
UPDATE scheduled SET due = NULL, status = 'cancelled', paused_until = NULL, moved_from = NULL, asked = NULL,
        keep_until = ?1
    WHERE ({is_shown} OR {is_told}){where}

-- name: record_given_up
INSERT OR IGNORE INTO fire ({fire.columns})
    SELECT id, valid, pico, ?1, ?1 - valid, ?2, NULL, '[]', ?3, 1, NULL
    FROM (SELECT id, pico, CASE WHEN due BETWEEN {first_ms} AND {last_ms} THEN due ELSE ?1 END AS valid
        FROM scheduled WHERE id = ?4 AND due IS NOT NULL)

-- name: finish_scheduled
UPDATE scheduled SET due = NULL, asked = NULL, status = ?, keep_until = ?, paused_until = NULL WHERE id = ?

-- name: is_kept_too_long
SELECT 1 FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= ? LIMIT 1

-- name: prune_scheduled
DELETE FROM scheduled WHERE id IN
    (SELECT id FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= ? LIMIT ?)

-- The record of occurrences

-- name: fires
SELECT {fire.columns} FROM fire WHERE true{where} ORDER BY rowid DESC LIMIT ?1

-- name: fires_of_event
SELECT {fire.columns} FROM fire WHERE true{where} ORDER BY nominal DESC LIMIT ?1

-- name: records_between
SELECT {fire.columns} FROM fire
    WHERE scheduled = ? AND nominal BETWEEN ? AND ? ORDER BY nominal LIMIT ?

-- name: record_before
SELECT {fire.columns} FROM fire
    WHERE scheduled = ? AND nominal < ? ORDER BY nominal DESC LIMIT 1

-- name: last_record
SELECT max(rowid) FROM fire

-- name: records_after
SELECT {fire.columns} FROM fire WHERE rowid > ? ORDER BY rowid

-- name: let_go_after
SELECT outcome, sum(stands_for) FROM fire
    WHERE rowid > ? AND outcome IN ('throttled', 'skipped') GROUP BY outcome

-- name: last_raised
SELECT {fire.columns} FROM fire
    WHERE scheduled = ? AND eid IS NOT NULL AND outcome <> 'cancelled'
        AND NOT (outcome = 'fired' AND why IS NOT NULL)
    ORDER BY nominal DESC LIMIT 1

-- name: last_nominal
SELECT max(nominal) FROM fire WHERE scheduled = ?

-- name: is_on_record
SELECT 1 FROM fire WHERE scheduled = ? AND nominal = ?

-- name: are_on_record
SELECT key FROM json_each(?) JOIN fire
    ON scheduled = json_extract(value, '$[0]') AND nominal = json_extract(value, '$[1]')

-- name: record
INSERT INTO fire ({fire.inserted}) VALUES ({fire.marks})

-- name: remove_record
DELETE FROM fire WHERE scheduled = ? AND nominal = ?

-- name: correct
UPDATE fire SET outcome = ?, why = ? WHERE scheduled = ? AND nominal = ?

-- name: first_record
SELECT rowid, fired FROM fire
    WHERE fired <= ? AND rowid < (SELECT max(rowid) FROM fire) ORDER BY rowid LIMIT 1

-- name: prune_records
DELETE FROM fire WHERE fired < ? AND rowid < min(?, (SELECT max(rowid) FROM fire))

-- How many events a pico has pending, and rows begun with a mark

-- name: coming
SELECT events FROM coming WHERE pico = ?

-- name: more_coming
INSERT INTO coming (pico, events) VALUES (?, ?)
    ON CONFLICT (pico) DO UPDATE SET events = events + excluded.events

-- name: begun
SELECT id, alone FROM begun

-- name: mark
INSERT OR REPLACE INTO begun VALUES (?, ?)

-- name: times_begun
SELECT alone FROM begun WHERE id = ?

-- name: take_back
UPDATE begun SET alone = alone - 1 WHERE id = ? AND alone > 0

-- name: unmark
DELETE FROM begun WHERE id = ?

-- name: unmark_all
DELETE FROM begun

-- Who changed scheduled events

-- name: add_provenance
INSERT INTO provenance ({provenance.inserted}) VALUES ({provenance.marks})

-- name: trim_provenance
DELETE FROM provenance WHERE scheduled = ?1 AND rowid <=
    (SELECT rowid FROM provenance WHERE scheduled = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET ?2)

-- name: provenance_of
SELECT {provenance.columns} FROM provenance WHERE scheduled = ? ORDER BY rowid
