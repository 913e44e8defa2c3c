-- What may be dropped, and when.

-- query drop_runs
CREATE INDEX versions_by_run ON versions (run);
-- query drop_exchanges
CREATE INDEX troubles_by_exchange ON troubles (exchange) WHERE exchange IS NOT NULL;

-- Rows that only move their last_seen stay on their page.
ALTER TABLE documents SET (fillfactor = 90);
ALTER TABLE versions SET (fillfactor = 90);
ALTER TABLE validators SET (fillfactor = 50);
ALTER TABLE plans SET (fillfactor = 50);
