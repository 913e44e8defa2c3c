-- The term of the leader, and what each job did last.

ALTER TABLE leaders ADD COLUMN term bigint NOT NULL DEFAULT 0;
COMMENT ON TABLE leaders IS 'At most one row: who leads; the advisory lock decides who, the term what still counts';
