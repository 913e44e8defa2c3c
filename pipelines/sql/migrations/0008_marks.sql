-- Places to go on judging from.

CREATE TABLE marks (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code     bytea NOT NULL,                    -- sha256 of the judge that made it: no other one goes on from it
    fold     bytea NOT NULL,                    -- what the judge remembers, pickled, zlib
    versions bigint[] NOT NULL DEFAULT '{}'     -- judged since
);
COMMENT ON TABLE marks IS 'The judge on the last few mornings, to go on from: without them everything is judged again';
