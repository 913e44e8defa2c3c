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
