-- name: new_absences
-- Which of some keys that a page does not show were not missed often enough yet since they were last there; with their documents.
SELECT k.key, d.id AS document
FROM unnest(%(keys)s::text[]) AS k (key)
LEFT JOIN documents d ON d.source = %(source)s AND d.key = k.key
WHERE %(looks)s > (
    SELECT count(*) FROM absences a
    WHERE a.source = %(source)s AND a.key = k.key AND a.seen_at <= %(seen)s
        AND a.seen_at > coalesce(
            (SELECT max(p.at) FROM presences p WHERE p.document = d.id AND p.at <= %(seen)s), '-infinity'));

-- name: keep_absences
-- Note that some documents were missing; with the page, where it says something of a document that we have.
INSERT INTO absences (source, key, seen_at, looks, exchange)
SELECT %(source)s, k.key, %(seen)s, %(looks)s, CASE WHEN d.id IS NOT NULL THEN %(exchange)s::bytea END
FROM unnest(%(keys)s::text[]) AS k (key)
LEFT JOIN documents d ON d.source = %(source)s AND d.key = k.key
ON CONFLICT DO NOTHING;

-- name: note_reappearances
-- A content that was seen again after it was missed stands there again since then, whatever is seen of it later.
INSERT INTO sightings (version, known_at)
SELECT v.id, v.last_seen
FROM versions v JOIN documents d ON d.id = v.document
WHERE d.id = ANY(%(documents)s::bigint[])
    AND EXISTS (
        SELECT FROM absences a
        WHERE a.source = d.source AND a.key = d.key AND a.seen_at >= v.first_seen AND a.seen_at < v.last_seen
            AND NOT EXISTS (
                SELECT FROM presences p
                WHERE p.document = d.id AND p.at > a.seen_at AND p.at < v.last_seen))
ON CONFLICT DO NOTHING
RETURNING version;

-- name: date_deletions
-- Bring the deletions of some documents in line with when they were there and when they were missed; what changes is judged again.
WITH missed AS (
    SELECT d.id AS document, a.seen_at, a.looks, a.exchange,
           (SELECT max(p.at) FROM presences p WHERE p.document = d.id AND p.at <= a.seen_at) AS last_there
    FROM documents d JOIN absences a ON a.source = d.source AND a.key = d.key
    WHERE d.id = ANY(%(documents)s::bigint[])
), implied AS (
    SELECT m.document, m.seen_at AS known_at, m.last_there, m.exchange
    FROM (SELECT *, row_number() OVER (PARTITION BY document, last_there ORDER BY seen_at) AS look FROM missed) m
    WHERE m.look = m.looks AND m.last_there IS NOT NULL
), undone AS (
    DELETE FROM deletions x
    WHERE x.document = ANY(%(documents)s::bigint[])
        AND NOT EXISTS (SELECT FROM implied i WHERE i.document = x.document AND i.known_at = x.known_at)
    RETURNING x.document
), done AS (
    INSERT INTO deletions AS x (document, known_at, last_there, exchange)
    SELECT document, known_at, last_there, exchange FROM implied
    ON CONFLICT (document, known_at) DO UPDATE SET last_there = excluded.last_there
    WHERE x.last_there <> excluded.last_there
    RETURNING x.document
)
UPDATE versions v SET judged = false
FROM (SELECT document FROM undone UNION SELECT document FROM done) changed
WHERE v.document = changed.document
RETURNING v.document;
