-- Acts by signed link and by reply.
ALTER TABLE incident_history ADD COLUMN how text CHECK (how IN ('command', 'link', 'reply'));

CREATE TABLE answers (
    key bytea PRIMARY KEY CHECK (length(key) = 32), -- sha256 of the link, or of the reply's Message-ID
    at  timestamptz NOT NULL,
    how text NOT NULL CHECK (how IN ('link', 'reply')),
    by  text NOT NULL,
    act text                                    -- null: a reply that was not understood
);
COMMENT ON TABLE answers IS 'What readers answered by link or reply: each acts once';

CREATE TABLE unsubscribed (
    address text PRIMARY KEY,
    at      timestamptz NOT NULL,
    how     text NOT NULL CHECK (how IN ('command', 'link', 'reply'))
);
COMMENT ON TABLE unsubscribed IS 'Readers of the configuration who want no mails';

CREATE TABLE signing (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key text NOT NULL
);
COMMENT ON TABLE signing IS 'One row: what links are signed with where no secret is configured';
