-- name: silences
-- Silences, oldest first; those in force, or all.
SELECT * FROM silences WHERE %(all)s OR (ended_at IS NULL AND expires_at > %(now)s) ORDER BY id;

-- name: add_silence
-- Nobody wants to be mailed of something for a while.
INSERT INTO silences (kinds, metrics, sources, claimants, reason, author, begun_at, expires_at)
VALUES (%(kinds)s, %(metrics)s, %(sources)s, %(claimants)s, %(reason)s, %(author)s, %(at)s, %(expires_at)s)
RETURNING id;

-- name: end_silence
-- A person ends a silence; no row when it is over.
UPDATE silences SET ended_at = %(at)s, ended_by = %(by)s
WHERE id = %(id)s AND ended_at IS NULL AND expires_at > %(at)s
RETURNING id;

-- name: take_ended_silences
-- Silences that are over and of which no mail has said so, marked as told.
UPDATE silences SET told = true, ended_at = coalesce(ended_at, expires_at), ended_by = coalesce(ended_by, '')
WHERE NOT told AND (ended_at IS NOT NULL OR expires_at <= %(now)s)
RETURNING *;

-- name: silenced
-- What a silence kept from being told, the gravest first.
SELECT i.*, array_position(ARRAY['critical', 'warning', 'info'], i.severity) AS rank
FROM incidents i
WHERE EXISTS (SELECT FROM incident_history h WHERE h.incident = i.id AND h.silence = %(silence)s)
ORDER BY rank, i.id;

-- name: digests_written
-- Who has a digest of a day, and the last one before it.
SELECT recipient, max(thread_as_of) AS last FROM mails
WHERE thread_claimant = ':digest' AND thread_as_of <= %(day)s
GROUP BY recipient;

-- name: watched_since
-- When the first source was installed.
SELECT min(installed_at) AS since FROM sources;

-- name: came
-- What each source brought within a period, the latest day that it tells of, and when it could last be read.
SELECT s.name AS source,
       (SELECT count(*) FROM versions v JOIN documents d ON d.id = v.document
        WHERE d.source = s.name AND v.first_seen > %(since)s AND v.first_seen <= %(until)s) AS documents,
       (SELECT max(r.finished_at) FROM runs r
        WHERE r.source = s.name AND r.verdict <> 'broken' AND NOT r.past) AS success
FROM sources s ORDER BY s.name;

-- name: found_in
-- What was found within a period; not the past that was refilled in it.
SELECT * FROM incidents
WHERE opened_at > %(since)s AND opened_at <= %(until)s AND known_at > %(since)s::timestamptz - interval '1 day'
    AND state <> 'withdrawn'
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), as_of, id;

-- name: standing
-- What somebody was to be told of, and nobody has answered.
SELECT i.* FROM incidents i
WHERE i.state = 'open' AND i.severity <> 'info' AND EXISTS (
    SELECT FROM incident_history h WHERE h.incident = i.id AND (h.transition IS NOT NULL OR h.silence IS NOT NULL))
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], i.severity), i.as_of, i.id;

-- name: undelivered
-- Mails that a storm holds, and mails that were refused for good within a period; by reader.
SELECT recipient, count(*) FILTER (WHERE state = 'held' AND held_for = 'storm') AS held,
       count(*) FILTER (WHERE state = 'failed') AS failed
FROM mails
WHERE created_at > %(since)s AND created_at <= %(until)s AND state IN ('held', 'failed')
GROUP BY recipient;

-- name: found_thread
-- A place for mails that are no report's, once.
INSERT INTO threads (claimant, as_of, mails) VALUES (%(claimant)s, %(as_of)s, 1) ON CONFLICT DO NOTHING;
