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

-- name: latest_days
-- The latest report day that each source has reported for each claimant, of one source or of all; not before a day if one is given.
WITH reports AS MATERIALIZED (
    SELECT reading, claimant, max(as_of) AS as_of
    FROM claims
    WHERE total IS NOT NULL AND as_of >= coalesce(%(since)s::date, '-infinity')
    GROUP BY reading, claimant
)
SELECT d.source, c.claimant, max(c.as_of) AS as_of
FROM reports c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
WHERE %(source)s::text IS NULL OR d.source = %(source)s
GROUP BY d.source, c.claimant;

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
-- Days of a span for which a claimant has no official report. Looked up day by day and claim by claim, which neither years nor missing statistics make slow.
SELECT day::date AS as_of
FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
WHERE NOT EXISTS (
    SELECT FROM claims c
    WHERE c.as_of = day::date AND c.claimant = %(claimant)s AND c.total IS NOT NULL
        AND 'official' = (
            SELECT s.role
            FROM readings r
            JOIN versions v ON v.id = r.version
            JOIN documents d ON d.id = v.document
            JOIN sources s ON s.name = d.source
            WHERE r.id = c.reading AND r.current)
    OFFSET 0)
ORDER BY day;
