-- name: days_reported
-- Days of which a source has reported a total of one claimant.
SELECT DISTINCT c.as_of AS day
FROM documents d
JOIN versions v ON v.document = d.id
JOIN readings r ON r.version = v.id AND r.current
JOIN claims c ON c.reading = r.id
WHERE d.source = %(source)s AND c.claimant = %(claimant)s AND c.total IS NOT NULL
    AND c.as_of BETWEEN %(first)s AND %(last)s
ORDER BY c.as_of;

-- name: units_asked
-- What was asked of a source before, one way.
SELECT id, first, last, state, finished_at FROM backfill_units WHERE source = %(source)s AND via = %(via)s ORDER BY id;

-- name: plan_unit
-- Ask for a window; no row when it was asked for before.
INSERT INTO backfill_units (source, via, first, last) VALUES (%(source)s, %(via)s, %(first)s, %(last)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: reopen_unit
-- Ask for a window again, unless somebody has come back to it since we looked.
UPDATE backfill_units
SET state = 'waiting', attempts = 0, not_before = '-infinity', finished_at = NULL, problem = NULL
WHERE id = (
    SELECT id FROM backfill_units
    WHERE source = %(source)s AND via = %(via)s AND first = %(first)s AND last = %(last)s
        AND state <> 'waiting' AND finished_at = %(finished_at)s
    FOR UPDATE SKIP LOCKED
);

-- name: units_planned
-- The units of a plan, given as parallel arrays, as they are now.
SELECT u.id, u.source, u.first, u.last, u.state, u.attempts, u.problem
FROM unnest(%(sources)s::text[], %(firsts)s::date[], %(lasts)s::date[]) AS unit (source, first, last)
JOIN backfill_units u USING (source, first, last)
WHERE u.via = %(via)s
ORDER BY u.id;

-- name: claim_unit
-- The next unit that nobody works on; it is ours until the transaction ends, however it ends.
SELECT id, source, first, last, attempts FROM backfill_units
WHERE id = ANY(%(units)s::bigint[]) AND state = 'waiting' AND not_before <= %(now)s
ORDER BY id
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: unit_done
-- All that was asked for is kept.
UPDATE backfill_units SET state = 'done', finished_at = %(at)s, problem = NULL WHERE id = %(id)s;

-- name: unit_failed
-- It could not be fetched: try again later, or leave it to a person when there is no later.
UPDATE backfill_units
SET attempts = attempts + 1, problem = %(problem)s,
    state = CASE WHEN %(again_at)s::timestamptz IS NULL THEN 'failed' ELSE 'waiting' END,
    not_before = coalesce(%(again_at)s::timestamptz, not_before),
    finished_at = CASE WHEN %(again_at)s::timestamptz IS NULL THEN %(at)s::timestamptz END
WHERE id = %(id)s;

-- name: would_have_told
-- What a window of the past would have been mailed for, in order of knowledge.
SELECT as_of AS day, kind, claimant, metric, source, severity, message, state, verdict, known_at
FROM incidents
WHERE as_of BETWEEN %(first)s AND %(last)s AND severity <> 'info' AND state <> 'withdrawn'
    AND kind NOT LIKE 'coverage.%%' AND kind NOT LIKE 'operations.%%'
ORDER BY known_at, claimant, as_of, kind, metric, episode;
