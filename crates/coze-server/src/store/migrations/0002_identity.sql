-- Who there is, and what belongs to whom. What the configuration has belongs to the local space.

CREATE TABLE user (
    id          INTEGER PRIMARY KEY,
    user_name   TEXT NOT NULL UNIQUE,
    nick_name   TEXT NOT NULL,
    avatar_url  TEXT NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE space (
    id            INTEGER PRIMARY KEY,
    name          TEXT NOT NULL,
    description   TEXT NOT NULL DEFAULT '',
    icon_url      TEXT NOT NULL DEFAULT '',
    kind          TEXT NOT NULL CHECK (kind IN ('personal', 'team')),
    owner_id      INTEGER NOT NULL REFERENCES user (id),
    enterprise_id TEXT NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE space_member (
    space_id  INTEGER NOT NULL REFERENCES space (id) ON DELETE CASCADE,
    user_id   INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    role      TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (space_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX space_member_by_user ON space_member (user_id);

INSERT INTO user (id, user_name, nick_name, created_at)
VALUES (7500000000000000002, 'local', 'Local user', unixepoch());
INSERT INTO space (id, name, kind, owner_id, created_at)
VALUES (7500000000000000003, 'Local space', 'personal', 7500000000000000002, unixepoch());
INSERT INTO space_member (space_id, user_id, role, joined_at)
VALUES (7500000000000000003, 7500000000000000002, 'owner', unixepoch());

ALTER TABLE conversation ADD COLUMN space_id INTEGER NOT NULL DEFAULT 7500000000000000003;
ALTER TABLE file ADD COLUMN space_id INTEGER NOT NULL DEFAULT 7500000000000000003;
