-- Logins that are under way, by the SHA-256 of what they are known by; JWTs that were used.

CREATE TABLE oauth_login (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL UNIQUE,
    user_code  BLOB UNIQUE,
    stage      TEXT NOT NULL CHECK (stage IN ('asked', 'code', 'device', 'allowed', 'denied')),
    client_id  TEXT NOT NULL,
    user_id    INTEGER NOT NULL,
    asked      TEXT NOT NULL, -- JSON
    expires_at INTEGER NOT NULL,
    polled_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE oauth_jwt (
    client_id  TEXT NOT NULL,
    jti        BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (client_id, jti)
) STRICT, WITHOUT ROWID;

-- What users have called, where a plan limits that.
CREATE TABLE usage (
    user_id   INTEGER PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
    total     INTEGER NOT NULL,
    day       INTEGER NOT NULL, -- counted from 1970
    day_calls INTEGER NOT NULL
) STRICT;
