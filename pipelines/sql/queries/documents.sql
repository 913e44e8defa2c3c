-- name: keep_exchange
-- Keep a response once.
INSERT INTO exchanges (sha256, url, status, headers, body, fetched_at)
VALUES (%(sha256)s, %(url)s, %(status)s, %(headers)s, %(body)s, %(fetched_at)s)
ON CONFLICT (sha256) DO NOTHING;

-- name: keep_document
-- Note that a document exists and was seen.
INSERT INTO documents AS d (source, key, url, first_seen, last_seen)
VALUES (%(source)s, %(key)s, %(url)s, %(seen)s, %(seen)s)
ON CONFLICT (source, key) DO UPDATE
    SET first_seen = least(d.first_seen, excluded.first_seen), last_seen = greatest(d.last_seen, excluded.last_seen)
RETURNING id, (xmax = 0) AS new, EXISTS (SELECT FROM absences a WHERE a.source = d.source AND a.key = d.key) AS missed;

-- name: touch_version
-- Move last_seen of a content that is kept already; no row when it is a new one.
UPDATE versions v
SET first_seen = least(v.first_seen, %(seen)s), last_seen = greatest(v.last_seen, %(seen)s)
FROM (SELECT id, first_seen FROM versions WHERE document = %(document)s AND sha256 = %(sha256)s FOR UPDATE) old
WHERE v.id = old.id
RETURNING v.id, %(seen)s < old.first_seen
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

-- name: keep_version
-- Keep a new content of a document; no row when another process was quicker.
INSERT INTO versions (document, sha256, content, content_type, exchange, run, published_at, edited,
                      known_at, first_seen, last_seen)
VALUES (%(document)s, %(sha256)s, %(content)s, %(content_type)s, %(exchange)s, %(run)s, %(published_at)s, %(edited)s,
        %(known_at)s, %(seen)s, %(seen)s)
ON CONFLICT (document, sha256) DO NOTHING
RETURNING id;

-- name: date_versions
-- Give the versions of one document their knowledge times: publication for the first content that shows no edit, else when it was first seen.
UPDATE versions v SET known_at = n.known_at, judged = false
FROM (
    SELECT id, CASE
        WHEN NOT edited AND row_number() OVER (PARTITION BY document ORDER BY first_seen, sha256) = 1
        THEN least(published_at, first_seen) ELSE first_seen END AS known_at
    FROM versions WHERE document = %(document)s
) n
WHERE v.id = n.id AND v.known_at <> n.known_at;

-- name: note_returns
-- A content that was seen again after a later one has come back: it is known again since then.
INSERT INTO sightings (version, known_at)
SELECT a.id, a.last_seen
FROM versions a
WHERE a.document = %(document)s
    AND EXISTS (
        SELECT FROM versions b
        WHERE b.document = a.document AND b.id <> a.id AND b.known_at > a.known_at
            AND b.known_at < a.last_seen AND b.last_seen < a.last_seen
            AND NOT EXISTS (SELECT FROM sightings s WHERE s.version = a.id AND s.known_at > b.known_at))
ON CONFLICT DO NOTHING
RETURNING version;

-- name: unjudge
-- Let a version be judged again.
UPDATE versions SET judged = false WHERE id = ANY(%(versions)s::bigint[]) AND judged;

-- name: retire_readings
-- A new reading takes the place of the current one, which stays.
UPDATE readings SET current = false WHERE version = %(version)s AND current;

-- name: keep_reading
-- Keep what a reader made of a version.
INSERT INTO readings (version, extractor, reader, sha256, text, read_at)
VALUES (%(version)s, %(extractor)s, %(reader)s, %(sha256)s, %(text)s, %(at)s)
ON CONFLICT (version, sha256) DO UPDATE SET current = true
RETURNING id, (xmax = 0) AS new;

-- name: keep_claim
-- Keep one number with its words.
INSERT INTO claims (reading, claimant, metric, as_of, total, daily, hedge, total_span, daily_span, quote, note)
VALUES (%(reading)s, %(claimant)s, %(metric)s, %(as_of)s, %(total)s, %(daily)s, %(hedge)s,
        %(total_span)s, %(daily_span)s, %(quote)s, %(note)s)
ON CONFLICT DO NOTHING;

-- name: keep_problem
-- Keep what could not be read.
INSERT INTO problems (reading, problem, span, quote) VALUES (%(reading)s, %(problem)s, %(span)s, %(quote)s);

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
