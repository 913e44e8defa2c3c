-- Posts that their publisher took back.

CREATE VIEW presences AS
SELECT document, first_seen AS at FROM versions
UNION ALL SELECT document, last_seen FROM versions
UNION ALL SELECT v.document, g.known_at FROM sightings g JOIN versions v ON v.id = g.version;
COMMENT ON VIEW presences IS 'When documents are known to have stood where they were published';

CREATE TABLE absences (
    source   text NOT NULL REFERENCES sources (name),
    key      text NOT NULL,
    seen_at  timestamptz NOT NULL,
    looks    smallint NOT NULL CHECK (looks > 0),
    exchange bytea REFERENCES exchanges (sha256),
    PRIMARY KEY (source, key, seen_at)
);
COMMENT ON TABLE absences IS 'What a page did not show between two that it did: the first looks since it was last there';

CREATE TABLE deletions (
    document   bigint NOT NULL REFERENCES documents (id),
    known_at   timestamptz NOT NULL,
    last_there timestamptz NOT NULL,
    exchange   bytea REFERENCES exchanges (sha256),
    PRIMARY KEY (document, known_at)
);
COMMENT ON TABLE deletions IS 'Documents that were taken back, known since then; one that came back later keeps its row';
