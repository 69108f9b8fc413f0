-- Datasets, their documents, and the chunks that are looked up.

CREATE TABLE dataset (
    id             INTEGER PRIMARY KEY,
    space_id       INTEGER NOT NULL,
    creator_id     INTEGER NOT NULL,
    declared       INTEGER NOT NULL DEFAULT 0,  -- 1 when it comes from the configuration
    name           TEXT NOT NULL,
    description    TEXT NOT NULL DEFAULT '',
    icon_id        INTEGER,                     -- an uploaded file
    format         INTEGER NOT NULL,            -- 0 texts, 1 tables, 2 pictures
    chunk_strategy TEXT,                        -- JSON, settled by the first upload
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX dataset_by_space ON dataset (space_id, id);

CREATE TABLE document (
    id              INTEGER PRIMARY KEY,
    dataset_id      INTEGER NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
    creator_id      INTEGER NOT NULL,
    name            TEXT NOT NULL,
    kind            TEXT NOT NULL,              -- the ending of its name
    format          INTEGER NOT NULL,
    source          INTEGER NOT NULL,           -- 0 sent along, 1 web page, 2 own content, 5 uploaded
    file_id         INTEGER,                    -- the number that its bytes lie under
    web_url         TEXT,
    path            TEXT,                       -- a file beside the configuration
    fingerprint     TEXT NOT NULL DEFAULT '',   -- of what was indexed, to see a change
    caption         TEXT,                       -- pictures: what it shows
    chunk_strategy  TEXT NOT NULL,              -- JSON
    status          INTEGER NOT NULL,           -- 0 at work, 1 done, 9 failed
    descript        TEXT NOT NULL DEFAULT '',   -- why it failed
    progress        INTEGER NOT NULL DEFAULT 0, -- per cent
    begun_at        INTEGER,                    -- when the work on it began
    size            INTEGER NOT NULL DEFAULT 0,
    char_count      INTEGER NOT NULL DEFAULT 0,
    slice_count     INTEGER NOT NULL DEFAULT 0,
    hit_count       INTEGER NOT NULL DEFAULT 0,
    update_type     INTEGER NOT NULL DEFAULT 0,
    update_interval INTEGER NOT NULL DEFAULT 0, -- hours
    read_at         INTEGER NOT NULL DEFAULT 0, -- when a web page was read last
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX document_by_dataset ON document (dataset_id, id);
CREATE INDEX document_at_work ON document (id) WHERE status = 0;
CREATE INDEX document_to_refresh ON document (read_at) WHERE update_type = 1;

CREATE TABLE chunk (
    id          INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    text        TEXT NOT NULL
) STRICT;
CREATE INDEX chunk_by_document ON chunk (document_id, id);

CREATE TABLE chunk_vector (
    chunk_id INTEGER PRIMARY KEY REFERENCES chunk (id) ON DELETE CASCADE,
    model    TEXT NOT NULL,                     -- vectors of different models do not compare
    vector   BLOB NOT NULL                      -- little-endian f32 of length 1
) STRICT;

-- The words of a chunk, cut by the server, since SQLite cannot cut Chinese. `dataset` is a word,
-- too, so that a search in one dataset does not read the others.
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    dataset, words,
    content = '', contentless_delete = 1, detail = 'column', tokenize = 'unicode61 remove_diacritics 0'
);
CREATE TRIGGER chunk_removed AFTER DELETE ON chunk BEGIN
    DELETE FROM chunk_words WHERE rowid = old.id;
END;
