-- name: may_act
-- Who asks to act on an incident holds it until the transaction ends; its state says whether it can be done.
SELECT state, verdict FROM incidents WHERE id = %(id)s FOR UPDATE;

-- name: act_on_incident
-- A person acknowledges, snoozes, explains or closes an incident.
UPDATE incidents SET state = %(what)s, verdict = coalesce(%(verdict)s::text, verdict),
    snoozed_until = %(snoozed_until)s, settled = %(what)s = 'closed',
    closed_at = CASE WHEN %(what)s = 'closed' THEN %(at)s::timestamptz END
WHERE id = %(id)s;

-- name: keep_act
-- Who did what to an incident, and by which way; told when no mail need say it.
INSERT INTO incident_history (incident, step, at, by, how, what, note, told)
SELECT %(incident)s, coalesce(max(step), 0) + 1, %(at)s, %(by)s, %(how)s, %(what)s, %(note)s, %(told)s
FROM incident_history WHERE incident = %(incident)s;

-- name: wake_snoozed
-- Incidents whose time of rest is over ask for a person again.
UPDATE incidents SET state = 'open', snoozed_until = NULL
WHERE state = 'snoozed' AND snoozed_until <= %(at)s
RETURNING id, severity;

-- name: answered_mail
-- The first of some Message-IDs that is ours, with what it tells of: what a link or a reply speaks of.
SELECT m.id, m.recipient, m.message_id,
       array(SELECT i.incident FROM mail_incidents i WHERE i.mail = m.id ORDER BY i.incident) AS incidents
FROM unnest(%(message_ids)s::text[]) WITH ORDINALITY AS named (message_id, place)
JOIN mails m USING (message_id)
ORDER BY named.place
LIMIT 1;

-- name: incidents_of_answer
-- What an answer speaks of, as it stands now.
SELECT * FROM incidents WHERE id = ANY(%(ids)s::bigint[]) ORDER BY id;

-- name: keep_answer
-- A link or a reply is used; no row when it was before.
INSERT INTO answers (key, at, how, by, act) VALUES (%(key)s, %(at)s, %(how)s, %(by)s, %(act)s)
ON CONFLICT DO NOTHING
RETURNING at;

-- name: answer_of
-- When a link or a reply was used.
SELECT at, act FROM answers WHERE key = %(key)s;

-- name: unsubscribe
-- A reader wants no more mails; no row when that was known.
INSERT INTO unsubscribed (address, at, how) VALUES (lower(%(address)s), %(at)s, %(how)s)
ON CONFLICT DO NOTHING
RETURNING address;

-- name: hold_mails_of
-- Mails that have not left yet stay here.
UPDATE mails SET state = 'held', held_for = 'unsubscribed', last_error = 'the reader has unsubscribed'
WHERE lower(recipient) = lower(%(address)s) AND (state = 'queued' OR held_for = 'quiet');

-- name: subscribe_again
-- A reader is mailed again; no row when that was so.
DELETE FROM unsubscribed WHERE address = lower(%(address)s) RETURNING address;

-- name: unsubscribed
-- Who wants no mails, since when.
SELECT address, at, how FROM unsubscribed ORDER BY address;

-- name: signing_key
-- What links are signed with: the given key, if there is none yet.
INSERT INTO signing AS s (key) VALUES (%(key)s) ON CONFLICT (one) DO UPDATE SET key = s.key RETURNING key;
