-- Scheduled events and the record of their occurrences: the tables `scheduled`, `fire`, `coming` and `begun`.

-- name: scheduled_resumable
SELECT id FROM scheduled WHERE paused_until <= $1{where:pico} ORDER BY paused_until, seq LIMIT $2

-- name: find_scheduled
SELECT {scheduled.columns} FROM scheduled WHERE id = $1

-- name: scheduled_among
SELECT {scheduled.columns} FROM scheduled WHERE id IN (SELECT json_array_elements_text($1::json))

-- name: programs
SELECT {scheduled.columns} FROM scheduled
    WHERE kind = $1 AND kind IN ('proc', 'running') AND status = 'pending'{where:pico}
    ORDER BY seq LIMIT $2

-- name: at_work
SELECT {scheduled.columns} FROM scheduled WHERE started_by = $1 AND status = 'pending' ORDER BY seq

-- name: is_sent_round
SELECT 1 FROM scheduled WHERE started_by = $1 AND status = 'pending' AND kind = 'send' AND name = $1 LIMIT 1

-- name: no_longer_held
SELECT {scheduled.columns} FROM scheduled WHERE pico = $1 AND held = 1 AND status = 'paused'
    AND NOT EXISTS (SELECT 1 FROM scheduled AS each WHERE each.started_by = scheduled.id AND each.status = 'pending')

-- name: live_ids_like
SELECT id FROM scheduled WHERE id >= $1 AND id < $2 AND {is_live} ORDER BY id

-- name: ids_like
SELECT id FROM scheduled WHERE id >= $1 AND id < $2
    UNION SELECT scheduled FROM fire WHERE scheduled >= $1 AND scheduled < $2 ORDER BY 1

-- name: coming_like
SELECT id, domain || ':' || type, due FROM scheduled
    WHERE id >= $1 AND id < $2 AND {is_live} ORDER BY due, seq LIMIT $3

-- name: names_like
SELECT name, min(domain || ':' || type) FROM scheduled
    WHERE name >= $1 AND name < $2 AND {is_live} GROUP BY name ORDER BY name LIMIT $3

-- name: first_named
(SELECT {scheduled.columns} FROM scheduled WHERE pico = $1 AND rid = $2
    AND name = $3 AND kind = $4 AND status = 'pending' ORDER BY due, seq LIMIT $5)
UNION ALL
(SELECT {scheduled.columns} FROM scheduled WHERE pico = $1 AND rid = $2
    AND name = $3 AND kind = $4 AND status = 'paused' ORDER BY due, seq LIMIT $5)

-- name: windows
SELECT {scheduled.columns} FROM scheduled WHERE pico = $1 AND rid = $2
    AND kind = 'window' AND name IS NOT NULL AND status IN ('pending', 'paused') ORDER BY name, seq

-- name: matching
SELECT {scheduled.columns} FROM scheduled WHERE {is_shown}{where}
    ORDER BY due NULLS LAST, seq LIMIT $1

-- name: events_coming
SELECT DISTINCT CASE WHEN channel.pico IS NULL THEN scheduled.pico ELSE channel.pico END,
        CASE WHEN {is_schedule} THEN rid ELSE '' END, domain, type
    FROM scheduled LEFT JOIN channel ON channel.eci = scheduled.eci
    WHERE status IN ('pending', 'paused')

-- name: hold_back
UPDATE scheduled SET status = 'paused', paused_until = NULL
    WHERE status IN ('pending', 'paused') AND {is_schedule}
    AND pico || ' ' || rid IN (SELECT json_array_elements_text($1::json))

-- name: matching_as_made
SELECT {scheduled.columns} FROM scheduled WHERE {is_shown}{where} ORDER BY seq LIMIT $1

-- name: how_many
SELECT count(*) FROM scheduled WHERE {is_shown}{where}

-- name: add_scheduled
INSERT INTO scheduled ({scheduled.inserted}) SELECT {scheduled.values} FROM {rows}

-- name: settle_scheduled
UPDATE scheduled
    SET due = (v ->> 0)::bigint, status = v ->> 1, fires = (v ->> 2)::bigint, fired = (v ->> 3)::bigint,
        keep_until = (v ->> 4)::bigint, paused_until = (v ->> 5)::bigint, moved_from = (v ->> 6)::bigint,
        spaced_from = (v ->> 7)::bigint, tries = (v ->> 8)::bigint, failures = (v ->> 9)::bigint,
        asked = (v ->> 10)::bigint, held = (v ->> 11)::bigint
    FROM (SELECT DISTINCT ON (v ->> 12) v FROM {rows} ORDER BY v ->> 12, nth DESC) AS last
    WHERE id = v ->> 12

-- name: set_event
UPDATE scheduled SET kind = v ->> 0, domain = v ->> 1, type = v ->> 2, attrs = v ->> 3, machine = v ->> 4
    FROM (SELECT DISTINCT ON (v ->> 5) v FROM {rows} ORDER BY v ->> 5, nth DESC) AS last
    WHERE id = v ->> 5

-- name: set_repeat
UPDATE scheduled SET kind = v ->> 0, timespec = v ->> 1, tz = v ->> 2
    FROM (SELECT DISTINCT ON (v ->> 3) v FROM {rows} ORDER BY v ->> 3, nth DESC) AS last
    WHERE id = v ->> 3

-- name: is_due_at
SELECT 1 FROM scheduled WHERE id = $1 AND due = $2

-- name: record_cancelled
-- An imported history may have the occurrence on record already.
INSERT INTO fire ({fire.columns})
    SELECT id, due, pico, $1, $1 - due, 'cancelled', NULL, '[]', $2, 1, asked
    FROM scheduled WHERE due IS NOT NULL AND ({is_shown} OR {is_told}){where} ORDER BY due, seq
    ON CONFLICT DO NOTHING

-- name: cancel_scheduled
UPDATE scheduled SET due = NULL, status = 'cancelled', paused_until = NULL, moved_from = NULL, asked = NULL,
        keep_until = $1
    WHERE ({is_shown} OR {is_told}){where}

-- name: record_given_up
INSERT INTO fire ({fire.columns})
    SELECT id, valid, pico, $1, $1 - valid, $2, NULL, '[]', $3, 1, NULL::bigint
    FROM (SELECT id, pico, CASE WHEN due BETWEEN {first_ms} AND {last_ms} THEN due ELSE $1 END AS valid
        FROM scheduled WHERE id = $4 AND due IS NOT NULL) AS given_up
    ON CONFLICT DO NOTHING

-- name: finish_scheduled
UPDATE scheduled SET due = NULL, asked = NULL, status = $1, keep_until = $2, paused_until = NULL WHERE id = $3

-- name: is_kept_too_long
SELECT 1 FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= $1 LIMIT 1

-- name: prune_scheduled
DELETE FROM scheduled WHERE id IN
    (SELECT id FROM scheduled WHERE keep_until IS NOT NULL AND keep_until <= $1 LIMIT $2)

-- The record of occurrences

-- name: fires
SELECT {fire.columns} FROM fire WHERE true{where} ORDER BY seq DESC LIMIT $1

-- name: fires_of_event
SELECT {fire.columns} FROM fire WHERE true{where} ORDER BY nominal DESC LIMIT $1

-- name: records_between
SELECT {fire.columns} FROM fire
    WHERE scheduled = $1 AND nominal BETWEEN $2 AND $3 ORDER BY nominal LIMIT $4

-- name: record_before
SELECT {fire.columns} FROM fire
    WHERE scheduled = $1 AND nominal < $2 ORDER BY nominal DESC LIMIT 1

-- name: last_record
SELECT max(seq) FROM fire

-- name: records_after
SELECT {fire.columns} FROM fire WHERE seq > $1 ORDER BY seq

-- name: let_go_after
SELECT outcome, sum(stands_for)::bigint FROM fire
    WHERE seq > $1 AND outcome IN ('throttled', 'skipped') GROUP BY outcome ORDER BY outcome

-- name: last_raised
SELECT {fire.columns} FROM fire
    WHERE scheduled = $1 AND eid IS NOT NULL AND outcome <> 'cancelled'
        AND NOT (outcome = 'fired' AND why IS NOT NULL)
    ORDER BY nominal DESC LIMIT 1

-- name: last_nominal
SELECT max(nominal) FROM fire WHERE scheduled = $1

-- name: is_on_record
SELECT 1 FROM fire WHERE scheduled = $1 AND nominal = $2

-- name: are_on_record
SELECT nth - 1 FROM {rows} JOIN fire ON scheduled = v ->> 0 AND nominal = (v ->> 1)::bigint

-- name: record
INSERT INTO fire ({fire.inserted}) SELECT {fire.values} FROM {rows}

-- name: remove_record
DELETE FROM fire WHERE scheduled = $1 AND nominal = $2

-- name: correct
UPDATE fire SET outcome = $1, why = $2 WHERE scheduled = $3 AND nominal = $4

-- name: first_record
SELECT seq, fired FROM fire
    WHERE fired <= $1 AND seq < (SELECT max(seq) FROM fire) ORDER BY seq LIMIT 1

-- name: prune_records
DELETE FROM fire WHERE fired < $1 AND seq < least($2, (SELECT max(seq) FROM fire))

-- How many events a pico has pending, and rows begun with a mark

-- name: coming
SELECT events FROM coming WHERE pico = $1

-- name: more_coming
INSERT INTO coming (pico, events) SELECT v ->> 0, sum((v ->> 1)::bigint) FROM {rows} GROUP BY 1
    ON CONFLICT (pico) DO UPDATE SET events = coming.events + excluded.events

-- name: begun
SELECT id, alone FROM begun

-- name: mark
INSERT INTO begun (id, alone) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET alone = excluded.alone

-- name: times_begun
SELECT alone FROM begun WHERE id = $1

-- name: take_back
UPDATE begun SET alone = alone - 1 WHERE id = $1 AND alone > 0

-- name: unmark
DELETE FROM begun WHERE id = $1

-- name: unmark_all
DELETE FROM begun

-- Who changed scheduled events

-- name: add_provenance
INSERT INTO provenance ({provenance.inserted}) SELECT {provenance.values} FROM {rows}

-- name: trim_provenance
DELETE FROM provenance USING (SELECT DISTINCT v ->> 0 AS id, (v ->> 1)::bigint AS most FROM {rows}) AS full_one
    WHERE scheduled = full_one.id AND seq <= (SELECT each.seq FROM provenance AS each
        WHERE each.scheduled = full_one.id ORDER BY each.seq DESC LIMIT 1 OFFSET full_one.most)

-- name: provenance_of
SELECT {provenance.columns} FROM provenance WHERE scheduled = $1 ORDER BY seq
