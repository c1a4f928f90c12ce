-- Who may act from outside, what was done, and who is told: the tables `token`, `audit`, `intervention`, `alert`.

-- name: tokens
SELECT {token.columns} FROM token ORDER BY name

-- name: add_token
INSERT INTO token ({token.inserted}) VALUES ($1, $2, $3, $4, $5, $6)

-- name: remove_token
DELETE FROM token WHERE name = $1

-- name: is_expired_before
SELECT 1 FROM token WHERE expires < $1 LIMIT 1

-- name: prune_tokens
DELETE FROM token WHERE expires < $1

-- name: add_deed
INSERT INTO audit ({deed.inserted}) SELECT {deed.values} FROM {rows}

-- name: deeds
SELECT {deed.columns} FROM audit WHERE at >= $1 AND seq < $2{where} ORDER BY seq DESC LIMIT $3

-- name: is_deed_before
SELECT 1 FROM audit WHERE at < $1 LIMIT 1

-- name: prune_deeds
DELETE FROM audit WHERE seq IN (SELECT seq FROM audit WHERE at < $1 ORDER BY at LIMIT $2)

-- name: alerts
SELECT {alert.columns} FROM alert ORDER BY name

-- name: put_alert
INSERT INTO alert ({alert.inserted}) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (name) DO UPDATE SET tells = excluded.tells, types = excluded.types, in_a_row = excluded.in_a_row, secret = excluded.secret, made = excluded.made, made_by = excluded.made_by

-- name: remove_alert
DELETE FROM alert WHERE name = $1
-- name: add_intervention
INSERT INTO intervention ({intervention.inserted}) SELECT {intervention.values} FROM {rows}

-- name: last_intervention
SELECT coalesce(max(seq), 0) FROM intervention

-- name: interventions_since
SELECT {intervention.columns} FROM intervention WHERE seq > $1 ORDER BY seq LIMIT $2

-- name: is_intervention_before
SELECT 1 FROM intervention
    WHERE at < $1 AND (what <> $2 OR seq < (SELECT max(seq) FROM intervention)) LIMIT 1

-- name: forget_last_intervention
UPDATE intervention SET what = $2, made_by = $3, told = $4
    WHERE at < $1 AND what <> $2 AND seq = (SELECT max(seq) FROM intervention)

-- name: prune_interventions
DELETE FROM intervention WHERE seq IN (SELECT seq FROM intervention
    WHERE at < $1 AND seq < (SELECT max(seq) FROM intervention) ORDER BY seq LIMIT $2)
