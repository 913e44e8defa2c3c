-- What `pipelines/migrations.py` asks. The table is made here and not by a migration, because it says which were made.

-- name: lock
-- Wait until nobody else migrates this database; ends with the session.
SELECT pg_advisory_lock(%(key)s);

-- name: make_table
-- Make the table of applied migrations.
CREATE TABLE IF NOT EXISTS migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    sha256     text NOT NULL
);

-- name: applied
-- The migrations of this database, first to last.
SELECT number, name, sha256 FROM migrations ORDER BY number;

-- name: record
-- Note a migration, in its own transaction.
INSERT INTO migrations (number, name, sha256) VALUES (%(number)s, %(name)s, %(sha256)s);

-- name: tables
-- The tables of this database, in the schema in which ours are made.
SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename;

-- name: anything_kept
-- A row if any document was ever kept here.
SELECT 1 AS kept FROM versions LIMIT 1;
