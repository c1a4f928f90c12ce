-- Picos and what belongs to them: the tables `pico`, `channel`, `ruleset`, `installed`, `version`, `entity`, `waiting`, `meta`.

-- name: new_pico
INSERT INTO pico ({pico}) VALUES (?, ?, ?, ?)

-- name: find_pico
SELECT {pico} FROM pico WHERE id = ?

-- name: find_root
SELECT {pico} FROM pico WHERE parent IS NULL ORDER BY rowid LIMIT 1

-- name: picos
SELECT {pico} FROM pico ORDER BY rowid

-- name: picos_named
SELECT {pico} FROM pico WHERE name = ? ORDER BY rowid

-- name: picos_like
SELECT name, id FROM pico WHERE name <> '' AND substr(name, 1, ?) = ? ORDER BY rowid LIMIT ?

-- name: rids_like
SELECT rid, count(*) FROM installed WHERE rid >= ? AND rid < ? GROUP BY rid ORDER BY rid LIMIT ?

-- name: children
SELECT {pico} FROM pico WHERE parent = ? ORDER BY rowid

-- name: number_under
WITH RECURSIVE under (id) AS (
        SELECT id FROM pico WHERE parent = ?
        UNION ALL SELECT pico.id FROM pico JOIN under ON pico.parent = under.id)
    SELECT count(*) FROM under

-- name: delete_pico
DELETE FROM pico WHERE id = ?

-- name: delete_channels
DELETE FROM channel WHERE pico = ?1 OR kin = ?1

-- name: delete_installed
DELETE FROM installed WHERE pico = ?

-- name: delete_entities
DELETE FROM entity WHERE pico = ?

-- name: delete_all_waiting
DELETE FROM waiting WHERE pico = ?

-- name: delete_coming
DELETE FROM coming WHERE pico = ?

-- Channels

-- name: new_channel
INSERT INTO channel ({channel}, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_channel
UPDATE channel SET tags = ?, events = ?, queries = ? WHERE eci = ?

-- name: find_channel
SELECT {channel} FROM channel WHERE eci = ?

-- name: known_ecis
SELECT eci FROM channel WHERE eci IN (SELECT value FROM json_each(?))

-- name: channels
SELECT {channel} FROM channel WHERE pico = ? ORDER BY rowid

-- name: kin_of
SELECT {channel} FROM channel WHERE kin = ?

-- name: channels_tagged
SELECT pico, eci FROM channel
    WHERE kin IS NULL AND ? IN (SELECT value FROM json_each(channel.tags)) ORDER BY rowid

-- name: delete_channel
DELETE FROM channel WHERE eci = ?

-- Rulesets

-- name: find_ruleset
SELECT hash, rid, text, origin, flushed FROM ruleset WHERE hash = ?

-- name: kept_text
SELECT text FROM ruleset WHERE origin = ?
    AND EXISTS (SELECT 1 FROM installed WHERE installed.hash = ruleset.hash) LIMIT 1

-- name: put_ruleset
INSERT INTO ruleset (hash, rid, text, origin, flushed) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (hash) DO UPDATE SET origin = excluded.origin, flushed = excluded.flushed

-- name: is_installed_otherwise
SELECT 1 FROM installed WHERE pico = ? AND rid = ? AND hash <> ?

-- name: install
INSERT INTO installed (pico, rid, hash, config, position)
    SELECT ?1, ?2, ?3, ?4, coalesce(max(position), 0) + 1 FROM installed WHERE pico = ?1
    ON CONFLICT (pico, rid) DO UPDATE SET hash = excluded.hash, config = excluded.config

-- name: installed
SELECT installed.rid, installed.hash, config, origin, flushed
    FROM installed JOIN ruleset ON ruleset.hash = installed.hash
    WHERE pico = ? ORDER BY position

-- name: note_version
INSERT INTO version ({version.inserted}) SELECT ?1, ?2, ?3, ?4, ?5, ?6
    WHERE ?3 IS NOT (SELECT hash FROM version WHERE pico = ?1 AND rid = ?2 ORDER BY seq DESC LIMIT 1)

-- name: trim_versions
DELETE FROM version WHERE pico = ?1 AND rid = ?2 AND seq <=
    (SELECT seq FROM version WHERE pico = ?1 AND rid = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)

-- name: versions
SELECT {version.columns} FROM version WHERE pico = ? AND rid = ? ORDER BY seq DESC

-- name: delete_versions
DELETE FROM version WHERE pico = ?

-- name: delete_versions_of
DELETE FROM version WHERE pico = ? AND rid = ?

-- name: installed_everywhere
SELECT pico, rid, hash FROM installed

-- name: one_of_each_ruleset
SELECT min(pico), rid FROM installed GROUP BY rid ORDER BY rid

-- name: origin_of
SELECT origin FROM ruleset JOIN installed ON installed.hash = ruleset.hash
    WHERE installed.rid = ? AND origin IS NOT NULL LIMIT 1

-- name: origins
SELECT DISTINCT origin FROM ruleset WHERE origin IS NOT NULL
    AND EXISTS (SELECT 1 FROM installed WHERE installed.hash = ruleset.hash) ORDER BY origin

-- name: picos_with_origin
SELECT DISTINCT pico.id FROM pico JOIN installed ON installed.pico = pico.id
    JOIN ruleset ON ruleset.hash = installed.hash WHERE origin = ? ORDER BY pico.rowid

-- name: is_installed_anywhere
SELECT 1 FROM installed WHERE rid = ? LIMIT 1

-- name: picos_having
SELECT pico FROM installed JOIN pico ON pico.id = pico WHERE rid = ? ORDER BY pico.rowid

-- name: uninstall
DELETE FROM installed WHERE pico = ? AND rid = ?

-- State

-- name: entity
SELECT value, size, places FROM entity WHERE pico = ? AND rid = ? AND name = ?

-- name: entities
SELECT name, value, size, places FROM entity WHERE pico = ? AND rid = ? ORDER BY name

-- name: set_entity
INSERT INTO entity (pico, rid, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (pico, rid, name) DO UPDATE SET value = excluded.value, size = NULL, places = NULL

-- name: measure_entity
UPDATE entity SET size = ?, places = ? WHERE pico = ? AND rid = ? AND name = ?

-- name: element
SELECT value FROM element WHERE pico = ? AND rid = ? AND name = ? AND key = ?

-- name: elements
SELECT key, value FROM element WHERE pico = ? AND rid = ? AND name = ? ORDER BY place

-- name: set_element
INSERT INTO element (pico, rid, name, key, value, place) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (pico, rid, name, key) DO UPDATE SET value = excluded.value

-- name: delete_element
DELETE FROM element WHERE pico = ? AND rid = ? AND name = ? AND key = ?

-- name: delete_entity
DELETE FROM entity WHERE pico = ? AND rid = ? AND name = ?

-- name: delete_entities_of
DELETE FROM entity WHERE pico = ? AND rid = ?

-- name: waiting
SELECT rule, state FROM waiting WHERE pico = ? AND rid = ?

-- name: set_waiting
INSERT OR REPLACE INTO waiting (pico, rid, rule, state) VALUES (?, ?, ?, ?)

-- name: delete_waiting
DELETE FROM waiting WHERE pico = ? AND rid = ? AND rule = ?

-- name: delete_waiting_of
DELETE FROM waiting WHERE pico = ? AND rid = ?

-- name: meta
SELECT value FROM meta WHERE key = ?

-- name: notes
SELECT key, value FROM meta WHERE key LIKE ? || '%' ORDER BY key

-- name: set_meta
INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)

-- name: forget_meta
DELETE FROM meta WHERE key = ?
