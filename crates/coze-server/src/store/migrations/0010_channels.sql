-- Channels: where they were added, what is bound to them, and how far a review is.

CREATE TABLE connector_install (
    space_id     INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    connector_id TEXT NOT NULL,
    user_id      INTEGER NOT NULL,        -- who added it
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (space_id, connector_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE connector_device (
    connector_id TEXT NOT NULL,
    user_id      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    value        TEXT NOT NULL,           -- the id of the device
    label        TEXT NOT NULL,
    PRIMARY KEY (connector_id, user_id, key, value)
) STRICT, WITHOUT ROWID;

-- 0 when nobody reviews, else the number of the wire: 1 under review, 2 approved, 3 refused. A row
-- that is neither live nor 1 nor 3 was taken back, or another version came in its place.
ALTER TABLE bot_channel ADD COLUMN audit INTEGER NOT NULL DEFAULT 0;

-- Callback apps, what they are subscribed to, and what is still to be sent to them.
CREATE TABLE api_app (
    id           INTEGER PRIMARY KEY,
    owner_id     INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    app_type     TEXT NOT NULL,
    name         TEXT NOT NULL,
    connector_id TEXT,
    verify_token TEXT NOT NULL,           -- what is sent is signed with it
    callback_url TEXT
) STRICT;
CREATE INDEX api_app_by_owner ON api_app (owner_id, id);
CREATE UNIQUE INDEX api_app_by_connector ON api_app (connector_id) WHERE connector_id IS NOT NULL;

CREATE TABLE api_app_event (
    api_app_id INTEGER NOT NULL REFERENCES api_app (id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    PRIMARY KEY (api_app_id, event_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE callback (
    id         INTEGER PRIMARY KEY,
    api_app_id INTEGER NOT NULL REFERENCES api_app (id) ON DELETE CASCADE,
    event_type TEXT NOT NULL,
    body       TEXT NOT NULL,             -- JSON, as it is signed and sent
    bot_id     INTEGER,                   -- the agent and the version whose review it asks for
    version    INTEGER
) STRICT;
CREATE INDEX callback_by_app ON callback (api_app_id);

-- The conversation that an app keeps under a name, for each user in each channel.
CREATE TABLE named_conversation (
    app_id          INTEGER NOT NULL,
    draft           INTEGER NOT NULL,
    connector_id    TEXT NOT NULL,
    user_id         INTEGER NOT NULL,
    session         TEXT NOT NULL,
    name            TEXT NOT NULL,
    conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    PRIMARY KEY (app_id, draft, connector_id, user_id, session, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_conversation_by_id ON named_conversation (conversation_id);
