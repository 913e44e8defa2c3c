-- The ledger's ground. Read from top to bottom it is the way of a number:
-- source, run, exchange, document, version, claim, figure, incident, mail.

CREATE TABLE sources (
    name         text PRIMARY KEY,
    role         text NOT NULL CHECK (role IN ('official', 'relay', 'mirror', 'rival')),
    publisher    text NOT NULL,
    claimant     text,                          -- who speaks there, when it is always the same
    installed_at timestamptz NOT NULL           -- silence before this moment is nobody's fault
);
COMMENT ON TABLE sources IS 'Places that are or were polled; what they declare lives in their spider';

CREATE TABLE runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL REFERENCES sources (name),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,                    -- null: under way, or killed
    verdict     text CHECK (verdict IN ('new', 'unchanged', 'not_published_yet', 'late', 'broken')),
    cause       text,
    counts      jsonb NOT NULL DEFAULT '{}'     -- new, changed, unchanged, problem
);
COMMENT ON TABLE runs IS 'One crawl of one source, with how it ended';
-- latest run of each source: query last_runs
CREATE INDEX runs_by_source ON runs (source, id DESC);

CREATE TABLE troubles (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run    bigint REFERENCES runs (id),
    source text NOT NULL REFERENCES sources (name),
    url    text NOT NULL,
    cause  text NOT NULL,
    detail text NOT NULL,
    at     timestamptz NOT NULL,
    exchange bytea                              -- sha256 of the page that could not be used
);
COMMENT ON TABLE troubles IS 'What a source did to us, as facts';
-- query troubles_of_run
CREATE INDEX troubles_by_run ON troubles (run);

CREATE TABLE exchanges (
    sha256     bytea PRIMARY KEY CHECK (length(sha256) = 32),  -- of the body, decoded
    url        text NOT NULL,
    status     integer NOT NULL,
    headers    jsonb NOT NULL,                  -- [[name, value], ...] as received
    body       bytea NOT NULL,                  -- zlib
    fetched_at timestamptz NOT NULL             -- when these bytes were first seen
);
-- query touch_page
CREATE INDEX exchanges_by_url ON exchanges (url);
COMMENT ON TABLE exchanges IS 'HTTP responses, verbatim: the evidence behind versions and troubles';

CREATE TABLE documents (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source     text NOT NULL REFERENCES sources (name),
    key        text NOT NULL,                   -- the publisher's own id or URL
    url        text NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    UNIQUE (source, key)
);
COMMENT ON TABLE documents IS 'One thing that a source published';

CREATE TABLE versions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document     bigint NOT NULL REFERENCES documents (id),
    sha256       bytea NOT NULL CHECK (length(sha256) = 32),   -- of the canonical content
    content      bytea NOT NULL,                -- verbatim, zlib
    content_type text NOT NULL,
    exchange     bytea NOT NULL REFERENCES exchanges (sha256),
    run          bigint REFERENCES runs (id),
    published_at timestamptz,
    edited       boolean NOT NULL,
    known_at     timestamptz NOT NULL,          -- when the world could know it
    first_seen   timestamptz NOT NULL,
    last_seen    timestamptz NOT NULL,
    judged       boolean NOT NULL DEFAULT false,
    UNIQUE (document, sha256)
);
COMMENT ON TABLE versions IS 'One content of a document, kept for good';
-- query touch_page
CREATE INDEX versions_by_exchange ON versions (exchange);
-- query unjudged: almost always empty
CREATE INDEX versions_unjudged ON versions (id) WHERE NOT judged;

CREATE TABLE sightings (
    version  bigint NOT NULL REFERENCES versions (id),
    known_at timestamptz NOT NULL,
    PRIMARY KEY (version, known_at)
);
COMMENT ON TABLE sightings IS 'A document went back to an earlier content: that version, known again since then';

CREATE TABLE readings (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version   bigint NOT NULL REFERENCES versions (id),
    extractor text NOT NULL,
    reader    text NOT NULL,
    sha256    bytea NOT NULL,                   -- of everything that was read: a reread that reads the same adds nothing
    text      text NOT NULL,                    -- what spans index
    read_at   timestamptz NOT NULL,
    current   boolean NOT NULL DEFAULT true,    -- later readings replace earlier ones, which stay
    UNIQUE (version, sha256)
);
COMMENT ON TABLE readings IS 'What one reader made of one version';
-- at most one reading of a version counts: query observations
CREATE UNIQUE INDEX readings_current ON readings (version) WHERE current;

CREATE TABLE claims (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reading    bigint NOT NULL REFERENCES readings (id),
    claimant   text NOT NULL,
    metric     text NOT NULL,
    as_of      date,                            -- null: the text does not tell
    total      bigint CHECK (total >= 0),
    daily      bigint,
    hedge      text CHECK (hedge IN ('about', 'more_than', 'less_than')),
    total_span int4range,
    daily_span int4range,
    quote      text NOT NULL,
    note       text,
    CHECK (total IS NOT NULL OR daily IS NOT NULL),
    CHECK ((total IS NULL) = (total_span IS NULL)),
    UNIQUE NULLS NOT DISTINCT (reading, claimant, metric, as_of, total, daily)
);
COMMENT ON TABLE claims IS 'Numbers with the words they were read from. Append-only';
-- query cell_claims
CREATE INDEX claims_by_cell ON claims (claimant, metric, as_of);

CREATE TABLE problems (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reading bigint NOT NULL REFERENCES readings (id),
    problem text NOT NULL,
    span    int4range,
    quote   text NOT NULL
);
COMMENT ON TABLE problems IS 'What looked like a tally and could not be read';
-- query problems_of_reading
CREATE INDEX problems_by_reading ON problems (reading);

CREATE TABLE figures (
    claimant    text NOT NULL,
    metric      text NOT NULL,
    as_of       date NOT NULL,
    known_since timestamptz NOT NULL,
    known_until timestamptz NOT NULL DEFAULT 'infinity',
    total       bigint,
    daily       bigint,
    status      text NOT NULL CHECK (status IN ('reported', 'confirmed', 'disputed', 'corrected', 'withdrawn')),
    supports    text[] NOT NULL,
    dissents    jsonb NOT NULL,                 -- [{source, total, since}, ...]
    CHECK (known_since < known_until),
    PRIMARY KEY (claimant, metric, as_of, known_since)
);
COMMENT ON TABLE figures IS 'The ledger, bitemporal: for which day, and known since when';

CREATE TABLE incidents (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    claimant   text NOT NULL,
    metric     text NOT NULL,                   -- empty: the report or source as a whole
    as_of      date NOT NULL,
    episode    integer NOT NULL DEFAULT 1,      -- the how-manyth time, when an ended one came back
    state      text NOT NULL CHECK (state IN ('open', 'acknowledged', 'snoozed', 'explained', 'closed', 'withdrawn')),
    severity   text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    source     text NOT NULL,
    message    text NOT NULL,
    observed   bigint,
    expected   bigint,
    suggestion jsonb,
    claims     bigint[] NOT NULL DEFAULT '{}',  -- the claim that raised it first, then those it was held against
    verdict    text CHECK (verdict IN ('typo', 'correction', 'redefinition', 'ours')),
    snoozed_until timestamptz,
    settled    boolean NOT NULL DEFAULT false,  -- closed by a person: the judge leaves it so
    known_at   timestamptz NOT NULL,            -- when the finding could first be known
    opened_at  timestamptz NOT NULL,
    closed_at  timestamptz,
    UNIQUE (kind, claimant, metric, as_of, episode)
);
COMMENT ON TABLE incidents IS 'Findings that people are told of';
-- the promise that a finding is told once; also the way from a finding to its incident
CREATE UNIQUE INDEX incidents_open ON incidents (kind, claimant, metric, as_of)
    WHERE state IN ('open', 'acknowledged', 'snoozed', 'explained');
-- query thread_incidents
CREATE INDEX incidents_by_thread ON incidents (claimant, as_of);

CREATE TABLE incident_history (
    incident bigint NOT NULL REFERENCES incidents (id),
    step     integer NOT NULL,
    at       timestamptz NOT NULL,
    by       text NOT NULL,                     -- "judge", or who
    what     text NOT NULL,
    note     text,
    told     boolean NOT NULL,                  -- in a mail, or not worth one
    PRIMARY KEY (incident, step)
);
COMMENT ON TABLE incident_history IS 'Who did what to an incident, and when';
-- query threads_with_news: almost always empty
CREATE INDEX incident_history_untold ON incident_history (incident) WHERE NOT told;

CREATE TABLE threads (
    claimant text NOT NULL,
    as_of    date NOT NULL,
    mails    integer NOT NULL DEFAULT 0,        -- how many times something was told: the transition of the last mail
    told_at  timestamptz,                       -- follow-ups keep a distance from it
    PRIMARY KEY (claimant, as_of)
);
COMMENT ON TABLE threads IS 'One report with something to tell: one thread of mails';

CREATE TABLE mails (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    thread_claimant text NOT NULL,
    thread_as_of    date NOT NULL,
    transition      integer NOT NULL,
    recipient       text NOT NULL,
    message_id      text NOT NULL UNIQUE,       -- a hash of thread, transition and recipient: sent twice, it is one mail to a reader
    subject         text NOT NULL,
    content         bytea NOT NULL,             -- RFC 5322
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed', 'held')),
    attempts        integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    sent_at         timestamptz,
    last_error      text,
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    UNIQUE (thread_claimant, thread_as_of, transition, recipient),
    FOREIGN KEY (thread_claimant, thread_as_of) REFERENCES threads (claimant, as_of)
);
COMMENT ON TABLE mails IS 'The outbox: a mail exists before it is sent';
-- query claim_mail
CREATE INDEX mails_due ON mails (next_attempt_at, id) WHERE state = 'queued';

CREATE TABLE mail_incidents (
    mail     bigint NOT NULL REFERENCES mails (id),
    incident bigint NOT NULL REFERENCES incidents (id),
    PRIMARY KEY (mail, incident)
);
COMMENT ON TABLE mail_incidents IS 'Which incidents a mail tells of';

CREATE TABLE validators (
    source        text NOT NULL REFERENCES sources (name),
    url           text NOT NULL,
    etag          text,
    last_modified text,
    PRIMARY KEY (source, url)
);
COMMENT ON TABLE validators IS 'What a server gave us to ask again with: an unchanged page costs a 304';

CREATE TABLE ledger (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    generation bigint NOT NULL DEFAULT 0        -- moves with every judging: who kept a state in memory sees that it is old
);
COMMENT ON TABLE ledger IS 'One row: the lock of the judges';
INSERT INTO ledger DEFAULT VALUES;

CREATE TABLE plans (
    source   text PRIMARY KEY REFERENCES sources (name),
    next_run timestamptz NOT NULL
);
COMMENT ON TABLE plans IS 'When the leading daemon means to poll each source next';

CREATE TABLE leaders (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    name  text NOT NULL,                        -- host and process of the daemon that leads
    since timestamptz NOT NULL
);
COMMENT ON TABLE leaders IS 'At most one row: who leads, for people; the advisory lock decides';
