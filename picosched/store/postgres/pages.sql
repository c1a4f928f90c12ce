-- Pages and figures. The last column of a page's rows is their place in the list.

-- name: page_of_picos
SELECT {pico}, seq FROM pico WHERE seq > $1 ORDER BY seq LIMIT $2

-- name: installed_texts
SELECT installed.rid, installed.hash, ruleset.origin, count(*), min(pico)
    FROM installed JOIN ruleset ON ruleset.hash = installed.hash
    GROUP BY installed.rid, installed.hash, ruleset.origin ORDER BY installed.rid, count(*) DESC LIMIT $1

-- name: picos_with
SELECT {pico}, hash FROM pico JOIN installed ON installed.pico = pico.id
    WHERE rid = $1 ORDER BY pico.seq LIMIT $2

-- name: page_of_pending
-- Each status has its statement, so that PostgreSQL takes the partial index that has these rows in order.
SELECT {scheduled.columns}, due, seq FROM scheduled
    WHERE status = 'pending' AND {is_shown}{where} AND (due, seq) > ($1, $2) ORDER BY due, seq LIMIT $3

-- name: page_of_paused
SELECT {scheduled.columns}, due, seq FROM scheduled
    WHERE status = 'paused' AND {is_shown}{where} AND (due, seq) > ($1, $2) ORDER BY due, seq LIMIT $3

-- name: page_of_finished
SELECT {scheduled.columns}, {undated}, seq FROM scheduled
    WHERE status = 'finished' AND {is_shown}{where} AND ({undated}, seq) > ($1, $2)
    ORDER BY seq LIMIT $3

-- name: page_of_cancelled
SELECT {scheduled.columns}, {undated}, seq FROM scheduled
    WHERE status = 'cancelled' AND {is_shown}{where} AND ({undated}, seq) > ($1, $2)
    ORDER BY seq LIMIT $3

-- name: page_of_fires
SELECT {fire.columns}, seq FROM fire WHERE seq < $1{where} ORDER BY seq DESC LIMIT $2

-- name: fires_since
SELECT {fire.columns}, seq FROM fire WHERE seq > $1 ORDER BY seq LIMIT $2

-- name: page_of_journal
SELECT {entry.columns}, seq FROM journal WHERE seq < $1{where} ORDER BY seq DESC LIMIT $2

-- name: journal_since
SELECT {entry.columns} FROM journal WHERE seq > $1{where} ORDER BY seq LIMIT $2

-- name: made_after
SELECT {scheduled.columns}, seq FROM scheduled WHERE pico = $1 AND rid = $2 AND seq > $3 ORDER BY seq LIMIT $4

-- name: last_made
SELECT seq FROM scheduled WHERE pico = $1 AND rid = $2 ORDER BY seq DESC LIMIT 1

-- name: failed_turns
SELECT {entry.columns} FROM journal
    WHERE seq > $1 AND seq <= $2 AND at >= $3 AND errors <> '[]' ORDER BY seq LIMIT $4

-- name: failed_without_turn
SELECT {fire.columns}, seq FROM fire
    WHERE seq > $1 AND seq <= $2 AND fired >= $3 AND outcome = 'failed' AND eid IS NULL ORDER BY seq LIMIT $4

-- Figures

-- name: numbered
-- The last numbers, the first transaction that may be under way, and the one that will be next. A snapshot
-- ends before those that began after the last that ended: age() alone counts them as well.
SELECT coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(seq) FROM fire), 0),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        + greatest(age(pg_snapshot_xmax(pg_current_snapshot())::xid), 0)

-- name: last_turn
SELECT max(seq) FROM journal

-- name: pending
SELECT count(*) FROM scheduled WHERE status = 'pending'

-- name: pending_of
SELECT count(*) FROM scheduled WHERE pico = $1 AND status = 'pending'

-- name: overdue
SELECT count(*) FROM scheduled WHERE status = 'pending' AND due <= $1

-- name: lateness
SELECT outcome, count(*), sum(greatest(lateness, 0))::bigint, {within}
    FROM fire WHERE seq > $1 AND seq <= $2 GROUP BY outcome ORDER BY outcome

-- name: fires_by_minute
SELECT fired / 60000, outcome, count(*), sum(greatest(lateness, 0))::bigint, max(lateness)
    FROM fire WHERE seq > $1 AND seq <= $2 AND fired >= $3 GROUP BY 1, 2 ORDER BY 1, 2

-- name: counts
SELECT (SELECT count(*) FROM pico), (SELECT count(DISTINCT rid) FROM installed),
    (SELECT count(*) FROM scheduled WHERE status = 'paused' AND {is_schedule})
