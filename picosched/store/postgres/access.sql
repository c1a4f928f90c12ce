-- Who may act from outside: the table `token`.

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
