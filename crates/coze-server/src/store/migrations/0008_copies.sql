-- Workflows that were made through the API, as copies of others.
CREATE TABLE workflow (
    id          INTEGER PRIMARY KEY,
    space_id    INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    owner_id    INTEGER NOT NULL REFERENCES user (id),
    app_id      INTEGER,                  -- the app that it belongs to
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    canvas      TEXT NOT NULL,            -- JSON
    created_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX workflow_by_space ON workflow (space_id, id);

CREATE TABLE copy_task (
    id          INTEGER PRIMARY KEY,
    space_id    INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE, -- that gets the copy
    entity_type TEXT NOT NULL,
    source_id   TEXT NOT NULL,
    target_id   INTEGER,                  -- the copy, when it was made
    failures    TEXT NOT NULL,            -- JSON list
    created_at  INTEGER NOT NULL
) STRICT;
