-- name: keep_source
-- Note a source on its first crawl; what it declares may change, when it was installed may not.
INSERT INTO sources AS s (name, role, publisher, claimant, installed_at)
VALUES (%(name)s, %(role)s, %(publisher)s, %(claimant)s, %(at)s)
ON CONFLICT (name) DO UPDATE
    SET role = excluded.role, publisher = excluded.publisher, claimant = excluded.claimant
WHERE (s.role, s.publisher, s.claimant) IS DISTINCT FROM (excluded.role, excluded.publisher, excluded.claimant);

-- name: begin_run
-- Open the record of one crawl.
INSERT INTO runs (source, started_at) VALUES (%(source)s, %(at)s) RETURNING id;

-- name: end_run
-- Close the record of one crawl with its verdict.
UPDATE runs SET finished_at = %(at)s, verdict = %(verdict)s, cause = %(cause)s, counts = %(counts)s
WHERE id = %(run)s;

-- name: last_runs
-- The last finished crawl of every source, and when one last succeeded.
SELECT s.name AS source, s.installed_at, r.verdict, r.cause, r.finished_at, r.counts, ok.finished_at AS last_success
FROM sources s
LEFT JOIN LATERAL (
    SELECT * FROM runs WHERE source = s.name AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT finished_at FROM runs
    WHERE source = s.name AND verdict <> 'broken' AND finished_at IS NOT NULL ORDER BY id DESC LIMIT 1
) ok ON true
ORDER BY s.name;

-- name: outages
-- Sources whose last crawls all failed: since when, how many, and why at last.
SELECT r.source, (array_agg(coalesce(r.cause, 'unknown') ORDER BY r.id DESC))[1] AS cause,
       min(r.started_at) AS began, count(*) AS crawls
FROM runs r
WHERE r.finished_at IS NOT NULL AND r.verdict = 'broken' AND r.id > coalesce(
    (SELECT max(ok.id) FROM runs ok WHERE ok.source = r.source AND ok.verdict <> 'broken'), 0)
GROUP BY r.source ORDER BY r.source;

-- name: latest_days
-- The latest report day that each source has reported for each claimant.
SELECT d.source, c.claimant, max(c.as_of) AS as_of
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
WHERE c.total IS NOT NULL
GROUP BY d.source, c.claimant;

-- name: keep_trouble
-- Record what a source did to us.
INSERT INTO troubles (run, source, url, cause, detail, at, exchange)
VALUES (%(run)s, %(source)s, %(url)s, %(cause)s, %(detail)s, %(at)s, %(exchange)s);

-- name: troubles_of_run
-- What happened during one crawl.
SELECT cause, url, detail, at FROM troubles WHERE run = %(run)s ORDER BY id;

-- name: keep_exchange
-- Keep a response once.
INSERT INTO exchanges (sha256, url, status, headers, body, fetched_at)
VALUES (%(sha256)s, %(url)s, %(status)s, %(headers)s, %(body)s, %(fetched_at)s)
ON CONFLICT (sha256) DO NOTHING;

-- name: keep_document
-- Note that a document exists and was seen.
INSERT INTO documents AS d (source, key, url, first_seen, last_seen)
VALUES (%(source)s, %(key)s, %(url)s, %(seen)s, %(seen)s)
ON CONFLICT (source, key) DO UPDATE
    SET first_seen = least(d.first_seen, excluded.first_seen), last_seen = greatest(d.last_seen, excluded.last_seen)
RETURNING id, (xmax = 0) AS new;

-- name: touch_version
-- Move last_seen of a content that is kept already; no row when it is a new one.
UPDATE versions v
SET first_seen = least(v.first_seen, %(seen)s), last_seen = greatest(v.last_seen, %(seen)s)
FROM (SELECT id, first_seen FROM versions WHERE document = %(document)s AND sha256 = %(sha256)s FOR UPDATE) old
WHERE v.id = old.id
RETURNING v.id, %(seen)s < old.first_seen
    OR (SELECT count(*) > 1 FROM versions o WHERE o.document = v.document) AS redate;

-- name: touch_page
-- A page answered "not modified": what it showed when it was last seen, it still shows.
UPDATE versions v SET last_seen = %(seen)s
FROM (
    SELECT v2.id, max(v2.last_seen) OVER () AS latest, v2.last_seen
    FROM versions v2
    JOIN exchanges e ON e.sha256 = v2.exchange
    JOIN documents d ON d.id = v2.document
    WHERE d.source = %(source)s AND e.url = %(url)s
) shown
WHERE v.id = shown.id AND shown.last_seen = shown.latest AND shown.latest < %(seen)s;

-- name: keep_version
-- Keep a new content of a document; no row when another process was quicker.
INSERT INTO versions (document, sha256, content, content_type, exchange, run, published_at, edited,
                      known_at, first_seen, last_seen)
VALUES (%(document)s, %(sha256)s, %(content)s, %(content_type)s, %(exchange)s, %(run)s, %(published_at)s, %(edited)s,
        %(known_at)s, %(seen)s, %(seen)s)
ON CONFLICT (document, sha256) DO NOTHING
RETURNING id;

-- name: date_versions
-- Give the versions of one document their knowledge times: publication for the first content that shows no edit, else when it was first seen.
UPDATE versions v SET known_at = n.known_at, judged = false
FROM (
    SELECT id, CASE
        WHEN NOT edited AND row_number() OVER (PARTITION BY document ORDER BY first_seen, sha256) = 1
        THEN least(published_at, first_seen) ELSE first_seen END AS known_at
    FROM versions WHERE document = %(document)s
) n
WHERE v.id = n.id AND v.known_at <> n.known_at;

-- name: note_returns
-- A content that was seen again after a later one has come back: it is known again since then.
INSERT INTO sightings (version, known_at)
SELECT a.id, a.last_seen
FROM versions a
WHERE a.document = %(document)s
    AND EXISTS (
        SELECT FROM versions b
        WHERE b.document = a.document AND b.id <> a.id AND b.known_at > a.known_at
            AND b.known_at < a.last_seen AND b.last_seen < a.last_seen
            AND NOT EXISTS (SELECT FROM sightings s WHERE s.version = a.id AND s.known_at > b.known_at))
ON CONFLICT DO NOTHING
RETURNING version;

-- name: unjudge
-- Let a version be judged again.
UPDATE versions SET judged = false WHERE id = ANY(%(versions)s::bigint[]) AND judged;

-- name: retire_readings
-- A new reading takes the place of the current one, which stays.
UPDATE readings SET current = false WHERE version = %(version)s AND current;

-- name: keep_reading
-- Keep what a reader made of a version.
INSERT INTO readings (version, extractor, reader, sha256, text, read_at)
VALUES (%(version)s, %(extractor)s, %(reader)s, %(sha256)s, %(text)s, %(at)s)
ON CONFLICT (version, sha256) DO UPDATE SET current = true
RETURNING id, (xmax = 0) AS new;

-- name: keep_claim
-- Keep one number with its words.
INSERT INTO claims (reading, claimant, metric, as_of, total, daily, hedge, total_span, daily_span, quote, note)
VALUES (%(reading)s, %(claimant)s, %(metric)s, %(as_of)s, %(total)s, %(daily)s, %(hedge)s,
        %(total_span)s, %(daily_span)s, %(quote)s, %(note)s)
ON CONFLICT DO NOTHING;

-- name: keep_problem
-- Keep what could not be read.
INSERT INTO problems (reading, problem, span, quote) VALUES (%(reading)s, %(problem)s, %(span)s, %(quote)s);

-- name: validators
-- What to ask a source with, so that an unchanged page costs a 304.
SELECT url, etag, last_modified FROM validators WHERE source = %(source)s;

-- name: keep_validator
-- Keep what a server gave us to ask again with.
INSERT INTO validators (source, url, etag, last_modified)
VALUES (%(source)s, %(url)s, %(etag)s, %(last_modified)s)
ON CONFLICT (source, url) DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified
WHERE (validators.etag, validators.last_modified) IS DISTINCT FROM (excluded.etag, excluded.last_modified);

-- name: lock_ledger
-- One judge at a time; the generation tells whether another one has judged since.
SELECT generation FROM ledger FOR UPDATE;

-- name: advance_ledger
-- The ledger has been judged once more.
UPDATE ledger SET generation = generation + 1 RETURNING generation;

-- name: unjudged
-- Versions whose claims have not been judged.
SELECT id FROM versions WHERE NOT judged ORDER BY id;

-- name: mark_judged
-- These versions have been judged.
UPDATE versions SET judged = true WHERE id = ANY(%(versions)s);

-- name: observations
-- Claims with their day, in order of knowledge; of some versions, or of all when %(versions)s is null.
SELECT d.source, s.role, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge,
       k.known_at, d.key AS document, c.id AS ref
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
CROSS JOIN LATERAL (
    SELECT v.known_at UNION ALL SELECT g.known_at FROM sightings g WHERE g.version = v.id
) k
WHERE c.as_of IS NOT NULL
    AND (%(versions)s::bigint[] IS NULL OR v.id = ANY(%(versions)s))
ORDER BY k.known_at, d.source, d.key, c.id;

-- name: cell_observations
-- The same for some cells, given as parallel arrays.
SELECT d.source, s.role, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge,
       k.known_at, d.key AS document, c.id AS ref
FROM unnest(%(claimants)s::text[], %(metrics)s::text[], %(days)s::date[]) AS cell (claimant, metric, as_of)
JOIN claims c USING (claimant, metric, as_of)
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
CROSS JOIN LATERAL (
    SELECT v.known_at UNION ALL SELECT g.known_at FROM sightings g WHERE g.version = v.id
) k
ORDER BY k.known_at, d.source, d.key, c.id;

-- name: figures_of_cells
-- All history of some cells; a known_until of null is still known.
SELECT f.claimant, f.metric, f.as_of, f.known_since, nullif(f.known_until, 'infinity') AS known_until,
       f.total, f.daily, f.status, f.supports, f.dissents
FROM unnest(%(claimants)s::text[], %(metrics)s::text[], %(days)s::date[]) AS cell (claimant, metric, as_of)
JOIN figures f USING (claimant, metric, as_of)
ORDER BY claimant, metric, as_of, known_since;

-- name: drop_figure
-- A cell's history is written again when something older was learned.
DELETE FROM figures WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of = %(as_of)s;

-- name: keep_figure
-- What the ledger holds for a cell, from one moment to the next.
INSERT INTO figures (claimant, metric, as_of, known_since, known_until, total, daily, status, supports, dissents)
VALUES (%(claimant)s, %(metric)s, %(as_of)s, %(known_since)s, coalesce(%(known_until)s::timestamptz, 'infinity'), %(total)s, %(daily)s, %(status)s,
        %(supports)s, %(dissents)s);

-- name: figures
-- The ledger as known at one moment, or now; every condition may be null.
SELECT claimant, metric, as_of, total, daily, status, supports, dissents, known_since
FROM figures
WHERE CASE WHEN %(known_at)s::timestamptz IS NULL THEN known_until = 'infinity'
           ELSE known_since <= %(known_at)s AND known_until > %(known_at)s END
    AND (%(from)s::date IS NULL OR as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR claimant = %(claimant)s)
ORDER BY claimant, as_of, metric;

-- name: figure_on
-- What the ledger holds for one cell now.
SELECT total, daily, status FROM figures
WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of = %(as_of)s AND known_until = 'infinity';

-- name: sayings
-- The latest word of each source on a cell.
SELECT DISTINCT ON (d.source) d.source, s.role, c.total, c.daily, v.known_at
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
WHERE c.claimant = %(claimant)s AND c.metric = %(metric)s AND c.as_of = %(as_of)s
ORDER BY d.source, v.known_at DESC, c.id DESC;

-- name: flagged_days
-- Days of a series that an incident blames.
SELECT DISTINCT as_of FROM incidents
WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of BETWEEN %(from)s AND %(to)s
    AND severity <> 'info' AND state <> 'withdrawn'
ORDER BY as_of;

-- name: incidents_of_keys
-- All episodes of some findings, given as parallel arrays.
SELECT i.*
FROM unnest(%(kinds)s::text[], %(claimants)s::text[], %(metrics)s::text[], %(days)s::date[])
    AS key (kind, claimant, metric, as_of)
JOIN incidents i USING (kind, claimant, metric, as_of)
ORDER BY i.id;

-- name: judged_incidents
-- Everything that the judge may withdraw: what coverage and operations saw depends on when we looked.
SELECT * FROM incidents WHERE kind NOT LIKE 'coverage.%%' AND kind NOT LIKE 'operations.%%' ORDER BY id;

-- name: watched_incidents
-- Open incidents of coverage and operations.
SELECT * FROM incidents
WHERE (kind LIKE 'coverage.%%' OR kind LIKE 'operations.%%')
    AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
ORDER BY id;

-- name: verdicts
-- What people have said of incidents.
SELECT kind, claimant, metric, as_of, verdict, source, observed FROM incidents WHERE verdict IS NOT NULL;

-- name: open_incident
-- A finding that people are told of; no row when it is open already.
INSERT INTO incidents (kind, claimant, metric, as_of, episode, state, severity, source, message, observed, expected,
                       suggestion, claims, known_at, opened_at, closed_at)
VALUES (%(kind)s, %(claimant)s, %(metric)s, %(as_of)s, %(episode)s, %(state)s, %(severity)s, %(source)s, %(message)s,
        %(observed)s, %(expected)s, %(suggestion)s, %(claims)s, %(known_at)s, %(at)s, %(closed_at)s)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: update_incident
-- Later news of the same finding.
UPDATE incidents
SET severity = %(severity)s, source = %(source)s, message = %(message)s, observed = %(observed)s,
    expected = %(expected)s, suggestion = %(suggestion)s, claims = %(claims)s, known_at = %(known_at)s
WHERE id = %(id)s;

-- name: end_incident
-- An incident is over: closed when it was resolved, withdrawn when later arrivals no longer imply it.
UPDATE incidents SET state = %(state)s, closed_at = %(at)s
WHERE id = %(id)s AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
RETURNING id;

-- name: reopen_incident
-- What had ended is implied again.
UPDATE incidents SET state = CASE WHEN verdict IS NULL THEN 'open' ELSE 'explained' END, closed_at = NULL
WHERE id = %(id)s AND state IN ('closed', 'withdrawn') AND NOT settled;

-- name: act_on_incident
-- A person acknowledges, snoozes, explains or closes an incident; no row when it is over.
UPDATE incidents SET state = %(what)s, verdict = coalesce(%(verdict)s::text, verdict),
    snoozed_until = %(snoozed_until)s, settled = %(what)s = 'closed', closed_at = CASE WHEN %(what)s = 'closed' THEN %(at)s::timestamptz END
WHERE id = %(id)s AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
RETURNING id;

-- name: keep_step
-- Who did what to an incident; told when no mail need say it.
INSERT INTO incident_history (incident, step, at, by, what, note, told)
SELECT %(incident)s, coalesce(max(step), 0) + 1, %(at)s, %(by)s, %(what)s, %(note)s, %(told)s
FROM incident_history WHERE incident = %(incident)s;

-- name: incidents
-- The work list; every condition may be null.
SELECT i.*, coalesce(
    (SELECT jsonb_agg(jsonb_build_object('at', h.at, 'by', h.by, 'what', h.what, 'note', h.note) ORDER BY h.step)
     FROM incident_history h WHERE h.incident = i.id), '[]') AS history
FROM incidents i
WHERE (%(id)s::bigint IS NULL OR id = %(id)s)
    AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s))
    AND (%(claimant)s::text IS NULL OR claimant = %(claimant)s)
    AND (%(as_of)s::date IS NULL OR as_of = %(as_of)s)
ORDER BY known_at, id;

-- name: claims_with_words
-- Claims with everything that a person needs to check them.
SELECT c.id, c.claimant, c.metric, c.as_of, c.total, c.daily, c.hedge, c.note, c.quote,
       lower(c.total_span) AS total_start, upper(c.total_span) AS total_end,
       lower(c.daily_span) AS daily_start, upper(c.daily_span) AS daily_end,
       r.text, d.source, d.url, d.key AS document, v.published_at, v.edited, v.known_at, v.first_seen, v.last_seen,
       encode(v.sha256, 'hex') AS sha256
FROM claims c
JOIN readings r ON r.id = c.reading
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
WHERE c.id = ANY(%(claims)s)
ORDER BY v.known_at, c.id;

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
UPDATE mails SET state = 'queued', sent_at = NULL, next_attempt_at = %(at)s WHERE id = %(id)s RETURNING id;

-- name: backlog
-- How many mails wait, and since when.
SELECT count(*) AS waiting, min(created_at) AS oldest FROM mails WHERE state = 'queued';

-- name: open_incident_count
-- How many incidents ask for a person.
SELECT count(*) AS open FROM incidents WHERE state = 'open' AND severity <> 'info';

-- name: report_days
-- Days for which a claimant's official report is known, and when the first of it was.
SELECT c.as_of, min(v.known_at) AS known_at
FROM claims c
JOIN readings r ON r.id = c.reading AND r.current
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
WHERE s.role = 'official' AND c.claimant = %(claimant)s AND c.total IS NOT NULL AND c.as_of >= %(from)s
GROUP BY c.as_of ORDER BY c.as_of;

-- name: plan
-- When a source is to be polled next.
INSERT INTO plans (source, next_run) SELECT name, %(next_run)s FROM sources WHERE name = %(source)s
ON CONFLICT (source) DO UPDATE SET next_run = excluded.next_run;

-- name: plans
-- When each source is to be polled next.
SELECT source, next_run FROM plans ORDER BY source;

-- name: try_to_lead
-- Take the lock of the leader for as long as this connection lives.
SELECT pg_try_advisory_lock(hashtext('tallywatch leader')) AS leads;

-- name: lead
-- Say who leads.
INSERT INTO leaders (name, since) VALUES (%(name)s, %(at)s)
ON CONFLICT (one) DO UPDATE SET name = excluded.name, since = excluded.since;

-- name: leader
-- Who leads, if the lock is held by anybody.
SELECT (
    SELECT l.name FROM leaders l
    WHERE EXISTS (
        SELECT FROM pg_locks k
        WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
            AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (k.classid::bigint << 32 | k.objid::bigint) = hashtext('tallywatch leader')::bigint)
) AS leader;

-- name: server_version
-- Which PostgreSQL this is.
SELECT current_setting('server_version') AS version;

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

-- name: version_count
-- How many versions there are to read again.
SELECT count(*) AS versions FROM versions v JOIN documents d ON d.id = v.document
WHERE %(source)s::text IS NULL OR d.source = %(source)s;

-- name: versions_to_reread
-- Stored contents with what was last read from them, page by page.
SELECT v.id, v.content, v.content_type, v.published_at, d.source, d.key, d.url, s.claimant,
       r.sha256, r.reader,
       coalesce((SELECT jsonb_agg(jsonb_build_array(c.claimant, c.metric, c.as_of, c.total, c.daily) ORDER BY c.id)
                 FROM claims c WHERE c.reading = r.id), '[]') AS claims
FROM versions v
JOIN documents d ON d.id = v.document
JOIN sources s ON s.name = d.source
LEFT JOIN readings r ON r.version = v.id AND r.current
WHERE v.id > %(after)s AND (%(source)s::text IS NULL OR d.source = %(source)s)
ORDER BY v.id LIMIT %(limit)s;

-- name: first_figures
-- Every cell as it was first known; every condition may be null.
SELECT DISTINCT ON (claimant, as_of, metric)
       claimant, metric, as_of, total, daily, status, supports, dissents, known_since
FROM figures
WHERE (%(known_at)s::timestamptz IS NULL OR known_since <= %(known_at)s)
    AND (%(from)s::date IS NULL OR as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR claimant = %(claimant)s)
ORDER BY claimant, as_of, metric, known_since;

-- name: revisions
-- Every time that the value of a cell changed: from what to what, since when, and what people have said of it.
SELECT f.claimant, f.metric, f.as_of, f.known_since, f.before, f.total AS after, f.status, f.supports, v.verdicts
FROM (
    SELECT *, lag(total) OVER (PARTITION BY claimant, metric, as_of ORDER BY known_since) AS before
    FROM figures WHERE %(known_at)s::timestamptz IS NULL OR known_since <= %(known_at)s
) f
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT i.verdict ORDER BY i.verdict), '{}') AS verdicts FROM incidents i
    WHERE i.claimant = f.claimant AND i.metric = f.metric AND i.as_of = f.as_of AND i.verdict IS NOT NULL
) v
WHERE f.before IS NOT NULL AND f.total IS NOT NULL AND f.before <> f.total
    AND (%(from)s::date IS NULL OR f.as_of >= %(from)s)
    AND (%(to)s::date IS NULL OR f.as_of <= %(to)s)
    AND (%(metric)s::text IS NULL OR f.metric = %(metric)s)
    AND (%(claimant)s::text IS NULL OR f.claimant = %(claimant)s)
ORDER BY f.known_since, f.claimant, f.as_of, f.metric;

-- name: cell_history
-- All states of one cell, oldest first.
SELECT known_since, nullif(known_until, 'infinity') AS known_until, total, daily, status, supports, dissents
FROM figures
WHERE claimant = %(claimant)s AND metric = %(metric)s AND as_of = %(as_of)s
ORDER BY known_since;
