-- Quotas of end users, what was used, and exports of that.

CREATE TABLE limitation (
    id            INTEGER PRIMARY KEY,
    enterprise_id TEXT NOT NULL,
    entity_type   TEXT NOT NULL,
    entity_id     TEXT NOT NULL DEFAULT '',
    benefit_type  TEXT NOT NULL,
    active_mode   TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    quota         INTEGER NOT NULL,
    status        TEXT NOT NULL,
    trigger_unit  TEXT NOT NULL,
    trigger_time  INTEGER NOT NULL
) STRICT;
CREATE INDEX limitation_by_entity
    ON limitation (enterprise_id, entity_type, entity_id, benefit_type, id);

CREATE TABLE bill (
    id               INTEGER PRIMARY KEY,
    space_id         INTEGER NOT NULL,
    enterprise_id    TEXT NOT NULL,       -- of the space; empty for none
    account_id       INTEGER NOT NULL,    -- the owner of the space
    consume_time     INTEGER NOT NULL,
    record_root_id   TEXT NOT NULL,
    connector_id     TEXT NOT NULL,
    connector_uid    TEXT NOT NULL,
    root_entity_type INTEGER NOT NULL,    -- 1 agent, 2 workflow, 6 voice
    root_entity_id   TEXT NOT NULL,
    resource_type    INTEGER NOT NULL,    -- 1 model, 3 voice
    resource_id      TEXT NOT NULL,
    input_tokens     INTEGER NOT NULL,
    output_tokens    INTEGER NOT NULL,
    tts_chars        INTEGER NOT NULL,
    tts_count        INTEGER NOT NULL,
    asr_milliseconds INTEGER NOT NULL
) STRICT;
CREATE INDEX bill_by_enterprise ON bill (enterprise_id, id);

CREATE TABLE bill_task (
    id            INTEGER PRIMARY KEY,
    enterprise_id TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('init', 'running', 'succeed', 'failed')),
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    key           TEXT NOT NULL UNIQUE,   -- what the addresses of its files carry
    files         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX bill_task_by_enterprise ON bill_task (enterprise_id, id);
