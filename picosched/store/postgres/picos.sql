-- Picos and what belongs to them: the tables `pico`, `channel`, `ruleset`, `installed`, `version`, `entity`, `waiting`, `meta`.

-- name: new_pico
INSERT INTO pico ({pico}) VALUES ($1, $2, $3, $4)

-- name: find_pico
SELECT {pico} FROM pico WHERE id = $1

-- name: find_root
SELECT {pico} FROM pico WHERE parent IS NULL ORDER BY seq LIMIT 1

-- name: picos
SELECT {pico} FROM pico ORDER BY seq

-- name: picos_named
SELECT {pico} FROM pico WHERE name = $1 ORDER BY seq

-- name: picos_like
SELECT name, id FROM pico WHERE name <> '' AND left(name, $1::integer) = $2 ORDER BY seq LIMIT $3

-- name: rids_like
SELECT rid, count(*) FROM installed WHERE rid >= $1 AND rid < $2 GROUP BY rid ORDER BY rid LIMIT $3

-- name: children
SELECT {pico} FROM pico WHERE parent = $1 ORDER BY seq

-- name: number_under
WITH RECURSIVE under (id) AS (
        SELECT id FROM pico WHERE parent = $1
        UNION ALL SELECT pico.id FROM pico JOIN under ON pico.parent = under.id)
    SELECT count(*) FROM under

-- name: delete_pico
DELETE FROM pico WHERE id = $1

-- name: delete_channels
DELETE FROM channel WHERE pico = $1 OR kin = $1

-- name: delete_installed
DELETE FROM installed WHERE pico = $1

-- name: delete_entities
DELETE FROM entity WHERE pico = $1

-- name: delete_all_waiting
DELETE FROM waiting WHERE pico = $1

-- name: delete_coming
DELETE FROM coming WHERE pico = $1

-- Channels

-- name: new_channel
INSERT INTO channel ({channel}, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: change_channel
UPDATE channel SET tags = $1, events = $2, queries = $3 WHERE eci = $4

-- name: find_channel
SELECT {channel} FROM channel WHERE eci = $1

-- name: known_ecis
SELECT eci FROM channel WHERE eci IN (SELECT json_array_elements_text($1::json))

-- name: channels
SELECT {channel} FROM channel WHERE pico = $1 ORDER BY seq

-- name: kin_of
SELECT {channel} FROM channel WHERE kin = $1 ORDER BY seq

-- name: channels_tagged
SELECT pico, eci FROM channel WHERE kin IS NULL AND tags::jsonb ? $1 ORDER BY seq

-- name: delete_channel
DELETE FROM channel WHERE eci = $1

-- Rulesets

-- name: find_ruleset
SELECT hash, rid, text, origin, flushed FROM ruleset WHERE hash = $1

-- name: kept_text
SELECT text FROM ruleset WHERE origin = $1
    AND EXISTS (SELECT 1 FROM installed WHERE installed.hash = ruleset.hash) LIMIT 1

-- name: put_ruleset
INSERT INTO ruleset (hash, rid, text, origin, flushed) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (hash) DO UPDATE SET origin = excluded.origin, flushed = excluded.flushed

-- name: is_installed_otherwise
SELECT 1 FROM installed WHERE pico = $1 AND rid = $2 AND hash <> $3

-- name: install
INSERT INTO installed (pico, rid, hash, config, position)
    SELECT $1, $2, $3, $4, coalesce(max(position), 0) + 1 FROM installed WHERE pico = $1
    ON CONFLICT (pico, rid) DO UPDATE SET hash = excluded.hash, config = excluded.config

-- name: installed
SELECT installed.rid, installed.hash, config, origin, flushed
    FROM installed JOIN ruleset ON ruleset.hash = installed.hash
    WHERE pico = $1 ORDER BY position

-- name: note_version
INSERT INTO version ({version.inserted}) SELECT $1, $2, $3, $4, $5, $6
    WHERE $3 IS DISTINCT FROM (SELECT hash FROM version WHERE pico = $1 AND rid = $2 ORDER BY seq DESC LIMIT 1)

-- name: trim_versions
DELETE FROM version WHERE pico = $1 AND rid = $2 AND seq <=
    (SELECT seq FROM version WHERE pico = $1 AND rid = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)

-- name: versions
SELECT {version.columns} FROM version WHERE pico = $1 AND rid = $2 ORDER BY seq DESC

-- name: delete_versions
DELETE FROM version WHERE pico = $1

-- name: delete_versions_of
DELETE FROM version WHERE pico = $1 AND rid = $2

-- name: installed_everywhere
SELECT pico, rid, hash FROM installed

-- name: one_of_each_ruleset
SELECT min(pico), rid FROM installed GROUP BY rid ORDER BY rid

-- name: origin_of
SELECT origin FROM ruleset JOIN installed ON installed.hash = ruleset.hash
    WHERE installed.rid = $1 AND origin IS NOT NULL LIMIT 1

-- name: origins
SELECT DISTINCT origin FROM ruleset WHERE origin IS NOT NULL
    AND EXISTS (SELECT 1 FROM installed WHERE installed.hash = ruleset.hash) ORDER BY origin

-- name: picos_with_origin
SELECT id FROM pico WHERE id IN (SELECT installed.pico FROM installed
    JOIN ruleset ON ruleset.hash = installed.hash WHERE origin = $1) ORDER BY seq

-- name: is_installed_anywhere
SELECT 1 FROM installed WHERE rid = $1 LIMIT 1

-- name: picos_having
SELECT installed.pico FROM installed JOIN pico ON pico.id = installed.pico WHERE rid = $1 ORDER BY pico.seq

-- name: uninstall
DELETE FROM installed WHERE pico = $1 AND rid = $2

-- State

-- name: entity
SELECT value, size, places FROM entity WHERE pico = $1 AND rid = $2 AND name = $3

-- name: entities
SELECT name, value, size, places FROM entity WHERE pico = $1 AND rid = $2 ORDER BY name

-- name: set_entity
INSERT INTO entity (pico, rid, name, value)
    SELECT DISTINCT ON (v ->> 0, v ->> 1, v ->> 2) v ->> 0, v ->> 1, v ->> 2, v ->> 3
    FROM {rows} ORDER BY v ->> 0, v ->> 1, v ->> 2, nth DESC
    ON CONFLICT (pico, rid, name) DO UPDATE SET value = excluded.value, size = NULL, places = NULL

-- name: measure_entity
UPDATE entity SET size = (v ->> 0)::bigint, places = (v ->> 1)::bigint
    FROM (SELECT DISTINCT ON (v ->> 2, v ->> 3, v ->> 4) v FROM {rows}
        ORDER BY v ->> 2, v ->> 3, v ->> 4, nth DESC) AS last
    WHERE pico = v ->> 2 AND rid = v ->> 3 AND name = v ->> 4

-- name: element
SELECT value FROM element WHERE pico = $1 AND rid = $2 AND name = $3 AND key = $4

-- name: elements
SELECT key, value FROM element WHERE pico = $1 AND rid = $2 AND name = $3 ORDER BY place

-- name: set_element
INSERT INTO element (pico, rid, name, key, value, place)
    SELECT DISTINCT ON (v ->> 0, v ->> 1, v ->> 2, v ->> 3) v ->> 0, v ->> 1, v ->> 2, v ->> 3, v ->> 4,
        min((v ->> 5)::bigint) OVER (PARTITION BY v ->> 0, v ->> 1, v ->> 2, v ->> 3)
    FROM {rows} ORDER BY v ->> 0, v ->> 1, v ->> 2, v ->> 3, nth DESC
    ON CONFLICT (pico, rid, name, key) DO UPDATE SET value = excluded.value

-- name: delete_element
DELETE FROM element USING {rows}
    WHERE pico = v ->> 0 AND rid = v ->> 1 AND name = v ->> 2 AND key = v ->> 3

-- name: delete_entity
DELETE FROM entity USING {rows}
    WHERE pico = v ->> 0 AND rid = v ->> 1 AND name = v ->> 2

-- name: delete_entities_of
DELETE FROM entity WHERE pico = $1 AND rid = $2

-- name: waiting
SELECT rule, state FROM waiting WHERE pico = $1 AND rid = $2 ORDER BY rule

-- name: set_waiting
INSERT INTO waiting (pico, rid, rule, state)
    SELECT DISTINCT ON (v ->> 0, v ->> 1, v ->> 2) v ->> 0, v ->> 1, v ->> 2, v ->> 3
    FROM {rows} ORDER BY v ->> 0, v ->> 1, v ->> 2, nth DESC
    ON CONFLICT (pico, rid, rule) DO UPDATE SET state = excluded.state

-- name: delete_waiting
DELETE FROM waiting USING {rows}
    WHERE pico = v ->> 0 AND rid = v ->> 1 AND rule = v ->> 2

-- name: delete_waiting_of
DELETE FROM waiting WHERE pico = $1 AND rid = $2

-- name: meta
SELECT value FROM meta WHERE key = $1

-- name: notes
SELECT key, value FROM meta WHERE key LIKE $1 || '%' ORDER BY key

-- name: set_meta
INSERT INTO meta (key, value) VALUES ($1, $2)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value

-- name: forget_meta
DELETE FROM meta WHERE key = $1
