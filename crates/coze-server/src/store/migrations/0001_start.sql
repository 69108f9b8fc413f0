-- Ids are the 19-digit numbers of the wire. Times are Unix seconds. Columns that hold JSON say so.

CREATE TABLE conversation (
    id           INTEGER PRIMARY KEY,
    name         TEXT,
    bot_id       TEXT,
    connector_id TEXT NOT NULL,
    user_id      TEXT,
    creator_id   TEXT NOT NULL,
    meta_data    TEXT,                    -- JSON object
    section_id   INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_by_bot ON conversation (bot_id, connector_id, id);

CREATE TABLE chat (
    id              INTEGER PRIMARY KEY,
    conversation_id INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    section_id      INTEGER NOT NULL,
    bot_id          TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    status          TEXT NOT NULL,
    save_history    INTEGER NOT NULL,
    meta_data       TEXT,                 -- JSON object
    created_at      INTEGER NOT NULL,
    completed_at    INTEGER,
    failed_at       INTEGER,
    error_code      INTEGER NOT NULL DEFAULT 0,
    error_msg       TEXT NOT NULL DEFAULT '',
    input_count     INTEGER NOT NULL DEFAULT 0,
    output_count    INTEGER NOT NULL DEFAULT 0,
    required_action TEXT,                 -- JSON, while the chat waits
    inserted        TEXT,                 -- JSON list of message ids
    request         TEXT NOT NULL,        -- JSON: what the run needs to go on after a pause
    turns           TEXT NOT NULL         -- JSON: tool calls made so far, with their outputs
) STRICT;
CREATE INDEX chat_by_conversation ON chat (conversation_id, id);
-- Finds out in one step whether a conversation is occupied, and at start what was interrupted.
CREATE INDEX chat_running ON chat (conversation_id) WHERE status IN ('created', 'in_progress');

CREATE TABLE message (
    id                INTEGER PRIMARY KEY,
    conversation_id   INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    section_id        INTEGER NOT NULL,
    bot_id            TEXT,
    chat_id           INTEGER,            -- the chat that it was given to, or that produced it
    produced          INTEGER NOT NULL,   -- 1 when the chat produced it
    role              TEXT NOT NULL,
    type              TEXT NOT NULL,
    content           TEXT NOT NULL,
    content_type      TEXT NOT NULL,
    meta_data         TEXT,               -- JSON object
    reasoning_content TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX message_by_conversation ON message (conversation_id, id);
CREATE INDEX message_by_chat ON message (chat_id, id) WHERE chat_id IS NOT NULL;

CREATE TABLE feedback (
    message_id    INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    feedback_type TEXT NOT NULL,
    reason_types  TEXT NOT NULL,          -- JSON list
    comment       TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE file (
    id         INTEGER PRIMARY KEY,
    owner_id   TEXT NOT NULL,
    name       TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    workflow_id   TEXT NOT NULL,
    canvas        TEXT NOT NULL,          -- the definition it runs, which the file may outlive
    input         TEXT NOT NULL,          -- JSON object
    bot_id        TEXT NOT NULL,
    connector_id  TEXT NOT NULL,
    connector_uid TEXT NOT NULL,
    mode          INTEGER NOT NULL,       -- 0 waited for, 1 streamed, 2 in the background
    status        TEXT NOT NULL,
    interrupt     TEXT,                   -- JSON, while the run waits for an answer
    resumes       INTEGER NOT NULL DEFAULT 0,
    output        TEXT NOT NULL DEFAULT '',
    error_code    TEXT NOT NULL DEFAULT '',
    error_message TEXT NOT NULL DEFAULT '',
    input_count   INTEGER NOT NULL DEFAULT 0,
    output_count  INTEGER NOT NULL DEFAULT 0,
    logid         TEXT NOT NULL,
    conversation_id INTEGER,              -- chatflows: where the next message is the answer
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX run_waiting ON run (conversation_id) WHERE interrupt IS NOT NULL;

-- A run is its journal: replaying it brings the run back to where it was.
CREATE TABLE journal (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    seq    INTEGER NOT NULL,
    event  TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_output (
    uuid       TEXT PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    node_id    TEXT NOT NULL,
    title      TEXT NOT NULL,
    output     TEXT NOT NULL,
    is_finish  INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX node_output_by_run ON node_output (run_id);
