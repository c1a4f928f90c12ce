-- The table `journal`.

-- name: entries
SELECT {entry.columns} FROM journal WHERE seq > $1{where} ORDER BY seq DESC LIMIT $2

-- name: inputs_between
SELECT seq, inputs FROM journal WHERE seq > $1 AND seq <= $2

-- name: add_entry
INSERT INTO journal ({entry.inserted}) SELECT {entry.values} FROM {rows}

-- name: entry_up_to
SELECT seq, at FROM journal WHERE seq <= $1 ORDER BY seq DESC LIMIT 1

-- name: journal_begins
SELECT at FROM journal ORDER BY seq LIMIT 1

-- name: first_entry
SELECT seq, at FROM journal
    WHERE at <= $1 AND seq < (SELECT max(seq) FROM journal) ORDER BY seq LIMIT 1

-- name: prune_journal
DELETE FROM journal WHERE at < $1 AND seq < least($2, (SELECT max(seq) FROM journal))
