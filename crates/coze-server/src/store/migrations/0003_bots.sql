-- Agents that are made through the API. What an agent is stands as JSON: the draft beside its id,
-- and each state that was published in a version of its own.

CREATE TABLE bot (
    id         INTEGER PRIMARY KEY,
    space_id   INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    owner_id   INTEGER NOT NULL REFERENCES user (id),
    folder_id  INTEGER,
    draft      TEXT NOT NULL,             -- JSON
    changed    INTEGER NOT NULL DEFAULT 1, -- 1 while the draft is not what was last published
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX bot_by_space ON bot (space_id, id);

CREATE TABLE bot_version (
    bot_id     INTEGER NOT NULL REFERENCES bot (id) ON DELETE CASCADE,
    version    INTEGER NOT NULL,          -- milliseconds, as its name on the wire
    definition TEXT NOT NULL,             -- JSON
    creator_id INTEGER NOT NULL REFERENCES user (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, version)
) STRICT, WITHOUT ROWID;

-- Which version went to which channel, and which one can be talked to there.
CREATE TABLE bot_channel (
    bot_id       INTEGER NOT NULL,
    connector_id TEXT NOT NULL,
    version      INTEGER NOT NULL,
    live         INTEGER NOT NULL,
    settings     TEXT NOT NULL,           -- JSON object: what the channel is told
    reason       TEXT NOT NULL DEFAULT '', -- why it was taken back, or refused
    published_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, connector_id, version),
    FOREIGN KEY (bot_id, version) REFERENCES bot_version (bot_id, version) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX bot_channel_live ON bot_channel (bot_id, connector_id) WHERE live;

-- Which agents, workflows and apps several people may edit, and who they are besides the owner.
CREATE TABLE collaboration (
    kind      TEXT NOT NULL CHECK (kind IN ('bot', 'workflow', 'app')),
    entity_id INTEGER NOT NULL,
    PRIMARY KEY (kind, entity_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE collaborator (
    kind      TEXT NOT NULL,
    entity_id INTEGER NOT NULL,
    user_id   INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, entity_id, user_id),
    FOREIGN KEY (kind, entity_id) REFERENCES collaboration (kind, entity_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
