-- name: keep_exchange
-- Keep a response once.
INSERT INTO exchanges (sha256, url, status, headers, body, fetched_at)
VALUES (%(sha256)s, %(url)s, %(status)s, %(headers)s, %(body)s, %(fetched_at)s)
ON CONFLICT (sha256) DO NOTHING;

-- name: keep_documents
-- Note that some documents exist and were seen. Given by key in order, so that two who keep the same never wait for each other.
INSERT INTO documents AS d (source, key, url, first_seen, last_seen)
SELECT %(source)s, key, url, seen, seen
FROM unnest(%(keys)s::text[], %(urls)s::text[], %(seen)s::timestamptz[]) AS item (key, url, seen)
ON CONFLICT (source, key) DO UPDATE
    SET first_seen = least(d.first_seen, excluded.first_seen), last_seen = greatest(d.last_seen, excluded.last_seen)
RETURNING id, key, (xmax = 0) AS new, EXISTS (SELECT FROM absences a WHERE a.source = d.source AND a.key = d.key) AS missed;

-- name: touch_versions
-- Move last_seen of contents that are kept already; no row for a new one.
UPDATE versions v
SET first_seen = least(v.first_seen, item.seen), last_seen = greatest(v.last_seen, item.seen)
FROM unnest(%(documents)s::bigint[], %(sha256s)s::bytea[], %(seen)s::timestamptz[]) AS item (document, sha256, seen)
JOIN versions old ON old.document = item.document AND old.sha256 = item.sha256
WHERE v.id = old.id
RETURNING v.document, item.seen < old.first_seen
    OR (SELECT count(*) > 1 FROM versions o WHERE o.document = v.document) AS redate;

-- name: touch_page
-- A page answered "not modified": what it showed when it was last seen, it still shows.
UPDATE versions v SET last_seen = %(seen)s
FROM (
    SELECT v2.id, max(v2.last_seen) OVER () AS latest, v2.last_seen
    FROM versions v2
    JOIN exchanges e ON e.sha256 = v2.exchange
    JOIN documents d ON d.id = v2.document
    WHERE d.source = %(source)s AND e.url = %(url)s
) shown
WHERE v.id = shown.id AND shown.last_seen = shown.latest AND shown.latest < %(seen)s;

-- name: keep_versions
-- Keep new contents of documents; no row where another process was quicker.
INSERT INTO versions (document, sha256, content, content_type, exchange, run, published_at, edited,
                      known_at, first_seen, last_seen)
SELECT document, sha256, content, content_type, exchange, %(run)s, published_at, edited, known_at, seen, seen
FROM unnest(
    %(documents)s::bigint[], %(sha256s)s::bytea[], %(contents)s::bytea[], %(content_types)s::text[],
    %(exchanges)s::bytea[], %(published)s::timestamptz[], %(edited)s::boolean[], %(known)s::timestamptz[],
    %(seen)s::timestamptz[]
) AS item (document, sha256, content, content_type, exchange, published_at, edited, known_at, seen)
ON CONFLICT (document, sha256) DO NOTHING
RETURNING id, document;

-- name: date_versions
-- Give the versions of some documents their knowledge times: publication for the first content that shows no edit, else when it was first seen.
UPDATE versions v SET known_at = n.known_at, judged = false
FROM (
    SELECT id, CASE
        WHEN NOT edited AND row_number() OVER (PARTITION BY document ORDER BY first_seen, sha256) = 1
        THEN least(published_at, first_seen) ELSE first_seen END AS known_at
    FROM versions WHERE document = ANY(%(documents)s::bigint[])
) n
WHERE v.id = n.id AND v.known_at <> n.known_at;

-- name: note_returns
-- A content that was seen again after a later one has come back: it is known again since then.
INSERT INTO sightings (version, known_at)
SELECT a.id, a.last_seen
FROM versions a
WHERE a.document = ANY(%(documents)s::bigint[])
    AND EXISTS (
        SELECT FROM versions b
        CROSS JOIN LATERAL (
            SELECT b.known_at UNION ALL SELECT g.known_at FROM sightings g WHERE g.version = b.id) k
        WHERE b.document = a.document AND b.id <> a.id AND k.known_at > a.known_at
            AND k.known_at < a.last_seen AND b.last_seen < a.last_seen
            AND NOT EXISTS (SELECT FROM sightings s WHERE s.version = a.id AND s.known_at > k.known_at))
ON CONFLICT DO NOTHING
RETURNING version;

-- name: unjudge
-- Let a version be judged again.
UPDATE versions SET judged = false WHERE id = ANY(%(versions)s::bigint[]);

-- name: unjudge_quietly
-- Let a version be judged again, and nobody be mailed of what was judged in it before.
UPDATE versions SET judged = false, quiet = quiet OR judged WHERE id = %(version)s;

-- name: retire_readings
-- New readings take the place of the current ones, which stay.
UPDATE readings SET current = false WHERE version = ANY(%(versions)s::bigint[]) AND current;

-- name: keep_readings
-- Keep what a reader made of some versions.
INSERT INTO readings (version, extractor, reader, sha256, text, read_at)
SELECT version, extractor, reader, sha256, text, %(at)s
FROM unnest(%(versions)s::bigint[], %(extractors)s::text[], %(readers)s::text[], %(sha256s)s::bytea[], %(texts)s::text[])
    AS made (version, extractor, reader, sha256, text)
ON CONFLICT (version, sha256) DO UPDATE SET current = true
RETURNING id, version, (xmax = 0) AS new;

-- name: keep_claims
-- Keep numbers with their words.
INSERT INTO claims (reading, claimant, metric, as_of, total, daily, hedge, total_span, daily_span, quote, note)
SELECT * FROM unnest(
    %(readings)s::bigint[], %(claimants)s::text[], %(metrics)s::text[], %(days)s::date[], %(totals)s::bigint[],
    %(dailies)s::bigint[], %(hedges)s::text[], %(total_spans)s::int4range[], %(daily_spans)s::int4range[],
    %(quotes)s::text[], %(notes)s::text[])
ON CONFLICT DO NOTHING;

-- name: keep_problems
-- Keep what could not be read.
INSERT INTO problems (reading, problem, span, quote)
SELECT * FROM unnest(%(readings)s::bigint[], %(problems)s::text[], %(spans)s::int4range[], %(quotes)s::text[]);

-- name: version_count
-- How many versions there are to read again.
SELECT count(*) AS versions FROM versions v JOIN documents d ON d.id = v.document
WHERE %(source)s::text IS NULL OR d.source = %(source)s;

-- name: versions_to_reread
-- Stored contents with what was last read from them, page by page.
SELECT v.id, v.content, v.content_type, v.published_at, d.source, d.key, d.url, s.claimant,
       r.sha256, r.reader,
       coalesce((SELECT jsonb_agg(jsonb_build_array(c.claimant, c.metric, c.as_of, c.total, c.daily) ORDER BY c.id)
                 FROM claims c WHERE c.reading = r.id), '[]') AS claims
FROM versions v
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
LEFT JOIN readings r ON r.version = v.id AND r.current
WHERE v.id > %(after)s AND (%(source)s::text IS NULL OR d.source = %(source)s)
ORDER BY v.id LIMIT %(limit)s;
