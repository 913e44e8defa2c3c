-- name: evidence_claims
-- The claims of an incident and, of its cell, what every source said until a moment; with the texts and contents they stand in.
SELECT c.id, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge, c.note, c.quote,
       lower(c.total_span) AS total_start, upper(c.total_span) AS total_end,
       lower(c.daily_span) AS daily_start, upper(c.daily_span) AS daily_end,
       r.text, r.extractor, r.reader, d.id AS document_id, d.source, d.key AS document, d.url,
       v.id AS version, v.content, v.content_type, v.published_at, v.edited, v.known_at, v.first_seen, v.exchange
FROM claims c
JOIN readings r ON r.id = c.reading
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
WHERE c.id = ANY(%(claims)s::bigint[])
    OR (r.current AND v.known_at <= %(until)s
        AND c.claimant = %(claimant)s AND c.metric = %(metric)s AND c.as_of = %(as_of)s)
ORDER BY v.known_at, c.id;

-- name: evidence_deletions
-- When some documents were taken back, until a moment.
SELECT x.document AS document_id, d.source, d.key AS document, x.known_at, x.last_there, x.exchange
FROM deletions x JOIN documents d ON d.id = x.document
WHERE x.document = ANY(%(documents)s::bigint[]) AND x.known_at <= %(until)s
ORDER BY x.known_at, d.source, d.key;

-- name: evidence_troubles
-- What a source did to us in the day before a moment, with the pages that could not be used.
SELECT source, url, cause, detail, at, exchange FROM troubles
WHERE source = %(source)s AND at <= %(until)s AND at > %(until)s::timestamptz - interval '1 day'
ORDER BY at, id;

-- name: evidence_exchanges
-- Responses as they were received.
SELECT sha256, url, status, headers, body, fetched_at FROM exchanges
WHERE sha256 = ANY(%(hashes)s::bytea[])
ORDER BY fetched_at, sha256;

-- name: kept_copy
-- One version of a document, as it was kept and as it was read.
SELECT v.id, encode(v.sha256, 'hex') AS sha256, v.content, v.content_type, v.published_at, v.first_seen,
       d.source, d.key AS document, d.url, r.text
FROM versions v
JOIN documents d ON d.id = v.document
LEFT JOIN readings r ON r.version = v.id AND r.current
WHERE v.id = %(version)s;
