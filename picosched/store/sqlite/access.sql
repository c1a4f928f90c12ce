-- Who may act from outside: the table `token`.

-- name: tokens
SELECT {token.columns} FROM token ORDER BY name

-- name: add_token
INSERT INTO token ({token.inserted}) VALUES ({token.marks})

-- name: remove_token
DELETE FROM token WHERE name = ?

-- name: is_expired_before
SELECT 1 FROM token WHERE expires < ? LIMIT 1

-- name: prune_tokens
DELETE FROM token WHERE expires < ?
