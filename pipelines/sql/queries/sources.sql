-- name: keep_source
-- Note a source on its first crawl; what it declares may change, when it was installed may not.
INSERT INTO sources AS s (name, role, publisher, claimant, installed_at)
VALUES (%(name)s, %(role)s, %(publisher)s, %(claimant)s, %(at)s)
ON CONFLICT (name) DO UPDATE
    SET role = excluded.role, publisher = excluded.publisher, claimant = excluded.claimant
WHERE (s.role, s.publisher, s.claimant) IS DISTINCT FROM (excluded.role, excluded.publisher, excluded.claimant);

-- name: note_filled
-- The past of a source was fetched, once and for good.
UPDATE sources SET filled_at = %(at)s WHERE name = %(source)s AND filled_at IS NULL;

-- name: begin_run
-- Open the record of one crawl.
INSERT INTO runs (source, started_at, past, quiet) VALUES (%(source)s, %(at)s, %(past)s, %(quiet)s) RETURNING id;

-- name: end_run
-- Close the record of one crawl with its verdict.
UPDATE runs SET finished_at = %(at)s, verdict = %(verdict)s, cause = %(cause)s, counts = %(counts)s
WHERE id = %(run)s;

-- name: last_runs
-- The last finished crawl of every source, and when one last succeeded; windows of the past aside.
SELECT s.name AS source, s.installed_at, s.filled_at, r.verdict, r.cause, r.finished_at, r.counts, ok.finished_at AS last_success
FROM sources s
LEFT JOIN LATERAL (
    SELECT * FROM runs WHERE source = s.name AND finished_at IS NOT NULL AND NOT past ORDER BY id DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT finished_at FROM runs
    WHERE source = s.name AND verdict <> 'broken' AND finished_at IS NOT NULL AND NOT past ORDER BY id DESC LIMIT 1
) ok ON true
ORDER BY s.name;

-- name: outages
-- Sources whose last crawls all failed: since when, how many, and why at last; windows of the past aside.
SELECT r.source, (array_agg(coalesce(r.cause, 'unknown') ORDER BY r.id DESC))[1] AS cause,
       min(r.started_at) AS began, count(*) AS crawls
FROM runs r
WHERE r.finished_at IS NOT NULL AND r.verdict = 'broken' AND NOT r.past AND r.id > coalesce(
    (SELECT max(ok.id) FROM runs ok WHERE ok.source = r.source AND ok.verdict <> 'broken' AND NOT ok.past), 0)
GROUP BY r.source ORDER BY r.source;

-- name: recent_days
-- The day of each source's newest report, or of one source's, if it is not before a given day. Report by report: joined at once, all readings there are would be read.
SELECT d.source, max(c.as_of) AS as_of
FROM (
    SELECT reading, max(as_of) AS as_of FROM claims
    WHERE total IS NOT NULL AND as_of >= %(since)s
    GROUP BY reading) c
CROSS JOIN LATERAL (
    SELECT d.source
    FROM readings r
    JOIN versions v ON v.id = r.version
    JOIN documents d ON d.id = v.document
    WHERE r.id = c.reading AND r.current
    OFFSET 0) d
WHERE %(source)s::text IS NULL OR d.source = %(source)s
GROUP BY d.source;

-- name: latest_days
-- The day of each source's newest report, however long ago.
WITH reports AS MATERIALIZED (
    SELECT reading, max(as_of) AS as_of FROM claims WHERE total IS NOT NULL GROUP BY reading
)
SELECT d.source, max(c.as_of) AS as_of
FROM reports c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
GROUP BY d.source;

-- name: keep_trouble
-- Record what a source did to us.
INSERT INTO troubles (run, source, url, cause, detail, at, exchange)
VALUES (%(run)s, %(source)s, %(url)s, %(cause)s, %(detail)s, %(at)s, %(exchange)s);

-- name: troubles_of_run
-- What happened during one crawl.
SELECT cause, url, detail, at FROM troubles WHERE run = %(run)s ORDER BY id;

-- name: validators
-- What to ask a source with, so that an unchanged page costs a 304.
SELECT url, etag, last_modified FROM validators WHERE source = %(source)s;

-- name: keep_validator
-- Keep what a server gave us to ask again with.
INSERT INTO validators (source, url, etag, last_modified)
VALUES (%(source)s, %(url)s, %(etag)s, %(last_modified)s)
ON CONFLICT (source, url) DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified
WHERE (validators.etag, validators.last_modified) IS DISTINCT FROM (excluded.etag, excluded.last_modified);

-- name: silent_days
-- Which of some days have no official report of a claimant. Looked up day by day and claim by claim, which missing statistics do not make slow.
SELECT day AS as_of
FROM unnest(%(days)s::date[]) AS day
WHERE NOT EXISTS (
    SELECT FROM claims c
    WHERE c.as_of = day AND c.claimant = %(claimant)s AND c.total IS NOT NULL
        AND 'official' = (
            SELECT s.role
            FROM readings r
            JOIN versions v ON v.id = r.version
            JOIN documents d ON d.id = v.document
            JOIN sources s ON s.name = d.source
            WHERE r.id = c.reading AND r.current)
    OFFSET 0)
ORDER BY day;
