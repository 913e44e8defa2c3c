-- name: threads_with_news
-- Reports with something untold: the first news at once, follow-ups when the last mail is old enough.
SELECT DISTINCT i.claimant, i.as_of
FROM incident_history h
JOIN incidents i ON i.id = h.incident
LEFT JOIN threads t ON t.claimant = i.claimant AND t.as_of = i.as_of
WHERE NOT h.told AND (t.told_at IS NULL OR t.told_at <= %(quiet_since)s)
ORDER BY i.as_of, i.claimant;

-- name: advance_thread
-- One more mail of this thread.
INSERT INTO threads AS t (claimant, as_of, mails, told_at) VALUES (%(claimant)s, %(as_of)s, 1, %(at)s)
ON CONFLICT (claimant, as_of) DO UPDATE SET mails = t.mails + 1, told_at = excluded.told_at
RETURNING mails;

-- name: take_news
-- What a mail of this thread has to say, marked as told.
UPDATE incident_history h SET told = true
FROM incidents i
WHERE i.id = h.incident AND NOT h.told AND i.claimant = %(claimant)s AND i.as_of = %(as_of)s
RETURNING h.incident, h.step, h.at, h.by, h.what, h.note;

-- name: thread_mails
-- What a recipient was sent of a thread.
SELECT message_id, subject FROM mails
WHERE thread_claimant = %(claimant)s AND thread_as_of = %(as_of)s AND recipient = %(recipient)s
ORDER BY transition;

-- name: queue_mail
-- A mail exists before it is sent; the same transition is never told twice.
INSERT INTO mails (thread_claimant, thread_as_of, transition, recipient, message_id, subject, content,
                   created_at, next_attempt_at)
VALUES (%(claimant)s, %(as_of)s, %(transition)s, %(recipient)s, %(message_id)s, %(subject)s, %(content)s,
        %(at)s, %(at)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: tie_mail
-- Which incidents a mail tells of.
INSERT INTO mail_incidents (mail, incident) SELECT %(mail)s, unnest(%(incidents)s::bigint[]);

-- name: mails
-- The outbox; every condition may be null.
SELECT m.id, coalesce(array_agg(i.incident ORDER BY i.incident) FILTER (WHERE i.incident IS NOT NULL), '{}') AS incident_ids,
       m.recipient, m.subject, m.message_id, m.state, m.attempts, m.created_at, m.sent_at, m.last_error
FROM mails m LEFT JOIN mail_incidents i ON i.mail = m.id
WHERE (%(id)s::bigint IS NULL OR m.id = %(id)s) AND (%(state)s::text IS NULL OR m.state = %(state)s)
GROUP BY m.id
ORDER BY m.id;

-- name: mail_content
-- A mail as it is sent.
SELECT content FROM mails WHERE id = %(id)s;

-- name: resend_mail
-- Send a mail again, by a person's wish.
UPDATE mails SET state = 'queued', sent_at = NULL, next_attempt_at = %(at)s, held_for = NULL, hold_until = NULL,
    released_at = coalesce(released_at, %(at)s)
WHERE id = %(id)s
RETURNING id;

-- name: backlog
-- How many mails wait, and since when.
SELECT count(*) AS waiting, min(created_at) AS oldest FROM mails WHERE state = 'queued';

-- name: claim_mail
-- The next mail that is due, kept from other mailers until the transaction ends; a thread reaches a reader in order.
SELECT m.id, m.recipient, m.message_id, m.content, m.attempts
FROM mails m
WHERE m.state = 'queued' AND m.next_attempt_at <= %(now)s
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
