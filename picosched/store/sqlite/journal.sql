-- The table `journal`.

-- name: entries
SELECT {entry.columns} FROM journal WHERE seq > ?1{where} ORDER BY seq DESC LIMIT ?2

-- name: inputs_between
SELECT seq, inputs FROM journal WHERE seq > ? AND seq <= ?

-- name: add_entry
INSERT INTO journal ({entry.inserted}) VALUES ({entry.marks})

-- name: entry_up_to
SELECT seq, at FROM journal WHERE seq <= ? ORDER BY seq DESC LIMIT 1

-- name: journal_begins
SELECT at FROM journal ORDER BY seq LIMIT 1

-- name: first_entry
SELECT seq, at FROM journal
    WHERE at <= ? AND seq < (SELECT max(seq) FROM journal) ORDER BY seq LIMIT 1

-- name: prune_journal
DELETE FROM journal WHERE at < ? AND seq < min(?, (SELECT max(seq) FROM journal))
