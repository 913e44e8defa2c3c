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
-- Open incidents of coverage.
SELECT * FROM incidents
WHERE kind LIKE 'coverage.%%' AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
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
SET severity = %(severity)s, message = %(message)s,
    source = CASE WHEN verdict IS NULL THEN %(source)s ELSE source END, -- a verdict is about one number
    observed = CASE WHEN verdict IS NULL THEN %(observed)s ELSE observed END,
    expected = %(expected)s, suggestion = %(suggestion)s, claims = %(claims)s, known_at = %(known_at)s
WHERE id = %(id)s;

-- name: end_incident
-- An incident is over: closed when it was resolved, withdrawn when later arrivals no longer imply it.
UPDATE incidents SET state = %(state)s, closed_at = %(at)s
WHERE id = %(id)s AND state IN ('open', 'acknowledged', 'snoozed', 'explained')
RETURNING id;

-- name: reopen_incident
-- What had ended is implied again.
UPDATE incidents i SET state = CASE WHEN verdict IS NULL THEN 'open' ELSE 'explained' END, closed_at = NULL
WHERE id = %(id)s AND state IN ('closed', 'withdrawn') AND NOT settled
    AND NOT EXISTS (
        SELECT FROM incidents o
        WHERE (o.kind, o.claimant, o.metric, o.as_of) = (i.kind, i.claimant, i.metric, i.as_of) AND o.id <> i.id
            AND o.state IN ('open', 'acknowledged', 'snoozed', 'explained'))
RETURNING id;

-- name: keep_step
-- Who did what to an incident; told when no mail need say it.
INSERT INTO incident_history (incident, step, at, by, what, note, told)
SELECT %(incident)s, coalesce(max(step), 0) + 1, %(at)s, %(by)s, %(what)s, %(note)s, %(told)s
FROM incident_history WHERE incident = %(incident)s;

-- name: incidents
-- The work list; every condition may be null.
SELECT i.*, coalesce(
    (SELECT jsonb_agg(jsonb_build_object('at', h.at, 'by', h.by, 'what', h.what, 'note', h.note, 'how', h.how) ORDER BY h.step)
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
       v.id AS version, encode(v.sha256, 'hex') AS sha256
FROM claims c
JOIN readings r ON r.id = c.reading
JOIN versions v ON v.id = r.version
JOIN documents d ON d.id = v.document
WHERE c.id = ANY(%(claims)s)
ORDER BY v.known_at, c.id;

-- name: open_incident_count
-- How many incidents ask for a person.
SELECT count(*) AS open FROM incidents WHERE state = 'open' AND severity <> 'info';
