-- name: doubted_cells
-- Numbers that a contradiction doubts: they shape no baseline. No metric: the whole report is meant.
SELECT DISTINCT metric, as_of FROM incidents
WHERE claimant = %(claimant)s AND as_of >= %(from)s AND kind LIKE 'contradiction.%%'
    AND severity <> 'info' AND state <> 'withdrawn';

-- name: official_lists
-- What each official report listed: the latest version of every document, with its categories, their claims and their words in parallel, and the labels that are none. OFFSET 0: a few lookups for each list, not all that was ever kept.
WITH lists AS MATERIALIZED (
    SELECT reading, claimant, as_of, array_agg(metric ORDER BY id) AS metrics, array_agg(id ORDER BY id) AS claims,
           array_agg(quote ORDER BY id) AS words
    FROM claims
    WHERE total IS NOT NULL AND as_of >= %(from)s
    GROUP BY reading, claimant, as_of
)
SELECT d.source, d.url, c.claimant, c.as_of, c.metrics, c.claims, c.words,
       (SELECT coalesce(jsonb_object_agg(substr(p.problem, length('unknown label ') + 1), p.quote), '{}') FROM problems p
        WHERE p.reading = c.reading AND p.problem LIKE 'unknown label %%') AS strangers
FROM lists c
CROSS JOIN LATERAL (
    SELECT d.id, d.source, d.url
    FROM readings r
    JOIN versions v ON v.id = r.version
    JOIN documents d ON d.id = v.document
    JOIN sources s ON s.name = d.source
    WHERE r.id = c.reading AND r.current AND s.role = 'official'
        AND v.id = (
            SELECT l.id FROM versions l
            CROSS JOIN LATERAL (
                SELECT greatest(l.known_at, max(g.known_at)) AS known_at FROM sightings g WHERE g.version = l.id) k
            WHERE l.document = v.document
            ORDER BY k.known_at DESC, l.id DESC
            LIMIT 1)
    OFFSET 0
) d
ORDER BY c.claimant, c.as_of, d.source, d.id;
