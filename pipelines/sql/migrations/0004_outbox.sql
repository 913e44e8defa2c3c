-- Routing, digests, silences, other channels.

-- Failures of the machinery have a subject each, and several may run on one day.
DROP INDEX incidents_open;
CREATE UNIQUE INDEX incidents_open
    ON incidents (kind, claimant, metric, as_of, (CASE WHEN kind LIKE 'operations.%' THEN source ELSE '' END))
    WHERE state IN ('open', 'acknowledged', 'snoozed', 'explained');

CREATE TABLE silences (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kinds      text[] NOT NULL,
    metrics    text[] NOT NULL,
    sources    text[] NOT NULL,
    claimants  text[] NOT NULL,
    reason     text NOT NULL,
    author     text NOT NULL,
    begun_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_by   text,
    told       boolean NOT NULL DEFAULT false,
    CHECK (begun_at < expires_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE silences IS 'What nobody wants to be mailed of for a while: incidents are recorded all the same';

ALTER TABLE incident_history ADD COLUMN transition integer;
ALTER TABLE incident_history ADD COLUMN silence bigint REFERENCES silences (id);
CREATE INDEX incident_history_silenced ON incident_history (silence) WHERE silence IS NOT NULL;

ALTER TABLE mails ADD COLUMN held_for text CHECK (held_for IN ('quiet', 'storm', 'unsubscribed'));
ALTER TABLE mails ADD COLUMN hold_until timestamptz;
ALTER TABLE mails ADD COLUMN released_at timestamptz;
ALTER TABLE mails ADD COLUMN summary bigint REFERENCES mails (id);
UPDATE mails SET released_at = created_at;
ALTER TABLE mails ADD CONSTRAINT mails_held_for_a_reason CHECK ((state = 'held') = (held_for IS NOT NULL));
CREATE INDEX mails_by_recipient ON mails (recipient, released_at);
CREATE INDEX mails_held ON mails (recipient, held_for) WHERE state = 'held';
