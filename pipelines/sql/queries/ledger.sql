-- name: lock_ledger
-- One judge at a time; the generation tells whether another one has judged since.
SELECT generation FROM ledger FOR UPDATE;

-- name: generation
-- How often the ledger was judged.
SELECT generation FROM ledger;

-- name: advance_ledger
-- The ledger has been judged once more.
UPDATE ledger SET generation = generation + 1 RETURNING generation;

-- name: unjudged
-- Versions whose claims have not been judged, as they stand; quiet when they were judged before and read again, or when a backfill brought them, unless they were published since we watch their source, not two days before: those are news, whoever came first. So is what was taken back after the backfill.
SELECT v.id, v.xmin::text AS stand, v.quiet OR coalesce(
    r.quiet AND coalesce(v.published_at < greatest(s.installed_at, r.started_at - interval '2 days'), true)
    AND NOT EXISTS (SELECT FROM deletions x WHERE x.document = d.id AND x.known_at > r.finished_at), false) AS quiet,
    EXISTS (SELECT FROM readings o WHERE o.version = v.id AND NOT o.current) AS read_again
FROM versions v
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
LEFT JOIN runs r ON r.id = v.run
WHERE NOT v.judged
ORDER BY v.id;

-- name: known_since
-- The moment at which the first of some versions became known.
SELECT min(known_at) AS known_at FROM versions WHERE id = ANY(%(versions)s);

-- name: put_mark
-- Keep the judge as it stands, in place of the oldest mark.
WITH old AS (DELETE FROM marks WHERE id NOT IN (SELECT id FROM marks ORDER BY id DESC LIMIT %(kept)s - 1))
INSERT INTO marks (code, fold) VALUES (%(code)s, %(fold)s);

-- name: has_mark
-- Whether a judge has left a mark.
SELECT EXISTS (SELECT FROM marks WHERE code = %(code)s) AS known;

-- name: note_judged
-- These versions are judged beyond each mark.
UPDATE marks SET versions = versions || %(versions)s::bigint[];

-- name: newest_mark
-- The last mark, and what was judged since.
SELECT id, code, fold, versions FROM marks ORDER BY id DESC LIMIT 1;

-- name: drop_marks
-- Nobody goes on from a mark and those after it any more.
DELETE FROM marks WHERE id >= %(since)s;

-- name: cells_of_versions
-- What versions speak of, or spoke of as they were read before.
SELECT DISTINCT c.claimant, c.metric, c.as_of
FROM readings r
JOIN claims c ON c.reading = r.id
WHERE r.version = ANY(%(versions)s) AND c.as_of IS NOT NULL
ORDER BY c.claimant, c.metric, c.as_of;

-- name: mark_judged
-- These versions have been judged, unless they were touched since they were taken up.
UPDATE versions v SET judged = true, quiet = false
FROM unnest(%(versions)s::bigint[], %(stands)s::text[]) AS item (id, stand)
WHERE v.id = item.id AND v.xmin::text = item.stand;

-- name: observations
-- Claims with their day, in order of knowledge; of some versions, or of all when %(versions)s is null.
SELECT d.source, s.role, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge,
       k.known_at, k.last_there, d.key AS document, c.id AS ref, v.id AS version, v.judged
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
CROSS JOIN LATERAL (
    SELECT v.known_at, NULL::timestamptz AS last_there
    UNION ALL SELECT g.known_at, NULL FROM sightings g WHERE g.version = v.id
    UNION ALL SELECT x.known_at, x.last_there FROM deletions x WHERE x.document = v.document AND x.known_at >= v.known_at
) k
WHERE c.as_of IS NOT NULL
    AND (%(versions)s::bigint[] IS NULL OR v.id = ANY(%(versions)s))
ORDER BY k.known_at, d.source, d.key, c.id;

-- name: last_words
-- The moment at which something was said of each day for the last time.
SELECT c.as_of, max(k.known_at) AS known_at
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
CROSS JOIN LATERAL (
    SELECT v.known_at
    UNION ALL SELECT g.known_at FROM sightings g WHERE g.version = v.id
    UNION ALL SELECT x.known_at FROM deletions x WHERE x.document = v.document AND x.known_at >= v.known_at
) k
WHERE c.as_of IS NOT NULL
GROUP BY c.as_of
ORDER BY c.as_of;

-- name: cell_observations
-- The same for some cells, given as parallel arrays.
SELECT d.source, s.role, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge,
       k.known_at, k.last_there, d.key AS document, c.id AS ref
FROM unnest(%(claimants)s::text[], %(metrics)s::text[], %(days)s::date[]) AS cell (claimant, metric, as_of)
JOIN claims c USING (claimant, metric, as_of)
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
CROSS JOIN LATERAL (
    SELECT v.known_at, NULL::timestamptz AS last_there
    UNION ALL SELECT g.known_at, NULL FROM sightings g WHERE g.version = v.id
    UNION ALL SELECT x.known_at, x.last_there FROM deletions x WHERE x.document = v.document AND x.known_at >= v.known_at
) k
ORDER BY k.known_at, d.source, d.key, c.id;

-- name: figures_of_cells
-- All history of some cells; a known_until of null is still known.
SELECT f.claimant, f.metric, f.as_of, f.known_since, nullif(f.known_until, 'infinity') AS known_until,
       f.total, f.daily, f.status, f.supports, f.dissents
FROM unnest(%(claimants)s::text[], %(metrics)s::text[], %(days)s::date[]) AS cell (claimant, metric, as_of)
JOIN figures f USING (claimant, metric, as_of)
ORDER BY claimant, metric, as_of, known_since;

-- name: drop_figures
-- The history of some cells is written again when something older was learned.
DELETE FROM figures f
USING unnest(%(claimants)s::text[], %(metrics)s::text[], %(days)s::date[]) AS cell (claimant, metric, as_of)
WHERE f.claimant = cell.claimant AND f.metric = cell.metric AND f.as_of = cell.as_of;

-- name: keep_figures
-- What the ledger holds for some cells, from one moment to the next, given as JSON.
INSERT INTO figures (claimant, metric, as_of, known_since, known_until, total, daily, status, supports, dissents)
SELECT claimant, metric, as_of, known_since, coalesce(known_until, 'infinity'), total, daily, status, supports, dissents
FROM jsonb_to_recordset(%(figures)s) AS figure (
    claimant text, metric text, as_of date, known_since timestamptz, known_until timestamptz,
    total bigint, daily bigint, status text, supports text[], dissents jsonb
);

-- name: figures
-- The ledger as known at one moment, or now; every condition may be null.
SELECT claimant, metric, as_of, total, daily, status, supports, dissents, known_since
FROM figures
WHERE CASE WHEN %(known_at)s::timestamptz IS NULL THEN known_until = 'infinity'
           ELSE known_since <= %(known_at)s AND known_until > %(known_at)s END
    AND (%(from)s::date IS NULL OR as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR claimant = %(claimant)s)
ORDER BY claimant, as_of, metric;

-- name: figure_on
-- What the ledger holds for one cell now.
SELECT total, daily, status FROM figures
WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of = %(as_of)s AND known_until = 'infinity';

-- name: sayings
-- The latest word of each source on a cell, of documents that still stand; known since its source came back to it, if it left it.
SELECT DISTINCT ON (d.source) d.source, s.role, c.total, c.daily, k.known_at
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
CROSS JOIN LATERAL (SELECT greatest(v.known_at, max(g.known_at)) AS known_at FROM sightings g WHERE g.version = v.id) k
WHERE c.claimant = %(claimant)s AND c.metric = %(metric)s AND c.as_of = %(as_of)s
    AND NOT EXISTS (
        SELECT FROM deletions x
        WHERE x.document = d.id
            AND NOT EXISTS (SELECT FROM presences p WHERE p.document = x.document AND p.at > x.known_at))
ORDER BY d.source, k.known_at DESC, c.id DESC;

-- name: first_figures
-- Every cell as it was first known; every condition may be null.
SELECT DISTINCT ON (claimant, as_of, metric)
       claimant, metric, as_of, total, daily, status, supports, dissents, known_since
FROM figures
WHERE (%(known_at)s::timestamptz IS NULL OR known_since <= %(known_at)s)
    AND (%(from)s::date IS NULL OR as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR claimant = %(claimant)s)
ORDER BY claimant, as_of, metric, known_since;

-- name: revisions
-- Every time that the value of a cell changed: from what to what, since when, and what people have said of it.
SELECT f.claimant, f.metric, f.as_of, f.known_since, f.before, f.total AS after, f.status, f.supports, v.verdicts
FROM (
    SELECT *, lag(total) OVER (PARTITION BY claimant, metric, as_of ORDER BY known_since) AS before
    FROM figures WHERE %(known_at)s::timestamptz IS NULL OR known_since <= %(known_at)s
) f
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT i.verdict ORDER BY i.verdict), '{}') AS verdicts FROM incidents i
    WHERE i.claimant = f.claimant AND i.metric = f.metric AND i.as_of = f.as_of AND i.verdict IS NOT NULL
) v
WHERE f.before IS NOT NULL AND f.total IS NOT NULL AND f.before <> f.total
    AND (%(from)s::date IS NULL OR f.as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR f.as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR f.metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR f.claimant = %(claimant)s)
ORDER BY f.known_since, f.claimant, f.as_of, f.metric;

-- name: cell_history
-- All states of one cell, oldest first.
SELECT known_since, nullif(known_until, 'infinity') AS known_until, total, daily, status, supports, dissents
FROM figures
WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of = %(as_of)s
ORDER BY known_since;
