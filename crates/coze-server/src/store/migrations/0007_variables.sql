-- What agents and apps remember of their users, channel by channel.
CREATE TABLE variable (
    kind         TEXT NOT NULL CHECK (kind IN ('bot', 'app')),
    entity_id    INTEGER NOT NULL,
    connector_id TEXT NOT NULL,
    user_id      TEXT NOT NULL,           -- as the caller names its user
    keyword      TEXT NOT NULL,
    value        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (kind, entity_id, connector_id, user_id, keyword)
) STRICT, WITHOUT ROWID;

-- Apps that were made through the API, as copies of others.
CREATE TABLE app (
    id         INTEGER PRIMARY KEY,
    space_id   INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    owner_id   INTEGER NOT NULL REFERENCES user (id),
    definition TEXT NOT NULL,             -- JSON
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX app_by_space ON app (space_id, id);
