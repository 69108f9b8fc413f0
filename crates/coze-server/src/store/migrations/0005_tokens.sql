-- Tokens, by the SHA-256 of their text; enterprises and their organizations.

CREATE TABLE token (
    id           INTEGER PRIMARY KEY,
    hash         BLOB NOT NULL UNIQUE,
    -- What it is for: `personal`, `access` of an app, or `refresh` of an app.
    kind         TEXT NOT NULL CHECK (kind IN ('personal', 'access', 'refresh')),
    name         TEXT NOT NULL DEFAULT '',
    user_id      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    -- The app that has it; empty for personal ones.
    client_id    TEXT NOT NULL DEFAULT '',
    -- What it is limited to, as JSON.
    limits       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX token_by_user ON token (user_id, kind, id);
CREATE INDEX token_by_end ON token (expires_at);

CREATE TABLE enterprise (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    -- So many members it may have; NULL for any number.
    seats      INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE enterprise_member (
    enterprise_id TEXT NOT NULL REFERENCES enterprise (id) ON DELETE CASCADE,
    user_id       INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    role          TEXT NOT NULL CHECK (role IN ('enterprise_admin', 'enterprise_member')),
    joined_at     INTEGER NOT NULL,
    PRIMARY KEY (enterprise_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX enterprise_member_by_user ON enterprise_member (user_id);

CREATE TABLE organization (
    id            INTEGER PRIMARY KEY,
    enterprise_id TEXT NOT NULL REFERENCES enterprise (id) ON DELETE CASCADE,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL DEFAULT '',
    icon_url      TEXT NOT NULL DEFAULT '',
    is_default    INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX organization_by_enterprise ON organization (enterprise_id, id);

CREATE TABLE organization_member (
    organization_id INTEGER NOT NULL REFERENCES organization (id) ON DELETE CASCADE,
    user_id         INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    role            TEXT NOT NULL CHECK (role IN ('organization_super_admin', 'organization_admin',
                                                  'organization_member', 'organization_guest')),
    joined_at       INTEGER NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX organization_member_by_user ON organization_member (user_id);

-- 0 for a workspace that belongs to no organization.
ALTER TABLE space ADD COLUMN organization_id INTEGER NOT NULL DEFAULT 0;
-- Named by the configuration, which takes it back too.
ALTER TABLE space_member ADD COLUMN from_file INTEGER NOT NULL DEFAULT 0;
ALTER TABLE enterprise_member ADD COLUMN from_file INTEGER NOT NULL DEFAULT 0;
-- The business user of an app whose conversation it is; empty for none.
ALTER TABLE conversation ADD COLUMN session TEXT NOT NULL DEFAULT '';
