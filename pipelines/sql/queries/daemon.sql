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

-- name: depose
-- End the sessions of whoever led last: stopped in the middle of a transaction, it would hold up the next leader.
SELECT pg_terminate_backend(a.pid) AS ended FROM pg_stat_activity a JOIN leaders l ON a.application_name = l.name
WHERE a.datname = current_database() AND a.usename = current_user AND a.application_name <> %(name)s;

-- name: lead
-- Begin a term.
INSERT INTO leaders (name, since, term) VALUES (%(name)s, %(at)s, 1)
ON CONFLICT (one) DO UPDATE SET name = excluded.name, since = excluded.since, term = leaders.term + 1
RETURNING term;

-- name: hold_term
-- Keep anybody from beginning another term until this transaction ends; no row when somebody has.
SELECT term FROM leaders WHERE term = %(term)s FOR SHARE;

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

-- name: server_clock
-- What time it is at the server.
SELECT clock_timestamp() AS at;

-- name: newest_migration
-- How far the schema has come.
SELECT count(*) AS applied, max(name) AS newest FROM migrations;
