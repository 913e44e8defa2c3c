-- The units of a backfill, and runs that fill the past.

ALTER TABLE runs ADD COLUMN past boolean NOT NULL DEFAULT false;
ALTER TABLE runs ADD COLUMN quiet boolean NOT NULL DEFAULT false;

CREATE TABLE backfill_units (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    via         text NOT NULL,
    first       date NOT NULL,
    last        date NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    not_before  timestamptz NOT NULL DEFAULT '-infinity',
    finished_at timestamptz,
    problem     text,
    CHECK (first <= last),
    CHECK ((state = 'waiting') = (finished_at IS NULL)),
    UNIQUE (source, via, first, last)
);
COMMENT ON TABLE backfill_units IS 'Windows of the past that were asked for: who works on one holds its row locked';
