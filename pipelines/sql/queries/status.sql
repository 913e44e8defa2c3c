-- name: doubted_cells
-- Numbers that a contradiction doubts: they shape no baseline. No metric: the whole report is meant.
SELECT DISTINCT metric, as_of FROM incidents
WHERE claimant = %(claimant)s AND as_of >= %(from)s AND kind LIKE 'contradiction.%%'
    AND severity <> 'info' AND state <> 'withdrawn';
