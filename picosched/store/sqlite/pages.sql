-- Pages and figures. The last column of a page's rows is their place in the list.

-- name: page_of_picos
SELECT {pico}, rowid FROM pico WHERE rowid > ? ORDER BY rowid LIMIT ?

-- name: installed_texts
SELECT installed.rid, installed.hash, ruleset.origin, count(*), min(pico)
    FROM installed JOIN ruleset ON ruleset.hash = installed.hash
    GROUP BY installed.rid, installed.hash ORDER BY installed.rid, count(*) DESC LIMIT ?

-- name: picos_with
SELECT {pico}, hash FROM pico JOIN installed ON installed.pico = pico.id
    WHERE rid = ? ORDER BY pico.rowid LIMIT ?

-- name: page_of_pending
-- Each status has its statement, so that SQLite takes the partial index that has these rows in order.
SELECT {scheduled.columns}, due, rowid FROM scheduled
    WHERE status = 'pending' AND {is_shown}{where} AND (due, rowid) > (?1, ?2) ORDER BY due, rowid LIMIT ?3

-- name: page_of_paused
SELECT {scheduled.columns}, due, rowid FROM scheduled
    WHERE status = 'paused' AND {is_shown}{where} AND (due, rowid) > (?1, ?2) ORDER BY due, rowid LIMIT ?3

-- name: page_of_finished
SELECT {scheduled.columns}, {undated}, rowid FROM scheduled
    WHERE status = 'finished' AND {is_shown}{where} AND ({undated}, rowid) > (?1, ?2)
    ORDER BY rowid LIMIT ?3

-- name: page_of_cancelled
SELECT {scheduled.columns}, {undated}, rowid FROM scheduled
    WHERE status = 'cancelled' AND {is_shown}{where} AND ({undated}, rowid) > (?1, ?2)
    ORDER BY rowid LIMIT ?3

-- name: page_of_fires
SELECT {fire.columns}, rowid FROM fire WHERE rowid < ?1{where} ORDER BY rowid DESC LIMIT ?2

-- name: fires_since
SELECT {fire.columns}, rowid FROM fire WHERE rowid > ? ORDER BY rowid LIMIT ?

-- name: page_of_journal
SELECT {entry.columns}, seq FROM journal WHERE seq < ?1{where} ORDER BY seq DESC LIMIT ?2

-- name: journal_since
SELECT {entry.columns} FROM journal WHERE seq > ?1{where} ORDER BY seq LIMIT ?2

-- name: made_after
SELECT {scheduled.columns}, rowid FROM scheduled WHERE pico = ? AND rid = ? AND rowid > ? ORDER BY rowid LIMIT ?

-- name: last_made
SELECT max(rowid) FROM scheduled WHERE pico = ? AND rid = ?

-- name: failed_turns
SELECT {entry.columns} FROM journal
    WHERE seq > ? AND seq <= ? AND at >= ? AND errors <> '[]' ORDER BY seq LIMIT ?

-- name: failed_without_turn
SELECT {fire.columns}, rowid FROM fire
    WHERE rowid > ? AND rowid <= ? AND fired >= ? AND outcome = 'failed' AND eid IS NULL ORDER BY rowid LIMIT ?

-- Figures

-- name: numbered
-- The last numbers, the first transaction under way, and the one that will be next: there is one at a time.
SELECT coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(rowid) FROM fire), 0), 0, 0

-- name: last_turn
SELECT max(seq) FROM journal

-- name: pending
SELECT count(*) FROM scheduled WHERE status = 'pending'

-- name: pending_of
SELECT count(*) FROM scheduled WHERE pico = ? AND status = 'pending'

-- name: overdue
SELECT count(*) FROM scheduled WHERE status = 'pending' AND due <= ?

-- name: lateness
SELECT outcome, count(*), sum(max(lateness, 0)), {within}
    FROM fire WHERE rowid > ? AND rowid <= ? GROUP BY outcome

-- name: fires_by_minute
SELECT fired / 60000, outcome, count(*), sum(max(lateness, 0)), max(lateness)
    FROM fire WHERE rowid > ? AND rowid <= ? AND fired >= ? GROUP BY 1, 2

-- name: counts
SELECT (SELECT count(*) FROM pico), (SELECT count(DISTINCT rid) FROM installed),
    (SELECT count(*) FROM scheduled WHERE status = 'paused' AND {is_schedule})
