-- name: lock_operations
-- One reporter at a time: the numbers of episodes are counted by hand.
SELECT pg_advisory_xact_lock(hashtext('tallywatch operations'));

-- name: running_operation
-- What runs of a kind and subject, whatever the day on which it began.
SELECT id, severity, message FROM incidents
WHERE kind = %(kind)s AND source = %(subject)s AND claimant = 'tallywatch'
    AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
ORDER BY id;

-- name: running_operations
-- Whatever runs of a kind.
SELECT source FROM incidents
WHERE kind = %(kind)s AND claimant = 'tallywatch' AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
ORDER BY id;

-- name: open_operation
-- Something of ours fails; what is told of one day is one thread.
INSERT INTO incidents (kind, claimant, metric, as_of, episode, state, severity, source, message, known_at, opened_at)
SELECT %(kind)s, 'tallywatch', '', %(as_of)s, coalesce(max(episode), 0) + 1, 'open', %(severity)s, %(subject)s,
       %(message)s, %(at)s, %(at)s
FROM incidents WHERE kind = %(kind)s AND claimant = 'tallywatch' AND metric = '' AND as_of = %(as_of)s
RETURNING id;

-- name: update_operation
-- It still fails, in other words or worse.
UPDATE incidents SET message = %(message)s, severity = %(severity)s, known_at = %(at)s WHERE id = %(id)s;
