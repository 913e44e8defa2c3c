-- name: lock_tellers
-- One teller at a time, until its transaction ends: so that nothing is told twice, and the storm cap holds.
SELECT pg_advisory_xact_lock(hashtext('tallywatch tellers'));

-- name: threads_with_news
-- Reports with something untold, the worst first: first news at once, follow-ups when the last mail is old enough.
SELECT i.claimant, i.as_of
FROM incident_history h
JOIN incidents i ON i.id = h.incident
LEFT JOIN threads t ON t.claimant = i.claimant AND t.as_of = i.as_of
WHERE NOT h.told AND (t.told_at IS NULL OR t.told_at <= %(quiet_since)s OR t.told_at > %(now)s) -- the clock was set back
GROUP BY i.claimant, i.as_of
ORDER BY bool_or(i.severity = 'critical') DESC, i.as_of, i.claimant;

-- name: take_news
-- What mails of these threads have to say, marked as told; each step with its incident.
UPDATE incident_history h SET told = true
FROM incidents i
JOIN unnest(%(claimants)s::text[], %(days)s::date[]) AS thread (claimant, as_of) USING (claimant, as_of)
WHERE i.id = h.incident AND NOT h.told
RETURNING i.*, h.step;

-- name: advance_threads
-- One more mail of these threads.
INSERT INTO threads AS t (claimant, as_of, mails, told_at)
SELECT *, 1, %(at)s::timestamptz FROM unnest(%(claimants)s::text[], %(days)s::date[])
ON CONFLICT (claimant, as_of) DO UPDATE SET mails = t.mails + 1, told_at = excluded.told_at
RETURNING claimant, as_of, mails;

-- name: tell_steps
-- Which mail of the thread tells of a step.
UPDATE incident_history h SET transition = told.transition
FROM unnest(%(incidents)s::bigint[], %(steps)s::integer[], %(transitions)s::integer[]) AS told (incident, step, transition)
WHERE h.incident = told.incident AND h.step = told.step;

-- name: silence_steps
-- Which silence keeps a step from being told.
UPDATE incident_history h SET silence = kept.silence
FROM unnest(%(incidents)s::bigint[], %(steps)s::integer[], %(silences)s::bigint[]) AS kept (incident, step, silence)
WHERE h.incident = kept.incident AND h.step = kept.step;

-- name: thread_steps
-- Everything that mails of a thread have told of since one of them.
SELECT h.incident, h.step, h.at, h.by, h.what, h.note, h.transition
FROM incident_history h JOIN incidents i ON i.id = h.incident
WHERE i.claimant = %(claimant)s AND i.as_of = %(as_of)s AND h.transition > %(since)s
ORDER BY h.incident, h.step;

-- name: mails_of_threads
-- Every mail of some threads, in order.
SELECT m.id, m.thread_claimant AS claimant, m.thread_as_of AS as_of, m.transition, m.recipient, m.message_id, m.subject,
       m.state
FROM mails m
JOIN unnest(%(claimants)s::text[], %(days)s::date[]) AS thread (claimant, as_of)
    ON m.thread_claimant = thread.claimant AND m.thread_as_of = thread.as_of
ORDER BY m.transition;

-- name: mails_this_hour
-- How many mails of reports went into the queue for each reader; notices do not count.
SELECT recipient, count(*) AS mails FROM mails
WHERE released_at > %(since)s AND NOT starts_with(thread_claimant, ':')
GROUP BY recipient;

-- name: queue_mail
-- A mail exists before it is sent; the same transition is never told twice.
WITH mail AS (
    INSERT INTO mails (thread_claimant, thread_as_of, transition, recipient, message_id, subject, content, created_at,
                       next_attempt_at, state, held_for, hold_until, released_at)
    VALUES (%(claimant)s, %(as_of)s, %(transition)s, %(recipient)s, %(message_id)s, %(subject)s, %(content)s, %(at)s,
            %(at)s, %(state)s, %(held_for)s, %(hold_until)s, %(released_at)s)
    ON CONFLICT DO NOTHING
    RETURNING id
), tied AS (
    INSERT INTO mail_incidents (mail, incident) SELECT id, unnest(%(incidents)s::bigint[]) FROM mail
)
SELECT id FROM mail;

-- name: rewrite_mail
-- A mail that is held tells of what came since, too.
WITH mail AS (
    UPDATE mails SET transition = %(transition)s, message_id = %(message_id)s, subject = %(subject)s,
        content = %(content)s, next_attempt_at = %(at)s, state = %(state)s, held_for = %(held_for)s,
        hold_until = %(hold_until)s, released_at = %(released_at)s
    WHERE id = %(id)s AND state = 'held'
    RETURNING id
), tied AS (
    INSERT INTO mail_incidents (mail, incident) SELECT id, unnest(%(incidents)s::bigint[]) FROM mail
    ON CONFLICT DO NOTHING
)
SELECT id FROM mail;

-- name: quiet_ended
-- Mails that were held for quiet hours which are over.
SELECT id, thread_claimant AS claimant, thread_as_of AS as_of, transition, recipient FROM mails
WHERE state = 'held' AND held_for = 'quiet' AND hold_until <= %(now)s
ORDER BY id;

-- name: release_mail
-- A held mail goes out as it is.
UPDATE mails SET state = 'queued', held_for = NULL, hold_until = NULL, released_at = %(at)s, next_attempt_at = %(at)s
WHERE id = %(id)s AND state = 'held';

-- name: keep_held
-- A held mail stays here: its reader is not to be mailed any more.
UPDATE mails SET held_for = 'unsubscribed', hold_until = NULL, last_error = 'the reader is in the configuration no more'
WHERE id = %(id)s AND state = 'held';

-- name: incidents_of_mail
-- What a mail tells of.
SELECT i.* FROM mail_incidents t JOIN incidents i ON i.id = t.incident WHERE t.mail = %(mail)s;

-- name: storm_held
-- Mails that a storm holds and no mail has told of; nothing within the hour after one that did.
SELECT m.recipient, array_agg(m.id) AS mails FROM mails m
WHERE m.state = 'held' AND m.held_for = 'storm' AND m.summary IS NULL AND NOT EXISTS (
    SELECT FROM mails n
    WHERE n.thread_claimant = ':storm' AND n.recipient = m.recipient AND n.created_at > %(since)s)
GROUP BY m.recipient;

-- name: storm_worst
-- The gravest incidents of some mails.
SELECT DISTINCT i.*, array_position(ARRAY['critical', 'warning', 'info'], i.severity) AS rank
FROM mail_incidents t JOIN incidents i ON i.id = t.incident
WHERE t.mail = ANY(%(mails)s)
ORDER BY rank, i.id
LIMIT %(limit)s;

-- name: summarise
-- Which mail says that these are held.
UPDATE mails SET summary = %(summary)s WHERE id = ANY(%(mails)s);

-- name: reminders_due
-- Incidents of which a mail told, that nobody has answered for long; so often and no more since they were opened.
SELECT i.id
FROM incidents i
JOIN incident_history h ON h.incident = i.id
LEFT JOIN silences s ON s.id = h.silence
WHERE i.state = 'open' AND i.severity <> 'info'
GROUP BY i.id
HAVING bool_or(h.transition IS NOT NULL OR s.ended_at IS NOT NULL) AND max(h.at) <= %(before)s
    AND count(*) FILTER (
        WHERE h.what = 'reminder' AND h.silence IS NULL AND h.step > (
            SELECT max(o.step) FROM incident_history o WHERE o.incident = i.id AND o.what IN ('opened', 'woken'))
    ) < %(most)s
ORDER BY i.id;

-- name: remind
-- Nobody has answered: that is news again.
INSERT INTO incident_history (incident, step, at, by, what, told)
SELECT incident, max(step) + 1, %(at)s, 'tallywatch', 'reminder', false
FROM incident_history WHERE incident = ANY(%(incidents)s) GROUP BY incident;

-- name: mails
-- The outbox; every condition may be null.
SELECT m.id, coalesce(array_agg(i.incident ORDER BY i.incident) FILTER (WHERE i.incident IS NOT NULL), '{}') AS incident_ids,
       m.recipient, m.subject, m.message_id, m.state, m.attempts, m.created_at, m.sent_at, m.last_error,
       m.held_for, m.hold_until
FROM mails m LEFT JOIN mail_incidents i ON i.mail = m.id
WHERE (%(id)s::bigint IS NULL OR m.id = %(id)s) AND (%(state)s::text IS NULL OR m.state = %(state)s)
GROUP BY m.id
ORDER BY m.id;

-- name: mail_content
-- A mail as it is sent.
SELECT content FROM mails WHERE id = %(id)s;

-- name: resend_mail
-- Send a mail again, by a person's wish; one whose words are dropped is none any more.
UPDATE mails SET state = 'queued', sent_at = NULL, next_attempt_at = %(at)s, held_for = NULL, hold_until = NULL,
    released_at = coalesce(released_at, %(at)s)
WHERE id = %(id)s AND content <> ''
RETURNING id;

-- name: backlog
-- How many mails wait, and since when.
SELECT count(*) AS waiting, min(created_at) AS oldest FROM mails WHERE state = 'queued';

-- name: claim_mail
-- The next mail that is due, kept from other mailers until the transaction ends; a thread reaches a reader in order.
-- While the server takes nothing, only channels are served.
SELECT m.id, m.recipient, m.message_id, m.content, m.attempts
FROM mails m
WHERE m.state = 'queued' AND (m.next_attempt_at <= %(now)s OR m.next_attempt_at > %(now)s + interval '1 day') -- the clock was set back: no wait is so long
  AND (%(mail_goes)s OR starts_with(m.recipient, 'channel:'))
  AND NOT EXISTS (
      SELECT FROM mails e
      WHERE e.thread_claimant = m.thread_claimant AND e.thread_as_of = m.thread_as_of
        AND e.recipient = m.recipient AND e.transition < m.transition AND e.state = 'queued'
  )
ORDER BY m.next_attempt_at, m.id
LIMIT 1
FOR UPDATE OF m SKIP LOCKED;

-- name: mail_sent
-- The server has taken it over.
UPDATE mails SET state = 'sent', sent_at = %(at)s, attempts = attempts + 1, last_error = NULL WHERE id = %(id)s;

-- name: mail_deferred
-- It could not be handed over; try again later.
UPDATE mails SET next_attempt_at = %(again_at)s, attempts = attempts + 1, last_error = %(error)s WHERE id = %(id)s;

-- name: mail_refused
-- The server will never take it: a person has to look.
UPDATE mails SET state = 'failed', attempts = attempts + 1, last_error = %(error)s WHERE id = %(id)s;

-- name: thread_incidents
-- Every incident of one report.
SELECT * FROM incidents WHERE claimant = %(claimant)s AND as_of = %(as_of)s ORDER BY id;
