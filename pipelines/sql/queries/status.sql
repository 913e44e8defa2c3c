-- name: doubted_cells
-- Numbers that a contradiction doubts: they shape no baseline. No metric: the whole report is meant.
SELECT DISTINCT metric, as_of FROM incidents
WHERE claimant = %(claimant)s AND as_of >= %(from)s AND kind LIKE 'contradiction.%%'
    AND severity <> 'info' AND state <> 'withdrawn';

-- name: official_lists
-- What each official report listed: the latest version of every document, with the words of its categories and
-- of the labels that are none.
SELECT d.source, d.url, c.claimant, c.as_of,
       jsonb_object_agg(c.metric, jsonb_build_object('claim', c.id, 'words', c.quote)) AS metrics,
       (SELECT coalesce(jsonb_object_agg(substr(p.problem, length('unknown label ') + 1), p.quote), '{}') FROM problems p
        WHERE p.reading = r.id AND p.problem LIKE 'unknown label %%') AS strangers
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
WHERE s.role = 'official' AND c.total IS NOT NULL AND c.as_of >= %(from)s
    AND NOT EXISTS (SELECT FROM versions l WHERE l.document = v.document AND (l.known_at, l.id) > (v.known_at, v.id))
GROUP BY d.id, r.id, c.claimant, c.as_of
ORDER BY c.claimant, c.as_of, d.source, d.id;
