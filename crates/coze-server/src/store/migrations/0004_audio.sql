-- Voices made from recordings, and voiceprints. The recordings of voiceprints lie as files, under
-- their ids; a key is what the address of a sound carries, so that it cannot be guessed.

CREATE TABLE voice (
    id           INTEGER PRIMARY KEY,
    space_id     INTEGER NOT NULL,
    owner_id     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    language     TEXT NOT NULL,
    preview_text TEXT NOT NULL,
    description  TEXT NOT NULL,
    pitch        REAL NOT NULL,           -- Hz
    bright       REAL NOT NULL,           -- 0 to 1
    trainings    INTEGER NOT NULL,        -- so far
    key          TEXT NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX voice_by_space ON voice (space_id, id);

CREATE TABLE voiceprint_group (
    id          INTEGER PRIMARY KEY,
    space_id    INTEGER NOT NULL,
    owner_id    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX voiceprint_group_by_space ON voiceprint_group (space_id, id);

CREATE TABLE voiceprint (
    id          INTEGER PRIMARY KEY,
    group_id    INTEGER NOT NULL REFERENCES voiceprint_group (id) ON DELETE CASCADE,
    owner_id    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    print       TEXT NOT NULL,            -- JSON list of numbers
    file_id     INTEGER NOT NULL UNIQUE,  -- the recording, in the folder of files
    key         TEXT NOT NULL UNIQUE,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX voiceprint_by_group ON voiceprint (group_id, id);
