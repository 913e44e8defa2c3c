-- The ledger's ground. Read from top to bottom it is the way of a number:
-- source, run, exchange, document, version, claim, figure, incident, mail.
-- schema.sql is the whole; migrations/ lead here from any earlier state, which a test proves.

CREATE TABLE sources (
    name         text PRIMARY KEY,
    role         text NOT NULL CHECK (role IN ('official', 'relay', 'mirror', 'rival')),
    publisher    text NOT NULL,
    claimant     text,                          -- who speaks there, when it is always the same
    installed_at timestamptz NOT NULL,          -- silence before this moment is nobody's fault
    filled_at    timestamptz                    -- when the daemon had fetched its past; null: not yet
);
COMMENT ON TABLE sources IS 'Places that are or were polled; what they declare lives in their spider';

CREATE TABLE runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL REFERENCES sources (name),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,                    -- null: under way, or killed
    verdict     text CHECK (verdict IN ('new', 'unchanged', 'not_published_yet', 'late', 'broken')),
    cause       text,
    counts      jsonb NOT NULL DEFAULT '{}',    -- new, changed, unchanged, problem
    past        boolean NOT NULL DEFAULT false, -- it asked for a window that has ended: it says nothing of the source now
    quiet       boolean NOT NULL DEFAULT false  -- nobody is to be mailed of what it brought
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
-- query drop_exchanges
CREATE INDEX troubles_by_exchange ON troubles (exchange) WHERE exchange IS NOT NULL;

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
    quiet        boolean NOT NULL DEFAULT false, -- read again: nobody is mailed of what is judged in it
    UNIQUE (document, sha256)
);
COMMENT ON TABLE versions IS 'One content of a document, kept for good';
-- query touch_page
CREATE INDEX versions_by_exchange ON versions (exchange);
-- query drop_runs
CREATE INDEX versions_by_run ON versions (run);
-- query unjudged: almost always empty
CREATE INDEX versions_unjudged ON versions (id) WHERE NOT judged;

CREATE TABLE sightings (
    version  bigint NOT NULL REFERENCES versions (id),
    known_at timestamptz NOT NULL,
    PRIMARY KEY (version, known_at)
);
COMMENT ON TABLE sightings IS 'A document went back to an earlier content: that version, known again since then';

CREATE VIEW presences AS
SELECT document, first_seen AS at FROM versions
UNION ALL SELECT document, last_seen FROM versions
UNION ALL SELECT v.document, g.known_at FROM sightings g JOIN versions v ON v.id = g.version;
COMMENT ON VIEW presences IS 'When documents are known to have stood where they were published';

CREATE TABLE absences (
    source   text NOT NULL REFERENCES sources (name),
    key      text NOT NULL,                     -- of a document that we may never have had
    seen_at  timestamptz NOT NULL,
    looks    smallint NOT NULL CHECK (looks > 0), -- how many in a row make it certain
    exchange bytea REFERENCES exchanges (sha256), -- the page, when it says something of a document that we have
    PRIMARY KEY (source, key, seen_at)
);
COMMENT ON TABLE absences IS 'What a page did not show between two that it did: the first looks since it was last there';

CREATE TABLE deletions (
    document   bigint NOT NULL REFERENCES documents (id),
    known_at   timestamptz NOT NULL,            -- of the look that made it certain
    last_there timestamptz NOT NULL,
    exchange   bytea REFERENCES exchanges (sha256),
    PRIMARY KEY (document, known_at)
);
COMMENT ON TABLE deletions IS 'Documents that were taken back, known since then; one that came back later keeps its row';

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
-- queries silent_days, official_lists and recent_days
CREATE INDEX claims_by_day ON claims (as_of);

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
-- (of the machinery's failures, which have a subject each, several may run on one day)
CREATE UNIQUE INDEX incidents_open
    ON incidents (kind, claimant, metric, as_of, (CASE WHEN kind LIKE 'operations.%' THEN source ELSE '' END))
    WHERE state IN ('open', 'acknowledged', 'snoozed', 'explained');
-- query thread_incidents
CREATE INDEX incidents_by_thread ON incidents (claimant, as_of);

CREATE TABLE silences (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kinds      text[] NOT NULL,                 -- globs; empty: any
    metrics    text[] NOT NULL,
    sources    text[] NOT NULL,
    claimants  text[] NOT NULL,
    reason     text NOT NULL,
    author     text NOT NULL,
    begun_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,                     -- null: in force
    ended_by   text,
    told       boolean NOT NULL DEFAULT false,  -- a mail has said that it ended
    CHECK (begun_at < expires_at),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
COMMENT ON TABLE silences IS 'What nobody wants to be mailed of for a while: incidents are recorded all the same';

CREATE TABLE incident_history (
    incident bigint NOT NULL REFERENCES incidents (id),
    step     integer NOT NULL,
    at       timestamptz NOT NULL,
    by       text NOT NULL,                     -- "judge", or who
    what     text NOT NULL,
    note     text,
    told     boolean NOT NULL,                  -- in a mail, or not worth one
    transition integer,                         -- of the thread when it was told; null: no mail tells of it
    silence  bigint REFERENCES silences (id),   -- that kept it from being told
    how      text CHECK (how IN ('command', 'link', 'reply')), -- the way of a person's act
    PRIMARY KEY (incident, step)
);
COMMENT ON TABLE incident_history IS 'Who did what to an incident, and when';
-- query threads_with_news: almost always empty
CREATE INDEX incident_history_untold ON incident_history (incident) WHERE NOT told;
-- query silenced
CREATE INDEX incident_history_silenced ON incident_history (silence) WHERE silence IS NOT NULL;

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
    held_for        text CHECK (held_for IN ('quiet', 'storm', 'unsubscribed')),
    hold_until      timestamptz,                -- the end of the reader's quiet hours; null for a storm, which has none
    released_at     timestamptz,                -- when it went into the queue; the storm cap counts it
    summary         bigint REFERENCES mails (id), -- the mail that says that a storm holds this one
    CONSTRAINT mails_held_for_a_reason CHECK ((state = 'held') = (held_for IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    UNIQUE (thread_claimant, thread_as_of, transition, recipient),
    FOREIGN KEY (thread_claimant, thread_as_of) REFERENCES threads (claimant, as_of)
);
COMMENT ON TABLE mails IS 'The outbox: a mail exists before it is sent';
-- query claim_mail
CREATE INDEX mails_due ON mails (next_attempt_at, id) WHERE state = 'queued';
-- query mails_this_hour
CREATE INDEX mails_by_recipient ON mails (recipient, released_at);
-- queries quiet_ended and storm_held
CREATE INDEX mails_held ON mails (recipient, held_for) WHERE state = 'held';

CREATE TABLE mail_incidents (
    mail     bigint NOT NULL REFERENCES mails (id),
    incident bigint NOT NULL REFERENCES incidents (id),
    PRIMARY KEY (mail, incident)
);
COMMENT ON TABLE mail_incidents IS 'Which incidents a mail tells of';

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

CREATE TABLE marks (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code     bytea NOT NULL,                    -- sha256 of the judge that made it: no other one goes on from it
    fold     bytea NOT NULL,                    -- what the judge remembers, pickled, zlib
    versions bigint[] NOT NULL DEFAULT '{}'     -- judged since
);
COMMENT ON TABLE marks IS 'The judge on the last few mornings, to go on from: without them everything is judged again';

CREATE TABLE plans (
    source   text PRIMARY KEY REFERENCES sources (name),
    next_run timestamptz NOT NULL
);
COMMENT ON TABLE plans IS 'When the leading daemon means to poll each source next';

CREATE TABLE leaders (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    name  text NOT NULL,                        -- host and process of the daemon that leads
    since timestamptz NOT NULL,
    term  bigint NOT NULL DEFAULT 0             -- goes up with each leader; what the last one still writes is refused
);
COMMENT ON TABLE leaders IS 'At most one row: who leads; the advisory lock decides who, the term what still counts';

CREATE TABLE backfill_units (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    via         text NOT NULL,                  -- the way that it is fetched
    first       date NOT NULL,                  -- Kyiv days, both inclusive
    last        date NOT NULL,
    state       text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,     -- that failed
    not_before  timestamptz NOT NULL DEFAULT '-infinity', -- the next attempt
    finished_at timestamptz,
    problem     text,                           -- of the last attempt
    CHECK (first <= last),
    CHECK ((state = 'waiting') = (finished_at IS NULL)),
    UNIQUE (source, via, first, last)
);
COMMENT ON TABLE backfill_units IS 'Windows of the past that were asked for: who works on one holds its row locked';

-- Rows that only move their last_seen stay on their page.
ALTER TABLE documents SET (fillfactor = 90);
ALTER TABLE versions SET (fillfactor = 90);
ALTER TABLE validators SET (fillfactor = 50);
ALTER TABLE plans SET (fillfactor = 50);
