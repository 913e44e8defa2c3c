-- name: empty_mails
-- Drop the words of old mails that were sent; their rows stay, so that nothing is told twice.
UPDATE mails SET content = ''
WHERE id IN (
    SELECT id FROM mails WHERE state = 'sent' AND sent_at < %(before)s AND content <> '' LIMIT %(batch)s
) AND state = 'sent';

-- name: drop_troubles
-- Drop what sources did to us long ago, but for what an incident rests on: of its source, in the day before it was touched.
WITH touched AS (
    SELECT source, known_at AS at FROM incidents WHERE claims = '{}'
    UNION
    SELECT i.source, h.at FROM incidents i JOIN incident_history h ON h.incident = i.id WHERE i.claims = '{}'
)
DELETE FROM troubles WHERE id IN (
    SELECT t.id FROM troubles t
    WHERE t.at < %(before)s
      AND NOT EXISTS (
          SELECT FROM touched i
          WHERE i.source = t.source AND t.at <= i.at AND t.at > i.at - interval '1 day'
      )
    LIMIT %(batch)s
);

-- name: drop_runs
-- Drop old crawls that nothing refers to, if their source could be read later; of a window that has ended or not, each for itself.
DELETE FROM runs WHERE id IN (
    SELECT r.id FROM runs r
    WHERE r.started_at < %(before)s
      AND NOT EXISTS (SELECT FROM versions v WHERE v.run = r.id)
      AND NOT EXISTS (SELECT FROM troubles t WHERE t.run = r.id)
      AND EXISTS (
          SELECT FROM runs later
          WHERE later.source = r.source AND later.id > r.id AND later.verdict <> 'broken' AND (r.past OR NOT later.past)
      )
    LIMIT %(batch)s
);

-- name: drop_barren_documents
-- Drop documents in which nothing was ever read and that were not seen for long, with their versions and readings.
WITH barren AS (
    SELECT d.id FROM documents d
    WHERE d.last_seen < %(before)s
      AND NOT EXISTS (SELECT FROM deletions x WHERE x.document = d.id)
      AND NOT EXISTS (
          SELECT FROM versions v
          WHERE v.document = d.id
            AND (NOT v.judged OR EXISTS (
                SELECT FROM readings r
                WHERE r.version = v.id
                  AND (EXISTS (SELECT FROM claims c WHERE c.reading = r.id)
                       OR EXISTS (SELECT FROM problems p WHERE p.reading = r.id))
            ))
      )
    LIMIT %(batch)s
), unread AS (
    DELETE FROM readings WHERE version IN (SELECT v.id FROM versions v JOIN barren b ON b.id = v.document)
), unseen AS (
    DELETE FROM sightings WHERE version IN (SELECT v.id FROM versions v JOIN barren b ON b.id = v.document)
), unkept AS (
    DELETE FROM versions WHERE document IN (SELECT id FROM barren)
)
DELETE FROM documents WHERE id IN (SELECT id FROM barren);

-- name: drop_exchanges
-- Drop old responses that neither a version nor a trouble refers to.
DELETE FROM exchanges WHERE sha256 IN (
    SELECT e.sha256 FROM exchanges e
    WHERE e.fetched_at < %(before)s
      AND NOT EXISTS (SELECT FROM versions v WHERE v.exchange = e.sha256)
      AND NOT EXISTS (SELECT FROM troubles t WHERE t.exchange = e.sha256)
      AND NOT EXISTS (SELECT FROM absences a WHERE a.exchange = e.sha256)
      AND NOT EXISTS (SELECT FROM deletions d WHERE d.exchange = e.sha256)
    LIMIT %(batch)s
);
